package decisionhook_test

import (
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/decisionhook"
)

// What is taken for an answer says allow or deny in so many words, and its
// times make sense.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"decision":"allow"}`, `{"decision":"deny","cacheFor":30}`, `{"decision":"allow","expiresIn":60,"reason":"r","message":"m"}`,
		`{"decision":"allow","decision":"deny"}`, `{"decision":"ALLOW"}`, `{"decision":"allow","expiresIn":1e300}`, `null`, `{"decision":"allow"} `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answer, cacheFor, err := decisionhook.ParseAnswer(body)
		if err != nil {
			if answer != (decisionhook.Answer{}) || cacheFor != 0 {
				t.Errorf("%q: %+v with %v", body, answer, err)
			}
			return
		}
		const longest = 366 * 24 * time.Hour
		if cacheFor < 0 || cacheFor > longest || answer.Life < 0 || answer.Life > longest {
			t.Errorf("%q: %+v, stands %s", body, answer, cacheFor)
		}
	})
}

func FuzzSecrets(f *testing.F) {
	f.Add([]byte("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"))
	f.Add([]byte("whsec_\r\nwhsec_"))
	f.Fuzz(func(t *testing.T, text []byte) {
		secrets, err := decisionhook.ParseSecrets(text)
		if (err == nil) != (len(secrets) > 0) || len(secrets) > 2 {
			t.Fatalf("%d secrets, %v", len(secrets), err)
		}
	})
}
