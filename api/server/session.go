package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/uploads"
)

// SessionRequest asks for an address that upload widgets can use.
type SessionRequest struct {
	Prefix       string   `json:"prefix" doc:"Where its objects will lie, with the closing slash" example:"users/alice/inbox/"`
	MaxBytes     int64    `json:"maxBytes,omitempty" minimum:"0" doc:"Largest object in bytes; the gateway's limit if left out" example:"10485760"`
	ContentTypes []string `json:"contentTypes,omitempty" maxItems:"16" doc:"Media types, or ranges such as image/*; any if left out" example:"[\"image/*\"]"`
	ExpiresIn    *int64   `json:"expiresIn,omitempty" doc:"Life in seconds; the gateway's default if left out" example:"3600"`
	WithToken    bool     `json:"withToken,omitempty" doc:"The address works only together with an access token of the same person"`
}

// Session is an address below which upload widgets find what they need.
type Session struct {
	ID           string    `json:"id" doc:"Issue id: id in the audit trail"`
	URL          string    `json:"url" format:"uri" doc:"The address; whoever has it can upload below the prefix until it expires"`
	Prefix       string    `json:"prefix" doc:"Where its objects will lie"`
	MaxBytes     int64     `json:"maxBytes" doc:"Largest object in bytes"`
	ContentTypes []string  `json:"contentTypes,omitempty" doc:"Media types and ranges that may be uploaded; any if left out"`
	ExpiresAt    time.Time `json:"expiresAt" doc:"When the address dies"`
}

// maxContentRange is enough for any media type in use, and little enough for
// sixteen of them to be sealed into an address.
const maxContentRange = 127

// person is who asked for an address, a machine perhaps, as policies knew them
// then.
type person struct {
	Kind    callers.Kind `json:"k,omitempty"`
	Subject string       `json:"s"`
	Groups  []string     `json:"g,omitempty"`
	Tenant  string       `json:"t,omitempty"`
	Scopes  []string     `json:"c,omitzero"`  // nil, which is no bounds, and empty, which is nothing, stay apart
	Link    string       `json:"l,omitempty"` // the holder of a link that came along: a digest, no secret
}

func (i *issue) person() person {
	caller := callerFrom(i.ctx)
	return person{
		Kind: caller.Kind, Subject: caller.Subject, Groups: caller.Groups, Tenant: caller.Tenant, Scopes: caller.Scopes, Link: linkFrom(i.ctx).String(),
	}
}

// session is what is sealed into the address.
type session struct {
	ID           string   `json:"i"`
	Person       person   `json:"s"`
	Prefix       string   `json:"p"`
	MaxBytes     int64    `json:"m"`
	ContentTypes []string `json:"t,omitempty"`
	WithToken    bool     `json:"w,omitempty"`
	Unlimited    bool     `json:"u,omitempty"` // neither size nor type was asked to be limited
}

type sessionInput struct{ Body SessionRequest }

type sessionOutput struct{ Body Session }

func sessionOperation() huma.Operation {
	return huma.Operation{
		OperationID: "createUploadSession", Method: http.MethodPost, Path: "/v1/upload-sessions", DefaultStatus: http.StatusCreated, Tags: []string{"write"},
		Summary: "An address for upload widgets",
		Description: "Below it, Uppy finds a Companion, ActiveStorage its direct uploads, Shrine its presign endpoint. " +
			"It uploads new objects below one prefix in the name of the person who asked for it, and does nothing else, unless the gateway gives credentials away: " +
			"then one without limits on sizes and types gives them to whoever has it, where the person may overwrite there.",
	}
}

// createSession asks for the decision about a new object in the folder now, and
// about each object again when it comes.
func (s *Server) createSession(ctx context.Context, input *sessionInput) (*sessionOutput, error) {
	body := input.Body
	prefix, err := parsePrefix(body.Prefix, "/prefix")
	if err != nil {
		return nil, err
	}
	for n, pattern := range body.ContentTypes {
		if len(pattern) > maxContentRange || !uploads.IsContentRange(pattern) {
			return nil, invalid(fmt.Sprintf("/contentTypes/%d", n), `must be a media type such as "image/png", or "image/*"`)
		}
	}
	life, err := s.parts.Limits.Session.seconds(body.ExpiresIn, "/expiresIn")
	if err != nil {
		return nil, err
	}
	if body.MaxBytes > s.parts.Limits.MaxUploadBytes {
		return nil, invalid("/maxBytes", fmt.Sprintf("must be at most %d", s.parts.Limits.MaxUploadBytes))
	}
	unlimited := body.MaxBytes == 0 && len(body.ContentTypes) == 0
	if body.MaxBytes == 0 {
		body.MaxBytes = s.parts.Limits.MaxUploadBytes
	}
	issue := s.newIssue(ctx)
	sealed := session{
		ID: s.parts.NewID(), Person: issue.person(), Prefix: prefix.String(),
		MaxBytes: body.MaxBytes, ContentTypes: body.ContentTypes, WithToken: body.WithToken, Unlimited: unlimited,
	}
	made, err := s.sealSession(issue, sealed, prefix, life)
	if recordErr := issue.done(); err != nil || recordErr != nil {
		return nil, errors.Join(err, recordErr)
	}
	return &sessionOutput{Body: made}, nil
}

func (s *Server) sealSession(issue *issue, sealed session, prefix objectkey.Prefix, life time.Duration) (Session, error) {
	probe, err := prefix.Child(sealed.ID)
	if err != nil {
		return Session{}, invalid("/prefix", err.Error())
	}
	decision, err := issue.authorizeKey(access.Write, probe)
	if err != nil {
		return Session{}, err
	}
	expires := s.parts.Now().UTC().Truncate(time.Second).Add(life)
	token, err := s.parts.Sealer.Seal(kindSession, sealed, expires)
	if err != nil {
		return Session{}, err
	}
	record := issue.record(access.Write, sealed.Prefix, decision)
	record.Outcome, record.ID, record.Step, record.ExpiresAt = audit.Issued, sealed.ID, stepSession, &expires
	issue.records = append(issue.records, record)
	return Session{
		ID: sealed.ID, URL: s.parts.PublicURL + capabilityPath + token, Prefix: sealed.Prefix,
		MaxBytes: sealed.MaxBytes, ContentTypes: sealed.ContentTypes, ExpiresAt: expires,
	}, nil
}

// newKey makes a key below the session's prefix that nobody can guess, ending
// in the name that the file had.
func (w session) newKey(id, filename string) (objectkey.Key, error) {
	// A file saved from a signed URL is called by what followed the last slash.
	filename, _, _ = strings.Cut(filename, "?")
	if holdsSignature(filename) {
		return objectkey.Key{}, problem.New(problem.InvalidRequest, "This file's name holds a signature. Give it another name.")
	}
	const longest = 200 // bytes of a name, so that file systems that keep objects as files can
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == utf8.RuneError || r < ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(filename, "_"))
	for len(name) > longest {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	key, err := objectkey.Parse(w.Prefix + id + "-" + name)
	if err != nil {
		return objectkey.Key{}, problem.New(problem.InvalidRequest, "This file's name can't be part of a key: "+err.Error())
	}
	return key, nil
}

// allows holds a file to what the session was made for.
func (w session) allows(contentType string) error {
	if !uploads.AllowsType(w.ContentTypes, contentType) {
		return problem.New(problem.InvalidRequest, fmt.Sprintf("Files of type %q may not be uploaded here, only %q.", contentType, w.ContentTypes))
	}
	return nil
}
