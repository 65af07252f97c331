package objectkey_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/objectkey"
)

func TestParseRefusesEveryAmbiguousKey(t *testing.T) {
	for name, key := range map[string]string{
		"empty":                   "",
		"too long":                strings.Repeat("k", objectkey.MaxBytes+1),
		"too long in bytes":       strings.Repeat("é", objectkey.MaxBytes/2+1),
		"invalid UTF-8":           "users/alice/\xff.png",
		"overlong UTF-8":          "users/alice\xc0\xaf..",
		"surrogate in UTF-8":      "users/\xed\xa0\x80",
		"leading slash":           "/users/alice/a.png",
		"trailing slash":          "users/alice/",
		"only a slash":            "/",
		"empty segment":           "users//a.png",
		"dot segment":             "users/./a.png",
		"dot dot segment":         "users/alice/../bob/a.png",
		"dot dot at the start":    "../a.png",
		"dot dot at the end":      "users/..",
		"single dot":              ".",
		"NUL":                     "users/alice/a\x00.png",
		"line feed":               "users/alice/a\n.png",
		"carriage return":         "users/alice/a\r.png",
		"DEL":                     "users/alice/a\x7f.png",
		"C1 control (NEL U+0085)": "users/alice/a\u0085.png",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := objectkey.Parse(key)
			if !errors.Is(err, objectkey.ErrInvalid) {
				t.Fatalf("Parse(%q) = %v, want ErrInvalid", key, err)
			}
			var typed *objectkey.Error
			if !errors.As(err, &typed) || typed.Reason == "" {
				t.Fatalf("Parse(%q): the error names no reason: %v", key, err)
			}
		})
	}
}

func TestParseKeepsKeysThatOnlyLookOdd(t *testing.T) {
	for _, key := range []string{
		"a", "*", "?", "%2A", "a b+c", "...", "..a/b..", "~user/-._", "ключ/鍵/🔑.png",
		"users/alice/[{<>}]|\\^`\"'#&=;:@$,!", strings.Repeat("k", objectkey.MaxBytes),
	} {
		parsed, err := objectkey.Parse(key)
		if err != nil {
			t.Errorf("Parse(%q): %v", key, err)
		}
		if parsed.String() != key {
			t.Errorf("Parse(%q).String() = %q", key, parsed.String())
		}
	}
}

func TestPathEncodesEverythingButUnreservedAndSlash(t *testing.T) {
	for key, want := range map[string]string{
		"*":              "/%2A",
		"?":              "/%3F",
		"%2A":            "/%252A",
		"a b+c":          "/a%20b%2Bc",
		"users/al'ice/é": "/users/al%27ice/%C3%A9",
		"a-b.c_d~e":      "/a-b.c_d~e",
		"x&y=z#w":        "/x%26y%3Dz%23w",
	} {
		parsed, err := objectkey.Parse(key)
		if err != nil {
			t.Fatalf("Parse(%q): %v", key, err)
		}
		if got := parsed.Path(); got != want {
			t.Errorf("Path of %q = %q, want %q", key, got, want)
		}
	}
}

func TestFromPathDecodesExactlyOnceAndAppliesTheRules(t *testing.T) {
	for path, want := range map[string]string{
		"/a%20b":          "a b",
		"/a+b":            "a+b",
		"/%2a":            "*",
		"/%252e%252e/x":   "%2e%2e/x",
		"/users%2Falice":  "users/alice",
		"/plain(literal)": "plain(literal)",
	} {
		got, err := objectkey.FromPath(path)
		if err != nil || got.String() != want {
			t.Errorf("FromPath(%q) = %q, %v, want %q", path, got, err, want)
		}
	}
	for _, path := range []string{
		"", "a", "/", "/%", "/%2", "/%zz", "/%2e%2e/x", "/a/%2E/b", "/a%2F%2Fb", "/a%00b", "/%ff", "//a", "/a/",
	} {
		if got, err := objectkey.FromPath(path); !errors.Is(err, objectkey.ErrInvalid) {
			t.Errorf("FromPath(%q) = %q, %v, want ErrInvalid", path, got, err)
		}
	}
}

func TestPrefixesNamesEveryFolderAboveTheKey(t *testing.T) {
	key, err := objectkey.Parse("users/alice/albums/7.png")
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(key.Prefixes(), " ")
	if want := "users/ users/alice/ users/alice/albums/"; got != want {
		t.Errorf("Prefixes() = %q, want %q", got, want)
	}
}

// FuzzKey holds the promises that signing rests on: what Parse accepts
// survives a round trip through the path, net/url agrees about what the path
// means, and the path never holds a character with a meaning in a policy.
func FuzzKey(f *testing.F) {
	for _, seed := range []string{"a", "*", "?", "%2A", "a b+c", "users/alice/é.png", "..", "a//b", "a/\x7f", "\xff", "%2e%2e/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if key, err := objectkey.FromPath(name); err == nil {
			mustRoundTrip(t, key)
		}
		key, err := objectkey.Parse(name)
		if err != nil {
			return
		}
		mustRoundTrip(t, key)
		if key.Path() != "/"+strings.ReplaceAll(objectkey.Escape(name), "%2F", "/") {
			t.Fatalf("Path and Escape disagree about %q", name)
		}
	})
}

func mustRoundTrip(t *testing.T, key objectkey.Key) {
	t.Helper()
	path := key.Path()
	if strings.ContainsAny(path, "*?\\\"<>^`{|} #&=+;@:!$'(),[]") {
		t.Fatalf("the path %q of %q holds a reserved character", path, key)
	}
	back, err := objectkey.FromPath(path)
	if err != nil || back != key {
		t.Fatalf("FromPath(%q) = %q, %v, want %q", path, back, err, key)
	}
	parsed, err := url.Parse("https://cdn.example" + path)
	if err != nil || parsed.Path != "/"+key.String() {
		t.Fatalf("net/url reads %q as %v, %v", path, parsed, err)
	}
}
