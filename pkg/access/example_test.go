package access_test

import (
	"fmt"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/objectkey"
)

func Example() {
	authorizer, err := access.Load(access.Builtin())
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := objectkey.Parse("users/alice/a.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, subject := range []string{"alice", "bob"} {
		decision := authorizer.Authorize(access.Principal{Subject: subject}, access.Read, key)
		fmt.Println(subject, decision.Allowed, decision.Policies)
	}
	// Output:
	// alice true [home]
	// bob false []
}
