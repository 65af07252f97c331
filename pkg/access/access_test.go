package access_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/objectkey"
)

func load(t testing.TB, policies string) *access.Authorizer {
	t.Helper()
	authorizer, err := access.Load(fstest.MapFS{"test.cedar": {Data: []byte(policies)}})
	if err != nil {
		t.Fatal(err)
	}
	return authorizer
}

func builtin(t testing.TB) *access.Authorizer {
	t.Helper()
	authorizer, err := access.Load(access.Builtin())
	if err != nil {
		t.Fatal(err)
	}
	return authorizer
}

func parseKey(t testing.TB, name string) objectkey.Key {
	t.Helper()
	key, err := objectkey.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAPersonOwnsTheirFolderAndNothingElse(t *testing.T) {
	authorizer := builtin(t)
	for _, test := range []struct {
		subject, key string
		want         bool
	}{
		{"alice", "users/alice/a.png", true},
		{"alice", "users/alice/albums/7/deep/er/a.png", true},
		{"auth0|5f7c8ec7c33c6c004bbafe82", "users/auth0|5f7c8ec7c33c6c004bbafe82/a.png", true},
		{"alice", "users/bob/a.png", false},
		{"bob", "users/alice/a.png", false},
		{"alice", "users/alice2/a.png", false},
		{"alice2", "users/alice/a.png", false},
		{"alice", "users/alice", false},
		{"alice", "users/Alice/a.png", false},
		{"alice", "other/users/alice/a.png", false},
		{"alice", "alice/a.png", false},
		{"alice", "public.png", false},
	} {
		for _, action := range []access.Action{access.Read, access.Write, access.Overwrite, access.Delete} {
			decision := authorizer.Authorize(access.Principal{Subject: test.subject}, action, parseKey(t, test.key))
			if decision.Allowed != test.want {
				t.Errorf("%s may %s %s: %v, want %v (%v)", test.subject, action, test.key, decision.Allowed, test.want, decision.Errors)
			}
			if test.want && !slices.Equal(decision.Policies, []string{"home"}) {
				t.Errorf("decided by %v, want home", decision.Policies)
			}
		}
	}
}

func TestASubjectThatIsNoSingleSegmentHasNoHome(t *testing.T) {
	authorizer := builtin(t)
	for subject, key := range map[string]string{
		"alice/albums": "users/alice/albums/a.png",
		"..":           "users/a.png",
		".":            "users/a.png",
		"alice/":       "users/alice/a.png",
		"/alice":       "users/alice/a.png",
		"alice\n":      "users/alice/a.png",
		"":             "users/a.png",
		"*":            "users/alice/a.png",
		"alice\xff":    "users/alice/a.png",
	} {
		if decision := authorizer.Authorize(access.Principal{Subject: subject}, access.Read, parseKey(t, key)); decision.Allowed {
			t.Errorf("subject %q may read %s", subject, key)
		}
	}
	if decision := authorizer.Authorize(access.Principal{Subject: "*"}, access.Read, parseKey(t, "users/*/a.png")); !decision.Allowed {
		t.Error("a person called * may not read their own folder")
	}
}

func TestDefaultIsDeny(t *testing.T) {
	authorizer := load(t, `permit (principal, action == Action::"read", resource == Object::"a");`)
	alice := access.Principal{Subject: "alice"}
	if decision := authorizer.Authorize(alice, access.Read, parseKey(t, "b")); decision.Allowed || len(decision.Policies) != 0 {
		t.Errorf("an object that no policy names: %+v", decision)
	}
	if decision := authorizer.Authorize(alice, "share", parseKey(t, "a")); decision.Allowed {
		t.Errorf("an unknown action: %+v", decision)
	}
	if decision := authorizer.Authorize(alice, access.Read, objectkey.Key{}); decision.Allowed {
		t.Errorf("no key: %+v", decision)
	}
	if decision := authorizer.Authorize(access.Principal{}, access.Read, parseKey(t, "a")); decision.Allowed {
		t.Errorf("no principal: %+v", decision)
	}
}

func TestAForbidWinsAndNamesItself(t *testing.T) {
	authorizer := load(t, `
		@id("all") permit (principal, action, resource);
		@id("frozen") forbid (principal, action == Action::"delete", resource in Prefix::"legal/");`)
	alice := access.Principal{Subject: "alice"}
	decision := authorizer.Authorize(alice, access.Delete, parseKey(t, "legal/hold/a.pdf"))
	if decision.Allowed || !slices.Equal(decision.Policies, []string{"frozen"}) {
		t.Errorf("%+v", decision)
	}
	if decision := authorizer.Authorize(alice, access.Delete, parseKey(t, "legal2/a.pdf")); !decision.Allowed {
		t.Errorf("a prefix that only begins alike: %+v", decision)
	}
}

// Cedar skips a policy that errs; here a forbid that errs must still deny.
func TestAnEvaluationErrorDenies(t *testing.T) {
	authorizer := load(t, `
		permit (principal, action, resource);
		@id("broken") forbid (principal, action, resource) when { 9223372036854775807 + 1 == 0 };`)
	decision := authorizer.Authorize(access.Principal{Subject: "alice"}, access.Read, parseKey(t, "a"))
	if decision.Allowed || len(decision.Errors) != 1 || !strings.HasPrefix(decision.Errors[0], "broken: ") {
		t.Errorf("%+v", decision)
	}
}

func TestLoadRefusesAFolderItCannotStandFor(t *testing.T) {
	for name, test := range map[string]struct {
		folder fstest.MapFS
		want   error
		text   string
	}{
		"no files":       {fstest.MapFS{}, access.ErrNoPolicies, ""},
		"other files":    {fstest.MapFS{"README": {Data: []byte("permit")}}, access.ErrNoPolicies, ""},
		"an empty file":  {fstest.MapFS{"a.cedar": {}}, access.ErrNoPolicies, ""},
		"a syntax error": {fstest.MapFS{"a.cedar": {Data: []byte("permit (principal, action, resource)")}}, access.ErrPolicy, "a.cedar"},
		"half broken": {fstest.MapFS{
			"a.cedar": {Data: []byte("permit (principal, action, resource);")},
			"b.cedar": {Data: []byte("nonsense")},
		}, access.ErrPolicy, "b.cedar"},
		"one id twice": {fstest.MapFS{
			"a.cedar": {Data: []byte(`@id("x") permit (principal, action, resource);`)},
			"b.cedar": {Data: []byte(`@id("x") forbid (principal, action, resource);`)},
		}, access.ErrPolicy, `"x"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := access.Load(test.folder)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("Load = %v, want %v naming %q", err, test.want, test.text)
			}
		})
	}
}

func BenchmarkAuthorize(b *testing.B) {
	authorizer, key := builtin(b), parseKey(b, "users/alice/albums/7/a.png")
	b.ReportAllocs()
	for b.Loop() {
		if !authorizer.Authorize(access.Principal{Subject: "alice"}, access.Read, key).Allowed {
			b.Fatal("denied")
		}
	}
}

// FuzzHome holds that a subject, whatever an issuer puts there, owns nothing
// outside the one folder of its name.
func FuzzHome(f *testing.F) {
	authorizer := builtin(f)
	f.Add("alice", "users/alice/a.png")
	f.Add("alice/albums", "users/alice/albums/a.png")
	f.Add("..", "users/../a")
	f.Add("a%2Fb", "users/a%2Fb/c")
	f.Fuzz(func(t *testing.T, subject, name string) {
		key, err := objectkey.Parse(name)
		if err != nil {
			return
		}
		if !authorizer.Authorize(access.Principal{Subject: subject}, access.Read, key).Allowed {
			return
		}
		segments := strings.SplitN(name, "/", 3)
		if len(segments) != 3 || segments[0] != "users" || segments[1] != subject {
			t.Fatalf("subject %q may read %q", subject, name)
		}
	})
}
