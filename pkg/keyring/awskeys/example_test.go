package awskeys_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/keyring/awskeys"
)

// Without credentials there is no key, and the error says so.
func Example() {
	nobody := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("no credentials here")
	})
	inKMS := awskeys.NewKMS(awskeys.KMSConfig{Credentials: nobody})
	secret := awskeys.NewSecret(awskeys.SecretConfig{ID: "signgate/signing", Region: "eu-central-1", Credentials: nobody, Open: inKMS.Open})
	_, err := secret.Load(context.Background(), nil)
	fmt.Println(errors.Is(err, keyring.ErrUnavailable))
	// Output: true
}
