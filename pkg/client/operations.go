package client

import (
	"context"
	"fmt"
	"net/http"

	"github.com/signgate/signgate/pkg/objectkey"
)

// ReadURLs asks for signed URLs, up to 1,000 at once. Each item of the answer
// has a URL or a problem, in the order of the question.
func (c *Client) ReadURLs(ctx context.Context, items ...ReadItem) ([]ReadURL, error) {
	return batch[ReadItem, ReadURL](ctx, c, "/v1/read-urls", items)
}

// ReadURL asks for one signed URL. A problem of the item is the error.
func (c *Client) ReadURL(ctx context.Context, item ReadItem) (ReadURL, error) {
	items, err := c.ReadURLs(ctx, item)
	if err != nil {
		return ReadURL{}, err
	}
	if items[0].Problem != nil {
		return items[0], fmt.Errorf("read: %w", items[0].Problem)
	}
	return items[0], nil
}

// ReadLocation asks for a signed URL by the address that redirects to it.
func (c *Client) ReadLocation(ctx context.Context, key string) (string, error) {
	parsed, err := objectkey.Parse(key)
	if err != nil {
		return "", err
	}
	got, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/read" + parsed.Path(), idempotent: true}, nil)
	if err != nil {
		return "", err
	}
	location := got.header.Get("Location")
	if got.status != http.StatusFound || location == "" {
		return "", fmt.Errorf("%w: no redirect", ErrAnswer)
	}
	return location, nil
}

// ReadPrefix asks for one signature for everything below a prefix.
func (c *Client) ReadPrefix(ctx context.Context, request PrefixRequest) (PrefixGrant, error) {
	var grant PrefixGrant
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/read-prefixes", body: request, idempotent: true}, &grant)
	return grant, err
}

// ObjectURL is the URL of an object below the prefix. The error wraps
// objectkey.ErrInvalid where the key isn't below it.
func (g PrefixGrant) ObjectURL(key string) (string, error) {
	prefix, err := objectkey.ParsePrefix(g.Prefix)
	if err != nil {
		return "", err
	}
	parsed, err := objectkey.Parse(key)
	if err != nil {
		return "", err
	}
	if !prefix.Contains(parsed) {
		return "", fmt.Errorf("%w: it isn't below the prefix", objectkey.ErrInvalid)
	}
	address := g.URL + parsed.Path()[len(prefix.Path()):]
	if g.Query != "" {
		address += "?" + g.Query
	}
	return address, nil
}

// ReadCookies asks for signed cookies for everything below a prefix.
func (c *Client) ReadCookies(ctx context.Context, request PrefixRequest) (CookieGrant, error) {
	var grant CookieGrant
	got, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/read-cookies", body: request, idempotent: true}, &grant.PrefixGrant)
	if err == nil {
		grant.Cookies = (&http.Response{Header: got.header}).Cookies()
	}
	return grant, err
}

// Explain asks why the CDN takes a signed URL, or doesn't.
func (c *Client) Explain(ctx context.Context, request ExplainRequest) (Explanation, error) {
	var explanation Explanation
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/explain", body: request, idempotent: true}, &explanation)
	return explanation, err
}

// DeleteURLs asks for requests that delete objects, up to 1,000 at once. Each
// item of the answer has a request or a problem, in the order of the question.
func (c *Client) DeleteURLs(ctx context.Context, items ...Item) ([]DeleteURL, error) {
	return batch[Item, DeleteURL](ctx, c, "/v1/delete-urls", items)
}

// Live asks whether the gateway's process answers.
func (c *Client) Live(ctx context.Context) (Status, error) { return get[Status](ctx, c, "/livez") }

// Ready asks whether the gateway can do its work; if not, the error is a
// *problem.Document that names what is missing.
func (c *Client) Ready(ctx context.Context) (Status, error) { return get[Status](ctx, c, "/readyz") }

// Version asks which gateway this is.
func (c *Client) Version(ctx context.Context) (Build, error) { return get[Build](ctx, c, "/version") }

func get[T any](ctx context.Context, c *Client, path string) (T, error) {
	var out T
	_, err := c.do(ctx, call{method: http.MethodGet, path: path, idempotent: true}, &out)
	return out, err
}

// batch asks for many items. To ask again where nobody knows what became of
// the first time hands out no more than was asked for.
func batch[I, T any](ctx context.Context, c *Client, path string, items []I) ([]T, error) {
	var out struct {
		Items []T `json:"items"`
	}
	_, err := c.do(ctx, call{method: http.MethodPost, path: path, body: map[string]any{"items": items}, idempotent: true}, &out)
	if err != nil {
		return nil, err
	}
	if len(out.Items) != len(items) {
		return nil, fmt.Errorf("%w: %d items for %d", ErrAnswer, len(out.Items), len(items))
	}
	return out.Items, nil
}
