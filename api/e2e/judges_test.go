package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ask runs a judge and returns what it printed.
func ask(t testing.TB, stdin []byte, name string, arguments ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v; `make judges` installs AWS's signers, OpenSSL and curl come with the system", err)
	}
	command := exec.CommandContext(t.Context(), path, arguments...)
	command.Stdin = bytes.NewReader(stdin)
	command.Env = append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true")
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, &complaints)
	}
	return strings.TrimSpace(string(output))
}

// mustOpenOnlyItsObject wants the edge to take a URL as it is and to refuse
// it when anything in it changes.
func mustOpenOnlyItsObject(t testing.TB, address string) {
	t.Helper()
	if got := get(t, address); got.status != http.StatusOK || !bytes.HasPrefix(got.body, []byte("\x89PNG")) {
		t.Errorf("the edge answers %d %.200s", got.status, got.body)
	}
	for what, forged := range map[string]string{
		"another object": strings.Replace(address, "sunrise", "meadow", 1),
		"another expiry": withQuery(t, address, "Expires", "2114380801"),
	} {
		if got := get(t, forged); got.status != http.StatusForbidden || !bytes.Contains(got.body, []byte("AccessDenied")) {
			t.Errorf("%s: %d %.200s", what, got.status, got.body)
		}
	}
}

func TestTheEdgeTakesWhatAWSsJavaScriptSignerSigns(t *testing.T) {
	s := startStack(t)
	for _, id := range []string{ecKey, rsaKey} {
		for _, digest := range []string{"SHA1", "SHA256"} {
			t.Run(id+" "+digest, func(t *testing.T) {
				request := map[string]string{
					"url": "http://" + s.edge + "/users/alice/pictures/sunrise.png", "keyPairId": id,
					"privateKeyFile": s.keyFile(id), "dateLessThan": "2037-01-01T00:00:00Z",
				}
				if digest != "SHA1" { // its default
					request["algorithm"] = digest
				}
				text, err := json.Marshal(request)
				if err != nil {
					t.Fatal(err)
				}
				mustOpenOnlyItsObject(t, ask(t, text, "node", filepath.Join("judges", "sign.mjs")))
			})
		}
	}
}

func TestTheEdgeTakesWhatTheAWSCLISigns(t *testing.T) {
	s := startStack(t)
	mustOpenOnlyItsObject(t, ask(t, nil, filepath.Join("..", "..", ".cache", "awscli", "bin", "aws"), "cloudfront", "sign",
		"--url", "http://"+s.edge+"/users/alice/pictures/sunrise.png", "--key-pair-id", pkcs1Key,
		"--private-key", "file://"+s.keyFile(pkcs1Key), "--date-less-than", "2037-01-01"))
}

func TestOpenSSLVerifiesWhatTheGatewaySigns(t *testing.T) {
	s := startStack(t)
	for _, id := range []string{ecKey, rsaKey} {
		for _, digest := range []string{"SHA1", "SHA256"} {
			t.Run(id+" "+digest, func(t *testing.T) {
				g := s.startGateway(t, "--active-key-id="+id, "--signing-hash="+digest)
				address := g.forKey(t, "alice", "/v1/read-urls", "users/alice/pictures/sunrise.png").URL
				u, err := url.Parse(address)
				if err != nil {
					t.Fatal(err)
				}
				query := u.Query()
				// Query parameters that CloudFront adds come after the others;
				// the rest is the resource that a canned policy names.
				resource, _, _ := strings.Cut(address, "&Expires=")
				policy := fmt.Sprintf(`{"Statement":[{"Resource":"%s","Condition":{"DateLessThan":{"AWS:EpochTime":%s}}}]}`, resource, query.Get("Expires"))
				signature, err := base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "=", "~", "/").Replace(query.Get("Signature")))
				if err != nil {
					t.Fatal(err)
				}
				dir := t.TempDir()
				public, signed := filepath.Join(dir, "public.pem"), filepath.Join(dir, "signature")
				writeFile(t, public, []byte(ask(t, nil, "openssl", "pkey", "-in", s.keyFile(id), "-pubout")))
				writeFile(t, signed, signature)
				if verdict := ask(t, []byte(policy), "openssl", "dgst", "-"+strings.ToLower(digest), "-verify", public, "-signature", signed); verdict != "Verified OK" {
					t.Errorf("OpenSSL says %s", verdict)
				}
				if query.Get("Key-Pair-Id") != id {
					t.Errorf("Key-Pair-Id=%s", query.Get("Key-Pair-Id"))
				}
				if wantsHash := digest == "SHA256"; (query.Get("Hash-Algorithm") == "SHA256") != wantsHash {
					t.Errorf("Hash-Algorithm=%s", query.Get("Hash-Algorithm"))
				}
				mustOpenOnlyItsObject(t, address)
			})
		}
	}
}

// The commands of the welcome, pasted one after another into a shell.
func TestTheWelcomesCommandsDoWhatTheySay(t *testing.T) {
	s := startStack(t)
	var pasted strings.Builder
	for line := range strings.Lines(s.stdout.String()) {
		if command := strings.TrimSpace(line); strings.HasPrefix(command, "TOKEN=") || strings.HasPrefix(command, "curl ") || strings.HasPrefix(command, "printf ") {
			pasted.WriteString(command + "\n")
		}
	}
	command := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail")
	command.Dir, command.Stdin = t.TempDir(), strings.NewReader(pasted.String())
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	said := string(output)
	for _, want := range []string{"200 image/png ", "upload: 200\n", "hello, world\n", `"code":"not-found"`, "404\n", "<Code>MissingKey</Code>", "\n403\n"} {
		at := strings.Index(said, want)
		if at < 0 {
			t.Fatalf("%q is missing, or not in its place, in\n%s\nafter\n%s", want, output, &pasted)
		}
		said = said[at:]
	}
	if picture, err := os.ReadFile(filepath.Join(command.Dir, "sunrise.png")); err != nil || !bytes.HasPrefix(picture, []byte("\x89PNG")) {
		t.Errorf("sunrise.png: %d bytes, %v", len(picture), err)
	}
}

func TestTheDemoEndsWell(t *testing.T) {
	p := start(t, nil, "devstack", "demo")
	if code := p.exitCode(t); code != 0 || strings.Contains(p.stdout.String(), "DIFF") || !strings.Contains(p.stdout.String(), "all as expected") {
		t.Errorf("exit code %d\n%s%s", code, p.stdout, p.stderr)
	}
}
