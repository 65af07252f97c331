package objectkey_test

import (
	"fmt"

	"github.com/signgate/signgate/pkg/objectkey"
)

func Example() {
	key, err := objectkey.Parse("users/alice/holiday *1*.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(key.Path())

	_, err = objectkey.Parse("users/alice/../bob/a.png")
	fmt.Println(err)
	// Output:
	// /users/alice/holiday%20%2A1%2A.png
	// object key has a dot segment
}
