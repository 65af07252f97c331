package rolecredentials_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/rolecredentials"
)

func Example() {
	sts := httptest.NewServer(&standIn{status: http.StatusOK, body: success("ASIAEXAMPLE", "secret", "token", "2026-11-21T12:15:00Z")})
	defer sts.Close()
	source, err := rolecredentials.New(rolecredentials.Config{
		Role: "arn:aws:iam::123456789012:role/uploads", Bucket: "media", Region: "eu-central-1",
		Endpoint: sts.URL, // left out, AWS's own
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
		Now: func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	prefix, err := objectkey.ParsePrefix("users/alice/inbox/")
	if err != nil {
		fmt.Println(err)
		return
	}
	made, err := source.ForPrefix(context.Background(), rolecredentials.Request{Subject: "alice", Prefix: prefix, Life: rolecredentials.MinLife})
	fmt.Println(made.AccessKeyID, made.Expires.Format(time.TimeOnly), err)
	// Output: ASIAEXAMPLE 12:15:00 <nil>
}
