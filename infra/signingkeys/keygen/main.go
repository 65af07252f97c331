// Command keygen is the function that CloudFormation asks for managed signing
// keys. What it does is package pairs'.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/signgate/signgate/infra/signingkeys/pairs"
	"github.com/signgate/signgate/pkg/keyring/awskeys"
)

func main() {
	aws, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "keygen: AWS configuration:", err)
		os.Exit(1)
	}
	handler := pairs.NewHandler(pairs.Config{
		Open: func(secret string) pairs.Store {
			return awskeys.NewSecret(awskeys.SecretConfig{ID: secret, Region: aws.Region, Endpoint: os.Getenv("AWS_ENDPOINT_URL_SECRETS_MANAGER"), Credentials: aws.Credentials})
		},
		KMS: awskeys.NewKMS(awskeys.KMSConfig{Endpoint: os.Getenv("AWS_ENDPOINT_URL_KMS"), Credentials: aws.Credentials}),
		Now: time.Now,
	})
	lambda.Start(cfn.LambdaWrap(handler.Handle))
}
