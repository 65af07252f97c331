package audit_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/signgate/signgate/pkg/audit"
)

func Example() {
	log := audit.New(audit.Config{Out: os.Stdout, Chain: "7QZ4XTJ3"}) // without a chain, a random one
	err := log.Record(context.Background(), audit.Record{
		Time: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Outcome: audit.Denied,
		Principal: "bob", Authenticated: "oidc", Action: "read", Key: "users/alice/a.png",
	})
	if err != nil {
		fmt.Println("nothing may leave:", err)
	}
	// Output:
	// {"time":"2026-11-21T12:00:00Z","outcome":"denied","principal":"bob","authenticated":"oidc","action":"read","key":"users/alice/a.png","chain":"7QZ4XTJ3","seq":1,"prev":""}
}

func ExampleVerify() {
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	var trail bytes.Buffer
	log := audit.New(audit.Config{Out: &trail, Chain: "7QZ4XTJ3", Signer: signer, KeyID: "K2JCJMDEHXQW5F", Now: time.Now})
	for _, key := range []string{"a.png", "b.png", "c.png"} {
		if err := log.Record(context.Background(), audit.Record{ID: key, Outcome: audit.Issued, Principal: "bob", Key: key}); err != nil {
			fmt.Println(err)
		}
	}
	if err := log.Close(); err != nil {
		fmt.Println(err)
	}
	keys := map[string]crypto.PublicKey{"K2JCJMDEHXQW5F": signer.Public()}
	report, err := audit.Verify(bytes.NewReader(trail.Bytes()), audit.VerifyOptions{Keys: keys}, nil)
	fmt.Println(report.Records, "records, complete:", report.Complete(), err)

	altered := bytes.Replace(trail.Bytes(), []byte(`"principal":"bob","authenticated":"","action":"","key":"b.png"`), []byte(`"principal":"eve","authenticated":"","action":"","key":"b.png"`), 1)
	_, err = audit.Verify(bytes.NewReader(altered), audit.VerifyOptions{Keys: keys}, func(f audit.Finding) {
		fmt.Printf("line %d, chain %s, seq %d: %s\n", f.Line, f.Chain, f.Seq, f.Change)
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// 3 records, complete: true <nil>
	// line 3, chain 7QZ4XTJ3, seq 3: changed
}
