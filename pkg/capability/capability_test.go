package capability_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/capability"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

type state struct {
	Subject string
	Size    int64
}

func key(fill byte) []byte { return bytes.Repeat([]byte{fill}, capability.KeySize) }

func newSealer(t testing.TB, now time.Time, keys ...[]byte) *capability.Sealer {
	t.Helper()
	sealer, err := capability.New(func() time.Time { return now }, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

func seal(t testing.TB, sealer *capability.Sealer) string {
	t.Helper()
	token, err := sealer.Seal("upload", state{"alice", 5}, start.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestWhatWasSealedComesBack(t *testing.T) {
	sealer := newSealer(t, start, key(1))
	var got state
	expires, err := sealer.Open("upload", seal(t, sealer), &got)
	if err != nil || got != (state{"alice", 5}) || !expires.Equal(start.Add(time.Hour)) {
		t.Errorf("%+v until %s, %v", got, expires, err)
	}
}

func TestATokenIsRefusedInAnyOtherPlace(t *testing.T) {
	token := seal(t, newSealer(t, start, key(1)))
	for name, test := range map[string]struct {
		sealer *capability.Sealer
		kind   string
		want   error
	}{
		"another kind":       {newSealer(t, start, key(1)), "session", capability.ErrInvalid},
		"no kind":            {newSealer(t, start, key(1)), "", capability.ErrInvalid},
		"another key":        {newSealer(t, start, key(2)), "upload", capability.ErrInvalid},
		"the last second":    {newSealer(t, start.Add(time.Hour-time.Second), key(1)), "upload", nil},
		"when it expires":    {newSealer(t, start.Add(time.Hour), key(1)), "upload", capability.ErrExpired},
		"a former key":       {newSealer(t, start, key(2), key(1)), "upload", nil},
		"a key that is gone": {newSealer(t, start, key(2), key(3)), "upload", capability.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := test.sealer.Open(test.kind, token, &state{}); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

func TestAnyChangeOfAnyByteMakesATokenWorthless(t *testing.T) {
	sealer := newSealer(t, start, key(1))
	token := seal(t, sealer)
	for i := range token {
		for _, other := range []byte("A-_0z=+/ ") {
			changed := token[:i] + string(other) + token[i+1:]
			if changed == token {
				continue
			}
			if _, err := sealer.Open("upload", changed, &state{}); !errors.Is(err, capability.ErrInvalid) {
				t.Fatalf("byte %d as %q: %v", i, other, err)
			}
		}
		if _, err := sealer.Open("upload", token[:i], &state{}); err == nil {
			t.Fatalf("the first %d bytes are accepted", i)
		}
	}
}

func TestATokenTellsNothingAndIsNeverTheSame(t *testing.T) {
	sealer := newSealer(t, start, key(1))
	one, other := seal(t, sealer), seal(t, sealer)
	if one == other {
		t.Error("the same state gives the same token, so holders can compare")
	}
	if strings.Contains(one, "alice") || strings.ContainsAny(one, "+/=. ") {
		t.Errorf("the token is readable, or not fit for a URL: %s", one)
	}
}

func TestStateThatDoesNotFitIsRefused(t *testing.T) {
	sealer := newSealer(t, start, key(1))
	if _, err := sealer.Seal("upload", strings.Repeat("<&>", 1000), start.Add(time.Hour)); err != nil {
		t.Errorf("3,000 bytes of any kind: %v", err)
	}
	if _, err := sealer.Seal("upload", strings.Repeat("x", capability.MaxLength), start); !errors.Is(err, capability.ErrTooLong) {
		t.Error("a token too long for an address")
	}
	if _, err := sealer.Seal("upload", make(chan int), start); err == nil {
		t.Error("a state that JSON can't carry")
	}
}

func TestASealerNeedsAClockAndWholeKeys(t *testing.T) {
	now := func() time.Time { return start }
	for name, err := range map[string]error{
		"no clock":    second(capability.New(nil, key(1))),
		"no key":      second(capability.New(now)),
		"a short key": second(capability.New(now, key(1)[1:])),
	} {
		if !errors.Is(err, capability.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ *capability.Sealer, err error) error { return err }

func FuzzOpen(f *testing.F) {
	sealer := newSealer(f, start, key(1), key(2))
	f.Add("upload", seal(f, sealer))
	f.Add("session", seal(f, sealer))
	f.Add("", "")
	f.Add("upload", strings.Repeat("A", 100))
	f.Fuzz(func(t *testing.T, kind, token string) {
		var got state
		if _, err := sealer.Open(kind, token, &got); err == nil && (kind != "upload" || got != (state{"alice", 5})) {
			t.Errorf("%q opens as %q: %+v", token, kind, got)
		}
	})
}
