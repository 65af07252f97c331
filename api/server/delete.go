package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/problem"
)

// DeleteURL is the answer for one object: a request that deletes it, or the
// problem that keeps it.
type DeleteURL struct {
	Key       string            `json:"key" doc:"The key as it was sent"`
	ID        string            `json:"id,omitempty" doc:"Issue id: id in the audit trail"`
	Method    string            `json:"method,omitempty" doc:"HTTP method to use" example:"DELETE"`
	URL       string            `json:"url,omitempty" format:"uri" doc:"Where to send it; whoever has it can use it until it expires"`
	ExpiresAt *time.Time        `json:"expiresAt,omitempty" doc:"When the request dies"`
	Problem   *problem.Document `json:"problem,omitempty" doc:"Why there is no request for this key"`
}

type deleteURLsInput struct{ Body Batch }

type deleteURLsOutput struct {
	Body struct {
		Items []DeleteURL `json:"items" nullable:"false" doc:"One for each item of the request, in its order"`
	}
}

func deleteURLsOperation() huma.Operation {
	return huma.Operation{
		OperationID: "deleteUrls", Method: http.MethodPost, Path: "/v1/delete-urls", Tags: []string{"write"},
		Summary:     "Presigned requests that delete objects",
		Description: "Deleting hides the object; the bucket keeps its versions, and no request made here can remove one.",
	}
}

func (s *Server) deleteURLs(ctx context.Context, input *deleteURLsInput) (*deleteURLsOutput, error) {
	issue := s.newIssue(ctx)
	issue.decideAhead(keysOf(input.Body.Items, func(item Item) string { return item.Key }), access.Delete)
	items, err := answerEach(issue, input.Body.Items, s.deleteURL, func(item Item, document *problem.Document) DeleteURL {
		return DeleteURL{Key: item.Key, Problem: document}
	})
	output := &deleteURLsOutput{}
	output.Body.Items = items
	return output, err
}

func (s *Server) deleteURL(issue *issue, item Item, pointer string) (DeleteURL, error) {
	key, err := parseKey(item.Key, pointer+"/key")
	if err != nil {
		return DeleteURL{}, err
	}
	life, err := s.parts.Limits.Delete.seconds(item.ExpiresIn, pointer+"/expiresIn")
	if err != nil {
		return DeleteURL{}, err
	}
	decision, err := issue.authorizeKey(access.Delete, key)
	if err != nil {
		return DeleteURL{}, err
	}
	request, err := s.parts.Presigner.Delete(issue.ctx, key, decision.limitLife(s.parts.Now(), life))
	if err != nil {
		return DeleteURL{}, err
	}
	id := s.parts.NewID()
	issue.issued(access.Delete, key.String(), decision, id, "", request.Expires)
	return DeleteURL{Key: item.Key, ID: id, Method: request.Method, URL: request.URL, ExpiresAt: &request.Expires}, nil
}
