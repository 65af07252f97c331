package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// ErrRefused is wrapped where S3 refuses what the gateway has signed.
var ErrRefused = errors.New("the signed request was refused")

// Send carries out a signed request with this content, and once only: the
// content may not be there a second time. It never sends the token. The error
// wraps ErrRefused, with the status, where S3 says no; 412 is an object that
// is there already.
func (c *Client) Send(ctx context.Context, signed SignedRequest, content io.Reader, length int64) error {
	request, err := http.NewRequestWithContext(ctx, signed.Method, signed.URL, content)
	if err != nil {
		return errors.New("the signed request's address can't be used") // the cause would repeat it
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
	response, err := c.config.HTTP.Do(request)
	if err != nil {
		return unsigned(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusBadRequest {
		return &RefusedError{Status: response.StatusCode}
	}
	return nil
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
