package story_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/api/cmd/devstack/story"
	"github.com/signgate/signgate/pkg/settings"
)

// pretender is a stack whose every part gives the same answer.
type pretender struct{ url string }

func (p pretender) GatewayURL() string { return p.url }
func (p pretender) EdgeURL() string    { return p.url }
func (p pretender) S3URL() string      { return p.url }
func (p pretender) IssuerURL() string  { return p.url }

func (pretender) AuditFile() string                                { return "/nowhere" }
func (pretender) PublicKeys() (map[string]crypto.PublicKey, error) { return nil, errors.New("none") }

func (pretender) Keys() string     { return "/nowhere" }
func (pretender) KeyGroup() string { return "/nowhere" }

func (p pretender) Beside(context.Context, func(*settings.Gateway)) (string, error) {
	return p.url, nil
}

func (pretender) Versions(context.Context, string) (int, int, error) { return 1, 0, nil }

func pretend(status int, body string) (pretender, func()) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}))
	return pretender{web.URL}, web.Close
}

func TestTheStoryStopsAtTheFirstDifference(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
	}{
		"everything is refused":  {http.StatusForbidden, `{"code":"denied"}`},
		"everything is fine":     {http.StatusOK, `{"items":[{"url":"http://localhost"}]}`},
		"everything is nonsense": {http.StatusOK, `<html>`},
		"nothing works":          {http.StatusInternalServerError, ``},
	} {
		t.Run(name, func(t *testing.T) {
			stack, end := pretend(test.status, test.body)
			defer end()
			var told strings.Builder
			err := story.Tell(t.Context(), stack, time.Now, &told)
			if !errors.Is(err, story.ErrDifference) || strings.Contains(told.String(), "all as expected") {
				t.Errorf("%v\n%s", err, &told)
			}
		})
	}
}

// A stack that refuses everything is not the one of the story.
func Example() {
	stack, end := pretend(http.StatusForbidden, `{"code":"denied"}`)
	defer end()
	err := story.Tell(context.Background(), stack, time.Now, &strings.Builder{})
	fmt.Println(errors.Is(err, story.ErrDifference))
	// Output: true
}
