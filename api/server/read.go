package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/signedurl"
)

// readPrefix stands before the key in the address that redirects.
const readPrefix = "/v1/read/"

// ReadURL is the answer for one object: a URL, or the problem that keeps it.
type ReadURL struct {
	Key       string            `json:"key" doc:"The key as it was sent"`
	ID        string            `json:"id,omitempty" doc:"Issue id: sg-id in the URL, id in the audit trail"`
	URL       string            `json:"url,omitempty" format:"uri" doc:"Signed URL; whoever has it can read the object until it expires"`
	ExpiresAt *time.Time        `json:"expiresAt,omitempty" doc:"When the URL dies"`
	Problem   *problem.Document `json:"problem,omitempty" doc:"Why there is no URL for this key"`
}

type readURLsInput struct{ Body Batch }

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
	items, err := answerEach(s.newIssue(ctx), input.Body, s.readURL, func(key string, document *problem.Document) ReadURL {
		return ReadURL{Key: key, Problem: document}
	})
	output := &readURLsOutput{}
	output.Body.Items = items
	return output, err
}

// readURL makes one signed URL: parse, authorize, sign, note for the audit
// trail.
func (s *Server) readURL(issue *issue, item Item, pointer string) (ReadURL, error) {
	key, err := parseKey(item.Key, pointer+"/key")
	if err != nil {
		return ReadURL{}, err
	}
	life, err := s.parts.Limits.Read.seconds(item.ExpiresIn, pointer+"/expiresIn")
	if err != nil {
		return ReadURL{}, err
	}
	decision, err := issue.authorize(access.Read, key)
	if err != nil {
		return ReadURL{}, err
	}
	id := s.parts.NewID()
	expires := s.parts.Now().UTC().Truncate(time.Second).Add(life)
	url, err := s.parts.Signer.Sign(signedurl.Request{Key: key, IssueID: id, Conditions: signedurl.Conditions{Expires: expires}})
	if err != nil {
		return ReadURL{}, err
	}
	issue.issued(access.Read, key, decision, id, s.parts.Signer.KeyID(), expires)
	return ReadURL{Key: item.Key, ID: id, URL: url, ExpiresAt: &expires}, nil
}

type readInput struct {
	Key string `path:"key" doc:"Key of the object; its slashes may stand as they are" example:"users/alice/a.png"`
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
	issue := s.newIssue(ctx)
	answer, err := s.readURL(issue, Item{Key: decoded.String()}, "")
	if recordErr := issue.done(); recordErr != nil {
		return nil, recordErr
	}
	if err != nil {
		return nil, err
	}
	return &readOutput{Location: answer.URL}, nil
}
