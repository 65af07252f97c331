package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/callers"
)

// tenantPeople are callers whose token is tenant, name and groups:
// "a:ann:editors,administrators".
type tenantPeople struct{}

func (tenantPeople) Authenticate(_ context.Context, token string) (callers.Caller, error) {
	parts := strings.Split(token, ":")
	if len(parts) != 3 {
		return callers.Caller{}, callers.ErrToken
	}
	return callers.Caller{Subject: parts[1], Tenant: parts[0], Groups: strings.Split(parts[2], ","), Authenticated: "oidc"}, nil
}

// tenancy is a gateway of two tenants and somebody with none, under the set of
// policies for tenants, and what has happened so far.
type tenancy struct {
	*gateway
	random *rand.Rand
	links  []string // secrets of links that somebody has
}

func newTenancy(t *testing.T, seed uint64) *tenancy {
	t.Helper()
	set, err := access.Set("tenants")
	if err != nil {
		t.Fatal(err)
	}
	policies, err := access.Load(set)
	if err != nil {
		t.Fatal(err)
	}
	names := shelf{"tenants/a/album/", "tenants/a/album/x", "tenants/a/plan", "tenants/b/album/", "tenants/b/album/x", "tenants/b/plan"}
	return &tenancy{random: rand.New(rand.NewPCG(seed, 7)), gateway: newGateway(t, func(p *server.Parts) {
		p.Callers, p.Access, p.Grants, p.Anonymous, p.Listing = tenantPeople{}, policies, newShares(t, start), true, names
		p.Credentials = &lender{}
	})}
}

func (w *tenancy) oneOf(all ...string) string { return all[w.random.IntN(len(all))] }

func (w *tenancy) person() string {
	return w.oneOf("a:ann:members", "a:ada:administrators,editors", "a:ed:editors", "b:bea:members", "b:bo:administrators,editors", "b:ben:editors", ":carol:administrators,editors", "")
}

func (w *tenancy) key() string {
	return w.oneOf("tenants/a/plan", "tenants/a/album/x", "tenants/b/plan", "tenants/b/album/x", "tenants/a/new", "tenants/b/new")
}

func (w *tenancy) prefix() string {
	return w.oneOf("tenants/", "tenants/a/", "tenants/b/", "tenants/a/album/", "tenants/b/album/")
}

// request is something that anybody may try.
func (w *tenancy) request() (method, target, body string) {
	key, prefix := w.key(), w.prefix()
	switch w.random.IntN(10) {
	case 0, 1, 2:
		return http.MethodPost, "/v1/grants", fmt.Sprintf(`{"resource":%q,"grantee":%s,"actions":%s}`, w.oneOf(key, prefix), w.oneOf(
			`{"kind":"everyone"}`, `{"kind":"link"}`, `{"kind":"group","name":"editors"}`, `{"kind":"group","name":"administrators"}`,
			`{"kind":"person","name":"bea"}`, `{"kind":"person","name":"ann"}`, `{"kind":"person","name":"carol"}`,
		), w.oneOf(`["read"]`, `["write"]`, `["read","write"]`))
	case 3:
		return http.MethodPost, "/v1/read-urls", fmt.Sprintf(`{"items":[{"key":%q},{"key":%q},{"key":%q}]}`, key, w.key(), w.key())
	case 4:
		return http.MethodPost, w.oneOf("/v1/read-prefixes", "/v1/read-cookies", "/v1/upload-sessions", "/v1/upload-credentials"), fmt.Sprintf(`{"prefix":%q}`, prefix)
	case 5:
		return http.MethodGet, "/v1/objects?urls=true&folders=" + w.oneOf("true", "false") + "&prefix=" + prefix, ""
	case 6:
		return http.MethodPost, "/v1/uploads", fmt.Sprintf(`{"key":%q,"contentType":"text/plain","contentLength":1,"overwrite":%s}`, key, w.oneOf("true", "false"))
	case 7:
		return http.MethodPost, "/v1/delete-urls", fmt.Sprintf(`{"items":[{"key":%q},{"key":%q}]}`, key, w.key())
	case 8:
		return http.MethodGet, "/v1/access?resource=" + w.oneOf(key, prefix), ""
	}
	return http.MethodGet, "/v1/read/" + key, ""
}

// given returns the keys and prefixes that an answer gives something of.
func given(t *testing.T, target, body, answer, location string) []string {
	t.Helper()
	if location != "" {
		return []string{strings.TrimPrefix(target, "/v1/read/")}
	}
	var asked struct{ Key, Prefix, Resource string }
	var told struct {
		Items []struct {
			Key, URL, Resource string
			Problem            any
		}
		Folders []string
	}
	_ = json.Unmarshal([]byte(body), &asked) // some have none
	if err := json.Unmarshal([]byte(answer), &told); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	found := told.Folders
	for _, item := range told.Items {
		if item.Problem == nil || strings.HasPrefix(target, "/v1/objects") { // a name is something
			found = append(found, item.Key+item.Resource)
		}
	}
	if _, resource, ok := strings.Cut(target, "access?resource="); ok {
		found = append(found, resource)
	}
	if one := asked.Key + asked.Prefix + asked.Resource; one != "" {
		found = append(found, one)
	}
	return found
}

// Whatever tenants share, in whatever order, with whomever, and whatever is
// tried then: nobody is given anything of another tenant's.
func TestNoSequenceOfSharesAndRequestsLetsATenantSeeAnothersObject(t *testing.T) {
	shared, issued := 0, 0
	for seed := range uint64(25) {
		w := newTenancy(t, seed)
		var history []string
		for range 200 {
			person := w.person()
			method, target, body := w.request()
			headers := []string{"Host", "api.example.com"}
			if len(w.links) > 0 && w.random.IntN(3) == 0 {
				headers = append(headers, "X-Signgate-Link", w.oneOf(w.links...))
			}
			got := w.do(t, person, method, target, body, headers...)
			if got.Code >= 500 {
				t.Fatalf("%s %s %s: %d %s", method, target, body, got.Code, got.Body)
			}
			if got.Code >= 400 {
				continue
			}
			history = append(history, fmt.Sprintf("%q %s %s %s", person, method, target, body))
			if target == "/v1/grants" {
				shared++
				if link := decode[server.Grant](t, got).Link; link != "" {
					w.links = append(w.links, link)
				}
			}
			tenant, _, _ := strings.Cut(person, ":")
			for _, name := range given(t, target, body, got.Body.String(), got.Header().Get("Location")) {
				issued++
				if tenant == "" || !strings.HasPrefix(name, "tenants/"+tenant+"/") {
					t.Fatalf("seed %d: %q was given %s:\n%s", seed, person, name, strings.Join(history, "\n"))
				}
			}
		}
	}
	if shared < 100 || issued < 500 {
		t.Errorf("only %d shares and %d things given: this says nothing", shared, issued)
	}
}
