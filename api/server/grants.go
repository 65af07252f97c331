package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/problem"
)

// Grantee is whom something is shared with.
type Grantee struct {
	Kind string `json:"kind" enum:"person,group,everyone,link" doc:"A person or a group by name, everyone, or whoever holds a link"`
	Name string `json:"name,omitempty" maxLength:"1024" doc:"The person's subject, or the name of the group" example:"bob"`
}

// GrantRequest shares an object, or everything below a prefix.
type GrantRequest struct {
	Resource  string   `json:"resource" doc:"Key of an object, or a prefix with its closing slash: then what comes later is shared too" example:"users/alice/albums/7/"`
	Grantee   Grantee  `json:"grantee" doc:"Whom it is shared with; everyone makes it public"`
	Actions   []string `json:"actions" minItems:"1" maxItems:"2" nullable:"false" enum:"read,write" doc:"What they may do" example:"[\"read\"]"`
	ExpiresIn *int64   `json:"expiresIn,omitempty" minimum:"1" doc:"Seconds until it ends; never if left out" example:"86400"`
	MaxUses   int      `json:"maxUses,omitempty" minimum:"0" maximum:"1000000000" doc:"How often something may be read through it; any number if left out"`
}

// Grant is something shared.
type Grant struct {
	ID        string     `json:"id" doc:"Names the share"`
	Resource  string     `json:"resource" doc:"What is shared"`
	Grantee   Grantee    `json:"grantee" doc:"Whom it is shared with"`
	Actions   []string   `json:"actions" nullable:"false" doc:"What they may do"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty" doc:"When it ends; never if left out"`
	MaxUses   int        `json:"maxUses,omitempty" doc:"How often something may be read through it"`
	Uses      int        `json:"uses,omitempty" doc:"How often something was, where it is limited"`
	CreatedBy string     `json:"createdBy" doc:"Who shared it"`
	CreatedAt time.Time  `json:"createdAt" doc:"When"`
	Link      string     `json:"link,omitempty" doc:"Secret of a link, shown this once: whoever sends it as X-Signgate-Link, or as link to /v1/read, has what is shared"`
}

// errNoSharing is the answer where nothing can be shared.
func errNoSharing() error {
	return problem.New(problem.Denied, "Nothing can be shared here: the gateway keeps no shares.")
}

type createGrantInput struct{ Body GrantRequest }

type grantOutput struct{ Body Grant }

func createGrantOperation() huma.Operation {
	return huma.Operation{
		OperationID: "createGrant", Method: http.MethodPost, Path: "/v1/grants", DefaultStatus: http.StatusCreated, Tags: []string{"share"},
		Summary:     "Share an object or a prefix",
		Description: "Whoever may share there gives what policies let them do themselves. What was issued through a share doesn't outlive it.",
	}
}

func (s *Server) createGrant(ctx context.Context, input *createGrantInput) (*grantOutput, error) {
	if s.parts.Grants == nil {
		return nil, errNoSharing()
	}
	grant, secret, err := s.describeGrant(input.Body)
	if err != nil {
		return nil, err
	}
	issue := s.newIssue(ctx)
	decided, err := issue.authorizeResource(access.Share, grant.Resource)
	for _, action := range grant.Actions {
		if err == nil {
			// By policy: what was only shared with somebody isn't theirs to pass on.
			err = issue.mayItself(access.Action(action), grant.Resource)
		}
	}
	if err != nil {
		return nil, errors.Join(err, issue.done())
	}
	grant.CreatedBy = issue.principal().Subject
	issue.shared(access.Share, grant, decided)
	if err := issue.done(); err != nil {
		return nil, err
	}
	if err := s.parts.Grants.Create(ctx, grant); err != nil {
		return nil, err
	}
	answer := grantFor(grant)
	if grant.Grantee.Kind() == grants.KindLink {
		answer.Link = secret.Reveal()
	}
	return &grantOutput{Body: answer}, nil
}

