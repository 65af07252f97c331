package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/uploads"
)

// UploadID names an upload in a path.
type UploadID struct {
	UploadID string `path:"uploadId" doc:"uploadId of the answer that began it"`
}

// PartItem asks for the request that carries one part.
type PartItem struct {
	PartNumber        int    `json:"partNumber" minimum:"1" maximum:"10000" doc:"From 1"`
	ContentLength     int64  `json:"contentLength,omitempty" minimum:"1" doc:"Size in bytes, to be bound; known already where the upload's size is"`
	ChecksumSHA256    string `json:"checksumSha256,omitempty" minLength:"44" maxLength:"44" doc:"SHA-256 of the part in Base64"`
	ChecksumCRC64NVME string `json:"checksumCrc64nvme,omitempty" minLength:"12" maxLength:"12" doc:"CRC-64/NVME of the part in Base64"`
}

// SignedPart is the request that carries one part.
type SignedPart struct {
	PartNumber int               `json:"partNumber" doc:"From 1"`
	Method     string            `json:"method" doc:"HTTP method to use" example:"PUT"`
	URL        string            `json:"url" format:"uri" doc:"Where to send it; whoever has it can use it until it expires"`
	Headers    map[string]string `json:"headers,omitempty" doc:"Headers to send exactly as they are; a browser sets Content-Length by itself"`
}

type signPartsInput struct {
	UploadID
	Body struct {
		Items     []PartItem `json:"items" minItems:"1" maxItems:"10000" nullable:"false" doc:"The parts, in any order, as many as are needed now"`
		ExpiresIn *int64     `json:"expiresIn,omitempty" doc:"Life in seconds; the gateway's default if left out" example:"300"`
	}
}

type signPartsOutput struct {
	Body struct {
		Items     []SignedPart `json:"items" nullable:"false" doc:"One for each item of the request, in its order"`
		ExpiresAt time.Time    `json:"expiresAt" doc:"When the requests die; ask again for those not sent by then"`
	}
}

func signPartsOperation() huma.Operation {
	return huma.Operation{
		OperationID: "signParts", Method: http.MethodPost, Path: "/v1/uploads/{uploadId}/parts", Tags: []string{"write"},
		Summary: "Presigned requests that upload parts", Description: "May be asked for as often as needed, for a part that failed or whose request has died too.",
	}
}

func (s *Server) signPartURLs(ctx context.Context, input *signPartsInput) (*signPartsOutput, error) {
	issue := s.newIssue(ctx)
	output := &signPartsOutput{}
	upload, err := s.openUpload(issue, input.UploadID.UploadID)
	if err == nil {
		output, err = s.signEach(issue, upload, input)
	}
	if recordErr := issue.done(); err != nil || recordErr != nil {
		return nil, errors.Join(err, recordErr)
	}
	return output, nil
}

func (s *Server) signEach(issue *issue, upload opened, input *signPartsInput) (*signPartsOutput, error) {
	life, err := s.parts.Limits.Upload.seconds(input.Body.ExpiresIn, "/expiresIn")
	if err != nil {
		return nil, err
	}
	parts := make([]presign.Part, len(input.Body.Items))
	for n, item := range input.Body.Items {
		part := presign.Part{Number: item.PartNumber, Length: item.ContentLength}
		if part.ChecksumSHA256, err = decodeChecksum(item.ChecksumSHA256, "/items/checksumSha256"); err != nil {
			return nil, err
		}
		if part.ChecksumCRC64NVME, err = decodeChecksum(item.ChecksumCRC64NVME, "/items/checksumCrc64nvme"); err != nil {
			return nil, err
		}
		parts[n] = part
	}
	signed, err := s.signParts(issue, upload, parts, life)
	if err != nil {
		return nil, err
	}
	output := &signPartsOutput{}
	output.Body.ExpiresAt = signed[0].Expires
	output.Body.Items = make([]SignedPart, len(signed))
	for n, request := range signed {
		output.Body.Items[n] = SignedPart{PartNumber: parts[n].Number, Method: request.Method, URL: request.URL, Headers: request.Headers}
	}
	return output, nil
}

