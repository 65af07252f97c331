package server

import (
	"encoding/base64"
	"net/http"

	"github.com/signgate/signgate/pkg/overrides"
	"github.com/signgate/signgate/pkg/problem"
)

// activeStorage answers POST direct_uploads of @rails/activestorage: a PUT of
// exactly this file, held to its MD5. The signed id is the id of the upload,
// with which an application completes one that is verified.
func (w *widget) activeStorage() error {
	var body struct {
		Blob struct {
			Filename    string `json:"filename"`
			ContentType string `json:"content_type"`
			ByteSize    int64  `json:"byte_size"`
			Checksum    string `json:"checksum"`
		} `json:"blob"`
	}
	if err := w.read(&body); err != nil {
		return err
	}
	blob := body.Blob
	asked, err := w.intent(byPut, blob.Filename, blob.ContentType, nil)
	if err != nil {
		return err
	}
	if blob.ByteSize < 0 || blob.ByteSize > w.session.MaxBytes {
		return problem.New(problem.InvalidRequest, "The file is larger than may be uploaded here.")
	}
	asked.minLength, asked.maxLength, asked.unbounded, asked.object.Length = blob.ByteSize, blob.ByteSize, false, blob.ByteSize
	if asked.object.ContentMD5, err = base64.StdEncoding.Strict().DecodeString(blob.Checksum); err != nil || blob.Checksum == "" {
		return invalid("/blob/checksum", "must be the file's MD5 in Base64")
	}
	if asked.object.ContentDisposition, err = overrides.Inline(blob.Filename); err != nil {
		return problem.New(problem.InvalidRequest, "This file's name can't be used: "+err.Error())
	}
	if err := describe(asked.object); err != nil {
		return err
	}
	made, err := w.begin(asked)
	if err != nil {
		return err
	}
	return w.answer(map[string]any{
		"key": made.upload.Key, "filename": blob.Filename, "content_type": asked.object.ContentType,
		"byte_size": blob.ByteSize, "checksum": blob.Checksum, "metadata": struct{}{}, "signed_id": made.token,
		"direct_upload": map[string]any{"url": made.request.URL, "headers": settable(made.request.Headers)},
	})
}

// shrine answers GET presign, as Shrine's presign endpoint does: a form.
func (w *widget) shrine() error {
	made, err := w.form(w.echo.QueryParam("filename"), w.echo.QueryParam("type"), nil)
	if err != nil {
		return err
	}
	return w.answer(map[string]any{
		"method": http.MethodPost, "url": made.form.URL, "fields": made.form.Fields, "headers": struct{}{},
	})
}

// settable leaves out the header that pages may not set; a browser sends it by
// itself.
func settable(headers map[string]string) map[string]string {
	kept := map[string]string{}
	for name, value := range headers {
		if name != "Content-Length" {
			kept[name] = value
		}
	}
	return kept
}
