package server

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/presign"
)

// UploadRequest describes an object that is to be uploaded.
type UploadRequest struct {
	Key            string            `json:"key" doc:"Key of the object" example:"users/alice/a.png"`
	ContentType    string            `json:"contentType" doc:"Media type, sent with the upload and kept by S3" example:"image/png"`
	ContentLength  int64             `json:"contentLength" doc:"Size in bytes, exact" example:"2048"`
	ChecksumSHA256 string            `json:"checksumSha256,omitempty" minLength:"44" maxLength:"44" doc:"SHA-256 of the content in Base64; S3 then refuses any other content" example:"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="`
	Metadata       map[string]string `json:"metadata,omitempty" doc:"User-defined metadata: names of lower-case letters, digits and hyphens, values of visible ASCII, 2,048 bytes together"`
	Overwrite      bool              `json:"overwrite,omitempty" doc:"Whether an existing object may be replaced; if not, S3 answers 412 where there is one"`
	ExpiresIn      *int64            `json:"expiresIn,omitempty" doc:"Life in seconds; the gateway's default if left out" example:"300"`
}

// SignedRequest is a request to S3 that its holder may send.
type SignedRequest struct {
	ID        string            `json:"id" doc:"Issue id: id in the audit trail"`
	Key       string            `json:"key" doc:"Key of the object"`
	Method    string            `json:"method" doc:"HTTP method to use" example:"PUT"`
	URL       string            `json:"url" format:"uri" doc:"Where to send it; whoever has it can use it until it expires"`
	Headers   map[string]string `json:"headers" doc:"Headers to send exactly as they are; a browser sets Content-Length by itself"`
	ExpiresAt time.Time         `json:"expiresAt" doc:"When the request dies"`
}

type uploadInput struct{ Body UploadRequest }

type uploadOutput struct{ Body SignedRequest }

func uploadOperation() huma.Operation {
	return huma.Operation{
		OperationID: "createUpload", Method: http.MethodPost, Path: "/v1/uploads", DefaultStatus: http.StatusCreated, Tags: []string{"write"},
		Summary:     "A presigned request that uploads one object",
		Description: "Key, size, type, checksum, metadata and whether the object may exist are part of the signature: S3 refuses an upload that differs in any of them.",
	}
}

func (s *Server) upload(ctx context.Context, input *uploadInput) (*uploadOutput, error) {
	description, err := s.describeUpload(input.Body)
	if err != nil {
		return nil, err
	}
	life, err := s.parts.Limits.Upload.seconds(input.Body.ExpiresIn, "/expiresIn")
	if err != nil {
		return nil, err
	}
	issue := s.newIssue(ctx)
	signed, err := s.signUpload(ctx, issue, description, life)
	if recordErr := issue.done(); recordErr != nil {
		return nil, recordErr
	}
	if err != nil {
		return nil, err
	}
	return &uploadOutput{Body: signed}, nil
}

// signUpload authorizes and presigns. Replacing an object takes a second
// permission on top of writing.
func (s *Server) signUpload(ctx context.Context, issue *issue, upload presign.Upload, life time.Duration) (SignedRequest, error) {
	action := access.Write
	decision, err := issue.authorizeKey(action, upload.Key)
	if err != nil {
		return SignedRequest{}, err
	}
	if upload.Overwrite {
		action = access.Overwrite
		if decision, err = issue.authorizeKey(action, upload.Key); err != nil {
			return SignedRequest{}, err
		}
	}
	request, err := s.parts.Presigner.Put(ctx, upload, life)
	if err != nil {
		return SignedRequest{}, err
	}
	id := s.parts.NewID()
	issue.issued(action, upload.Key.String(), decision, id, "", request.Expires)
	return signedRequest(id, upload.Key.String(), request), nil
}

func signedRequest(id, key string, request presign.Request) SignedRequest {
	return SignedRequest{
		ID: id, Key: key, Method: request.Method, URL: request.URL,
		Headers: request.Headers, ExpiresAt: request.Expires,
	}
}

// describeUpload checks every field and names the one that breaks a rule.
func (s *Server) describeUpload(body UploadRequest) (presign.Upload, error) {
	key, err := parseKey(body.Key, "/key")
	if err != nil {
		return presign.Upload{}, err
	}
	if body.ContentLength > s.parts.Limits.MaxUploadBytes {
		return presign.Upload{}, invalid("/contentLength", fmt.Sprintf("must be at most %d bytes", s.parts.Limits.MaxUploadBytes))
	}
	upload := presign.Upload{
		Key: key, Length: body.ContentLength, ContentType: body.ContentType,
		Metadata: body.Metadata, Overwrite: body.Overwrite,
	}
	if body.ChecksumSHA256 != "" {
		if upload.ChecksumSHA256, err = base64.StdEncoding.Strict().DecodeString(body.ChecksumSHA256); err != nil {
			return presign.Upload{}, invalid("/checksumSha256", "must be Base64 with padding")
		}
	}
	var broken *presign.UploadError
	if err := upload.Check(); errors.As(err, &broken) {
		return presign.Upload{}, invalid(uploadPointer(broken.Field), broken.Reason)
	} else if err != nil {
		return presign.Upload{}, err
	}
	return upload, nil
}

// uploadPointer says where in the request a field of presign.Upload stands.
func uploadPointer(field string) string {
	return map[string]string{
		"Key": "/key", "Length": "/contentLength", "ContentType": "/contentType",
		"ChecksumSHA256": "/checksumSha256", "Metadata": "/metadata",
	}[field]
}
