package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/uploads"
)

// timed is an answer whose deadline can be moved.
type timed struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

// SetWriteDeadline notes the deadline.
func (w *timed) SetWriteDeadline(deadline time.Time) error {
	w.deadline = deadline
	return nil
}

func TestACompletionMayTakeLongerThanOtherAnswers(t *testing.T) {
	g := withBucket(t, &bucket{arrived: []uploads.Part{{Number: 1, ETag: `"one"`, Size: 7}}}, nil)
	id := g.begin(t, inParts).UploadID
	for path, want := range map[string]bool{"/v1/uploads/" + id + "/complete": true, "/u/x/multipart": true, "/v1/uploads": false} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader("{}"))
		answer := &timed{ResponseRecorder: httptest.NewRecorder()}
		g.handler.ServeHTTP(answer, request)
		if got := answer.deadline.After(start.Add(time.Minute)); got != want {
			t.Errorf("%s: deadline %s", path, answer.deadline)
		}
	}
}
