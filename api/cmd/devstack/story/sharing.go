package story

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/client"
	"github.com/signgate/signgate/pkg/objectkey"
)

const (
	sharedAlbum = "users/alice/story/album/"
	photo       = sharedAlbum + "1.png"
	secret      = sharedAlbum + "2.png"
)

func (t *teller) sharing() error {
	t.chapter("alice shares an album with bob, makes one photo public, and takes the share back")
	alice, err := t.as("alice")
	if err != nil {
		return err
	}
	for _, key := range []string{photo, secret} {
		if _, err := t.put("alice", key, "image/png", []byte("a photo")); err != nil {
			return err
		}
	}
	var shared client.Grant
	share := func(request client.GrantRequest) func() (string, error) {
		return func() (string, error) {
			grant, err := alice.CreateGrant(t.ctx, request)
			if err != nil {
				return told(err)
			}
			shared = grant
			return "shared", nil
		}
	}
	const hour = int64(time.Hour / time.Second)
	for _, try := range []struct {
		what, want string
		do         func() (string, error)
	}{
		{"bob asks for a photo of hers", "404 not-found", t.asking("bob", photo)},
		{"anybody does", "404 not-found", t.asking("", photo)},
		{"she makes the photo public", "shared", share(client.GrantRequest{Resource: photo, Grantee: client.Grantee{Kind: "everyone"}, Actions: []string{"read"}})},
		{"anybody asks for it again, without a token", "200", t.asking("", photo)},
		{"and for the one beside it", "404 not-found", t.asking("", secret)},
		{"she shares the album with bob for an hour", "shared", share(client.GrantRequest{
			Resource: sharedAlbum, Grantee: client.Grantee{Kind: "person", Name: "bob"}, Actions: []string{"read"}, ExpiresIn: new(hour),
		})},
		{"bob asks for the other photo", "200", t.asking("bob", secret)},
		{"why he may", "by a share: shared-read", t.why("bob", secret)},
		{"why carol may", "not", t.why("carol", secret)},
		{"carol does", "404 not-found", t.asking("carol", secret)},
		{"bob tries to pass it on to carol", "403 denied", func() (string, error) {
			bob, err := t.as("bob")
			if err != nil {
				return "", err
			}
			_, err = bob.CreateGrant(t.ctx, client.GrantRequest{Resource: sharedAlbum, Grantee: client.Grantee{Kind: "person", Name: "carol"}, Actions: []string{"read"}})
			return told(err)
		}},
		{"alice takes the share back", "done", func() (string, error) { return "done", alice.DeleteGrant(t.ctx, shared.ID) }},
		{"bob asks once more", "404 not-found", t.asking("bob", secret)},
	} {
		if err := t.step(try.what, try.want, try.do); err != nil {
			return err
		}
	}
	return nil
}

// why asks what a decision rests on.
func (t *teller) why(person, key string) func() (string, error) {
	return func() (string, error) {
		caller, err := t.as(person)
		if err != nil {
			return "", err
		}
		decision, err := caller.Decide(t.ctx, client.DecisionRequest{Action: "read", Key: key})
		switch {
		case err != nil:
			return told(err)
		case !decision.Allowed:
			return "not", nil
		case decision.Grant != "":
			return "by a share: " + strings.Join(decision.Policies, ", "), nil
		}
		return "by " + strings.Join(decision.Policies, ", "), nil
	}
}

// asking follows the address that redirects to an object, as a person or as
// anybody.
func (t *teller) asking(person, key string) func() (string, error) {
	return func() (string, error) {
		parsed, err := objectkey.Parse(key)
		if err != nil {
			return "", err
		}
		headers := map[string]string{}
		if person != "" {
			token, err := t.send(http.MethodGet, t.stack.IssuerURL()+"/token/"+person, nil, nil)
			if err != nil {
				return "", err
			}
			headers["Authorization"] = "Bearer " + string(token.body)
		}
		got, err := t.send(http.MethodGet, t.stack.GatewayURL()+"/v1/read"+parsed.Path(), headers, nil)
		if err != nil || got.status != http.StatusFound {
			return got.String(), err
		}
		object, err := t.send(http.MethodGet, got.header.Get("Location"), nil, nil)
		return object.String(), err
	}
}

func (t *teller) theTrail() error {
	t.chapter("every URL is on record, and the record can't be changed unseen")
	trail, err := os.ReadFile(t.stack.AuditFile())
	if err != nil {
		return err
	}
	keys, err := t.stack.PublicKeys()
	if err != nil {
		return err
	}
	verify := func(trail []byte) (audit.Report, error) {
		return audit.Verify(bytes.NewReader(trail), audit.VerifyOptions{Keys: keys}, func(audit.Finding) {})
	}
	changed := bytes.Replace(trail, []byte(`"principal":"bob"`), []byte(`"principal":"eve"`), 1)
	for _, try := range []struct {
		what  string
		trail []byte
		want  string
	}{
		{"the trail, as it was written", trail, "0 findings"},
		{"the trail, after somebody turned a bob into an eve", changed, "1 findings"},
	} {
		if err := t.step(try.what, try.want, func() (string, error) {
			report, err := verify(try.trail)
			return fmt.Sprintf("%d findings", report.Findings), err
		}); err != nil {
			return err
		}
	}
	return nil
}
