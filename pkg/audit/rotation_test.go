package audit_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"sync"
	"testing"

	"github.com/signgate/signgate/pkg/audit"
)

// Run with -race, this also finds a key that is read while it changes.
func TestAKeyThatChangesWhileASinkWritesSpoilsNoSignature(t *testing.T) {
	const otherID = "KTEST0002"
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{}
	log, key := newSunk(t, s), fixedKey(t)
	done := make(chan struct{})
	var rotation sync.WaitGroup
	defer rotation.Wait()
	defer close(done)
	rotation.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			log.SignWith(otherID, other)
			log.SignWith(keyID, key)
		}
	})
	const records = 500
	for range records {
		write(t, log, "one")
		finish(t, log.Checkpoint)
	}
	finish(t, log.Close)
	got := verifyWith(t, []byte(s.String()), audit.VerifyOptions{Keys: map[string]crypto.PublicKey{
		keyID: key.Public(), otherID: other.Public(),
	}})
	if !got.Complete() || got.Records != records || got.Checkpoints != records+2 {
		t.Errorf("%+v", got.Report)
	}
}

func TestARunInASinkBeginsSignedByAKeyThatCameAfterNew(t *testing.T) {
	s := &shelf{}
	log := audit.New(audit.Config{Sink: s, Now: noon})
	log.SignWith(keyID, fixedKey(t))
	write(t, log, "one")
	finish(t, log.Close)
	if got := verify(t, []byte(s.String())); !got.Complete() || got.Checkpoints != 2 {
		t.Errorf("%+v\n%s", got, s)
	}
}
