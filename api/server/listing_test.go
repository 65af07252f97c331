package server_test

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/listing"
	"github.com/signgate/signgate/pkg/objectkey"
)

// shelf is a bucket with these names, listed in their order.
type shelf []string

func (s shelf) Page(_ context.Context, question listing.Question) (listing.Page, error) {
	begin, _ := strconv.Atoi(question.Token)
	var page listing.Page
	for n, name := range s {
		if n < begin || !strings.HasPrefix(name, question.Prefix.String()) {
			continue
		}
		if len(page.Objects)+len(page.Folders) == question.Limit {
			page.Next = strconv.Itoa(n)
			return page, nil
		}
		if prefix, err := objectkey.ParsePrefix(name); err == nil {
			page.Folders = append(page.Folders, prefix)
		} else if key, err := objectkey.Parse(name); err == nil {
			page.Objects = append(page.Objects, listing.Object{Key: key, Size: 5})
		}
	}
	return page, nil
}

func (g *gateway) lists(t *testing.T, person, query string) (server.ObjectPage, []string) {
	t.Helper()
	got := g.do(t, person, http.MethodGet, "/v1/objects?"+query, "")
	if got.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", query, got.Code, got.Body)
	}
	page := decode[server.ObjectPage](t, got)
	names := slices.Clone(page.Folders)
	for _, item := range page.Items {
		names = append(names, item.Key)
	}
	return page, names
}

func TestAListShowsOnlyWhatTheCallerMaySee(t *testing.T) {
	names := shelf{"users/alice/a.png", "users/alice/album/", "users/alice/b.png", "users/bob/secret.png", "users/bob/secrets/", "quarantine/x"}
	g := newGateway(t, func(p *server.Parts) { p.Grants, p.Anonymous, p.Listing = newShares(t, start), true, names })
	for _, test := range []struct {
		person, prefix string
		want           []string
	}{
		{"alice", "users/alice/", []string{"users/alice/album/", "users/alice/a.png", "users/alice/b.png"}},
		{"alice", "users/", []string{"users/alice/album/", "users/alice/a.png", "users/alice/b.png"}},
		{"bob", "users/alice/", nil},
		{"", "users/", nil},
		{"alice", "quarantine/", nil},
	} {
		if _, got := g.lists(t, test.person, "folders=true&prefix="+test.prefix); !slices.Equal(got, test.want) {
			t.Errorf("%q lists %s: %v, want %v", test.person, test.prefix, got, test.want)
		}
	}
	g.share(t, `{"resource":"users/alice/b.png","grantee":{"kind":"everyone"},"actions":["read"]}`)
	g.share(t, `{"resource":"users/alice/album/","grantee":{"kind":"person","name":"bob"},"actions":["read"]}`)
	for person, want := range map[string][]string{"bob": {"users/alice/album/", "users/alice/b.png"}, "": {"users/alice/b.png"}} {
		if _, got := g.lists(t, person, "folders=true&prefix=users/alice/"); !slices.Equal(got, want) {
			t.Errorf("%q, after sharing: %v, want %v", person, got, want)
		}
	}
	if !strings.Contains(g.trail.String(), `"action":"list","key":"users/alice/"`) {
		t.Errorf("not on record: %s", g.trail)
	}
}

func TestAListGoesOnWhereItStoppedForItsCallerOnly(t *testing.T) {
	var names shelf
	for n := range 30 {
		names = append(names, "users/bob/hidden"+strconv.Itoa(10+n), "users/alice/"+strconv.Itoa(10+n))
	}
	g := newGateway(t, func(p *server.Parts) { p.Listing = names })
	var all []string
	const whole = "prefix=users/&limit=4"
	query := whole
	for rounds := 0; ; rounds++ {
		page, got := g.lists(t, "alice", query)
		all = append(all, got...)
		if page.NextCursor == "" {
			break
		}
		if rounds > 60 || len(got) > 4 || strings.Contains(page.NextCursor, "hidden") {
			t.Fatalf("%d rounds, %v", rounds, got)
		}
		for _, wrong := range []struct{ person, query string }{
			{"bob", whole}, {"alice", "prefix=users/alice/"}, {"alice", whole + "&folders=true"},
		} {
			target := "/v1/objects?" + wrong.query + "&cursor=" + page.NextCursor
			if got := g.do(t, wrong.person, http.MethodGet, target, ""); got.Code != http.StatusUnprocessableEntity {
				t.Errorf("%+v: %d %s", wrong, got.Code, got.Body)
			}
		}
		query = whole + "&cursor=" + page.NextCursor
	}
	if len(all) != 30 || !slices.IsSorted(all) {
		t.Errorf("%d: %v", len(all), all)
	}
}

func TestAListBringsURLsWhereTheyAreAskedFor(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) { p.Listing = shelf{"users/alice/a.png"} })
	page, _ := g.lists(t, "alice", "prefix=users/alice/&urls=true&expiresIn=60")
	if item := page.Items[0]; !strings.HasPrefix(item.URL, cdn+"/users/alice/a.png?") || item.ID == "" || item.ExpiresAt.Sub(start).Seconds() != 60 {
		t.Errorf("%+v", item)
	}
	if plain, _ := g.lists(t, "alice", "prefix=users/alice/"); plain.Items[0].URL != "" {
		t.Error("a URL that nobody asked for")
	}
	page, _ = g.lists(t, "alice", "prefix=users/alice/&urls=true&expiresIn=99999999")
	if item := page.Items[0]; item.URL != "" || item.Problem == nil {
		t.Errorf("%+v", item)
	}
}
