package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/listing"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/problem"
)

const (
	// kindCursor is what cursors of lists are sealed for: they hold names that
	// their holder may not know.
	kindCursor = "list-cursor"
	cursorLife = time.Hour
	// roundsPerPage bounds how often one request asks S3 where most names
	// aren't the caller's to see.
	roundsPerPage = 10
)

type listObjectsInput struct {
	Prefix    string `query:"prefix" required:"true" maxLength:"1024" doc:"What to list below, with its closing slash" example:"users/alice/albums/7/"`
	Folders   bool   `query:"folders" doc:"One level only: what lies deeper shows as its folder"`
	URLs      bool   `query:"urls" doc:"A signed URL with each object"`
	Limit     int    `query:"limit" minimum:"1" maximum:"200" default:"100" doc:"Most items on a page"`
	ExpiresIn int64  `query:"expiresIn" minimum:"0" doc:"Life of the URLs in seconds; the gateway's default if left out"`
	Cursor    string `query:"cursor" maxLength:"6144" doc:"nextCursor of the page before, asked by the same caller for the same list"`
}

// ListedObject is an object that the caller may see.
type ListedObject struct {
	Key        string            `json:"key" doc:"Key of the object"`
	Size       int64             `json:"size" doc:"In bytes"`
	ETag       string            `json:"etag" doc:"S3's tag of its content"`
	ModifiedAt time.Time         `json:"modifiedAt" doc:"When it came there"`
	ID         string            `json:"id,omitempty" doc:"Issue id of the URL"`
	URL        string            `json:"url,omitempty" format:"uri" doc:"Signed URL, where it was asked for"`
	ExpiresAt  *time.Time        `json:"expiresAt,omitempty" doc:"When the URL dies"`
	Problem    *problem.Document `json:"problem,omitempty" doc:"Why there is no URL"`
}

// ObjectPage is part of a list.
type ObjectPage struct {
	Items      []ListedObject `json:"items" nullable:"false" doc:"The objects that the caller may see, by name"`
	Folders    []string       `json:"folders,omitempty" doc:"The folders whose content the caller may list"`
	NextCursor string         `json:"nextCursor,omitempty" doc:"Where the list goes on; none at its end"`
}

type listObjectsOutput struct{ Body ObjectPage }

// cursor is where a list goes on.
type cursor struct {
	Subject string `json:"s"`
	Prefix  string `json:"p"`
	Folders bool   `json:"f"`
	Token   string `json:"t"`
}

func listObjectsOperation() huma.Operation {
	return huma.Operation{
		OperationID: "listObjects", Method: http.MethodGet, Path: "/v1/objects", Tags: []string{"read"},
		Summary: "The objects below a prefix that the caller may see",
		Description: "Never a name that the caller may not list, nor how many there are: where a page would hold none of the caller's, the list ends. " +
			"A folder shows where all that lies in it may be listed; single objects shared from others stand in /v1/shared-with-me.",
	}
}

func (s *Server) listObjects(ctx context.Context, input *listObjectsInput) (*listObjectsOutput, error) {
	prefix, err := parsePrefix(input.Prefix, "prefix")
	if err != nil {
		return nil, err
	}
	issue := s.newIssue(ctx)
	at := cursor{Subject: issue.principal().Subject, Prefix: prefix.String(), Folders: input.Folders}
	if input.Cursor != "" {
		var given cursor
		_, err := s.parts.Sealer.Open(kindCursor, input.Cursor, &given)
		at.Token = given.Token
		if err != nil || given != at {
			return nil, invalid("cursor", "is not one of this list and caller, or has expired")
		}
	}
	page, err := s.collect(issue, &at, prefix, input)
	if err != nil {
		return nil, errors.Join(err, issue.done())
	}
	if at.Token != "" {
		if page.NextCursor, err = s.parts.Sealer.Seal(kindCursor, at, s.parts.Now().Add(cursorLife)); err != nil {
			return nil, err
		}
	}
	record := issue.record(access.List, prefix.String(), decision{})
	record.Outcome, record.ID = audit.Issued, s.parts.NewID()
	issue.records = append(issue.records, record)
	if err := issue.done(); err != nil {
		return nil, err
	}
	return &listObjectsOutput{Body: page}, nil
}

