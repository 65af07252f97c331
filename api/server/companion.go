package server

import (
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/signgate/signgate/pkg/overrides"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/uploads"
)

// Uppy's S3 plugin expects these of a Companion (@uppy/aws-s3 5 and 6).

// companionForm answers GET s3/params: a form for one file.
func (w *widget) companionForm() error {
	query := w.echo.QueryParams()
	metadata := map[string]string{}
	for name, values := range query {
		if inner, ok := strings.CutPrefix(name, "metadata["); ok && strings.HasSuffix(inner, "]") {
			metadata[strings.TrimSuffix(inner, "]")] = values[0]
		}
	}
	made, err := w.form(query.Get("filename"), query.Get("type"), metadata)
	if err != nil {
		return err
	}
	return w.answer(map[string]any{
		"method": http.MethodPost, "url": made.form.URL, "fields": made.form.Fields, "expires": w.secondsUntil(made.expires),
	})
}

func (w *widget) form(filename, contentType string, metadata map[string]string) (begun, error) {
	asked, err := w.intent(byForm, filename, contentType, metadata)
	if err != nil {
		return begun{}, err
	}
	return w.begin(asked)
}

// companionCreate answers POST s3/multipart.
func (w *widget) companionCreate() error {
	var body struct {
		Filename string         `json:"filename"`
		Type     string         `json:"type"`
		Metadata map[string]any `json:"metadata"`
	}
	if err := w.read(&body); err != nil {
		return err
	}
	metadata := map[string]string{}
	for name, value := range body.Metadata {
		if text, ok := value.(string); ok { // relativePath may be null
			metadata[name] = text
		}
	}
	asked, err := w.intent(byMultipart, body.Filename, body.Type, metadata)
	if err != nil {
		return err
	}
	made, err := w.begin(asked)
	if err != nil {
		return err
	}
	if err := w.issue.done(); err != nil {
		return errors.Join(err, w.server.abandon(w.issue.ctx, made.upload))
	}
	return w.answer(map[string]string{"key": made.upload.Key, "uploadId": made.token, "bucket": w.server.parts.Bucket})
}

// companionSignOne answers GET s3/multipart/:uploadId/:partNumber.
func (w *widget) companionSignOne() error {
	signed, err := w.sign(w.echo.Param("partNumber"))
	if err != nil {
		return err
	}
	return w.answer(map[string]any{"url": signed[0].URL, "expires": w.secondsUntil(signed[0].Expires)})
}

// companionSignMany answers GET s3/multipart/:uploadId/batch.
func (w *widget) companionSignMany() error {
	numbers := strings.Split(w.echo.QueryParam("partNumbers"), ",")
	signed, err := w.sign(numbers...)
	if err != nil {
		return err
	}
	urls := map[string]string{}
	for n, request := range signed {
		urls[numbers[n]] = request.URL
	}
	return w.answer(map[string]any{"presignedUrls": urls})
}

func (w *widget) sign(numbers ...string) ([]presign.Request, error) {
	upload, err := w.upload()
	if err != nil {
		return nil, err
	}
	if len(numbers) > presign.MaxParts {
		return nil, problem.New(problem.InvalidRequest, "These are more parts than an upload can have.")
	}
	parts := make([]presign.Part, len(numbers))
	for n, text := range numbers {
		if parts[n].Number, err = strconv.Atoi(text); err != nil {
			return nil, problem.New(problem.InvalidRequest, "A part number is a number from 1 to 10000.")
		}
	}
	return w.server.signParts(w.issue, upload, parts, w.server.parts.Limits.Upload.Default)
}

// companionPart is a part in Companion's words, which are S3's.
type companionPart struct {
	PartNumber int    `json:"PartNumber"`
	ETag       string `json:"ETag"`
	Size       int64  `json:"Size,omitempty"`
}

// companionList answers GET s3/multipart/:uploadId.
func (w *widget) companionList() error {
	upload, err := w.upload()
	if err != nil {
		return err
	}
	parts, err := w.server.listParts(w.issue, upload)
	if err != nil {
		return err
	}
	listed := make([]companionPart, len(parts))
	for n, part := range parts {
		listed[n] = companionPart{part.Number, part.ETag, part.Size}
	}
	return w.answer(listed)
}

// companionComplete answers POST s3/multipart/:uploadId/complete.
func (w *widget) companionComplete() error {
	var body struct {
		Parts []companionPart `json:"parts"`
	}
	if err := w.read(&body); err != nil {
		return err
	}
	upload, err := w.upload()
	if err != nil {
		return err
	}
	named := make([]uploads.Part, len(body.Parts))
	for n, part := range body.Parts {
		named[n] = uploads.Part{Number: part.PartNumber, ETag: part.ETag}
	}
	if _, err := w.server.completeUpload(w.issue, upload, named); err != nil {
		return err
	}
	return w.answer(map[string]string{
		"location": w.server.parts.Presigner.Address(upload.key), "key": upload.Key, "bucket": w.server.parts.Bucket,
	})
}

// companionAbort answers DELETE s3/multipart/:uploadId.
func (w *widget) companionAbort() error {
	upload, err := w.upload()
	if err != nil {
		return err
	}
	if err := w.server.abortUpload(w.issue, upload); err != nil {
		return err
	}
	return w.answer(struct{}{})
}

func (w *widget) secondsUntil(expires time.Time) int64 {
	return int64(expires.Sub(w.server.parts.Now()) / time.Second)
}

func isMetadataName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' })
}

// encodedWord writes what a header can't carry as an encoded word.
func encodedWord(value string) string {
	if overrides.IsHeaderValue(value) {
		return value
	}
	return mime.BEncoding.Encode("UTF-8", value)
}
