package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/client"
	"github.com/signgate/signgate/pkg/problem"
)

// S3 redirects to another region, and has taken nothing then.
func TestOnlyASuccessOfS3CountsAsSent(t *testing.T) {
	for _, status := range []int{http.StatusMultipleChoices, http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusPermanentRedirect, http.StatusForbidden, http.StatusInternalServerError} {
		s3 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("ETag", `"x"`)
			w.WriteHeader(status)
		}))
		c := against(t, func(http.ResponseWriter, *http.Request) {})
		sent, err := c.Send(t.Context(), client.SignedRequest{Method: http.MethodPut, URL: s3.URL + "/a"}, strings.NewReader("x"), 1)
		byForm, formErr := c.SendForm(t.Context(), client.Upload{SignedRequest: client.SignedRequest{URL: s3.URL}}, strings.NewReader("x"), 1)
		s3.Close()
		var refused *client.RefusedError
		if !errors.As(err, &refused) || refused.Status != status || sent.ETag != "" {
			t.Errorf("%d: %+v, %v", status, sent, err)
		}
		if !errors.As(formErr, &refused) || refused.Status != status || byForm.ETag != "" {
			t.Errorf("%d by form: %+v, %v", status, byForm, formErr)
		}
	}
	for _, status := range []int{http.StatusOK, http.StatusCreated, http.StatusNoContent} {
		s3 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"x"`)
			w.WriteHeader(status)
		}))
		c := against(t, func(http.ResponseWriter, *http.Request) {})
		sent, err := c.Send(t.Context(), client.SignedRequest{Method: http.MethodPut, URL: s3.URL + "/a"}, strings.NewReader("x"), 1)
		s3.Close()
		if err != nil || sent.ETag != `"x"` {
			t.Errorf("%d: %+v, %v", status, sent, err)
		}
	}
}

// Behind a gateway that doesn't answer in time the upload may have begun.
func TestAnUploadIsBegunOnceWhereNobodyKnowsWhatBecameOfIt(t *testing.T) {
	for _, status := range []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout} {
		var asked atomic.Int64
		c := against(t, func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			http.Error(w, "bad gateway", status)
		})
		if _, err := c.CreateUpload(t.Context(), client.UploadRequest{Key: "a"}); !errors.Is(err, client.ErrAnswer) || asked.Load() != 1 {
			t.Errorf("%d: %v after %d requests", status, err, asked.Load())
		}
	}
}

func TestTheGatewaySaysHowLongToWait(t *testing.T) {
	var asked atomic.Int64
	c := against(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Retry-After", "60")
			refuse(w, http.StatusServiceUnavailable, unavailable)
			return
		}
		_, _ = io.WriteString(w, `{"id":"A"}`)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := c.CreateUpload(ctx, client.UploadRequest{Key: "a"}) // whose own pauses are a millisecond
	var document *problem.Document
	if err == nil || asked.Load() != 1 || (!errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &document)) {
		t.Errorf("%v after %d requests", err, asked.Load())
	}
}

func TestAnAnswerWithoutEndIsNotReadToItsEnd(t *testing.T) {
	const most = 16 << 20
	c := against(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"items":[{"key":"a","url":"`)
		chunk := strings.Repeat("x", 1<<20)
		for range most>>20 + 1 {
			_, _ = io.WriteString(w, chunk)
		}
		_, _ = io.WriteString(w, `"}]}`)
	})
	if _, err := c.ReadURLs(t.Context(), client.ReadItem{Key: "a"}); !errors.Is(err, client.ErrAnswer) {
		t.Errorf("%v", err)
	}
}
