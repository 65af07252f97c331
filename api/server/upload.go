package server

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/uploads"
)

// The ways to upload: one PUT of an exact size, one form whose size may lie in
// a range, or parts.
const (
	byPut       = "put"
	byForm      = "form"
	byMultipart = "multipart"
)

// UploadRequest describes an object that is to be uploaded.
type UploadRequest struct {
	Key                string            `json:"key" doc:"Key of the object" example:"users/alice/a.png"`
	ContentType        string            `json:"contentType" doc:"Media type, sent with the upload and kept by S3" example:"image/png"`
	Method             string            `json:"method,omitempty" enum:"put,form,multipart" default:"put" doc:"One PUT of an exact size, one HTML form whose size may lie in a range, or parts"`
	ContentLength      *int64            `json:"contentLength,omitempty" doc:"Size in bytes, exact; a form has minLength and maxLength instead, parts may leave it out" example:"2048"`
	MinLength          int64             `json:"minLength,omitempty" minimum:"0" doc:"Smallest size of a form's file, in bytes"`
	MaxLength          *int64            `json:"maxLength,omitempty" doc:"Largest size of a form's file, in bytes"`
	PartSize           int64             `json:"partSize,omitempty" doc:"Size of each part but the last, in bytes; the gateway's choice if left out" example:"8388608"`
	ChecksumAlgorithm  string            `json:"checksumAlgorithm,omitempty" enum:"sha256,crc64nvme" doc:"Checksum that every part brings"`
	ChecksumSHA256     string            `json:"checksumSha256,omitempty" minLength:"44" maxLength:"44" doc:"SHA-256 of the content in Base64, of a PUT or a form; S3 then refuses any other content" example:"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="`
	ChecksumCRC64NVME  string            `json:"checksumCrc64nvme,omitempty" minLength:"12" maxLength:"12" doc:"CRC-64/NVME of the content in Base64, of a PUT or of all parts together; S3 then refuses any other content" example:"AAAAAAAAAAA="`
	ContentDisposition string            `json:"contentDisposition,omitempty" doc:"Kept by S3 and sent with every read" example:"inline"`
	CacheControl       string            `json:"cacheControl,omitempty" doc:"Kept by S3 and sent with every read" example:"private, max-age=300"`
	Metadata           map[string]string `json:"metadata,omitempty" doc:"User-defined metadata: names of lower-case letters, digits and hyphens, values of visible ASCII, 2,048 bytes together"`
	Tags               map[string]string `json:"tags,omitempty" doc:"Tags of the object, at most ten"`
	Overwrite          bool              `json:"overwrite,omitempty" doc:"Whether an existing object may be replaced; if not, S3 answers 412 where there is one. A form can't be held to that and needs it, unless the prefix is verified"`
	ExpiresIn          *int64            `json:"expiresIn,omitempty" doc:"Life in seconds of the signed request; of parts, how long the upload stays open. The gateway's default if left out" example:"300"`
}

// NewUpload is an upload that has begun.
type NewUpload struct {
	ID        string            `json:"id" doc:"Issue id: id in the audit trail"`
	UploadID  string            `json:"uploadId" doc:"Names the upload in its further steps, for the person who began it"`
	Key       string            `json:"key" doc:"Key of the object"`
	Method    string            `json:"method" enum:"PUT,POST,MULTIPART" doc:"HTTP method to use; MULTIPART: ask for parts" example:"PUT"`
	URL       string            `json:"url,omitempty" format:"uri" doc:"Where to send it; whoever has it can use it until it expires"`
	Headers   map[string]string `json:"headers,omitempty" doc:"Headers to send exactly as they are; a browser sets Content-Length by itself"`
	Fields    map[string]string `json:"fields,omitempty" doc:"Fields of the form, all of them, before the field named file"`
	PartSize  int64             `json:"partSize,omitempty" doc:"Size of each part but the last, in bytes"`
	PartCount int               `json:"partCount,omitempty" doc:"How many parts there are, where the size is known"`
	Verified  bool              `json:"verified,omitempty" doc:"The object comes to its key when the upload is completed, having been checked"`
	ExpiresAt time.Time         `json:"expiresAt" doc:"When the request dies; of parts, when the upload can't be carried on any more"`
}

type uploadInput struct{ Body UploadRequest }

type uploadOutput struct{ Body NewUpload }

func uploadOperation() huma.Operation {
	return huma.Operation{
		OperationID: "createUpload", Method: http.MethodPost, Path: "/v1/uploads", DefaultStatus: http.StatusCreated, Tags: []string{"write"},
		Summary:     "Begin to upload an object",
		Description: "Key, size, type, checksum, metadata, tags and whether the object may exist are part of the signature: S3 refuses an upload that differs in any of them.",
	}
}

func (s *Server) upload(ctx context.Context, input *uploadInput) (*uploadOutput, error) {
	intent, err := s.describeUpload(input.Body)
	if err != nil {
		return nil, err
	}
	issue := s.newIssue(ctx)
	begun, err := s.beginUpload(issue, intent)
	if err != nil {
		return nil, errors.Join(err, issue.done())
	}
	if err := issue.done(); err != nil {
		return nil, errors.Join(err, s.abandon(ctx, begun.upload))
	}
	return &uploadOutput{Body: begun.answer(input.Body.Key)}, nil
}

