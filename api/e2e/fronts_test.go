package e2e_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// fronts are the ways in which callers reach a gateway.
func fronts() map[string]func(t testing.TB, s *stack) *gateway {
	return map[string]func(t testing.TB, s *stack) *gateway{
		"server":            func(t testing.TB, s *stack) *gateway { t.Helper(); return s.startGateway(t, publicAt(t)...) },
		"server behind TLS": behindTLS,
		"Lambda":            onLambda,
		"load balancer":     behindLoadBalancer,
	}
}

// publicAt lets a gateway listen where its callers reach it.
func publicAt(t testing.TB) []string {
	t.Helper()
	address := freeAddresses(t, 1)[0]
	return []string{"--listen=" + address, "--public-url=http://" + address}
}

// behindTLS puts a server behind something that ends TLS, and speaks HTTP/2.
func behindTLS(t testing.TB, s *stack) *gateway {
	t.Helper()
	backend := freeAddresses(t, 1)[0]
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: backend})
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}}
	web := httptest.NewUnstartedServer(proxy)
	web.EnableHTTP2 = true
	web.StartTLS()
	t.Cleanup(web.Close)
	g := s.startGateway(t, "--listen="+backend, "--public-url="+web.URL, "--trusted-proxies=127.0.0.0/8")
	g.url = web.URL
	return g
}

// onLambda runs the gateway as a function behind an HTTP API.
func onLambda(t testing.TB, s *stack) *gateway {
	t.Helper()
	g, _ := s.startFunction(t)
	return g
}

// startFunction is onLambda, with settings beside those of the stack.
func (s *stack) startFunction(t testing.TB, environment ...string) (*gateway, *apiGateway) {
	t.Helper()
	api := newAPIGateway(t)
	ours := append(without(s.environment(t), "SIGNGATE_LISTEN", "SIGNGATE_PUBLIC_URL"), "SIGNGATE_PUBLIC_URL="+api.web.URL)
	return &gateway{process: api.run(t, append(ours, environment...)), url: api.web.URL, issuer: s.issuer}, api
}

// trusting trusts the certificate of every test server, which is one and the
// same, and nobody else's.
var trusting = sync.OnceValue(func() *http.Transport {
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	pool := x509.NewCertPool()
	pool.AddCert(web.Certificate())
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
})

// What the gateway promises is true however callers reach it.
func TestTheSameIsTrueBehindEveryFront(t *testing.T) {
	for front, begin := range fronts() {
		t.Run(front, func(t *testing.T) {
			g := begin(t, startStack(t))
			for name, check := range map[string]func(*testing.T, *gateway){
				"what is uploaded reads back whole and in pieces":         uploadedReadsBack,
				"the redirect leads to the object":                        redirectLeadsToTheObject,
				"forged tokens are refused":                               forgedTokensAreRefused,
				"the probes and the document are there":                   probesAreThere,
				"an old version reads back by its id":                     oldVersionReadsBack,
				"an album is listed with URLs that open":                  albumIsListed,
				"a session refuses what it was not made for":              sessionRefuses,
				"a refusal below a session says why in the widgets words": refusalInTheWidgetsWords,
				"a session with a token needs the persons token":          sessionNeedsToken,
				"cookies arrive one by one":                               cookiesArriveOneByOne,
				"a thousand keys are answered in one request":             thousandKeys,
				"keys in bodies and queries are taken byte for byte":      keysAreTakenByteForByte,
				"what the router refuses is a problem":                    routerRefusesWithProblems,
				"bodies that are no JSON are refused as such":             oddBodiesAreRefused,
				"a page of another origin is told nothing":                otherOriginsAreToldNothing,
				"an id of a request comes back":                           requestIDComesBack,
				"the address is the clients":                              addressIsTheClients,
			} {
				t.Run(name, func(t *testing.T) { check(t, g) })
			}
		})
	}
}
