package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/client"
)

const documents = "users/alice/documents/"

func TestUploadClientsOfTheWebWorkUnchanged(t *testing.T) {
	u := startUploaders(t)
	t.Run("Uppy 6 uploads with nothing but a session's address", u.uppySixUploads)
	t.Run("Uppy 6 resumes without sending a part twice", u.uppySixResumes)
	t.Run("Uppy 6 is refused what the session doesn't allow", u.uppySixIsRefused)
	t.Run("what is cancelled in Uppy 6 is gone from S3", u.uppySixCancels)
	t.Run("Uppy 6 has its requests signed one by one", u.uppySixSigns)
	t.Run("Uppy 5 uploads with a session and a token", u.uppyFiveUploads)
	t.Run("ActiveStorage uploads what it promised", u.activeStorageUploads)
	t.Run("a page uploads with Shrine's presign endpoint", u.shrineUploads)
	t.Run("FilePond uploads with the adapter of the docs", u.filePondUploads)
}

func TestUploadsOutlastTheirSignatures(t *testing.T) {
	u := startUploaders(t, "--upload-life=2s")
	t.Run("Uppy 6 resumes after a pause longer than a part's life", u.uppySixOutlastsAPause)
	t.Run("Uppy 6 sends an expired part again", u.uppySixSendsAnExpiredPartAgain)
	t.Run("Uppy 5 resumes after a pause longer than a part's life", u.uppyFiveOutlastsAPause)
}

func (u *uploaders) activeStorageUploads(t *testing.T) {
	session := u.session(t, "alice", map[string]any{"prefix": documents, "maxBytes": mebi, "contentTypes": []string{"application/pdf"}})
	run := func(params map[string]any) outcome {
		params["session"] = session
		got := u.run(t, "activeStorage", params)
		got.Key, _ = got.Blob["key"].(string)
		return got
	}
	t.Run("a file", func(t *testing.T) {
		got := run(map[string]any{"file": file("Prüfbericht (1).pdf", "application/pdf", 100_000)})
		u.mustArrive(t, got, "alice", documents)
		mustHaveAsked(t, got, u.stack.gateway, u.s3)
		if id, _ := got.Blob["signed_id"].(string); id == "" {
			t.Errorf("nothing for the form to send: %v", got.Blob)
		}
		read := get(t, u.gateway.readURL(t, "alice", client.ReadItem{Key: got.Key}).URL)
		if kept := read.header.Get("Content-Type"); kept != "application/pdf" {
			t.Errorf("kept as %s", kept)
		}
	})
	t.Run("other bytes than those of the checksum", func(t *testing.T) {
		got := run(map[string]any{"tamper": true, "file": file("contract.pdf", "application/pdf", 100_000)})
		if !strings.HasPrefix(got.Error, "Error storing") || !strings.Contains(got.Body, "Digest</Code>") || got.count(to(u.s3), with(http.MethodPut, http.StatusBadRequest)) != 1 {
			t.Errorf("%s", got)
		}
	})
	for what, refused := range map[string]map[string]any{
		"another type":   file("page.html", "text/html", 1000),
		"too many bytes": file("huge.pdf", "application/pdf", mebi+1),
	} {
		t.Run(what, func(t *testing.T) {
			got := run(map[string]any{"file": refused})
			if !strings.HasPrefix(got.Error, "Error creating Blob") || got.count(to(u.s3)) != 0 {
				t.Errorf("%s", got)
			}
		})
	}
}

func (u *uploaders) shrineUploads(t *testing.T) {
	session := u.session(t, "alice", map[string]any{"prefix": documents, "maxBytes": mebi, "contentTypes": []string{"application/pdf"}})
	got := u.run(t, "shrine", map[string]any{"session": session, "file": file("Straße.pdf", "application/pdf", 100_000)})
	u.mustArrive(t, got, "alice", documents)
	if got := u.run(t, "shrine", map[string]any{"session": session, "file": file("page.html", "text/html", 1000)}); got.Error == "" || got.count(to(u.s3)) != 0 {
		t.Errorf("another type: %s", got)
	}
	if got := u.run(t, "shrine", map[string]any{"session": session, "file": file("huge.pdf", "application/pdf", mebi+1)}); !strings.Contains(got.Body, "EntityTooLarge") {
		t.Errorf("too many bytes: %s", got)
	}
}

func (u *uploaders) filePondUploads(t *testing.T) {
	session := u.session(t, "alice", map[string]any{"prefix": documents, "maxBytes": mebi, "contentTypes": []string{"application/pdf"}})
	u.mustArrive(t, u.run(t, "filePond", map[string]any{"session": session, "file": file("Größe.pdf", "application/pdf", 100_000)}), "alice", documents)
	for what, test := range map[string]struct {
		params map[string]any
		says   string
	}{
		"another type":   {map[string]any{"file": file("page.html", "text/html", 1000)}, "refused with 422"},
		"too many bytes": {map[string]any{"file": file("huge.pdf", "application/pdf", mebi+1)}, "S3 answers 400"},
		"given up":       {map[string]any{"file": file("aborted.pdf", "application/pdf", 1000), "abort": true}, "aborted"},
	} {
		test.params["session"] = session
		if got := u.run(t, "filePond", test.params); got.Error != test.says || got.count(with(http.MethodPost, http.StatusCreated)) != 0 {
			t.Errorf("%s: %s", what, got)
		}
	}
}