// describeUpload checks every field and names the one that breaks a rule.
func (s *Server) describeUpload(body UploadRequest) (intent, error) {
	key, err := parseKey(body.Key, "/key")
	if err != nil {
		return intent{}, err
	}
	asked := intent{
		method: body.Method, minLength: body.MinLength, overwrite: body.Overwrite, algorithm: uploads.Algorithm(body.ChecksumAlgorithm),
		object: presign.Upload{
			Key: key, ContentType: body.ContentType, Metadata: body.Metadata, Tags: body.Tags,
			ContentDisposition: body.ContentDisposition, CacheControl: body.CacheControl, Overwrite: body.Overwrite,
		},
	}
	if asked.object.ChecksumSHA256, err = decodeChecksum(body.ChecksumSHA256, "/checksumSha256"); err != nil {
		return intent{}, err
	}
	if asked.object.ChecksumCRC64NVME, err = decodeChecksum(body.ChecksumCRC64NVME, "/checksumCrc64nvme"); err != nil {
		return intent{}, err
	}
	if err := s.sizes(&asked, body); err != nil {
		return intent{}, err
	}
	longest := s.parts.Limits.Upload
	if asked.method == byMultipart {
		longest = s.parts.Limits.OpenUpload
	}
	if asked.life, err = longest.seconds(body.ExpiresIn, "/expiresIn"); err != nil {
		return intent{}, err
	}
	return asked, describe(asked.object)
}

// sizes reads what belongs to the method and refuses what belongs to another.
func (s *Server) sizes(asked *intent, body UploadRequest) error {
	for _, field := range []struct {
		pointer string
		given   bool
		methods []string
	}{
		{"/contentLength", body.ContentLength != nil, []string{byPut, byMultipart}},
		{"/minLength", body.MinLength != 0, []string{byForm}},
		{"/maxLength", body.MaxLength != nil, []string{byForm}},
		{"/partSize", body.PartSize != 0, []string{byMultipart}},
		{"/checksumAlgorithm", body.ChecksumAlgorithm != "", []string{byMultipart}},
		{"/checksumSha256", body.ChecksumSHA256 != "", []string{byPut, byForm}},
		{"/checksumCrc64nvme", body.ChecksumCRC64NVME != "", []string{byPut, byMultipart}},
	} {
		if field.given && !slices.Contains(field.methods, asked.method) {
			return invalid(field.pointer, "doesn't belong to an upload by "+asked.method)
		}
	}
	switch {
	case asked.method == byPut && body.ContentLength == nil:
		return invalid("/contentLength", "is missing")
	case asked.method == byForm && body.MaxLength == nil:
		return invalid("/maxLength", "is missing")
	case body.ContentLength != nil:
		asked.minLength, asked.maxLength, asked.sizePointer = *body.ContentLength, *body.ContentLength, "/contentLength"
	case body.MaxLength != nil:
		asked.maxLength, asked.sizePointer = *body.MaxLength, "/maxLength"
	default: // parts of a size that nobody knows yet
		asked.maxLength, asked.unbounded = s.parts.Limits.MaxUploadBytes, true
	}
	if asked.maxLength < asked.minLength {
		return invalid(asked.sizePointer, "must not be less than the smallest size")
	}
	if asked.method == byMultipart {
		if body.ContentLength != nil && *body.ContentLength < 1 {
			return invalid("/contentLength", "must be at least 1: nothing has no parts")
		}
		known := int64(0)
		if !asked.unbounded {
			known = asked.maxLength
		}
		size, err := uploads.PartSize(body.PartSize, known)
		if err != nil {
			return invalid("/partSize", err.Error())
		}
		asked.partSize = size
		if body.ChecksumCRC64NVME != "" {
			if asked.algorithm == uploads.SHA256 {
				return invalid("/checksumAlgorithm", "must be crc64nvme where checksumCrc64nvme is given")
			}
			asked.algorithm = uploads.CRC64NVME
		}
		return nil
	}
	asked.object.Length = asked.maxLength
	return nil
}

// describe has the presigner's own rules name the field that breaks one.
func describe(object presign.Upload) error {
	if object.Length > presign.MaxPutBytes {
		object.Length = 0 // refused for its size elsewhere, or sent in parts
	}
	var broken *presign.UploadError
	if err := object.Check(); errors.As(err, &broken) {
		return invalid(uploadPointer(broken.Field), broken.Reason)
	} else if err != nil {
		return err
	}
	return nil
}

func decodeChecksum(text, pointer string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	sum, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, invalid(pointer, "must be Base64 with padding")
	}
	return sum, nil
}

// uploadPointer says where in the request a field of presign.Upload stands.
func uploadPointer(field string) string {
	return map[string]string{
		"Key": "/key", "Length": "/contentLength", "ContentType": "/contentType", "Metadata": "/metadata", "Tags": "/tags",
		"ChecksumSHA256": "/checksumSha256", "ChecksumCRC64NVME": "/checksumCrc64nvme", "ContentMD5": "/checksum",
		"MinLength": "/minLength", "MaxLength": "/maxLength", "Number": "/items", "Parts": "/items", "UploadID": "/uploadId", "Form": "",
		"ContentDisposition": "/contentDisposition", "CacheControl": "/cacheControl",
	}[field]
}
