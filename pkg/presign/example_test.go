package presign_test

import (
	"context"
	"fmt"
	"time"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
)

func Example() {
	ctx := context.Background()
	presigner, err := presign.New(ctx, presign.Config{
		Bucket: "media", Region: "eu-central-1",
		Credentials: fixed(time.Time{}),
		Now:         func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := objectkey.Parse("users/alice/a.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	request, err := presigner.Put(ctx, presign.Upload{Key: key, Length: 2048, ContentType: "image/png"}, time.Minute)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(request.Method, "until", request.Expires.Format(time.RFC3339))
	fmt.Println(request.Headers["Content-Length"], request.Headers["Content-Type"], request.Headers["If-None-Match"])
	// Output:
	// PUT until 2026-11-21T12:01:00Z
	// 2048 image/png *
}

func ExamplePresigner_Form() {
	ctx := context.Background()
	presigner, err := presign.New(ctx, presign.Config{
		Bucket: "media", Region: "eu-central-1",
		Credentials: fixed(time.Time{}),
		Now:         func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := objectkey.Parse("users/alice/a.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	form, err := presigner.Form(ctx, presign.Form{Key: key, MaxLength: 10 << 20, ContentType: "image/png"}, time.Minute)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("POST", form.URL, "until", form.Expires.Format(time.RFC3339))
	fmt.Println(form.Fields["key"], form.Fields["Content-Type"], len(form.Fields["x-amz-signature"]))
	// Output:
	// POST https://media.s3.eu-central-1.amazonaws.com/ until 2026-11-21T12:01:00Z
	// users/alice/a.png image/png 64
}
