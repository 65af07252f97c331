package client

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/signgate/signgate/pkg/objectkey"
)

// CreateGrant shares an object, or everything below a prefix.
func (c *Client) CreateGrant(ctx context.Context, request GrantRequest) (Grant, error) {
	var grant Grant
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/grants", body: request}, &grant)
	return grant, err
}

// Grant asks for one share.
func (c *Client) Grant(ctx context.Context, id string) (Grant, error) {
	return get[Grant](ctx, c, "/v1/grants/"+objectkey.Escape(id))
}

// DeleteGrant takes a share back.
func (c *Client) DeleteGrant(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: "/v1/grants/" + objectkey.Escape(id), idempotent: true}, nil)
	return err
}

// SharedWithMe asks what is shared with the caller, or with a group of theirs.
func (c *Client) SharedWithMe(ctx context.Context, group, cursor string) (GrantPage, error) {
	return get[GrantPage](ctx, c, "/v1/shared-with-me"+query(url.Values{"group": {group}, "cursor": {cursor}}))
}

// Access asks who can see an object, or what lies below a prefix, and through
// what: through all shares above it, or through those on one prefix, by pages.
func (c *Client) Access(ctx context.Context, resource, through, cursor string) (GrantPage, error) {
	return get[GrantPage](ctx, c, "/v1/access"+query(url.Values{"resource": {resource}, "through": {through}, "cursor": {cursor}}))
}

// Decide asks whether the caller may do something, and why.
func (c *Client) Decide(ctx context.Context, request DecisionRequest) (Decision, error) {
	var decision Decision
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/decisions", body: request, idempotent: true}, &decision)
	return decision, err
}

// List asks for the objects below a prefix that the caller may see.
func (c *Client) List(ctx context.Context, request ListRequest) (ObjectPage, error) {
	values := url.Values{"prefix": {request.Prefix}, "cursor": {request.Cursor}}
	for name, wanted := range map[string]bool{"folders": request.Folders, "urls": request.URLs} {
		if wanted {
			values.Set(name, "true")
		}
	}
	if request.Limit > 0 {
		values.Set("limit", strconv.Itoa(request.Limit))
	}
	if request.ExpiresIn > 0 {
		values.Set("expiresIn", strconv.FormatInt(int64(request.ExpiresIn/time.Second), 10))
	}
	return get[ObjectPage](ctx, c, "/v1/objects"+query(values))
}

// query writes the parameters that aren't empty.
func query(values url.Values) string {
	maps.DeleteFunc(values, func(_ string, texts []string) bool { return texts[0] == "" })
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}
