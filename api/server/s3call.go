package server

import (
	"encoding/xml"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/uploads"
)

// callPath ends the address of a call in S3's words.
const callPath = "/multipart"

// s3Namespace is that of S3's answers (Amazon S3 API Reference).
const s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// handleS3Call answers what a page sends in place of S3's CreateMultipartUpload,
// ListParts, CompleteMultipartUpload and AbortMultipartUpload. The gateway does
// it, so that an upload stays its beginner's and its completion is decided.
func (s *Server) handleS3Call(c echo.Context) error {
	status, body, err := s.doS3Call(c)
	if err != nil {
		document := problemFor(c.Request().Context(), err)
		return c.XML(document.Status, s3Error{Code: s3Code(document.Status), Message: document.Error(), RequestID: requestIDOf(c.Request().Context())})
	}
	if body == nil {
		return c.NoContent(status)
	}
	return c.XML(status, body)
}

func (s *Server) doS3Call(c echo.Context) (int, any, error) {
	var call s3Call
	_, err := s.parts.Sealer.Open(kindCall, c.Param("capability"), &call)
	if err != nil || methodOf(call.Step) != c.Request().Method {
		return 0, nil, problem.New(problem.Denied, "This address is none, has expired, or is for another call.")
	}
	issue := s.newIssue(s.speakFor(c, call.Person))
	status, body, err := s.carryOut(c, issue, call)
	if recordErr := issue.done(); err != nil || recordErr != nil {
		return 0, nil, errors.Join(err, recordErr)
	}
	return status, body, nil
}

func methodOf(step string) string {
	return map[string]string{
		stepStart: http.MethodPost, stepList: http.MethodGet, stepComplete: http.MethodPost, stepAbort: http.MethodDelete,
	}[step]
}

func (s *Server) carryOut(c echo.Context, issue *issue, call s3Call) (int, any, error) {
	if call.Step == stepStart {
		body, err := s.createByCall(c, issue, call)
		return http.StatusOK, body, err
	}
	upload, err := s.resume(issue, call.Upload, time.Unix(call.Until, 0))
	if err != nil {
		return 0, nil, err
	}
	switch call.Step {
	case stepList:
		parts, err := s.listParts(issue, upload)
		return http.StatusOK, listPartsResult{Namespace: s3Namespace, Key: upload.Key, Parts: toXML(parts)}, err
	case stepComplete:
		body, err := s.completeByCall(c, issue, upload)
		return http.StatusOK, body, err
	}
	return http.StatusNoContent, nil, s.abortUpload(issue, upload)
}

// createByCall begins an upload. Its type is the one that Uppy sends as the
// header of this call, as it would send it to S3.
func (s *Server) createByCall(c echo.Context, issue *issue, call s3Call) (any, error) {
	key, err := objectkey.Parse(call.Key)
	if err != nil {
		return nil, err
	}
	contentType := c.Request().Header.Get(echo.HeaderContentType)
	if contentType == "" {
		contentType = unknownType
	}
	asked := intent{
		method: byMultipart, maxLength: s.parts.Limits.MaxUploadBytes, unbounded: true, life: s.parts.Limits.OpenUpload.Default,
		object: presign.Upload{Key: key, ContentType: contentType},
	}
	if err := describe(asked.object); err != nil {
		return nil, err
	}
	made, err := s.beginUpload(issue, asked)
	if err != nil {
		return nil, err
	}
	if err := issue.done(); err != nil {
		return nil, errors.Join(err, s.abandon(issue.ctx, made.upload))
	}
	return createResult{Namespace: s3Namespace, Bucket: s.parts.Bucket, Key: call.Key, UploadID: made.token}, nil
}

func (s *Server) completeByCall(c echo.Context, issue *issue, upload opened) (any, error) {
	text, err := s.readAll(c)
	if err != nil {
		return nil, err
	}
	var body struct {
		Parts []partXML `xml:"Part"`
	}
	if err := xml.Unmarshal(text, &body); err != nil {
		return nil, problem.New(problem.MalformedRequest, "The body must be S3's CompleteMultipartUpload.")
	}
	named := make([]uploads.Part, len(body.Parts))
	for n, part := range body.Parts {
		named[n] = uploads.Part{Number: part.PartNumber, ETag: part.ETag}
	}
	object, err := s.completeUpload(issue, upload, named)
	if err != nil {
		return nil, err
	}
	return completeResult{
		Namespace: s3Namespace, Location: s.parts.Presigner.Address(upload.key), Bucket: s.parts.Bucket, Key: upload.Key, ETag: object.ETag,
	}, nil
}

func toXML(parts []uploads.Part) []partXML {
	converted := make([]partXML, len(parts))
	for n, part := range parts {
		converted[n] = partXML{part.Number, part.ETag, part.Size}
	}
	return converted
}

// S3's documents, as far as Uppy reads them.
type (
	createResult struct {
		XMLName   xml.Name `xml:"InitiateMultipartUploadResult"`
		Namespace string   `xml:"xmlns,attr"`
		Bucket    string
		Key       string
		UploadID  string `xml:"UploadId"`
	}
	listPartsResult struct {
		XMLName   xml.Name `xml:"ListPartsResult"`
		Namespace string   `xml:"xmlns,attr"`
		Key       string
		Parts     []partXML `xml:"Part"`
	}
	partXML struct {
		PartNumber int
		ETag       string
		Size       int64 `xml:",omitempty"`
	}
	completeResult struct {
		XMLName   xml.Name `xml:"CompleteMultipartUploadResult"`
		Namespace string   `xml:"xmlns,attr"`
		Location  string
		Bucket    string
		Key       string
		ETag      string
	}
	s3Error struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
	}
)

// s3Code is S3's word for a status.
func s3Code(status int) string {
	switch status {
	case http.StatusForbidden, http.StatusUnauthorized:
		return "AccessDenied"
	case http.StatusNotFound:
		return "NoSuchUpload"
	case http.StatusConflict:
		return "PreconditionFailed"
	case http.StatusServiceUnavailable:
		return "ServiceUnavailable"
	case http.StatusInternalServerError:
		return "InternalError"
	}
	return "InvalidRequest"
}
