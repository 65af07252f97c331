package client

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/signgate/signgate/pkg/objectkey"
)

// CreateUpload begins to upload one object.
func (c *Client) CreateUpload(ctx context.Context, request UploadRequest) (Upload, error) {
	var upload Upload
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/uploads", body: request}, &upload)
	return upload, err
}

// SignParts asks for the requests that carry parts, in the order of the
// question, and says when they die. It may be asked as often as needed.
func (c *Client) SignParts(ctx context.Context, uploadID string, parts ...PartItem) ([]SignedPart, time.Time, error) {
	var out struct {
		Items     []SignedPart `json:"items"`
		ExpiresAt time.Time    `json:"expiresAt"`
	}
	_, err := c.do(ctx, call{method: http.MethodPost, path: uploadPath(uploadID, "/parts"), body: map[string]any{"items": parts}, idempotent: true}, &out)
	if err == nil && len(out.Items) != len(parts) {
		err = fmt.Errorf("%w: %d parts for %d", ErrAnswer, len(out.Items), len(parts))
	}
	return out.Items, out.ExpiresAt, err
}

// ListParts asks which parts have arrived.
func (c *Client) ListParts(ctx context.Context, uploadID string) ([]UploadedPart, error) {
	var out struct {
		Items []UploadedPart `json:"items"`
	}
	_, err := c.do(ctx, call{method: http.MethodGet, path: uploadPath(uploadID, "/parts"), idempotent: true}, &out)
	return out.Items, err
}

// CompleteUpload puts parts together, all that have arrived if none are named,
// and brings an upload that is verified to its key.
func (c *Client) CompleteUpload(ctx context.Context, uploadID string, parts ...UploadedPart) (UploadedObject, error) {
	var object UploadedObject
	body := map[string]any{}
	if len(parts) > 0 {
		body["parts"] = parts
	}
	_, err := c.do(ctx, call{method: http.MethodPost, path: uploadPath(uploadID, "/complete"), body: body, patient: true}, &object)
	return object, err
}

// AbortUpload ends an upload and removes what has arrived of it.
func (c *Client) AbortUpload(ctx context.Context, uploadID string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: uploadPath(uploadID, ""), idempotent: true}, nil)
	return err
}

// CreateSession asks for an address that upload widgets can use.
func (c *Client) CreateSession(ctx context.Context, request SessionRequest) (Session, error) {
	var session Session
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/upload-sessions", body: request}, &session)
	return session, err
}

// CreateUploadCredentials asks for AWS credentials that upload below a prefix.
// A gateway refuses unless it is set up to give some away.
func (c *Client) CreateUploadCredentials(ctx context.Context, request CredentialsRequest) (UploadCredentials, error) {
	var credentials UploadCredentials
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/upload-credentials", body: request}, &credentials)
	return credentials, err
}

// Sign asks what Uppy's signRequest asks, for a program that passes it on.
func (c *Client) Sign(ctx context.Context, request SignRequest) (SignedCall, error) {
	var signed SignedCall
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/uploads/sign", body: request}, &signed)
	return signed, err
}

func uploadPath(uploadID, step string) string {
	return "/v1/uploads/" + objectkey.Escape(uploadID) + step
}
