package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/signedurl"
)

// PrefixRequest names a prefix to read below, and how.
type PrefixRequest struct {
	Prefix string `json:"prefix" doc:"Everything below: a key that ends in a slash" example:"users/alice/albums/7/"`
	Conditions
}

// PrefixGrant opens every object below a prefix.
type PrefixGrant struct {
	ID        string    `json:"id" doc:"Issue id: id in the audit trail"`
	Prefix    string    `json:"prefix" doc:"The prefix"`
	URL       string    `json:"url" format:"uri" doc:"Address of the prefix; the rest of a key, percent-encoded, comes behind it"`
	Query     string    `json:"query,omitempty" doc:"What comes behind the address of each object, after a question mark; whoever has it can read everything below the prefix"`
	ExpiresAt time.Time `json:"expiresAt" doc:"When it dies"`
}

type prefixInput struct{ Body PrefixRequest }

type prefixOutput struct{ Body PrefixGrant }

func readPrefixOperation() huma.Operation {
	return huma.Operation{
		OperationID: "readPrefix", Method: http.MethodPost, Path: "/v1/read-prefixes", DefaultStatus: http.StatusCreated, Tags: []string{"read"},
		Summary:     "One signature for everything below a prefix",
		Description: "For players and galleries that put URLs together themselves. Granted only where the caller may read whatever lies there, now or later.",
	}
}

func (s *Server) readPrefix(ctx context.Context, input *prefixInput) (*prefixOutput, error) {
	issue := s.newIssue(ctx)
	prefix, conditions, decision, err := s.preparePrefix(issue, input.Body)
	if err != nil {
		return nil, err
	}
	id := s.parts.NewID()
	signer := s.parts.Signer(ctx)
	grant, err := signer.SignPrefix(signedurl.PrefixRequest{Prefix: prefix, IssueID: id, Conditions: conditions})
	if err != nil {
		return nil, err
	}
	issue.issued(access.Read, prefix.String(), decision, id, signer.KeyID(), conditions.Expires)
	if err := issue.done(); err != nil {
		return nil, err
	}
	return &prefixOutput{Body: PrefixGrant{ID: id, Prefix: prefix.String(), URL: grant.URL, Query: grant.Query, ExpiresAt: conditions.Expires}}, nil
}

// preparePrefix parses, checks and authorizes; a no is recorded.
func (s *Server) preparePrefix(issue *issue, request PrefixRequest) (objectkey.Prefix, signedurl.Conditions, decision, error) {
	prefix, err := parsePrefix(request.Prefix, "/prefix")
	if err != nil {
		return prefix, signedurl.Conditions{}, decision{}, err
	}
	conditions, err := s.conditions(issue, request.Conditions, false, "")
	if err != nil {
		return prefix, conditions, decision{}, err
	}
	decision, err := issue.authorizePrefix(access.Read, prefix)
	if err != nil {
		if recordErr := issue.done(); recordErr != nil {
			err = recordErr
		}
		return prefix, conditions, decision, err
	}
	conditions, err = s.limited(conditions, decision, "")
	return prefix, conditions, decision, err
}

type cookiesOutput struct {
	SetCookie []http.Cookie `header:"Set-Cookie" doc:"The cookies, for everything below the prefix at the CDN"`
	Body      PrefixGrant
}

func readCookiesOperation() huma.Operation {
	return huma.Operation{
		OperationID: "readCookies", Method: http.MethodPost, Path: "/v1/read-cookies", DefaultStatus: http.StatusCreated, Tags: []string{"read"},
		Summary: "Signed cookies for everything below a prefix",
		Description: "For players and galleries whose URLs can't carry a signature. Call it from the page with credentials included. " +
			"The gateway and the CDN must share a registrable domain, or no cookie could reach the CDN.",
	}
}

func (s *Server) readCookies(ctx context.Context, input *prefixInput) (*cookiesOutput, error) {
	issue := s.newIssue(ctx)
	prefix, conditions, decision, err := s.preparePrefix(issue, input.Body)
	if err != nil {
		return nil, err
	}
	signer := s.parts.Signer(ctx)
	domain, err := signer.CookieDomain(hostFrom(ctx))
	if err != nil {
		return nil, err
	}
	cookies, err := signer.SignCookies(signedurl.CookieRequest{Prefix: prefix, Conditions: conditions, Domain: domain, SameSite: s.parts.CookieSameSite})
	if err != nil {
		return nil, err
	}
	id := s.parts.NewID()
	issue.issued(access.Read, prefix.String(), decision, id, signer.KeyID(), conditions.Expires)
	if err := issue.done(); err != nil {
		return nil, err
	}
	output := &cookiesOutput{Body: PrefixGrant{ID: id, Prefix: prefix.String(), URL: signer.URL() + prefix.Path(), ExpiresAt: conditions.Expires}}
	for _, cookie := range cookies {
		output.SetCookie = append(output.SetCookie, *cookie)
	}
	return output, nil
}
