package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
)

// slowAWS is how long what AWS holds for a function takes to answer.
const slowAWS = 20 * time.Millisecond

// BenchmarkColdStart is from the start of the function's process to its first
// answer: settings from a Parameter Store and the signing key from a Secrets
// Manager that take 20 ms for each answer, policies, the issuer's keys, then one
// signed URL. `make bench-cold` runs it.
func BenchmarkColdStart(b *testing.B) {
	s := startStack(b)
	parameters, rest := settingsOf(without(s.environment(b), "SIGNGATE_LISTEN", "SIGNGATE_PUBLIC_URL"))
	secrets := httptest.NewServer(slowSecret(b))
	b.Cleanup(secrets.Close)
	delete(parameters, "signing-keys")
	delete(parameters, "active-key-id")
	parameters["signing-secret"], parameters["secrets-endpoint"] = "signgate/signing", secrets.URL
	store := httptest.NewServer(parameterStore(parameters))
	b.Cleanup(store.Close)
	token := (&gateway{issuer: s.issuer}).token(b, "alice")
	headers := map[string]string{"Authorization": "Bearer " + token, "Content-Type": "application/json"}
	var took []time.Duration
	for b.Loop() {
		api := newAPIGateway(b)
		begin := time.Now()
		api.run(b, append(slices.Clone(rest), "AWS_REGION=us-east-1", "AWS_ENDPOINT_URL_SSM="+store.URL, "SIGNGATE_PARAMETERS=/signgate/bench", "SIGNGATE_PUBLIC_URL="+api.web.URL))
		got := send(b, http.MethodPost, api.web.URL+"/v1/read-urls", headers, []byte(`{"items":[{"key":"`+sunrise+`"}]}`))
		end := time.Now()
		b.StopTimer()
		took = append(took, end.Sub(begin))
		if got.status != http.StatusOK || !strings.Contains(string(got.body), "Key-Pair-Id=KCOLD0001") {
			b.Fatalf("%d %s", got.status, got.body)
		}
		api.end(b)
		b.StartTimer()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/median")
	b.ReportMetric(float64(took[len(took)*9/10].Microseconds())/1000, "ms/p90")
}

// parameterStore answers GetParametersByPath, slowly.
func parameterStore(settings map[string]string) http.Handler {
	type parameter struct{ Name, Type, Value string }
	var all []parameter
	for name, value := range settings {
		all = append(all, parameter{"/signgate/bench/" + name, "String", value})
	}
	pages := slices.Collect(slices.Chunk(all, 10)) // as many as Parameter Store gives at once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-time.After(slowAWS)
		var asked struct{ NextToken string }
		_ = json.NewDecoder(r.Body).Decode(&asked)
		page := len(asked.NextToken)
		answer := map[string]any{"Parameters": pages[page]}
		if page+1 < len(pages) {
			answer["NextToken"] = strings.Repeat("n", page+1)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_ = json.NewEncoder(w).Encode(answer)
	})
}

// slowSecret answers GetSecretValue with a key of its own, slowly.
func slowSecret(b *testing.B) http.Handler {
	b.Helper()
	key, err := keyring.Generate(keyring.P256)
	if err != nil {
		b.Fatal(err)
	}
	private, err := keyring.MarshalPrivatePEM(key)
	if err != nil {
		b.Fatal(err)
	}
	document, err := json.Marshal(map[string]any{"version": 1, "active": "a", "slots": map[string]any{"a": map[string]any{"keyId": "KCOLD0001", "privateKey": string(private)}}})
	if err != nil {
		b.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(slowAWS)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_ = json.NewEncoder(w).Encode(map[string]any{"SecretString": string(document), "VersionId": "1"})
	})
}