// UploadedPart is a part that S3 has.
type UploadedPart struct {
	PartNumber int    `json:"partNumber" minimum:"1" maximum:"10000" doc:"From 1"`
	ETag       string `json:"etag" doc:"As S3 gave it; quotes may be left out"`
	Size       int64  `json:"size,omitempty" doc:"In bytes"`
}

type listPartsOutput struct {
	Body struct {
		Items []UploadedPart `json:"items" nullable:"false" doc:"The parts that have arrived, in order"`
	}
}

func listPartsOperation() huma.Operation {
	return huma.Operation{
		OperationID: "listParts", Method: http.MethodGet, Path: "/v1/uploads/{uploadId}/parts", Tags: []string{"write"},
		Summary: "The parts that have arrived",
	}
}

func (s *Server) listUploadedParts(ctx context.Context, input *UploadID) (*listPartsOutput, error) {
	issue := s.newIssue(ctx)
	upload, err := s.openUpload(issue, input.UploadID)
	if err != nil {
		return nil, errors.Join(err, issue.done())
	}
	parts, err := s.listParts(issue, upload)
	if err != nil {
		return nil, err
	}
	output := &listPartsOutput{}
	output.Body.Items = make([]UploadedPart, len(parts))
	for n, part := range parts {
		output.Body.Items[n] = UploadedPart{PartNumber: part.Number, ETag: part.ETag, Size: part.Size}
	}
	return output, nil
}

// UploadedObject is an object that has come to its key.
type UploadedObject struct {
	Key       string `json:"key" doc:"Key of the object"`
	ETag      string `json:"etag" doc:"S3's tag of this content"`
	Size      int64  `json:"size" doc:"In bytes"`
	VersionID string `json:"versionId,omitempty" doc:"This version, where the bucket keeps versions"`
}

type completeInput struct {
	UploadID
	Body struct {
		Parts []UploadedPart `json:"parts,omitempty" maxItems:"10000" doc:"The parts; all that have arrived if left out"`
	}
}

type completeOutput struct{ Body UploadedObject }

func completeOperation() huma.Operation {
	return huma.Operation{
		OperationID: "completeUpload", Method: http.MethodPost, Path: "/v1/uploads/{uploadId}/complete", Tags: []string{"write"},
		Summary:     "Complete an upload",
		Description: "Puts parts together, and brings an upload that is verified to its key. Who may not write there any more can't complete either.",
	}
}

func (s *Server) complete(ctx context.Context, input *completeInput) (*completeOutput, error) {
	issue := s.newIssue(ctx)
	upload, err := s.openUpload(issue, input.UploadID.UploadID)
	if err != nil {
		return nil, errors.Join(err, issue.done())
	}
	var named []uploads.Part
	for _, part := range input.Body.Parts {
		named = append(named, uploads.Part{Number: part.PartNumber, ETag: part.ETag})
	}
	object, err := s.completeUpload(issue, upload, named) //nolint:contextcheck // the issue has it
	if err != nil {
		return nil, err
	}
	return &completeOutput{Body: UploadedObject{Key: upload.Key, ETag: object.ETag, Size: object.Size, VersionID: object.VersionID}}, nil
}

func abortOperation() huma.Operation {
	return huma.Operation{
		OperationID: "abortUpload", Method: http.MethodDelete, Path: "/v1/uploads/{uploadId}", DefaultStatus: http.StatusNoContent, Tags: []string{"write"},
		Summary: "End an upload", Description: "Removes what has arrived of it. An object that has come to its key stays.",
	}
}

func (s *Server) abort(ctx context.Context, input *UploadID) (*struct{}, error) {
	issue := s.newIssue(ctx)
	upload, err := s.openUpload(issue, input.UploadID)
	if err != nil {
		return nil, errors.Join(err, issue.done())
	}
	return nil, s.abortUpload(issue, upload)
}
