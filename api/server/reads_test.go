package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/signedurl"
)

// An issue id stands for one question: two records of one id must be about the
// same thing.
func TestAStableIDIsOfOneQuestionOnly(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) { p.Access = everything{} })
	seen := map[string]string{}
	for name, question := range map[string]struct{ person, key, members string }{
		"plain":             {"alice", "shared/a.png", ``},
		"another caller":    {"bob", "shared/a.png", ``},
		"another key":       {"alice", "shared/b.png", ``},
		"a file name":       {"alice", "shared/a.png", `,"filename":"text"`},
		"a type":            {"alice", "shared/a.png", `,"contentType":"text/plain"`},
		"another type":      {"alice", "shared/a.png", `,"contentType":"text/html"`},
		"a cache control":   {"alice", "shared/a.png", `,"cacheControl":"text"`},
		"a version":         {"alice", "shared/a.png", `,"versionId":"text"`},
		"a beginning":       {"alice", "shared/a.png", `,"notBefore":"2026-11-21T12:01:00Z"`},
		"a later beginning": {"alice", "shared/a.png", `,"notBefore":"2026-11-21T12:02:00Z"`},
		"an address":        {"alice", "shared/a.png", `,"address":"203.0.113.7"`},
		"a range":           {"alice", "shared/a.png", `,"address":"203.0.113.7/31"`},
		"a later end":       {"alice", "shared/a.png", `,"expiresIn":7200`},
	} {
		answer := g.one(t, question.person, question.key, question.members+`,"stable":true`)
		if other, ok := seen[answer.ID]; ok || answer.ID == "" {
			t.Errorf("%s and %s have the id %q", name, other, answer.ID)
		}
		seen[answer.ID] = name
	}
}

// limitedCredentials die soon, and everything presigned with them.
func limitedCredentials(expires time.Time) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test", SessionToken: "test", CanExpire: true, Expires: expires}, nil
	})
}

func TestAReadFromS3SaysWhenItReallyDies(t *testing.T) {
	for name, test := range map[string]struct {
		dies, want time.Duration // of the role's session, of the URL
		asked      string
	}{
		"as asked for":            {24 * time.Hour, 10 * time.Minute, `,"expiresIn":600`},
		"with the role's session": {5 * time.Minute, 5 * time.Minute, `,"expiresIn":600`},
		"a week at most":          {60 * 24 * time.Hour, 7 * 24 * time.Hour, `,"expiresIn":2592000`},
	} {
		g := newGateway(t, func(p *server.Parts) {
			presigner, err := presign.New(t.Context(), presign.Config{Bucket: "media", Region: "eu-central-1", Credentials: limitedCredentials(start.Add(test.dies)), Now: p.Now})
			if err != nil {
				t.Fatal(err)
			}
			p.Presigner, p.Limits.S3Reads, p.Limits.Read.Longest = presigner, true, 30*24*time.Hour
		})
		answer := g.one(t, "alice", "users/alice/a.png", `,"from":"s3"`+test.asked)
		u, err := url.Parse(answer.URL)
		if err != nil || answer.URL == "" {
			t.Fatalf("%s: %+v %v", name, answer.Problem, err)
		}
		life, err := time.ParseDuration(u.Query().Get("X-Amz-Expires") + "s")
		if err != nil || answer.ExpiresAt == nil || answer.ExpiresAt.After(start.Add(test.want)) || answer.ExpiresAt.Before(start.Add(test.want-time.Minute)) || !answer.ExpiresAt.Equal(start.Add(life)) {
			t.Errorf("%s: it says %v, lives %s, %v", name, answer.ExpiresAt, life, err)
		}
		if records := g.records(t); len(records) != 1 || !records[0].ExpiresAt.Equal(*answer.ExpiresAt) {
			t.Errorf("%s: the trail says %+v", name, records)
		}
	}
}

// Where no address is given, the one that asks is the one that failed.
func TestAnExplanationIsForTheAddressThatAsks(t *testing.T) {
	g := newGateway(t, nil)
	bound := g.one(t, "alice", "users/alice/a.png", `,"address":"203.0.113.7"`)
	for remote, accepted := range map[string]bool{"203.0.113.7:1": true, "203.0.113.8:1": false} {
		body, err := json.Marshal(map[string]string{"url": bound.URL})
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/explain", strings.NewReader(string(body)))
		request.RemoteAddr = remote
		request.Header.Set("Authorization", "Bearer alice")
		request.Header.Set("Content-Type", "application/json")
		recorder := newRecorder()
		g.handler.ServeHTTP(recorder, request)
		if explanation := decode[signedurl.Explanation](t, recorder); explanation.Accepted != accepted {
			t.Errorf("from %s: %s", remote, recorder.Body)
		}
	}
}
