package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/client"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/problem"
)

// against makes a client of a gateway that answers by this handler.
func against(t testing.TB, handler http.HandlerFunc) *client.Client {
	t.Helper()
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	c, err := client.New(client.Config{
		URL: web.URL, Pause: time.Millisecond,
		Token: func(context.Context) (string, error) { return "token-of-alice", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const unavailable = `{"type":"x#unavailable","title":"","status":503,"code":"unavailable"}`

func refuse(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", problem.ContentType)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func TestWhatWasNotDoneIsAskedForAgain(t *testing.T) {
	for name, fail := range map[string]http.HandlerFunc{
		"not able now":      func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusServiceUnavailable, unavailable) },
		"too many requests": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "slow down", http.StatusTooManyRequests) },
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			c := against(t, func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1) < 3 {
					fail(w, r)
					return
				}
				_, _ = io.WriteString(w, `{"id":"A","method":"PUT"}`)
			})
			signed, err := c.CreateUpload(t.Context(), client.UploadRequest{Key: "a"})
			if err != nil || signed.ID != "A" || asked.Load() != 3 {
				t.Errorf("%+v, %v after %d requests", signed, err, asked.Load())
			}
		})
	}
}

func TestWhatMayHaveBeenDoneIsAskedForAgainOnlyWhereItReads(t *testing.T) {
	var asked atomic.Int64
	c := against(t, func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		panic(http.ErrAbortHandler) // the connection breaks
	})
	if _, err := c.CreateUpload(t.Context(), client.UploadRequest{Key: "a"}); err == nil || asked.Load() != 1 {
		t.Errorf("an upload: %v after %d requests", err, asked.Load())
	}
	asked.Store(0)
	if _, err := c.ReadURLs(t.Context(), client.ReadItem{Key: "a"}); err == nil || asked.Load() != 4 {
		t.Errorf("a read: %v after %d requests", err, asked.Load())
	}
}

func TestARefusalIsATypedProblemAndFinal(t *testing.T) {
	var asked atomic.Int64
	c := against(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		refuse(w, http.StatusForbidden, `{"type":"x#denied","status":403,"code":"denied","detail":"No policy allows you to write this object.","requestId":"R1"}`)
	})
	_, err := c.CreateUpload(t.Context(), client.UploadRequest{Key: "a"})
	var document *problem.Document
	if !errors.As(err, &document) || document.Code != problem.Denied.Code || document.RequestID != "R1" || asked.Load() != 1 {
		t.Errorf("%v after %d requests", err, asked.Load())
	}
}

func TestAnItemsProblemStaysWithItsItem(t *testing.T) {
	c := against(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"items":[{"key":"a","url":"https://cdn"},{"key":"b","problem":{"code":"not-found","status":404}}]}`)
	})
	items, err := c.ReadURLs(t.Context(), client.ReadItem{Key: "a"}, client.ReadItem{Key: "b"})
	if err != nil || items[0].URL == "" || items[1].Problem == nil {
		t.Errorf("%+v, %v", items, err)
	}
	single := against(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"items":[{"key":"b","problem":{"code":"not-found","status":404}}]}`)
	})
	var document *problem.Document
	if _, err := single.ReadURL(t.Context(), client.ReadItem{Key: "b"}); !errors.As(err, &document) || document.Code != "not-found" {
		t.Errorf("%v", err)
	}
}

func TestAnswersOfSomethingElseAreErrors(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"a page":            func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"an error page":     func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) },
		"too few items":     func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"items":[]}`) },
		"a strange problem": func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusTeapot, `{}`) },
	} {
		if _, err := against(t, handler).ReadURLs(t.Context(), client.ReadItem{Key: "a"}); !errors.Is(err, client.ErrAnswer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheTokenGoesToTheGatewayAndNowhereElse(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			elsewhere.Add(1)
		}
		w.WriteHeader(http.StatusPreconditionFailed)
	}))
	defer other.Close()
	c := against(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token-of-alice" {
			t.Errorf("Authorization %q", r.Header.Get("Authorization"))
		}
		http.Redirect(w, r, other.URL+"/object?Signature=secret", http.StatusFound)
	})
	if location, err := c.ReadLocation(t.Context(), "users/alice/ä b.png"); err != nil || !strings.HasPrefix(location, other.URL) {
		t.Errorf("%s, %v", location, err)
	}
	_, err := c.Send(t.Context(), client.SignedRequest{Method: http.MethodPut, URL: other.URL + "/object?X-Amz-Signature=secret"}, strings.NewReader("x"), 1)
	var refused *client.RefusedError
	if !errors.As(err, &refused) || refused.Status != http.StatusPreconditionFailed || !errors.Is(err, client.ErrRefused) {
		t.Errorf("Send = %v", err)
	}
	if elsewhere.Load() != 0 {
		t.Error("the token went elsewhere")
	}
}

func TestErrorsDoNotRepeatASignature(t *testing.T) {
	c := against(t, func(http.ResponseWriter, *http.Request) {})
	for _, address := range []string{"http://127.0.0.1:1/a?X-Amz-Signature=secret", "http://[::1/a?X-Amz-Signature=secret"} {
		if _, err := c.Send(t.Context(), client.SignedRequest{Method: http.MethodPut, URL: address}, strings.NewReader("x"), 1); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("Send = %v", err)
		}
	}
}

func TestACancelledContextEndsTheRepeating(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := against(t, func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		refuse(w, http.StatusServiceUnavailable, unavailable)
	})
	if _, err := c.ReadURLs(ctx, client.ReadItem{Key: "a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestAPrefixGrantMakesURLsBelowItOnly(t *testing.T) {
	grant := client.PrefixGrant{Prefix: "users/alice/ä/", URL: "https://cdn.example.com/users/alice/%C3%A4/", Query: "sg-id=A&Policy=x"}
	if got, err := grant.ObjectURL("users/alice/ä/b c*.png"); err != nil || got != "https://cdn.example.com/users/alice/%C3%A4/b%20c%2A.png?sg-id=A&Policy=x" {
		t.Errorf("%s, %v", got, err)
	}
	for _, key := range []string{"users/alice/b.png", "users/alice/ä/../b", "users/alice/ä"} {
		if got, err := grant.ObjectURL(key); !errors.Is(err, objectkey.ErrInvalid) {
			t.Errorf("%s: %s, %v", key, got, err)
		}
	}
}

func TestAClientOfNowhereIsNotMade(t *testing.T) {
	for _, address := range []string{"", "gateway.example.com", "ftp://gateway", "https://", "https://gateway?x", "https://gateway#x", "://"} {
		if _, err := client.New(client.Config{URL: address}); !errors.Is(err, client.ErrConfig) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func Example() {
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"items":[{"key":"users/alice/a.png","id":"A","url":"https://cdn.example.com/users/alice/a.png?sg-id=A"}]}`)
	}))
	defer gateway.Close()
	c, err := client.New(client.Config{URL: gateway.URL, Token: func(context.Context) (string, error) { return "an access token", nil }})
	if err != nil {
		fmt.Println(err)
		return
	}
	read, err := c.ReadURL(context.Background(), client.ReadItem{Key: "users/alice/a.png", Conditions: client.Conditions{ExpiresIn: client.Seconds(time.Minute)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(read.ID, len(read.URL) > 0)
	// Output: A true
}
