package e2e_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// loadBalancer is the address that the stand-in for a load balancer has, which
// no caller has.
const loadBalancer = "127.0.0.2"

// behindLoadBalancer runs the gateway as a task on ECS does, whose image is
// the program, its policies and nothing else: in an empty folder, with nothing
// in its environment but what the task's definition says, settings from
// Parameter Store, and credentials from ECS.
func behindLoadBalancer(t testing.TB, s *stack) *gateway {
	t.Helper()
	listen := freeAddresses(t, 1)[0]
	web := standInForLoadBalancer(t, listen)
	settings, rest := settingsOf(without(s.environment(t), "SIGNGATE_LISTEN", "SIGNGATE_PUBLIC_URL", "SIGNGATE_POLICIES"))
	settings["public-url"] = web.URL
	parameters := httptest.NewServer(parameterStore(settings))
	t.Cleanup(parameters.Close)
	folder := t.TempDir()
	policies := filepath.Join(folder, "policies")
	if err := os.CopyFS(policies, os.DirFS(policiesOf(t, s))); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary("signgate"), "serve")
	command.Dir = folder
	command.Env = []string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + credentialsOfTask(t, rest), "AWS_ENDPOINT_URL_SSM=" + parameters.URL,
		"AWS_REGION=us-east-1", "SIGNGATE_PARAMETERS=/signgate/bench", "SIGNGATE_POLICIES=" + policies,
		"SIGNGATE_LISTEN=" + listen, "SIGNGATE_KEEP_ALIVE=12m0s", "SIGNGATE_TRUSTED_PROXIES=" + loadBalancer + "/32",
	}
	g := &gateway{process: begin(t, command), url: web.URL, issuer: s.issuer}
	g.waitFor(t, g.stderr, `"listening"`)
	return g
}

// policiesOf is the folder of the stack's policies.
func policiesOf(t testing.TB, s *stack) string {
	t.Helper()
	settings, _ := settingsOf(s.environment(t))
	return settings["policies"]
}

// standInForLoadBalancer ends TLS, hands on what is for its name as it was sent,
// and adds the caller's address to whatever the caller says it is.
func standInForLoadBalancer(t testing.TB, to string) *httptest.Server {
	t.Helper()
	var name string
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(loadBalancer)}}).DialContext},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: to})
			r.Out.Host = r.In.Host
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			r.SetXForwarded()
		},
	}
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != name {
			http.NotFound(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	web.EnableHTTP2 = true
	web.StartTLS()
	t.Cleanup(web.Close)
	name = strings.TrimPrefix(web.URL, "https://")
	return web
}

// credentialsOfTask hands out the role's credentials as ECS does, and returns
// where.
func credentialsOfTask(t testing.TB, environment []string) string {
	t.Helper()
	found := map[string]string{}
	for _, line := range environment {
		name, value, _ := strings.Cut(line, "=")
		found[name] = value
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"AccessKeyId": found["AWS_ACCESS_KEY_ID"], "SecretAccessKey": found["AWS_SECRET_ACCESS_KEY"]})
	}))
	t.Cleanup(web.Close)
	return web.URL
}
