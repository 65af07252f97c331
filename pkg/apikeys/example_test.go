package apikeys_test

import (
	"fmt"
	"regexp"

	"github.com/signgate/signgate/pkg/apikeys"
)

func Example() {
	secret := apikeys.NewSecret()
	fmt.Println(regexp.MustCompile(`^sgk_[A-Z2-7]{16}_[A-Z2-7]{59}$`).MatchString(secret.Reveal()))
	_, err := apikeys.ParseSecret(secret.Reveal() + "x")
	fmt.Println(err)
	// Output:
	// true
	// API key refused: it is none
}
