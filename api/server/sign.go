package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/uploads"
)

// SignRequest is one request to S3 that Uppy's signRequest wants signed.
type SignRequest struct {
	Method      string `json:"method" enum:"GET,PUT,POST,DELETE" doc:"What Uppy will send"`
	Key         string `json:"key" doc:"Key of the object"`
	UploadID    string `json:"uploadId,omitempty" doc:"Of a multipart upload, as it was given"`
	PartNumber  int    `json:"partNumber,omitempty" minimum:"1" maximum:"10000" doc:"Of the part to send"`
	ContentType string `json:"contentType,omitempty" doc:"Media type of a file that is sent whole"`
	ExpiresIn   *int64 `json:"expiresIn,omitempty" doc:"Life in seconds; the gateway's default if left out"`
}

// SignedCall is what Uppy sends in its stead.
type SignedCall struct {
	URL     string            `json:"url" format:"uri" doc:"Where to send it: S3 for bytes, the gateway for anything else"`
	Key     string            `json:"key,omitempty" doc:"The object's key, where it is another than was asked for"`
	Headers map[string]string `json:"headers,omitempty" doc:"Headers to send"`
	Fields  map[string]string `json:"fields,omitempty" doc:"Fields of the form to send the file in"`
}

type signInput struct{ Body SignRequest }

type signOutput struct{ Body SignedCall }

func signOperation() huma.Operation {
	return huma.Operation{
		OperationID: "signRequest", Method: http.MethodPost, Path: "/v1/uploads/sign", Tags: []string{"write"},
		Summary: "What Uppy's signRequest asks for",
		Description: "For signRequest of @uppy/aws-s3 6: send its argument as the body and give it the answer. " +
			"Bytes go to S3; to create, list, complete and abort a multipart upload, Uppy is sent to the gateway, which answers in S3's words.",
	}
}

func (s *Server) sign(ctx context.Context, input *signInput) (*signOutput, error) {
	issue := s.newIssue(ctx)
	signed, err := s.signOne(issue, input.Body)
	if recordErr := issue.done(); err != nil || recordErr != nil {
		return nil, errors.Join(err, recordErr)
	}
	return &signOutput{Body: signed}, nil
}

func (s *Server) signOne(issue *issue, asked SignRequest) (SignedCall, error) {
	key, err := parseKey(asked.Key, "/key")
	if err != nil {
		return SignedCall{}, err
	}
	life, err := s.parts.Limits.Upload.seconds(asked.ExpiresIn, "/expiresIn")
	if err != nil {
		return SignedCall{}, err
	}
	if asked.UploadID != "" {
		return s.signStep(issue, asked, life)
	}
	switch asked.Method {
	case http.MethodPut:
		return s.signWhole(issue, key, asked.ContentType, life)
	case http.MethodPost:
		if _, err := issue.authorizeKey(access.Write, key); err != nil {
			return SignedCall{}, err
		}
		return s.sealCall(s3Call{Step: stepStart, Person: issue.person(), Key: asked.Key}, life)
	case http.MethodDelete:
		return SignedCall{}, problem.New(problem.Denied, "An object isn't deleted through an upload widget; ask /v1/delete-urls.")
	}
	return SignedCall{}, invalid("/method", "needs an uploadId")
}

// signWhole signs a form, the only request for a file of unknown size that S3
// holds to a limit. Whoever may not overwrite gets a key that nobody has.
func (s *Server) signWhole(issue *issue, key objectkey.Key, contentType string, life time.Duration) (SignedCall, error) {
	if contentType == "" {
		contentType = unknownType
	}
	asked := intent{
		method: byForm, maxLength: s.parts.Limits.MaxUploadBytes, unbounded: true, life: life,
		object: presign.Upload{Key: key, ContentType: contentType},
	}
	if err := describe(asked.object); err != nil {
		return SignedCall{}, err
	}
	rule := s.parts.Rules.For(key)
	overwriting, err := issue.decideKey(access.Overwrite, key)
	if err != nil {
		return SignedCall{}, err
	}
	asked.overwrite = overwriting.Allowed && (rule.Overwrite == nil || *rule.Overwrite)
	if !asked.overwrite {
		folder, name := "", key.String()
		if slash := strings.LastIndexByte(name, '/'); slash >= 0 {
			folder, name = name[:slash+1], name[slash+1:]
		}
		var err error
		if asked.object.Key, err = objectkey.Parse(folder + s.parts.NewID() + "-" + name); err != nil {
			return SignedCall{}, invalid("/key", "leaves no room to make it new: "+err.Error())
		}
		asked.fresh = true
	}
	if _, err := issue.authorizeKey(access.Write, asked.object.Key); err != nil {
		return SignedCall{}, err // before the rules, which aren't everybody's to know
	}
	if rule.Verify {
		return SignedCall{}, problem.New(problem.InvalidRequest,
			"Objects here are verified before they come to their key, and Uppy doesn't say when a file sent in one piece has arrived. Set shouldUseMultipart to true.")
	}
	made, err := s.beginUpload(issue, asked)
	if err != nil {
		return SignedCall{}, err
	}
	return SignedCall{URL: made.form.URL, Key: made.upload.Key, Fields: made.form.Fields}, nil
}

// signStep signs a part, or the address of another step of an upload.
func (s *Server) signStep(issue *issue, asked SignRequest, life time.Duration) (SignedCall, error) {
	upload, err := s.openUpload(issue, asked.UploadID)
	if err != nil {
		return SignedCall{}, err
	}
	if asked.Key != upload.Key {
		return SignedCall{}, errNoUpload()
	}
	call := s3Call{Person: issue.person(), Key: upload.Key, Upload: upload.Upload, Until: upload.expires.Unix()}
	switch asked.Method {
	case http.MethodPut:
		signed, err := s.signParts(issue, upload, []presign.Part{{Number: asked.PartNumber}}, life)
		if err != nil {
			return SignedCall{}, err
		}
		return SignedCall{URL: signed[0].URL, Headers: settable(signed[0].Headers)}, nil
	case http.MethodGet:
		call.Step = stepList
	case http.MethodPost:
		call.Step = stepComplete
	case http.MethodDelete:
		call.Step = stepAbort
	}
	return s.sealCall(call, min(life, upload.expires.Sub(s.parts.Now())))
}

// s3Call is sealed into the address of one call in S3's words.
type s3Call struct {
	Step   string         `json:"c"`
	Person person         `json:"s"`
	Key    string         `json:"k"`
	Upload uploads.Upload `json:"o,omitzero"`
	Until  int64          `json:"e,omitempty"` // when the upload's id expires, Unix seconds
}

func (s *Server) sealCall(call s3Call, life time.Duration) (SignedCall, error) {
	token, err := s.parts.Sealer.Seal(kindCall, call, s.parts.Now().Add(life))
	if err != nil {
		return SignedCall{}, err
	}
	return SignedCall{URL: s.parts.PublicURL + capabilityPath + token + callPath}, nil
}
