package server

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/objectkey"
)

// GrantID names a share in a path.
type GrantID struct {
	ID string `path:"id" doc:"id of the share"`
}

func getGrantOperation() huma.Operation {
	return huma.Operation{
		OperationID: "getGrant", Method: http.MethodGet, Path: "/v1/grants/{id}", Tags: []string{"share"},
		Summary: "One share", Description: "For who made it, and for whoever may share there.",
	}
}

func (s *Server) getGrant(ctx context.Context, input *GrantID) (*grantOutput, error) {
	issue := s.newIssue(ctx)
	grant, _, err := s.ownGrant(issue, input.ID, access.Share)
	if err != nil {
		return nil, errors.Join(err, issue.done())
	}
	return &grantOutput{Body: grantFor(grant)}, nil
}

func deleteGrantOperation() huma.Operation {
	return huma.Operation{
		OperationID: "deleteGrant", Method: http.MethodDelete, Path: "/v1/grants/{id}", DefaultStatus: http.StatusNoContent, Tags: []string{"share"},
		Summary:     "Take a share back",
		Description: "For who made it, and for whoever may revoke there. Nothing new is issued through it from now on; what was issued lives until it expires.",
	}
}

func (s *Server) deleteGrant(ctx context.Context, input *GrantID) (*struct{}, error) {
	issue := s.newIssue(ctx)
	grant, decided, err := s.ownGrant(issue, input.ID, access.Revoke)
	if err != nil {
		return nil, errors.Join(err, issue.done())
	}
	issue.shared(access.Revoke, grant, decided)
	if err := issue.done(); err != nil {
		return nil, err
	}
	return nil, s.parts.Grants.Delete(ctx, grant.ID)
}

// ownGrant finds a share for who made it, or for who may do the action where
// it is. For anybody else it isn't there.
func (s *Server) ownGrant(issue *issue, id string, action access.Action) (grants.Grant, decision, error) {
	if s.parts.Grants == nil {
		return grants.Grant{}, decision{}, errNoSharing()
	}
	grant, err := s.parts.Grants.Get(issue.ctx, id)
	if errors.Is(err, grants.ErrInvalid) {
		err = grants.ErrNotFound
	}
	if err != nil {
		return grants.Grant{}, decision{}, err
	}
	if asking := issue.principal(); asking.Subject != "" && grant.CreatedBy == asking.Subject && asking.Covers(action, grant.Resource) {
		return grant, decision{}, nil
	}
	decided, err := issue.authorizeResource(action, grant.Resource)
	if err != nil {
		return grants.Grant{}, decision{}, errors.Join(grants.ErrNotFound, issue.done())
	}
	return grant, decided, nil
}

// GrantPage is part of a list of shares.
type GrantPage struct {
	Items      []Grant `json:"items" nullable:"false" doc:"The shares"`
	NextCursor string  `json:"nextCursor,omitempty" doc:"Where the list goes on; none at its end"`
}

type grantPageOutput struct{ Body GrantPage }

const grantsPerPage = 200

type sharedWithMeInput struct {
	Group  string `query:"group" maxLength:"1024" doc:"A group of the caller's; the caller themself if left out"`
	Cursor string `query:"cursor" maxLength:"200" doc:"nextCursor of the page before"`
}

func sharedWithMeOperation() huma.Operation {
	return huma.Operation{
		OperationID: "sharedWithMe", Method: http.MethodGet, Path: "/v1/shared-with-me", Tags: []string{"share"},
		Summary: "What is shared with the caller", Description: "The newest first. A share that ended may stand here for a while.",
	}
}

func (s *Server) sharedWithMe(ctx context.Context, input *sharedWithMeInput) (*grantPageOutput, error) {
	if s.parts.Grants == nil {
		return nil, errNoSharing()
	}
	issue := s.newIssue(ctx)
	wanted, err := grants.Person(issue.principal().Subject)
	if input.Group != "" {
		wanted, err = grants.Group(input.Group)
	}
	if err != nil {
		return nil, invalid("group", err.Error())
	}
	if !slices.Contains(issue.grantees(), wanted) {
		return nil, invalid("group", "is none of the caller's")
	}
	page, err := s.parts.Grants.ForGrantee(ctx, wanted, input.Cursor, grantsPerPage)
	page.Grants = slices.DeleteFunc(page.Grants, func(grant grants.Grant) bool {
		return !issue.principal().Covers(access.List, grant.Resource) && !issue.principal().Covers(access.Read, grant.Resource)
	})
	return pageOutput(page, err)
}

func pageOutput(page grants.Page, err error) (*grantPageOutput, error) {
	if errors.Is(err, grants.ErrInvalid) {
		return nil, invalid("cursor", "is not one of this list")
	}
	if err != nil {
		return nil, err
	}
	output := &grantPageOutput{Body: GrantPage{Items: make([]Grant, len(page.Grants)), NextCursor: page.Next}}
	for n, grant := range page.Grants {
		output.Body.Items[n] = grantFor(grant)
	}
	return output, nil
}

type accessInput struct {
	Resource string `query:"resource" required:"true" maxLength:"1024" doc:"Key of an object, or a prefix with its closing slash"`
	Through  string `query:"through" maxLength:"1024" doc:"List the shares on this prefix above it, or on the resource itself; all above it, as far as they fit on a page, if left out"`
	Cursor   string `query:"cursor" maxLength:"200" doc:"nextCursor of the page before, together with through"`
}

func accessOperation() huma.Operation {
	return huma.Operation{
		OperationID: "listAccess", Method: http.MethodGet, Path: "/v1/access", Tags: []string{"share"},
		Summary:     "Who can see this, and through what",
		Description: "The shares on an object and on every prefix above it, for whoever may share there. What policies let people do stands in the policies.",
	}
}

func (s *Server) listAccess(ctx context.Context, input *accessInput) (*grantPageOutput, error) {
	if s.parts.Grants == nil {
		return nil, errNoSharing()
	}
	if err := checkResource(input.Resource, "resource"); err != nil {
		return nil, err
	}
	issue := s.newIssue(ctx)
	if _, err := issue.authorizeResource(access.Share, input.Resource); err != nil {
		return nil, errors.Join(err, issue.done())
	}
	resources := resourcesAbove(input.Resource)
	if input.Through != "" {
		if !slices.Contains(resources, input.Through) {
			return nil, invalid("through", "is neither the resource nor a prefix above it")
		}
		return pageOutput(s.parts.Grants.OnResource(ctx, input.Through, input.Cursor, grantsPerPage))
	}
	var all grants.Page
	for _, resource := range resources {
		page, err := s.parts.Grants.OnResource(ctx, resource, "", grantsPerPage)
		if err != nil {
			return nil, err
		}
		all.Grants = append(all.Grants, page.Grants...)
	}
	return pageOutput(all, nil)
}

// resourcesAbove are a resource and every prefix above it, the shortest first.
func resourcesAbove(resource string) []string {
	if prefix, err := objectkey.ParsePrefix(resource); err == nil {
		return grants.ResourcesOfPrefix(prefix)
	}
	key, err := objectkey.Parse(resource)
	if err != nil {
		return nil
	}
	return grants.ResourcesOf(key)
}
