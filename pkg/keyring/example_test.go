package keyring_test

import (
	"fmt"

	"github.com/signgate/signgate/pkg/keyring"
)

func Example() {
	signer, err := keyring.Generate(keyring.P256)
	if err != nil {
		fmt.Println(err)
		return
	}
	ring, err := keyring.New("K2JCJMDEHXQW5F", keyring.Key{ID: "K2JCJMDEHXQW5F", Signer: signer})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("signs with", ring.Active().ID)

	_, err = keyring.New("K3NOTTHERE", keyring.Key{ID: "K2JCJMDEHXQW5F", Signer: signer})
	fmt.Println(err)
	// Output:
	// signs with K2JCJMDEHXQW5F
	// no active signing key: K3NOTTHERE is not among the 1 keys
}
