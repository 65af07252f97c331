package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/client"
	"github.com/signgate/signgate/pkg/edge"
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

func TestTheEdgeTakesCustomPoliciesAndCookiesOfAWSsJavaScriptSigner(t *testing.T) {
	s := startStack(t)
	album := "http://" + s.edge + "/users/alice/pictures/"
	for _, id := range []string{ecKey, rsaKey} {
		for _, digest := range []string{"SHA1", "SHA256"} {
			t.Run(id+" "+digest, func(t *testing.T) {
				sign := func(members map[string]any) string {
					request := map[string]any{"keyPairId": id, "privateKeyFile": s.keyFile(id)}
					if digest != "SHA1" {
						request["algorithm"] = digest
					}
					maps.Copy(request, members)
					text, err := json.Marshal(request)
					if err != nil {
						t.Fatal(err)
					}
					return ask(t, text, "node", filepath.Join("judges", "sign.mjs"))
				}
				bound := func(address, begins string) string {
					return sign(map[string]any{"url": album + "sunrise.png", "dateLessThan": "2037-01-01T00:00:00Z", "dateGreaterThan": begins, "ipAddress": address})
				}
				mustOpen(t, bound("127.0.0.0/8", "2020-01-01T00:00:00Z"), nil, http.StatusOK)
				mustOpen(t, strings.Replace(bound("127.0.0.0/8", "2020-01-01T00:00:00Z"), "sunrise", "meadow", 1), nil, http.StatusForbidden)
				mustOpen(t, bound("203.0.113.0/24", "2020-01-01T00:00:00Z"), nil, http.StatusForbidden)
				mustOpen(t, bound("127.0.0.0/8", "2036-01-01T00:00:00Z"), nil, http.StatusForbidden)

				policy := fmt.Sprintf(`{"Statement":[{"Resource":%q,"Condition":{"DateLessThan":{"AWS:EpochTime":2114380800}}}]}`, album+"*")
				cookies := map[string]string{"Cookie": sign(map[string]any{"policy": policy, "cookies": true})}
				mustOpen(t, album+"meadow.png", cookies, http.StatusOK)
				mustOpen(t, "http://"+s.edge+"/users/bob/pictures/meadow.png", cookies, http.StatusForbidden)
			})
		}
	}
}

// mustOpen wants a status.
func mustOpen(t testing.TB, address string, headers map[string]string, want int) {
	t.Helper()
	if got := send(t, http.MethodGet, address, headers, nil); got.status != want {
		t.Errorf("%d %s, want %d", got.status, got.header.Get(edge.ReasonHeader), want)
	}
}

func TestTheEdgeTakesWhatBotocoreSigns(t *testing.T) {
	s := startStack(t)
	sign := func(address string) string {
		return ask(t, nil, filepath.Join("..", "..", ".cache", "awscli", "bin", "python"), filepath.Join("judges", "sign.py"),
			"http://"+s.edge+"/users/alice/pictures/sunrise.png", pkcs1Key, s.keyFile(pkcs1Key), "1600000000", "2114380800", address)
	}
	mustOpen(t, sign("127.0.0.0/8"), nil, http.StatusOK)
	mustOpen(t, strings.Replace(sign("127.0.0.0/8"), "sunrise", "meadow", 1), nil, http.StatusForbidden)
	mustOpen(t, sign("203.0.113.0/24"), nil, http.StatusForbidden)
}

func TestTheEdgeTakesWhatTheAWSCLISigns(t *testing.T) {
	s := startStack(t)
	mustOpenOnlyItsObject(t, ask(t, nil, filepath.Join("..", "..", ".cache", "awscli", "bin", "aws"), "cloudfront", "sign",
		"--url", "http://"+s.edge+"/users/alice/pictures/sunrise.png", "--key-pair-id", pkcs1Key,
		"--private-key", "file://"+s.keyFile(pkcs1Key), "--date-less-than", "2037-01-01"))
}

