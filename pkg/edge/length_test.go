package edge_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// CloudFront takes URLs of 8,192 bytes and ends the connection after longer
// ones.
func TestAURLThatIsTooLongIsRefusedBeforeItsSignature(t *testing.T) {
	l := newLocal(t, nil)
	const most = 8192
	address := l.edge.URL + "/a.txt?"
	for length, want := range map[int]int{most: http.StatusForbidden, most + 1: http.StatusRequestEntityTooLarge} {
		response, _ := l.do(t, http.MethodGet, address+strings.Repeat("x", length-len(address)), nil)
		if response.StatusCode != want || response.Close != (length > most) || response.Header.Get("Server") != "CloudFront" {
			t.Errorf("%d bytes: %d %v", length, response.StatusCode, response.Header)
		}
	}
	url := l.sign(t, "a.txt", time.Hour)
	if response, _ := l.do(t, http.MethodGet, url+"&x="+strings.Repeat("x", most), nil); response.StatusCode != http.StatusRequestEntityTooLarge || len(l.reached) != 0 {
		t.Errorf("%d, %d requests reached the origin", response.StatusCode, len(l.reached))
	}
}
