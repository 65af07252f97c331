package presign_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// BenchmarkPut is one upload presigned by us; BenchmarkPutByPresignClient is
// the SDK's way to the same request.
func BenchmarkPut(b *testing.B) {
	presigner, description := newPresigner(b, nil), upload(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := presigner.Put(b.Context(), description, time.Minute); err != nil {
			b.Fatal(err)
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