// plainKeys is a folder of one of the stack's keys, without keys.json.
func (s *stack) plainKeys(t testing.TB, id string) string {
	t.Helper()
	text, err := os.ReadFile(s.keyFile(id))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, id+".pem"), text)
	return folder
}

func TestOpenSSLVerifiesWhatTheGatewaySigns(t *testing.T) {
	s := startStack(t)
	for _, id := range []string{ecKey, rsaKey} {
		for _, digest := range []string{"SHA1", "SHA256"} {
			t.Run(id+" "+digest, func(t *testing.T) {
				g := s.startGateway(t, "--signing-keys="+s.plainKeys(t, id), "--active-key-id="+id, "--signing-hash="+digest)
				address := g.readURL(t, "alice", client.ReadItem{Key: "users/alice/pictures/sunrise.png"}).URL
				u, err := url.Parse(address)
				if err != nil {
					t.Fatal(err)
				}
				query := u.Query()
				// Query parameters that CloudFront adds come after the others;
				// the rest is the resource that a canned policy names.
				resource, _, _ := strings.Cut(address, "&Expires=")
				policy := fmt.Sprintf(`{"Statement":[{"Resource":"%s","Condition":{"DateLessThan":{"AWS:EpochTime":%s}}}]}`, resource, query.Get("Expires"))
				mustVerify(t, s.keyFile(id), digest, []byte(policy), decode(t, query.Get("Signature")))
				if query.Get("Key-Pair-Id") != id {
					t.Errorf("Key-Pair-Id=%s", query.Get("Key-Pair-Id"))
				}
				if wantsHash := digest == "SHA256"; (query.Get("Hash-Algorithm") == "SHA256") != wantsHash {
					t.Errorf("Hash-Algorithm=%s", query.Get("Hash-Algorithm"))
				}
				mustOpenOnlyItsObject(t, address)

				grant, err := g.as(t, "alice").ReadPrefix(t.Context(), client.PrefixRequest{Prefix: "users/alice/pictures/"})
				if err != nil {
					t.Fatal(err)
				}
				custom, err := url.ParseQuery(grant.Query)
				if err != nil {
					t.Fatal(err)
				}
				mustVerify(t, s.keyFile(id), digest, decode(t, custom.Get("Policy")), decode(t, custom.Get("Signature")))
				cookies, err := g.as(t, "alice").ReadCookies(t.Context(), client.PrefixRequest{Prefix: "users/alice/pictures/"})
				if err != nil {
					t.Fatal(err)
				}
				values := map[string]string{}
				for _, cookie := range cookies.Cookies {
					values[cookie.Name] = cookie.Value
				}
				mustVerify(t, s.keyFile(id), digest, decode(t, values["CloudFront-Policy"]), decode(t, values["CloudFront-Signature"]))
			})
		}
	}
}

// decode undoes CloudFront's Base64.
func decode(t testing.TB, text string) []byte {
	t.Helper()
	decoded, err := base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "=", "~", "/").Replace(text))
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// mustVerify asks OpenSSL about a signature.
func mustVerify(t testing.TB, keyFile, digest string, policy, signature []byte) {
	t.Helper()
	dir := t.TempDir()
	public, signed := filepath.Join(dir, "public.pem"), filepath.Join(dir, "signature")
	writeFile(t, public, []byte(ask(t, nil, "openssl", "pkey", "-in", keyFile, "-pubout")))
	writeFile(t, signed, signature)
	if verdict := ask(t, policy, "openssl", "dgst", "-"+strings.ToLower(digest), "-verify", public, "-signature", signed); verdict != "Verified OK" {
		t.Errorf("OpenSSL says %s of %s", verdict, policy)
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
	if code := p.exitCodeWithin(t, 5*patience); code != 0 || strings.Contains(p.stdout.String(), "DIFF") || !strings.Contains(p.stdout.String(), "all as expected") {
		t.Errorf("exit code %d\n%s%s", code, p.stdout, p.stderr)
	}
}
