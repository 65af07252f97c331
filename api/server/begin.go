package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/uploads"
)

// unknownType is what a file is where its client doesn't say (RFC 2046, section
// 4.5.1).
const unknownType = "application/octet-stream"

// intent is an upload that somebody asks for, whatever protocol they speak.
type intent struct {
	method      string
	object      presign.Upload // its key, type and whatever else S3 keeps
	minLength   int64          // bytes, inclusive
	maxLength   int64          // bytes, inclusive
	unbounded   bool           // maxLength is only the gateway's own limit
	sizePointer string         // where the request says the size
	partSize    int64
	algorithm   uploads.Algorithm
	overwrite   bool
	fresh       bool // the key is new and unguessable, so that there is nothing to overwrite
	life        time.Duration
	prefix      string // of the upload session, if any
}

// begun is an upload that was allowed, and what carries its bytes.
type begun struct {
	upload  uploads.Upload
	token   string // its sealed id
	request presign.Request
	form    presign.FormRequest
	expires time.Time
}

// beginUpload authorizes and mints. Replacing an object takes a second
// permission on top of writing; so does a form, which S3 can't hold to not
// replacing one.
func (s *Server) beginUpload(issue *issue, asked intent) (begun, error) {
	key := asked.object.Key
	rule := s.parts.Rules.For(key)
	action, decision, err := s.authorizeUpload(issue, asked, rule)
	if err != nil {
		return begun{}, err
	}
	if err := s.obey(&asked, rule); err != nil {
		return begun{}, err
	}
	if asked.life = decision.limitLife(s.parts.Now(), asked.life); asked.life < time.Second {
		return begun{}, problem.New(problem.Denied, "What lets you write this object is about to end.")
	}
	made := begun{upload: uploads.Upload{
		ID: s.parts.NewID(), Subject: issue.principal().Subject, Key: key.String(), ContentType: asked.object.ContentType,
		MinLength: asked.minLength, MaxLength: asked.maxLength, PartSize: asked.partSize, Tags: asked.object.Tags,
		SHA256: asked.object.ChecksumSHA256, CRC64NVME: asked.object.ChecksumCRC64NVME,
		Overwrite: asked.overwrite, Prefix: asked.prefix,
	}}
	if asked.unbounded {
		made.upload.PartSize = 0 // parts may have any size
	}
	if rule.Verify {
		made.upload.Landing = s.parts.Quarantine.String() + made.upload.ID
		if asked.object.Key, err = made.upload.LandingKey(); err != nil {
			return begun{}, err
		}
		asked.object.Overwrite = false // the id is new
	}
	if err := s.mintUpload(issue.ctx, &made, asked); err != nil {
		return begun{}, err
	}
	if made.token, err = s.parts.Sealer.Seal(kindUpload, made.upload, s.openUntil(asked, made)); err != nil {
		return begun{}, errors.Join(err, s.abandon(issue.ctx, made.upload))
	}
	issue.step(stepStart, action, made.upload, decision, made.expires)
	return made, nil
}

// openUntil is how long the id of an upload is good for. One whose bytes are
// verified is completed after they have arrived.
func (s *Server) openUntil(asked intent, made begun) time.Time {
	if asked.method != byMultipart && made.upload.Verified() {
		return made.expires.Add(s.parts.Limits.OpenUpload.Default)
	}
	return made.expires
}

func (s *Server) authorizeUpload(issue *issue, asked intent, rule uploads.Rule) (access.Action, decision, error) {
	decision, err := issue.authorizeKey(access.Write, asked.object.Key)
	if err != nil {
		return access.Write, decision, err
	}
	if asked.method == byForm && !asked.overwrite && !asked.fresh && !rule.Verify {
		return access.Write, decision, invalid("/method", "S3 can't hold a form to not overwriting; set overwrite, or use put or multipart")
	}
	if !asked.overwrite {
		return access.Write, decision, nil
	}
	if rule.Overwrite != nil && !*rule.Overwrite {
		return access.Overwrite, decision, invalid("/overwrite", "the rules for uploads don't allow it here")
	}
	overwriting, err := issue.authorizeKey(access.Overwrite, asked.object.Key)
	return access.Overwrite, decision.and(overwriting), err
}

