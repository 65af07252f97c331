package demoissuer_test

import (
	"context"
	"fmt"
	"time"

	"github.com/signgate/signgate/api/cmd/devstack/demoissuer"
)

func Example() {
	issuer, err := demoissuer.New(context.Background(), demoissuer.Config{
		URL: "http://127.0.0.1:8603", Audience: "signgate", People: []string{"alice"}, Now: time.Now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = issuer.Token("mallory")
	fmt.Println(err)
	// Output:
	// no such demo person; there are alice
}
