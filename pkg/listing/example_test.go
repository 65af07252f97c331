package listing_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/signgate/signgate/pkg/listing"
	"github.com/signgate/signgate/pkg/objectkey"
)

func Example() {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `<ListBucketResult><Contents><Key>users/alice/a.png</Key><Size>5</Size></Contents>
			<Contents><Key>users/alice//odd</Key></Contents><CommonPrefixes><Prefix>users/alice/albums/</Prefix></CommonPrefixes></ListBucketResult>`)
	}))
	defer web.Close()
	bucket := listing.New(listing.Config{
		Bucket: "media", Region: "eu-central-1", Endpoint: web.URL, PathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	prefix, err := objectkey.ParsePrefix("users/alice/")
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := bucket.Page(context.Background(), listing.Question{Prefix: prefix, Folders: true, Limit: 100})
	fmt.Println(page.Objects[0].Key, page.Objects[0].Size, len(page.Objects), page.Folders, err)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = bucket.Page(ctx, listing.Question{Prefix: prefix, Limit: 100})
	fmt.Println(errors.Is(err, listing.ErrUnavailable))
	// Output:
	// users/alice/a.png 5 1 [users/alice/albums/] <nil>
	// true
}
