package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// slowAWS is how long what AWS holds for a function takes to answer.
const slowAWS = 20 * time.Millisecond

// BenchmarkColdStart is from the start of the function's process to its first
// answer: settings from a Parameter Store that takes 20 ms, policies, keys,
// the issuer's keys, then one signed URL. `make bench-cold` runs it.
func BenchmarkColdStart(b *testing.B) {
	s := startStack(b)
	parameters, rest := settingsOf(without(s.environment(b), "SIGNGATE_LISTEN", "SIGNGATE_PUBLIC_URL"))
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
		if got.status != http.StatusOK || !strings.Contains(string(got.body), "Signature=") {
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