// describeGrant checks every field and names the one that breaks a rule.
func (s *Server) describeGrant(body GrantRequest) (grants.Grant, grants.Secret, error) {
	secret := grants.NewSecret()
	if err := checkResource(body.Resource, "/resource"); err != nil {
		return grants.Grant{}, secret, err
	}
	grantee, err := body.Grantee.parse(secret)
	if err != nil {
		return grants.Grant{}, secret, err
	}
	now := s.parts.Now().UTC().Truncate(time.Second)
	grant := grants.Grant{
		ID: grants.NewID(body.Resource, grantee, now), Resource: body.Resource, Grantee: grantee, MaxUses: body.MaxUses,
		CreatedBy: "nobody yet", CreatedAt: now,
	}
	for _, action := range body.Actions {
		grant.Actions = append(grant.Actions, grants.Action(action))
	}
	if grant.MaxUses > 0 && grant.Allows(grants.Write) {
		return grants.Grant{}, secret, invalid("/maxUses", "counts reading only: share writing without it")
	}
	if body.ExpiresIn != nil {
		const century = 100 * 365 * 24 * 60 * 60
		if *body.ExpiresIn > century {
			return grants.Grant{}, secret, invalid("/expiresIn", "is more than a century of seconds")
		}
		expires := now.Add(time.Duration(*body.ExpiresIn) * time.Second)
		grant.Expires = &expires
	}
	if _, err := grant.Check(); err != nil {
		return grants.Grant{}, secret, invalid("", err.Error())
	}
	return grant, secret, nil
}

func (g Grantee) parse(secret grants.Secret) (grants.Grantee, error) {
	var grantee grants.Grantee
	var err error
	switch g.Kind {
	case grants.KindPerson.String():
		grantee, err = grants.Person(g.Name)
	case grants.KindGroup.String():
		grantee, err = grants.Group(g.Name)
	case grants.KindEveryone.String():
		grantee = grants.Everyone()
	default:
		grantee = secret.Holder()
	}
	if err != nil {
		return grantee, invalid("/grantee/name", err.Error())
	}
	if grantee.Name() == "" && g.Name != "" {
		return grantee, invalid("/grantee/name", "doesn't belong to "+g.Kind)
	}
	return grantee, nil
}

// checkResource reads a key or a prefix.
func checkResource(resource, pointer string) error {
	if strings.HasSuffix(resource, "/") {
		_, err := parsePrefix(resource, pointer)
		return err
	}
	_, err := parseKey(resource, pointer)
	return err
}

func grantFor(grant grants.Grant) Grant {
	answer := Grant{
		ID: grant.ID, Resource: grant.Resource, Grantee: Grantee{Kind: grant.Grantee.Kind().String(), Name: grant.Grantee.Name()},
		ExpiresAt: grant.Expires, MaxUses: grant.MaxUses, Uses: grant.Uses, CreatedBy: grant.CreatedBy, CreatedAt: grant.CreatedAt.UTC(),
	}
	for _, action := range grant.Actions {
		answer.Actions = append(answer.Actions, string(action))
	}
	return answer
}

// authorizeResource decides about a key or a prefix.
func (i *issue) authorizeResource(action access.Action, name string) (decision, error) {
	about, err := parseResource(name)
	switch {
	case err != nil:
		return decision{}, err
	case about.key.IsZero():
		return i.authorizePrefix(action, about.prefix)
	}
	return i.authorizeKey(action, about.key)
}

// parseResource reads a key or a prefix that was checked before.
func parseResource(name string) (resource, error) {
	if prefix, err := objectkey.ParsePrefix(name); err == nil {
		return resource{prefix: prefix}, nil
	}
	key, err := objectkey.Parse(name)
	return resource{key: key}, err
}

// mayItself says whether the caller may do what they share without having been
// given it by others.
func (i *issue) mayItself(action access.Action, name string) error {
	about, err := parseResource(name)
	if err != nil {
		return err
	}
	decided, err := i.decideWithoutShares(action, about)
	if err != nil || decided.Allowed {
		return err
	}
	return problem.New(problem.Denied, fmt.Sprintf("You can't share what you may not do yourself: %s.", action))
}

// shared notes that something is shared, or taken back.
func (i *issue) shared(action access.Action, grant grants.Grant, decided decision) {
	record := i.record(action, grant.Resource, decided)
	record.Outcome, record.Grant, record.ExpiresAt = audit.Issued, grant.ID, grant.Expires
	record.Grantee = grant.Grantee.String()
	i.records = append(i.records, record)
}
