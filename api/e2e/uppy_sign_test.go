package e2e_test

import (
	"net/http"
	"strings"
	"testing"
)

const mine = "users/alice/from uppy/"

// signing is what Uppy 6 needs to have its own requests signed, as alice.
func (u *uploaders) signing(t testing.TB, params map[string]any) map[string]any {
	t.Helper()
	params["gateway"], params["token"] = u.gateway.url, u.secret(u.gateway.token(t, "alice"))
	if params["prefix"] == nil {
		params["prefix"] = mine
	}
	return params
}

func (u *uploaders) uppySixSigns(t *testing.T) {
	t.Run("a small file", func(t *testing.T) {
		got := u.run(t, "uppy6sign", u.signing(t, map[string]any{"multipart": false, "file": file("ß + ½.jpg", "image/jpeg", 100_000)}))
		u.mustArrive(t, got, "alice", mine)
		mustHaveAsked(t, got, u.stack.gateway)
	})
	t.Run("a file in parts", func(t *testing.T) {
		got := u.run(t, "uppy6sign", u.signing(t, map[string]any{"multipart": true, "file": file("ä b&<c>.bin", "application/octet-stream", 11*mebi)}))
		u.mustArrive(t, got, "alice", mine)
		if parts := got.count(isPart, to(u.s3)); parts != 3 {
			t.Errorf("%d parts: %s", parts, got)
		}
	})
	t.Run("a file in parts, resumed on a page that was loaded again", func(t *testing.T) {
		got := u.run(t, "uppy6sign", u.signing(t, map[string]any{"multipart": true, "pauseAfter": 1, "reload": true, "file": file("paused.bin", "application/octet-stream", 11*mebi)}))
		u.mustArrive(t, got, "alice", mine)
		if parts := got.count(isPart); parts != 3 {
			t.Errorf("%d parts: %s", parts, got)
		}
	})
	t.Run("a file that is cancelled", func(t *testing.T) {
		got := u.run(t, "uppy6sign", u.signing(t, map[string]any{"multipart": true, "cancelAfter": 1, "file": file("cancelled.bin", "application/octet-stream", 11*mebi)}))
		if got.count(isPart) != 1 || got.count(with(http.MethodDelete, http.StatusNoContent)) != 1 {
			t.Errorf("%s", got)
		}
		u.mustNotBeThere(t, got)
	})
	for _, multipart := range []bool{false, true} {
		t.Run("somebody else's key", func(t *testing.T) {
			got := u.run(t, "uppy6sign", u.signing(t, map[string]any{"multipart": multipart, "prefix": "users/bob/", "file": file("mine now.bin", "application/octet-stream", 1000)}))
			if !strings.HasPrefix(got.Error, "refused with 40") || got.count(to(u.s3)) != 0 {
				t.Errorf("%s", got)
			}
		})
	}
}

// bearer is a header with a person's token.
func (u *uploaders) bearer(t testing.TB, person string) map[string]string {
	t.Helper()
	return map[string]string{"Authorization": "Bearer " + u.secret(u.gateway.token(t, person))}
}

func (u *uploaders) uppyFiveUploads(t *testing.T) {
	session := u.session(t, "alice", map[string]any{"prefix": pictures, "maxBytes": 20 * mebi, "contentTypes": []string{"image/*"}, "withToken": true})
	run := func(t testing.TB, params map[string]any) outcome {
		t.Helper()
		params["session"] = session
		return u.run(t, "uppy5", params)
	}
	t.Run("a small file", func(t *testing.T) {
		got := run(t, map[string]any{"multipart": false, "headers": u.bearer(t, "alice"), "file": file("Ähre.jpg", "image/jpeg", 100_000), "meta": map[string]string{"caption": "evening"}})
		u.mustArrive(t, got, "alice", pictures)
		mustHaveAsked(t, got, u.stack.gateway, u.s3)
	})
	t.Run("a file in parts", func(t *testing.T) {
		got := run(t, map[string]any{"multipart": true, "headers": u.bearer(t, "alice"), "file": file("parts.png", "image/png", 11*mebi)})
		u.mustArrive(t, got, "alice", pictures)
		if parts := got.count(isPart, to(u.s3)); parts != 3 {
			t.Errorf("%d parts: %s", parts, got)
		}
	})
	for who, headers := range map[string]map[string]string{"nobody": {}, "somebody else": u.bearer(t, "bob")} {
		for _, multipart := range []bool{false, true} {
			t.Run(who+" is refused", func(t *testing.T) {
				got := run(t, map[string]any{"multipart": multipart, "headers": headers, "file": file("stolen.png", "image/png", 6*mebi)})
				if got.Error == "" || got.count(to(u.s3)) != 0 {
					t.Errorf("%s", got)
				}
			})
		}
	}
}

// Parts that the pause cuts off are sent again.
func (u *uploaders) uppyFiveOutlastsAPause(t *testing.T) {
	session := u.session(t, "alice", map[string]any{"prefix": pictures, "maxBytes": 20 * mebi, "withToken": true})
	got := u.run(t, "uppy5", map[string]any{
		"session": session, "headers": u.bearer(t, "alice"), "multipart": true, "stallAt": 2, "file": file("paused.png", "image/png", 11*mebi),
	})
	u.mustArrive(t, got, "alice", pictures)
	if parts := got.count(isPart); parts < 3 || parts > 6 {
		t.Errorf("%d parts: %s", parts, got)
	}
	mustBeExpired(t, got)
}
