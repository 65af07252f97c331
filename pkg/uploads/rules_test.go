package uploads_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/uploads"
)

func parseKey(t testing.TB, name string) objectkey.Key {
	t.Helper()
	key, err := objectkey.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestTheRuleWithTheLongestPrefixHoldsAlone(t *testing.T) {
	rules, err := uploads.ParseRules([]byte(`[
		{"prefix":"users/","maxBytes":10},
		{"prefix":"users/alice/","contentTypes":["image/*"],"verify":true},
		{"prefix":"","maxBytes":1}
	]`))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"users/alice/a.png": "users/alice/", "users/alice2/a.png": "users/", "users/bob/a": "users/", "other": "",
	} {
		if got := rules.For(parseKey(t, key)).Prefix; got != want {
			t.Errorf("%s: the rule of %q, want %q", key, got, want)
		}
	}
	if got := rules.For(parseKey(t, "users/alice/a.png")).MaxBytes; got != 0 {
		t.Errorf("the shorter prefix's limit holds too: %d", got)
	}
	if !rules.Verifies() {
		t.Error("a rule verifies")
	}
}

func TestRulesTouchEveryPrefixThatSharesAKeyWithTheirs(t *testing.T) {
	const folder, whole = `[{"prefix":"users/alice/photos/","maxBytes":10}]`, `[{"prefix":"","verify":true}]`
	for _, test := range []struct {
		rules, prefix string
		want          bool
	}{
		{folder, "users/alice/photos/", true},
		{folder, "users/alice/photos/2026/", true},
		{folder, "users/alice/", true},
		{folder, "users/alice/photos2/", false},
		{folder, "users/bob/", false},
		{whole, "users/bob/", true},
		{`[]`, "users/bob/", false},
	} {
		rules, err := uploads.ParseRules([]byte(test.rules))
		if err != nil {
			t.Fatal(err)
		}
		prefix, err := objectkey.ParsePrefix(test.prefix)
		if err != nil {
			t.Fatal(err)
		}
		if got := rules.Touches(prefix); got != test.want {
			t.Errorf("%s, %s: %t", test.rules, test.prefix, got)
		}
	}
}

func TestContentTypesMatchByTypeAndRange(t *testing.T) {
	for _, test := range []struct {
		allowed     string
		contentType string
		want        bool
	}{
		{"", "anything/at-all", true},
		{"image/*", "image/png", true},
		{"image/*", "IMAGE/PNG", true},
		{"image/*", "image/svg+xml; charset=utf-8", true},
		{"image/*", "imagex/png", false},
		{"image/*", "image", false},
		{"image/*", "text/html; image/png", false},
		{"image/png", "image/png2", false},
		{"Text/Plain", "text/plain;charset=utf-8", true},
		{"image/png,text/plain", "text/plain", true},
	} {
		var allowed []string
		if test.allowed != "" {
			allowed = strings.Split(test.allowed, ",")
		}
		if got := uploads.AllowsType(allowed, test.contentType); got != test.want {
			t.Errorf("%q among %q: %t", test.contentType, test.allowed, got)
		}
	}
}

func TestRulesThatMeanNothingAreRefusedAllAtOnce(t *testing.T) {
	_, err := uploads.ParseRules([]byte(`[
		{"prefix":"users"},{"prefix":"a/","maxBytes":-1},{"prefix":"a/"},{"prefix":"b/","contentTypes":["*/*","image/","image/png; a=b"]}
	]`))
	if !errors.Is(err, uploads.ErrRules) {
		t.Fatal(err)
	}
	for _, part := range []string{`"users"`, "negative", "another", `"*/*"`, `"image/"`, `"image/png; a=b"`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not named in: %v", part, err)
		}
	}
	for _, text := range []string{``, `{}`, `[{"prefx":"a/"}]`, `[{"prefix":"a/","prefix":"b/"}]`, `[] []`} {
		if _, err := uploads.ParseRules([]byte(text)); !errors.Is(err, uploads.ErrRules) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add([]byte(`[{"prefix":"users/","maxBytes":10,"contentTypes":["image/*"],"overwrite":false,"verify":true}]`), "users/alice/a.png")
	f.Add([]byte(`[]`), "a")
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		rules, err := uploads.ParseRules(text)
		if err != nil {
			return
		}
		key, err := objectkey.Parse(name)
		if err != nil {
			return
		}
		if rule := rules.For(key); !strings.HasPrefix(name, rule.Prefix) || rule.MaxBytes < 0 {
			t.Errorf("%q has the rule %+v", name, rule)
		}
	})
}
