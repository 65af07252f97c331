package presign_test

import (
	"errors"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/overrides"
)

// What a browser is to be told in place of S3's own headers is checked before
// it is signed, whoever calls.
func TestAReadWithABrokenOverrideIsNotSigned(t *testing.T) {
	presigner := newPresigner(t, nil)
	for _, set := range []overrides.Set{{Filename: "a/b"}, {ContentType: "html"}, {CacheControl: "a\r\nb"}, {VersionID: "a b"}} {
		request, err := presigner.Get(t.Context(), parseKey(t, "users/alice/a.txt"), set, time.Minute)
		var broken *overrides.Error
		if !errors.As(err, &broken) || request.URL != "" {
			t.Errorf("%+v: %s, %v", set, request.URL, err)
		}
	}
}
