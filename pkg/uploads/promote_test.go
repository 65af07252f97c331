package uploads_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/uploads"
)

// answering is S3 without a network.
type answering func(*http.Request) (status int, body string)

func (a answering) Do(r *http.Request) (*http.Response, error) {
	status, body := a(r)
	return &http.Response{
		StatusCode: status, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)), Request: r,
		Header: http.Header{"Content-Length": {"7"}, "Etag": {`"one"`}},
	}, nil
}

// What couldn't be moved is forgotten, and S3 isn't waited for without end.
func TestAnUploadThatCannotBeMovedIsForgottenInTime(t *testing.T) {
	aborted := false
	store := uploads.NewStore(uploads.Config{
		Bucket: "media", Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTP: answering(func(r *http.Request) (int, string) {
			switch r.Method {
			case http.MethodHead:
				return http.StatusOK, ""
			case http.MethodPost:
				return http.StatusOK, `<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>`
			case http.MethodDelete:
				_, ends := r.Context().Deadline()
				aborted = true
				if !ends {
					t.Error("S3 may take any time to forget it")
				}
				return http.StatusNoContent, ""
			}
			return http.StatusForbidden, `<Error><Code>AccessDenied</Code></Error>`
		}),
	})
	from, to := key(t, "quarantine/a"), key(t, "users/alice/a")
	landed, err := store.Inspect(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Promote(t.Context(), landed, to, nil, false); err == nil || !aborted {
		t.Errorf("%v, aborted: %t", err, aborted)
	}
}

func key(t *testing.T, name string) objectkey.Key {
	t.Helper()
	parsed, err := objectkey.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
