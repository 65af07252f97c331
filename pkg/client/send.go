package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"slices"
)

// ErrRefused is wrapped where S3 refuses what the gateway has signed.
var ErrRefused = errors.New("the signed request was refused")

// Sent is what S3 says of what it has taken.
type Sent struct {
	ETag      string // with its quotes
	VersionID string // empty where the bucket keeps no versions
}

// Send carries out a signed request with this content, and once only: the
// content may not be there a second time. It never sends the token. The error
// wraps ErrRefused, with the status, where S3 says no; 412 is an object that
// is there already.
func (c *Client) Send(ctx context.Context, signed SignedRequest, content io.Reader, length int64) (Sent, error) {
	request, err := http.NewRequestWithContext(ctx, signed.Method, signed.URL, content)
	if err != nil {
		return Sent{}, errors.New("the signed request's address can't be used") // the cause would repeat it
	}
	request.ContentLength = length
	if length == 0 {
		request.Body = http.NoBody
	}
	for name, value := range signed.Headers {
		if name != "Content-Length" { // net/http sets it
			request.Header.Set(name, value)
		}
	}
	return c.carryOut(request)
}

// SendForm sends content by the form of an upload, once only. The error is as
// of Send.
func (c *Client) SendForm(ctx context.Context, upload Upload, content io.Reader, length int64) (Sent, error) {
	var envelope bytes.Buffer
	form := multipart.NewWriter(&envelope)
	for _, name := range slices.Sorted(maps.Keys(upload.Fields)) {
		if err := form.WriteField(name, upload.Fields[name]); err != nil {
			return Sent{}, err
		}
	}
	if _, err := form.CreateFormFile("file", "file"); err != nil { // the last: S3 reads nothing after it
		return Sent{}, err
	}
	before := envelope.Len()
	if err := form.Close(); err != nil {
		return Sent{}, err
	}
	whole := envelope.Bytes()
	body := io.MultiReader(bytes.NewReader(whole[:before]), content, bytes.NewReader(whole[before:]))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, upload.URL, body)
	if err != nil {
		return Sent{}, errors.New("the form's address can't be used")
	}
	request.ContentLength = int64(len(whole)) + length // S3 takes no body of unknown length
	request.Header.Set("Content-Type", form.FormDataContentType())
	return c.carryOut(request)
}

func (c *Client) carryOut(request *http.Request) (Sent, error) {
	response, err := c.content.Do(request)
	if err != nil {
		return Sent{}, unsigned(err)
	}
	defer func() { _ = response.Body.Close() }()
	// A redirect too is a no: the object isn't there.
	if response.StatusCode < http.StatusOK || response.StatusCode >= http.StatusMultipleChoices {
		return Sent{}, &RefusedError{Status: response.StatusCode}
	}
	return Sent{ETag: response.Header.Get("ETag"), VersionID: response.Header.Get("X-Amz-Version-Id")}, nil
}

// RefusedError is S3's refusal.
type RefusedError struct {
	Status int // HTTP status
}

// Error gives the status.
func (e *RefusedError) Error() string { return fmt.Sprintf("%s: status %d", ErrRefused, e.Status) }

// Unwrap returns ErrRefused.
func (e *RefusedError) Unwrap() error { return ErrRefused }

// unsigned keeps the address, and with it the signature, out of an error.
func unsigned(err error) error {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return fmt.Errorf("send the signed request: %w", err)
}