// obey holds an upload to the limits of the gateway and of its prefix. It is
// called after the caller has been found to be allowed to write there.
func (s *Server) obey(asked *intent, rule uploads.Rule) error {
	most := s.parts.Limits.MaxUploadBytes
	if rule.MaxBytes > 0 {
		most = min(most, rule.MaxBytes)
	}
	if asked.method != byMultipart {
		most = min(most, presign.MaxPutBytes)
	}
	if asked.unbounded {
		asked.maxLength = min(asked.maxLength, most)
	}
	if asked.maxLength > most {
		return invalid(asked.sizePointer, fmt.Sprintf("must be at most %d bytes", most))
	}
	if !rule.AllowsType(asked.object.ContentType) {
		return invalid("/contentType", fmt.Sprintf("is none of those allowed here: %q", rule.ContentTypes))
	}
	return nil
}

// mintUpload makes what carries the bytes.
func (s *Server) mintUpload(ctx context.Context, made *begun, asked intent) error {
	var err error
	switch asked.method {
	case byForm:
		made.form, err = s.parts.Presigner.Form(ctx, presign.Form{
			Key: asked.object.Key, MinLength: asked.minLength, MaxLength: asked.maxLength, ContentType: asked.object.ContentType,
			ChecksumSHA256: asked.object.ChecksumSHA256, Metadata: asked.object.Metadata, Tags: asked.object.Tags,
			ContentDisposition: asked.object.ContentDisposition, CacheControl: asked.object.CacheControl,
		}, asked.life)
		made.expires = made.form.Expires
	case byMultipart:
		made.expires = s.parts.Now().UTC().Truncate(time.Second).Add(asked.life)
		made.upload.S3ID, err = s.parts.Uploads.Create(ctx, asked.object, asked.algorithm)
	default:
		made.request, err = s.parts.Presigner.Put(ctx, asked.object, asked.life)
		made.expires = made.request.Expires
	}
	return err
}

// abandonTime is how long S3 may take to forget an upload that nobody gets,
// whatever is left of the request's time. What it doesn't, the bucket's
// lifecycle does.
const abandonTime = time.Second

// abandon frees what S3 keeps of an upload that its caller will never hear of.
func (s *Server) abandon(ctx context.Context, upload uploads.Upload) error {
	if upload.S3ID == "" {
		return nil
	}
	key, err := upload.LandingKey()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTime)
	defer cancel()
	return s.parts.Uploads.Abort(ctx, key, upload.S3ID)
}

// answer tells of an upload in the words of our own interface.
func (b begun) answer(key string) NewUpload {
	made := NewUpload{
		ID: b.upload.ID, UploadID: b.token, Key: key, ExpiresAt: b.expires, Verified: b.upload.Verified(),
		Method: b.request.Method, URL: b.request.URL, Headers: b.request.Headers,
	}
	switch {
	case b.upload.S3ID != "":
		made.Method, made.PartSize, made.PartCount = "MULTIPART", b.upload.PartSize, b.upload.PartCount()
	case b.form.URL != "":
		made.Method, made.URL, made.Fields = "POST", b.form.URL, b.form.Fields
	}
	return made
}

// The steps of an upload, as the audit trail names them.
const (
	stepSession     = "session"
	stepCredentials = "credentials"
	stepStart       = "start"
	stepParts       = "parts"
	stepList        = "list"
	stepComplete    = "complete"
	stepAbort       = "abort"
)

// step notes a step of an upload.
func (i *issue) step(step string, action access.Action, upload uploads.Upload, decision decision, expires time.Time) {
	record := i.record(action, upload.Key, decision)
	record.Outcome, record.ID, record.Step, record.ExpiresAt = audit.Issued, upload.ID, step, &expires
	i.records = append(i.records, record)
}

// errNoUpload is the answer for an id that isn't one, has expired, or is
// somebody else's.
func errNoUpload() error {
	return problem.New(problem.NotFound, "There is no such upload, it is over, or another person began it.")
}
