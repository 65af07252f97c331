package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/overrides"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/signedurl"
)

// readPrefix stands before the key in the address that redirects.
const readPrefix = "/v1/read/"

// ReadItem names one object to read, and how.
type ReadItem struct {
	Key string `json:"key" doc:"Key of the object: UTF-8, at most 1,024 bytes, segments separated by single slashes" example:"users/alice/a.png"`
	Conditions
	Stable
	Filename     string `json:"filename,omitempty" doc:"Name under which a browser saves the object: any UTF-8 but slashes, control characters and those that turn the direction of text, at most 255 bytes" example:"Größe 1.png"`
	ContentType  string `json:"contentType,omitempty" doc:"Content type to answer with, in place of the object's own" example:"image/png"`
	CacheControl string `json:"cacheControl,omitempty" doc:"Cache-Control to answer with" example:"private, max-age=300"`
	VersionID    string `json:"versionId,omitempty" doc:"Version to read; the latest if left out"`
	From         string `json:"from,omitempty" enum:"cdn,s3" doc:"Where to read from: the CDN, or S3 itself by a presigned request where the gateway permits it" default:"cdn"`
}

// ReadBatch names the objects to read.
type ReadBatch struct {
	Items []ReadItem `json:"items" minItems:"1" maxItems:"1000" nullable:"false" doc:"The objects, answered in the same order"`
}

// ReadURL is the answer for one object: a URL, or the problem that keeps it.
type ReadURL struct {
	Key       string            `json:"key" doc:"The key as it was sent"`
	ID        string            `json:"id,omitempty" doc:"Issue id: sg-id in the URL, id in the audit trail"`
	URL       string            `json:"url,omitempty" format:"uri" doc:"Signed URL; whoever has it can read the object until it expires"`
	ExpiresAt *time.Time        `json:"expiresAt,omitempty" doc:"When the URL dies"`
	Problem   *problem.Document `json:"problem,omitempty" doc:"Why there is no URL for this key"`
}

type readURLsInput struct{ Body ReadBatch }

type readURLsOutput struct {
	Body struct {
		Items []ReadURL `json:"items" nullable:"false" doc:"One for each item of the request, in its order"`
	}
}

func readURLsOperation() huma.Operation {
	return huma.Operation{
		OperationID: "readUrls", Method: http.MethodPost, Path: "/v1/read-urls", Tags: []string{"read"},
		Summary:     "Signed URLs for reading objects",
		Description: "Answers each key on its own: some may get a URL while others get a problem. The gateway doesn't look whether an object exists.",
	}
}

func (s *Server) readURLs(ctx context.Context, input *readURLsInput) (*readURLsOutput, error) {
	issue := s.newIssue(ctx)
	issue.decideAhead(keysOf(input.Body.Items, func(item ReadItem) string { return item.Key }), access.Read)
	readings, err := each(issue, input.Body.Items, s.prepareRead, func(item ReadItem, document *problem.Document) *reading {
		return &reading{answer: ReadURL{Key: item.Key, Problem: document}}
	})
	if err == nil {
		err = issue.sign(ctx, readings)
	}
	if recordErr := issue.done(); err != nil || recordErr != nil {
		return nil, errors.Join(err, recordErr)
	}
	output := &readURLsOutput{}
	output.Body.Items = make([]ReadURL, len(readings))
	for n, one := range readings {
		output.Body.Items[n] = one.answer
	}
	return output, nil
}

// readURL makes one signed URL.
func (s *Server) readURL(issue *issue, item ReadItem) (ReadURL, error) {
	one, err := s.prepareRead(issue, item, "")
	if err != nil {
		return ReadURL{}, err
	}
	if err := issue.sign(issue.ctx, []*reading{one}); err != nil {
		return ReadURL{}, err
	}
	if one.answer.Problem != nil {
		return ReadURL{}, one.answer.Problem
	}
	return one.answer, nil
}

// prepareRead does all for a signed URL but the signature: parse, authorize,
// keep a place in the records.
func (s *Server) prepareRead(issue *issue, item ReadItem, pointer string) (*reading, error) {
	key, err := parseKey(item.Key, pointer+"/key")
	if err != nil {
		return nil, err
	}
	set := overrides.Set{Filename: item.Filename, ContentType: item.ContentType, CacheControl: item.CacheControl, VersionID: item.VersionID}
	if err := set.Check(); err != nil {
		return nil, brokenOverride(err, pointer)
	}
	conditions, err := s.conditions(issue, item.Conditions, item.Stable.Stable, pointer)
	if err != nil {
		return nil, err
	}
	decision, err := issue.authorizeKey(access.Read, key)
	if err != nil {
		return nil, err
	}
	if conditions, err = s.limited(conditions, decision, pointer); err != nil {
		return nil, err
	}
	if item.From == fromS3 {
		answer, err := s.readFromS3(issue, item, key, set, conditions, decision, pointer)
		return &reading{answer: answer}, err
	}
	id := s.parts.NewID()
	if item.Stable.Stable {
		id = s.stableID(issue, item, conditions)
	}
	return &reading{
		answer:  ReadURL{Key: item.Key, ID: id, ExpiresAt: &conditions.Expires},
		request: signedurl.Request{Key: key, IssueID: id, Conditions: conditions, Overrides: set},
		record:  issue.announced(access.Read, key.String(), decision, id, conditions.Expires),
	}, nil
}

