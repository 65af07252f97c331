package e2e_test

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/client"
)

func TestTheExplainCommandSaysWhyAndNeverRepeatsTheSignature(t *testing.T) {
	s := startStack(t)
	address := s.startGateway(t).readURL(t, "alice", client.ReadItem{Key: "users/alice/pictures/sunrise.png"}).URL
	key := publicKeyFile(t, s, address)
	stranger := strings.SplitN(key, "=", 2)[0] + "=" + publicFile(t, s.keyFile(ecKey))
	body := filepath.Join(t.TempDir(), "answer.xml")
	writeFile(t, body, get(t, strings.SplitN(address, "?", 2)[0]).body)

	for name, test := range map[string]struct {
		stdin     string
		arguments []string
		code      int
		says      []string
	}{
		"a good URL":                   {"", []string{address, "--public-key=" + key}, 0, []string{"accepted", "passed   signature  "}},
		"from standard input":          {address + "\n", []string{"-", "--public-key=" + key}, 0, []string{"accepted"}},
		"another key under its id":     {"", []string{address, "--public-key=" + stranger}, 1, []string{"refused with 403 AccessDenied", "failed   signature"}},
		"another key's id":             {"", []string{address, "--public-key=KOTHER=" + publicFile(t, s.keyFile(ecKey))}, 1, []string{"refused with 403 InvalidKey", "failed   key"}},
		"another object":               {"", []string{strings.Replace(address, "sunrise", "sunset", 1), "--public-key=" + key}, 1, []string{"refused with 403 AccessDenied"}},
		"with CloudFront's answer":     {"", []string{address, "--public-key=" + key, "--answer=" + body}, 0, []string{"The answer is from cloudfront"}},
		"two URLs":                     {"", []string{address, address, "--public-key=" + key}, 2, []string{"unexpected argument"}},
		"a URL for a key":              {"", []string{address, "--public-key=" + address}, 1, []string{"public-key"}},
		"a URL for an answer":          {"", []string{address, "--public-key=" + key, "--answer=" + address}, 2, []string{"--answer"}},
		"escaped for HTML":             {"", []string{strings.ReplaceAll(address, "&", "&amp;"), "--public-key=" + key}, 1, []string{"escaped for HTML"}},
		"without its question mark":    {"", []string{strings.Replace(address, "?", "%3F", 1), "--public-key=" + key}, 1, []string{"%3F"}},
		"no URL at all":                {"", []string{"--public-key=" + key}, 2, []string{"url"}},
		"a private key for the public": {"", []string{address, "--public-key=K1=" + s.keyFile(ecKey)}, 1, []string{"public-key"}},
		"a file that isn't there":      {"", []string{address, "--public-key=K1=/nowhere.pem"}, 1, []string{"/nowhere.pem"}},
		"an address that isn't one":    {"", []string{address, "--public-key=" + key, "--address=here"}, 1, []string{"not an IP address"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := startWith(t, strings.NewReader(test.stdin), nil, "signgate", append([]string{"explain"}, test.arguments...)...)
			code := p.exitCode(t)
			said := p.stdout.String() + p.stderr.String()
			if code != test.code {
				t.Errorf("exit code %d, want %d:\n%s", code, test.code, said)
			}
			for _, text := range test.says {
				if !strings.Contains(said, text) {
					t.Errorf("it doesn't say %q:\n%s", text, said)
				}
			}
			if signature := queryOf(t, address).Get("Signature"); len(signature) < 64 || strings.Contains(said, signature[:20]) {
				t.Error("it repeats the signature")
			}
		})
	}
}

// publicKeyFile gives the key that signed an address as the command wants it.
func publicKeyFile(t *testing.T, s *stack, address string) string {
	t.Helper()
	id := queryOf(t, address).Get("Key-Pair-Id")
	return id + "=" + publicFile(t, s.keyFile(id))
}

// publicFile writes the public half of a private PEM to a file of its own.
func publicFile(t *testing.T, private string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "public.pem")
	if output := ask(t, nil, "openssl", "pkey", "-in", private, "-pubout", "-out", file); output != "" {
		t.Log(output)
	}
	return file
}

func queryOf(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}
