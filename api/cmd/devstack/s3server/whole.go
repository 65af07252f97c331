package s3server

import (
	"context"
	"errors"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// whole keeps bodies only when all of them came. The backend by itself fills
// one that was cut off with zeros and keeps it, which S3 never does.
type whole struct{ backend.Backend }

// PutObject refuses a body that ends early.
func (w whole) PutObject(ctx context.Context, input s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	input.Body = promised(input.Body, input.ContentLength)
	return w.Backend.PutObject(ctx, input)
}

// UploadPart refuses a body that ends early.
func (w whole) UploadPart(ctx context.Context, input *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	input.Body = promised(input.Body, input.ContentLength)
	return w.Backend.UploadPart(ctx, input)
}

func promised(body io.Reader, length *int64) io.Reader {
	if body == nil || length == nil {
		return body
	}
	return &promise{body, *length}
}

// promise is a body that owes so many more bytes.
type promise struct {
	body io.Reader
	owes int64
}

// Read fails at an end that comes too early.
func (p *promise) Read(into []byte) (int, error) {
	n, err := p.body.Read(into)
	p.owes -= int64(n)
	if errors.Is(err, io.EOF) && p.owes > 0 {
		err = s3err.GetAPIError(s3err.ErrIncompleteBody)
	}
	return n, err
}
