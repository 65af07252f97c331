package signedurl_test

import (
	"crypto"
	"fmt"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/signedurl"
)

func Example() {
	private, err := keyring.Generate(keyring.P256)
	if err != nil {
		fmt.Println(err)
		return
	}
	signer, err := signedurl.NewSigner("https://cdn.example.com", "K2JCJMDEHXQW5F", private, signedurl.SHA256)
	if err != nil {
		fmt.Println(err)
		return
	}
	object, err := objectkey.Parse("users/alice/a b.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	url, err := signer.Sign(signedurl.Request{Key: object, IssueID: "ISSUE7", Conditions: signedurl.Conditions{Expires: noon.Add(time.Minute)}})
	if err != nil {
		fmt.Println(err)
		return
	}

	keyGroup := map[string]crypto.PublicKey{"K2JCJMDEHXQW5F": private.Public()}
	for _, clock := range []time.Time{noon, noon.Add(2 * time.Minute)} {
		verifier, err := signedurl.NewVerifier(keyGroup, func() time.Time { return clock })
		if err != nil {
			fmt.Println(err)
			return
		}
		verified, err := verifier.Verify(signedurl.Viewer{URL: url})
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(verified.Resource)
	}
	// Output:
	// https://cdn.example.com/users/alice/a%20b.png?sg-id=ISSUE7
	// access denied: it expired 1m0s ago, at 2026-11-21T12:01:00Z
}