// stableID is the same for the same question of the same caller, as long as
// the answer expires at the same time. It is keyed, so that the id in a URL
// tells nobody who asked for it.
func (s *Server) stableID(issue *issue, item ReadItem, conditions signedurl.Conditions) string {
	question, _ := json.Marshal([]any{ // texts and numbers: it can't fail
		callerFrom(issue.ctx).Subject, item.Key, item.Filename, item.ContentType, item.CacheControl, item.VersionID,
		conditions.Expires.Unix(), conditions.NotBefore.Unix(), conditions.Address.String(),
	})
	code := hmac.New(sha256.New, s.parts.StableKey())
	code.Write(question)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(code.Sum(nil)[:16])
}

// brokenOverride names the member that holds a broken override.
func brokenOverride(err error, pointer string) error {
	broken, ok := errors.AsType[*overrides.Error](err)
	if !ok {
		return err
	}
	member := map[string]string{"Filename": "/filename", "ContentType": "/contentType", "CacheControl": "/cacheControl", "VersionID": "/versionId"}[broken.Field]
	return invalid(pointer+member, broken.Reason)
}

// fromS3 is the way past the CDN.
const fromS3 = "s3"

// readFromS3 presigns a GET, for environments without much traffic. S3 knows
// no beginning and no address in a presigned request.
func (s *Server) readFromS3(issue *issue, item ReadItem, key objectkey.Key, set overrides.Set, conditions signedurl.Conditions, decision decision, pointer string) (ReadURL, error) {
	switch {
	case !s.parts.Limits.S3Reads:
		return ReadURL{}, invalid(pointer+"/from", "reading from S3 itself is not permitted here")
	case !conditions.NotBefore.IsZero():
		return ReadURL{}, invalid(pointer+"/notBefore", "can't be had from S3 itself")
	case conditions.Address.IsValid():
		return ReadURL{}, invalid(pointer+"/address", "can't be had from S3 itself")
	case item.Stable.Stable:
		return ReadURL{}, invalid(pointer+"/stable", "can't be had from S3 itself")
	}
	life := min(conditions.Expires.Sub(s.parts.Now().UTC().Truncate(time.Second)), presign.MaxLife)
	request, err := s.parts.Presigner.Get(issue.ctx, key, set, life)
	if err != nil {
		return ReadURL{}, err
	}
	id := s.parts.NewID()
	issue.issued(access.Read, key.String(), decision, id, "", request.Expires)
	return ReadURL{Key: item.Key, ID: id, URL: request.URL, ExpiresAt: &request.Expires}, nil
}

type readInput struct {
	Key  string `path:"key" doc:"Key of the object; its slashes may stand as they are" example:"users/alice/a.png"`
	Link string `query:"link" maxLength:"100" doc:"Secret of a link, for browsers that follow one"`
}

type readOutput struct {
	Location string `header:"Location" doc:"The signed URL"`
}

func readOperation() huma.Operation {
	return huma.Operation{
		OperationID: "read", Method: http.MethodGet, Path: readPrefix + "{key}", DefaultStatus: http.StatusFound, Tags: []string{"read"},
		Summary:     "Redirect to an object",
		Description: "Answers 302 to a signed URL with the default life: for links and clients that follow redirects.",
	}
}

func (s *Server) read(ctx context.Context, input *readInput) (*readOutput, error) {
	decoded, err := objectkey.FromPath("/" + input.Key) // the router leaves the encoding as it came
	if err != nil {
		return nil, invalid("key", err.Error())
	}
	if link, err := grants.ParseSecret(input.Link); err == nil {
		ctx = context.WithValue(ctx, linkKey{}, link.Holder())
	}
	issue := s.newIssue(ctx)
	answer, err := s.readURL(issue, ReadItem{Key: decoded.String()})
	if recordErr := issue.done(); recordErr != nil {
		return nil, recordErr
	}
	if err != nil {
		return nil, err
	}
	return &readOutput{Location: answer.URL}, nil
}
