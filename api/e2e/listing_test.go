package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/signgate/signgate/pkg/client"
)

func albumIsListed(t *testing.T, g *gateway) {
	t.Helper()
	for n := range 5 {
		g.upload(t, "alice", fmt.Sprintf("users/alice/list/%d ä+.txt", n), "text/plain", []byte{byte('0' + n)})
	}
	g.upload(t, "alice", "users/alice/list/deeper/x.txt", "text/plain", []byte("x"))
	caller := g.as(t, "alice")
	var seen []string
	for cursor := ""; ; {
		page, err := caller.List(t.Context(), client.ListRequest{Prefix: "users/alice/list/", Folders: true, URLs: true, Limit: 2, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, page.Folders...)
		for _, item := range page.Items {
			if got := get(t, item.URL); got.status != http.StatusOK || item.Size != 1 || len(got.body) != 1 {
				t.Errorf("%s: %d", item.Key, got.status)
			}
			seen = append(seen, item.Key)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if len(seen) != 6 {
		t.Errorf("%q", seen)
	}
	if page, err := g.as(t, "bob").List(t.Context(), client.ListRequest{Prefix: "users/alice/list/"}); err != nil || len(page.Items) != 0 {
		t.Errorf("bob: %+v, %v", page, err)
	}
}