// collect asks S3 until the page is full, the list ends, or it has asked often
// enough.
func (s *Server) collect(issue *issue, at *cursor, prefix objectkey.Prefix, input *listObjectsInput) (ObjectPage, error) {
	page, readings := ObjectPage{Items: []ListedObject{}}, []*reading{}
	whole, err := issue.decidePrefix(access.List, prefix)
	if err != nil {
		return page, err
	}
	for range roundsPerPage {
		room := input.Limit - len(page.Items) - len(page.Folders)
		if room <= 0 {
			break
		}
		names, err := s.parts.Listing.Page(issue.ctx, listing.Question{Prefix: prefix, Folders: at.Folders, Token: at.Token, Limit: room})
		if err != nil {
			return page, err
		}
		issue.decideListed(names, input.URLs)
		for _, object := range names.Objects {
			decided, err := issue.decideKey(access.List, object.Key)
			if err != nil {
				return page, err
			}
			if decided.Allowed {
				item, reading := s.listed(issue, object, input)
				page.Items, readings = append(page.Items, item), append(readings, reading)
			}
		}
		for _, folder := range names.Folders {
			decided, err := issue.decidePrefix(access.List, folder)
			if err != nil {
				return page, err
			}
			if decided.Allowed {
				page.Folders = append(page.Folders, folder.String())
			}
		}
		if at.Token = names.Next; at.Token == "" {
			break
		}
	}
	if !whole.Allowed && len(page.Items)+len(page.Folders) == 0 {
		at.Token = "" // how often a list goes on without a name would tell how many there are
	}
	if input.URLs {
		signListed(issue, page.Items, readings)
	}
	return page, nil
}

// decideListed decides about what S3 lists before it is looked at one by one.
func (i *issue) decideListed(names listing.Page, read bool) {
	listed := make([]resource, 0, len(names.Objects)+len(names.Folders))
	for _, object := range names.Objects {
		listed = append(listed, resource{key: object.Key})
	}
	for _, folder := range names.Folders {
		listed = append(listed, resource{prefix: folder})
	}
	i.decideAhead(listed, access.List)
	if !read {
		return
	}
	i.decideAhead(slices.DeleteFunc(listed, func(one resource) bool {
		return one.key.IsZero() || !i.ahead[question{access.List, one}].decision.Allowed
	}), access.Read)
}

// listed is an object of a list, with its URL on the way where that was asked
// for. Why there is none stays with the object.
func (s *Server) listed(issue *issue, object listing.Object, input *listObjectsInput) (ListedObject, *reading) {
	item := ListedObject{Key: object.Key.String(), Size: object.Size, ETag: object.ETag, ModifiedAt: object.Modified}
	if !input.URLs {
		return item, nil
	}
	question := ReadItem{Key: item.Key}
	if input.ExpiresIn > 0 {
		question.ExpiresIn = &input.ExpiresIn
	}
	prepared, err := s.prepareRead(issue, question, "")
	if err != nil {
		item.Problem = problemFor(issue.ctx, err)
		return item, &reading{}
	}
	return item, prepared
}

// signListed gives every object its URL, or the problem that keeps it.
func signListed(issue *issue, items []ListedObject, readings []*reading) {
	err := issue.sign(issue.ctx, readings)
	for n, one := range readings {
		item, signed := &items[n], one.answer
		switch {
		case item.Problem != nil:
		case signed.Problem != nil:
			item.Problem = signed.Problem
		case signed.URL == "":
			item.Problem = problemFor(issue.ctx, err)
		default:
			item.ID, item.URL, item.ExpiresAt = signed.ID, signed.URL, signed.ExpiresAt
		}
	}
}
