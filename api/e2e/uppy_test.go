package e2e_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

const pictures = "users/alice/pictures/"

func (u *uploaders) uppySixUploads(t *testing.T) {
	session := u.session(t, "alice", map[string]any{"prefix": pictures, "maxBytes": 20 * mebi, "contentTypes": []string{"image/*"}})
	t.Run("a small file", func(t *testing.T) {
		got := u.run(t, "uppy6", map[string]any{
			"session": session, "multipart": false, "file": file("Über den Dächern +1.jpg", "image/jpeg", 100_000), "meta": map[string]string{"caption": "evening"},
		})
		u.mustArrive(t, got, "alice", pictures)
		mustHaveAsked(t, got, u.s3)
		if forms := got.count(to(u.s3), with(http.MethodPost, http.StatusCreated)); forms != 1 {
			t.Errorf("%d forms: %s", forms, got)
		}
	})
	t.Run("an empty file", func(t *testing.T) {
		u.mustArrive(t, u.run(t, "uppy6", map[string]any{"session": session, "multipart": true, "file": file("empty.png", "image/png", 0)}), "alice", pictures)
	})
	t.Run("a file in parts", func(t *testing.T) {
		got := u.run(t, "uppy6", map[string]any{"session": session, "multipart": true, "file": file("ä b&c.png", "image/png", 11*mebi)})
		u.mustArrive(t, got, "alice", pictures)
		mustHaveAsked(t, got, u.stack.gateway, u.s3)
		if parts := got.count(isPart, to(u.s3)); parts != 3 {
			t.Errorf("%d parts: %s", parts, got)
		}
	})
}

func (u *uploaders) uppySixResumes(t *testing.T) {
	session := u.session(t, "alice", map[string]any{"prefix": pictures, "maxBytes": 20 * mebi})
	for name, reload := range map[string]bool{"after a pause": false, "on a page that was loaded again": true} {
		t.Run(name, func(t *testing.T) {
			got := u.run(t, "uppy6", map[string]any{
				"session": session, "multipart": true, "pauseAfter": 1, "reload": reload, "file": file("paused.bin", "application/octet-stream", 11*mebi),
			})
			u.mustArrive(t, got, "alice", pictures)
			if parts, lists := got.count(isPart), got.count(isList); parts != 3 || lists != 1 {
				t.Errorf("%d parts, and %d questions which are there: %s", parts, lists, got)
			}
		})
	}
}

// isList is for the question which parts are there.
func isList(r browserRequest) bool {
	path, _, _ := strings.Cut(r.URL, "?")
	_, after, found := strings.Cut(path, "/s3/multipart/")
	return r.Method == http.MethodGet && found && !strings.Contains(after, "/")
}

// The second part never arrives, and the pause outlasts its signature.
func (u *uploaders) uppySixOutlastsAPause(t *testing.T) {
	session := u.session(t, "alice", map[string]any{"prefix": pictures, "maxBytes": 20 * mebi})
	got := u.run(t, "uppy6", map[string]any{"session": session, "multipart": true, "stallAt": 2, "file": file("long pause.bin", "application/octet-stream", 11*mebi)})
	u.mustArrive(t, got, "alice", pictures)
	if parts := got.count(isPart); parts != 3 {
		t.Errorf("%d parts: %s", parts, got)
	}
	mustBeExpired(t, got)
}

// The second part is sent when its signature is too old. S3 refuses it, and
// Uppy gives up after its own attempts; a retry asks which parts are there,
// and has the others signed anew. (The local S3 looks at signatures before it
// thinks of CORS, so the page can't read what it says.)
func (u *uploaders) uppySixSendsAnExpiredPartAgain(t *testing.T) {
	session := u.session(t, "alice", map[string]any{"prefix": pictures, "maxBytes": 20 * mebi})
	got := u.run(t, "uppy6", map[string]any{"session": session, "multipart": true, "lateAt": 2, "retry": true, "file": file("late.bin", "application/octet-stream", 11*mebi)})
	u.mustArrive(t, got, "alice", pictures)
	if taken, sent := got.count(isPart, with(http.MethodPut, http.StatusOK)), got.count(isPart); got.FirstError == "" || taken != 3 || sent < 4 || got.count(isList) != 1 {
		t.Errorf("%q, %d parts, %d of them taken: %s", got.FirstError, sent, taken, got)
	}
	mustBeExpired(t, got)
}

// mustBeExpired wants S3 to refuse what was signed too long ago.
func mustBeExpired(t testing.TB, got outcome) {
	t.Helper()
	if stale := send(t, http.MethodPut, got.Stale, nil, []byte("late")); stale.status != http.StatusForbidden || !bytes.Contains(stale.body, []byte("<Message>Request has expired")) {
		t.Errorf("a part after its life: %d %s", stale.status, stale.body)
	}
}

func (u *uploaders) uppySixIsRefused(t *testing.T) {
	session := u.session(t, "alice", map[string]any{"prefix": pictures, "maxBytes": 6 * mebi, "contentTypes": []string{"image/*"}})
	t.Run("a type, before anything is signed", func(t *testing.T) {
		for _, multipart := range []bool{false, true} {
			got := u.run(t, "uppy6", map[string]any{"session": session, "multipart": multipart, "file": file("page.html", "text/html", 1000)})
			if got.Error == "" || got.count(to(u.s3)) != 0 || got.count(to(u.stack.gateway), isRefused) != 1 {
				t.Errorf("multipart %t: %s", multipart, got)
			}
		}
	})
	t.Run("a size, by S3 for a form", func(t *testing.T) {
		got := u.run(t, "uppy6", map[string]any{"session": session, "multipart": false, "file": file("huge.png", "image/png", 6*mebi+1)})
		if got.Error == "" || !strings.Contains(got.Body, "<Code>EntityTooLarge</Code>") || got.count(to(u.s3), with(http.MethodPost, http.StatusBadRequest)) != 1 {
			t.Errorf("%s", got)
		}
	})
	t.Run("a size, at completion for parts", func(t *testing.T) {
		got := u.run(t, "uppy6", map[string]any{"session": session, "multipart": true, "file": file("huge in parts.png", "image/png", 6*mebi+1)})
		if got.Error == "" || got.count(isCompletion, isRefused) != 1 {
			t.Errorf("%s", got)
		}
		u.mustNotBeThere(t, got)
	})
}

// isCompletion is for the end of a multipart upload.
func isCompletion(r browserRequest) bool {
	path, _, _ := strings.Cut(r.URL, "?")
	return r.Method == http.MethodPost && strings.HasSuffix(path, "/complete")
}

// isRefused is for what the gateway won't do: 413 or 422.
func isRefused(r browserRequest) bool {
	return r.Status == http.StatusRequestEntityTooLarge || r.Status == http.StatusUnprocessableEntity
}

func (u *uploaders) uppySixCancels(t *testing.T) {
	session := u.session(t, "alice", map[string]any{"prefix": pictures, "maxBytes": 20 * mebi})
	got := u.run(t, "uppy6", map[string]any{"session": session, "multipart": true, "cancelAfter": 1, "file": file("cancelled.bin", "application/octet-stream", 11*mebi)})
	if got.count(isPart) != 1 || got.count(with(http.MethodDelete, http.StatusOK)) != 1 || got.count(isCompletion) != 0 {
		t.Errorf("%s", got)
	}
	u.mustNotBeThere(t, got)
}
