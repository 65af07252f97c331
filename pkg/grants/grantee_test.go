package grants_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/grants"
)

func TestAGranteeHasOneTextAndATextOneGrantee(t *testing.T) {
	for text, want := range map[string]grants.Grantee{
		"everyone":                    grants.Everyone(),
		"person:everyone":             person(t, "everyone"),
		"person:auth0%7Calice":        person(t, "auth0|alice"),
		"person:group%3Afriends":      person(t, "group:friends"),
		"group:friends":               group(t, "friends"),
		"group:a%2Cb%20c%0A%00%C3%A9": group(t, "a,b c\n\x00é"),
	} {
		got, err := grants.ParseGrantee(text)
		if err != nil || got != want || want.String() != text {
			t.Errorf("%s: %v, %v; the grantee's text is %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", ":", "everyone:", "Everyone", "everyone ", "person", "person:", "person:a:b", "person:a b", "person:%61", "person:%3a", "person:%",
		"person:%FF", "group:", "group:a/b", "robot:a", "nobody", "nobody:", "link", "link:", "link:" + strings.Repeat("A", 42), "link:" + strings.Repeat("A", 42) + "B",
		"link:" + strings.Repeat("A", 43) + "=", "link:" + strings.Repeat("A", 43) + "\n", "person:" + strings.Repeat("a", grants.MaxNameBytes+1),
	} {
		if got, err := grants.ParseGrantee(text); !errors.Is(err, grants.ErrInvalid) || !got.IsZero() {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, name := range []string{"", "\xff", strings.Repeat("a", grants.MaxNameBytes+1)} {
		_, asPerson := grants.Person(name)
		_, asGroup := grants.Group(name)
		if !errors.Is(asPerson, grants.ErrInvalid) || !errors.Is(asGroup, grants.ErrInvalid) {
			t.Errorf("%q is a name", name)
		}
	}
}

// No two grantees have the same text or the same mark, whatever their names
// are made of, and nothing in a text could be taken for something around it.
func TestNoTwoGranteesAreTakenForEachOther(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	pieces := []string{"person", "group", "everyone", "link", ":", "%", "%3A", "%25", "a", "A", "/", "\\", "\"", ",", " ", "\x00", "\n", "é", "e\u0301", "|"}
	texts, marks := map[string]grants.Grantee{}, map[grants.Mark]grants.Grantee{}
	for range 50_000 {
		var name strings.Builder
		for range 1 + random.IntN(4) {
			name.WriteString(pieces[random.IntN(len(pieces))])
		}
		for _, grantee := range []grants.Grantee{person(t, name.String()), group(t, name.String()), grants.Everyone()} {
			text, mark := grantee.String(), grantee.Mark()
			if other, ok := texts[text]; ok && other != grantee {
				t.Fatalf("seed %d: %#v and %#v are both %s", seed, other, grantee, text)
			}
			if other, ok := marks[mark]; ok && other != grantee {
				t.Fatalf("seed %d: %#v and %#v have the mark %s", seed, other, grantee, mark)
			}
			texts[text], marks[mark] = grantee, grantee
			if back, err := grants.ParseGrantee(text); err != nil || back != grantee {
				t.Fatalf("seed %d: %s is read as %#v, %v", seed, text, back, err)
			}
			if strings.ContainsAny(text, " ,;/\\\"'\n\x00|") {
				t.Fatalf("seed %d: the text %q", seed, text)
			}
		}
	}
}

func TestGranteesTravelAsJSON(t *testing.T) {
	link := grants.NewSecret().Holder()
	for _, grantee := range []grants.Grantee{grants.Everyone(), person(t, "a\"b"), link} {
		text, err := json.Marshal(grantee)
		if err != nil {
			t.Fatal(err)
		}
		var back grants.Grantee
		if err := json.Unmarshal(text, &back); err != nil || back != grantee {
			t.Errorf("%s: %v, %v", text, back, err)
		}
	}
	if text, err := json.Marshal(grants.Grantee{}); err == nil {
		t.Errorf("nobody is %s", text)
	}
	var grantee grants.Grantee
	if err := json.Unmarshal([]byte(`"all"`), &grantee); !errors.Is(err, grants.ErrInvalid) || !grantee.IsZero() {
		t.Errorf("%v, %v", grantee, err)
	}
}

func TestASecretIsShownByRevealAlone(t *testing.T) {
	secret := grants.NewSecret()
	encoded, err := json.Marshal(map[string]any{"secret": secret})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "secret", secret)
	bare := strings.TrimPrefix(secret.Reveal(), grants.SecretPrefix)
	for _, shown := range []string{string(encoded), log.String(), fmt.Sprintf("%v %+v %#v %s %q %x", secret, secret, secret, secret, secret, secret), secret.Holder().String()} {
		if strings.Contains(shown, bare) || strings.Contains(shown, "0x") {
			t.Errorf("shown in %s", shown)
		}
	}
}

func TestOnlyTheSecretOfALinkMakesItsHolder(t *testing.T) {
	secret := grants.NewSecret()
	back, err := grants.ParseSecret(secret.Reveal())
	if err != nil || back.Holder() != secret.Holder() || back.Holder().Kind() != grants.KindLink {
		t.Errorf("%v, %v", back.Holder(), err)
	}
	if secret.Holder() == grants.NewSecret().Holder() || !(grants.Secret{}).Holder().IsZero() {
		t.Error("secrets share a holder, or none has one")
	}
	for _, text := range []string{
		"", grants.SecretPrefix, strings.ToUpper(secret.Reveal()), secret.Reveal() + "A", secret.Reveal()[1:], secret.Reveal() + "\n",
		grants.SecretPrefix + strings.Repeat("A", 43), grants.SecretPrefix + strings.Repeat("A", 42) + "B", secret.Holder().String(),
		grants.SecretPrefix + strings.TrimPrefix(secret.Holder().String(), "link:") + "=",
	} {
		if _, err := grants.ParseSecret(text); !errors.Is(err, grants.ErrInvalid) || (text != "" && strings.Contains(err.Error(), text)) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func person(t testing.TB, subject string) grants.Grantee {
	t.Helper()
	grantee, err := grants.Person(subject)
	if err != nil || grantee.Name() != subject || grantee.Kind() != grants.KindPerson {
		t.Fatal(grantee, err)
	}
	return grantee
}

func group(t testing.TB, name string) grants.Grantee {
	t.Helper()
	grantee, err := grants.Group(name)
	if err != nil || grantee.Name() != name || grantee.Kind() != grants.KindGroup {
		t.Fatal(grantee, err)
	}
	return grantee
}
