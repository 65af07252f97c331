package presign_test

import (
	"net/http"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/signgate/signgate/pkg/presign"
)

// BenchmarkPut is one upload presigned by us; BenchmarkPresignHTTP is AWS's
// signature of the same request alone; BenchmarkPutByPresignClient is the
// SDK's way to it.
func BenchmarkPut(b *testing.B) {
	presigner, description := newPresigner(b, nil), upload(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := presigner.Put(b.Context(), description, time.Minute); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPresignHTTP(b *testing.B) {
	put, err := newPresigner(b, nil).Put(b.Context(), upload(b), time.Minute)
	if err != nil {
		b.Fatal(err)
	}
	request, err := http.NewRequestWithContext(b.Context(), put.Method, "https://media.s3.eu-central-1.amazonaws.com"+upload(b).Key.Path()+"?X-Amz-Expires=60", nil)
	if err != nil {
		b.Fatal(err)
	}
	request.ContentLength = upload(b).Length
	for name, value := range put.Headers {
		request.Header.Set(name, value)
	}
	credentials, err := fixed(time.Time{}).Retrieve(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	b.ReportAllocs()
	for b.Loop() {
		signed, _, err := signer.PresignHTTP(b.Context(), credentials, request, "UNSIGNED-PAYLOAD", "s3", "eu-central-1", start)
		if err != nil || signed != put.URL {
			b.Fatalf("%s, %v", signed, err)
		}
	}
}

func BenchmarkPutByPresignClient(b *testing.B) {
	client := s3.NewPresignClient(s3.New(s3.Options{Region: "eu-central-1", Credentials: fixed(time.Time{})}), s3.WithPresignExpires(time.Minute))
	input := putInput(upload(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.PresignPutObject(b.Context(), input); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkForm(b *testing.B) {
	presigner, description := newPresigner(b, nil), form(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := presigner.Form(b.Context(), description, time.Minute); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParts10000 is the largest multipart upload that there is.
func BenchmarkParts10000(b *testing.B) {
	presigner, key := newPresigner(b, nil), parseKey(b, "users/alice/film.mov")
	parts := make([]presign.Part, presign.MaxParts)
	for i := range parts {
		parts[i] = part(i + 1)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := presigner.Parts(b.Context(), key, uploadID, parts, time.Minute); err != nil {
			b.Fatal(err)
		}
	}
}
