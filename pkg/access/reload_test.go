package access_test

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/signgate/signgate/pkg/access"
)

func policyFile(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestChangedPoliciesAreTakenWholeOrNotAtAll(t *testing.T) {
	const all, none = `permit (principal, action, resource);`, `forbid (principal, action, resource in Prefix::"secret/");`
	folder := fstest.MapFS{"a.cedar": policyFile(all), "b.cedar": policyFile(none)}
	policies, err := access.NewReloading(folder, access.Layout{})
	if err != nil {
		t.Fatal(err)
	}
	alice := access.Principal{Subject: "alice"}
	may := func() bool { return policies.Authorize(alice, access.Read, parseKey(t, "secret/x")).Allowed }
	refresh := func(want bool, wantErr error) {
		t.Helper()
		if taken, err := policies.Refresh(); taken != want || !errors.Is(err, wantErr) {
			t.Fatalf("Refresh = %t, %v; want %t, %v", taken, err, want, wantErr)
		}
	}
	refresh(false, nil) // nothing has changed

	delete(folder, "b.cedar") // a copy under way: the forbid isn't there yet
	refresh(false, nil)
	if may() {
		t.Error("half of a copy is taken for a set without its forbid")
	}
	folder["b.cedar"] = policyFile(none + ` forbid (principal, action == Action::"delete", resource);`)
	refresh(false, nil) // it has just moved
	refresh(true, nil)  // and stood still
	if may() || policies.Len() != 3 {
		t.Errorf("%d policies, may: %t", policies.Len(), may())
	}

	folder["c.cedar"] = policyFile("nonsense")
	refresh(false, nil)
	refresh(false, access.ErrPolicy)
	refresh(false, access.ErrPolicy) // said again, until it is mended
	if policies.Len() != 3 {
		t.Error("what can't be used was taken")
	}
	for name := range folder {
		delete(folder, name)
	}
	refresh(false, nil)
	refresh(false, access.ErrNoPolicies)
	if policies.Len() != 3 {
		t.Error("an empty folder was taken")
	}

	folder["a.cedar"] = policyFile(all)
	refresh(false, nil)
	refresh(true, nil)
	prefix := parsePrefix(t, "secret/")
	if !may() || !policies.AuthorizePrefix(alice, access.Read, prefix).Allowed {
		t.Error("the new set doesn't decide")
	}
	refresh(false, nil)
}

// unreadable is a folder whose files can't be read.
type unreadable struct{ fstest.MapFS }

func (u unreadable) ReadFile(string) ([]byte, error) { return nil, fs.ErrPermission }

func TestAFolderThatCannotBeReadIsNotTaken(t *testing.T) {
	if _, err := access.NewReloading(unreadable{fstest.MapFS{"a.cedar": policyFile(`permit (principal, action, resource);`)}}, access.Layout{}); !errors.Is(err, access.ErrPolicy) {
		t.Errorf("%v", err)
	}
}
