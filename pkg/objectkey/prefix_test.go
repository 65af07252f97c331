package objectkey_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/objectkey"
)

func TestParsePrefixRefusesWhatCouldOpenMoreThanItSays(t *testing.T) {
	for _, name := range []string{
		"", "/", "users/alice", "/users/", "users//", "users/../", "users/./x/", "../", "a\x00/", "a\n/", "\xff/",
		strings.Repeat("a", objectkey.MaxBytes-1) + "/", strings.Repeat("a", objectkey.MaxBytes) + "/",
	} {
		if prefix, err := objectkey.ParsePrefix(name); !errors.Is(err, objectkey.ErrInvalid) || !prefix.IsZero() {
			t.Errorf("%q: %v, %v", name, prefix, err)
		}
	}
}

func TestAPrefixContainsWhatLiesBelowItAndNothingElse(t *testing.T) {
	prefix, err := objectkey.ParsePrefix("users/a*b?/7/")
	if err != nil {
		t.Fatal(err)
	}
	if path := prefix.Path(); path != "/users/a%2Ab%3F/7/" {
		t.Errorf("Path = %s", path)
	}
	for name, want := range map[string]bool{
		"users/a*b?/7/x": true, "users/a*b?/7/x/y": true, "users/a*b?/7": false, "users/a*b?/70": false, "users/axbx/7/x": false, "users": false,
	} {
		key, err := objectkey.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		if prefix.Contains(key) != want {
			t.Errorf("Contains(%q) = %t", name, !want)
		}
		if (objectkey.Prefix{}).Contains(key) {
			t.Errorf("the zero prefix contains %q", name)
		}
	}
	if child, err := prefix.Child("x"); err != nil || !prefix.Contains(child) {
		t.Errorf("Child = %v, %v", child, err)
	}
	if _, err := prefix.Child("../x"); err == nil {
		t.Error("a child may climb out")
	}
}

// What lies below a prefix stays below it in every form.
func FuzzPrefix(f *testing.F) {
	f.Add("users/alice/", "a.png")
	f.Add("a/", "../b")
	f.Add("*/", "?")
	f.Fuzz(func(t *testing.T, name, child string) {
		prefix, err := objectkey.ParsePrefix(name)
		if err != nil {
			if !errors.Is(err, objectkey.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		key, err := prefix.Child(child)
		if err != nil {
			return
		}
		if parent, ok := key.Parent(); !ok || !strings.HasPrefix(parent.String(), prefix.String()) || !parent.Contains(key) {
			t.Errorf("%q has the parent %q", key, parent)
		}
		if !prefix.Contains(key) || !strings.HasPrefix(key.Path(), prefix.Path()) {
			t.Errorf("%q is a child of %q and not below it", key, prefix)
		}
	})
}
