package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/keyring/rotation"
	"github.com/signgate/signgate/pkg/settings"
	"github.com/signgate/signgate/pkg/signedurl"
)

type keysCommands struct {
	Status keysStatusCommand `cmd:"" help:"Say where each signing key stands."`
	Rotate keysRotateCommand `cmd:"" help:"Go on with the rotation of signing keys, or begin one. It may be ended at any time and called again. Exit code 3: something else is next, and it says what."`
	Add    keysAddCommand    `cmd:"" help:"Add a signing key, the first one or one to rotate to, and print its public half for CloudFront."`
	Bind   keysBindCommand   `cmd:"" help:"Write down under which id CloudFront knows the key of a slot."`
}

func (k *keysCommands) run(ctx context.Context, command string, now func() time.Time, stdin io.Reader, stdout io.Writer) error {
	switch command {
	case "keys status":
		return k.Status.run(ctx, now, stdout)
	case "keys rotate":
		return k.Rotate.run(ctx, now, stdout)
	case "keys add":
		return k.Add.run(ctx, now, stdin, stdout)
	}
	return k.Bind.run(ctx, now)
}

// errNotFinished makes the exit code of a rotation that somebody else has to
// go on with.
var errNotFinished = errors.New("not finished")

// keySettings are those of the gateway whose keys these are.
type keySettings struct {
	settings.Sources
	settings.Signing
}

// open returns where the keys are. Nobody is asked for anything yet.
func (k *keySettings) open(ctx context.Context) (server.KeyStore, error) {
	if err := k.Validate(); err != nil {
		return nil, err
	}
	aws, err := config.LoadDefaultConfig(ctx, config.WithRegion(k.Region))
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	return server.NewKeyStore(k.Signing, aws.Credentials, nil), nil
}

// longestLife is that of anything that the keys sign. Where secrets are
// derived from them, they seal too.
func (k *keySettings) longestLife(document *keyring.Document) time.Duration {
	if document.HasTokenSecret() {
		return k.MaxReadLife
	}
	return max(k.MaxReadLife, k.MaxOpenUploadLife, k.MaxSessionLife, server.LongestCursorLife)
}

func (k *keySettings) distribution(now func() time.Time) rotation.Distribution {
	return rotation.Distribution{URL: k.CDNURL, Hash: signedurl.Hash(k.SigningHash), Now: now}
}

type keysStatusCommand struct {
	keySettings
	Probe bool `help:"Ask the distribution which keys it takes. Of a key in KMS that can't be used from here it says only whether it knows the id."`
}

func (c *keysStatusCommand) run(ctx context.Context, now func() time.Time, stdout io.Writer) error {
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	document, _, err := store.Read(ctx)
	if err != nil {
		return err
	}
	rotator := rotation.New(rotation.Config{Life: c.longestLife(document), Grace: c.SigningGrace})
	titles := []string{"SLOT", "KEY ID", "STATE", "SIGNED FROM", "UNTIL", "NEEDED UNTIL"}
	if c.Probe {
		titles = append(titles, "DISTRIBUTION")
	}
	rows := newTable(stdout, titles...)
	for _, name := range document.Names() {
		slot := document.Slots[name]
		state, until := rotator.StateOf(document, name, now())
		row := []string{name, slot.KeyID, string(state), stampOf(slot.ActiveAt), stampOf(slot.RetiredAt), stampOf(until)}
		if c.Probe {
			row = append(row, c.probe(ctx, now, store, slot))
		}
		if err := rows.row(row...); err != nil {
			return err
		}
	}
	return rows.Flush()
}

func stampOf(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return stamp(&at)
}

// probe says in a few words whether the distribution takes a key.
func (c *keysStatusCommand) probe(ctx context.Context, now func() time.Time, store server.KeyStore, slot keyring.Slot) string {
	if slot.KeyID == "" {
		return ""
	}
	signer, err := store.Signer(ctx, slot)
	trusted := false
	if err == nil {
		trusted, err = c.distribution(now).Trusts(ctx, keyring.Key{ID: slot.KeyID, Signer: signer})
	}
	if errors.Is(err, keyring.ErrUnavailable) && slot.KMSKey != "" { // only the gateway signs with it, or it is gone
		known, knowsErr := c.distribution(now).Knows(ctx, slot.KeyID)
		switch {
		case knowsErr == nil && known:
			return "knows its id"
		case knowsErr == nil:
			return "doesn't know it"
		}
	}
	switch {
	case err != nil:
		return err.Error()
	case trusted:
		return "takes it"
	}
	return "doesn't know it"
}

type keysRotateCommand struct {
	keySettings
	To         string        `help:"The slot to switch to, where several wait, or to go back to one that is retiring." placeholder:"SLOT"`
	KeyGroup   string        `xor:"group" help:"Folder of the public keys that a local edge trusts. Without it the key group is a distribution's, which a deployment changes; then this says what to deploy, and ends." placeholder:"DIR"`
	Wait       time.Duration `default:"8760h" help:"Longest to wait in all, for the distribution or for URLs to expire."`
	WithoutKey bool          `xor:"group" help:"Take it for enough that the distribution knows a new key's id, without a signature: for who may not sign with it, as with keys in KMS that only the gateway signs with. It needs neither kms:Sign nor kms:GetPublicKey."`
	Probes     int           `default:"3" help:"How often in a row the distribution must take a new key."`
	ProbeEvery time.Duration `default:"5s" help:"How long between probes."`
}

func (c *keysRotateCommand) run(ctx context.Context, now func() time.Time, stdout io.Writer) error {
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	document, _, err := store.Read(ctx)
	if err != nil {
		return err
	}
	if c.ActiveKeyID != "" {
		return c.adopt(ctx, store, stdout)
	}
	configured := rotation.Config{
		Store: store, Prober: c.distribution(now), WithoutKey: c.WithoutKey,
		Life: c.longestLife(document), Grace: c.SigningGrace, Settle: 2 * c.SigningRefresh, //nolint:mnd // one look may have been under way
		Probes: c.Probes, Every: c.ProbeEvery, Now: now, Wait: waiting(now().Add(c.Wait), now),
		Report: func(line string) { _, _ = fmt.Fprintln(stdout, line) },
	}
	if c.KeyGroup != "" {
		configured.Group = keyring.NewGroup(c.KeyGroup)
	}
	err = rotation.New(configured).Rotate(ctx, c.To)
	if errors.Is(err, rotation.ErrDeploy) || errors.Is(err, rotation.ErrWait) {
		return fmt.Errorf("%w: %w", errNotFinished, err)
	}
	return err
}

// adopt writes the document of a folder that had none. Gateways whose settings
// name the active key would take no other.
func (c *keysRotateCommand) adopt(ctx context.Context, store server.KeyStore, stdout io.Writer) error {
	document, revision, err := store.Read(ctx)
	if err != nil {
		return err
	}
	if err := store.Write(ctx, document, revision); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "written: keys.json, in which %s signs\n", document.Slots[document.Active].KeyID)
	return fmt.Errorf("%w: leave active-key-id out of the settings of every gateway, and of this command, and rotate again", errNotFinished)
}

// waiting waits until a time at most.
func waiting(deadline time.Time, now func() time.Time) func(context.Context, time.Duration) error {
	return func(ctx context.Context, d time.Duration) error {
		if until := now().Add(d); until.After(deadline) {
			return fmt.Errorf("%w: go on at %s", rotation.ErrWait, until.UTC().Format(time.RFC3339))
		}
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: it was interrupted; rotate again to go on", rotation.ErrWait)
		case <-timer.C:
			return nil
		}
	}
}

type keysAddCommand struct {
	keySettings
	Slot       string `arg:"" help:"Name of the slot: letters, digits, - and _."`
	KeyID      string `name:"key-id" help:"Id of the CloudFront public key, where there is one already."`
	PrivateKey string `help:"File of the private half in PEM; - reads standard input. Without it, and without a key in KMS, a P-256 key is made." placeholder:"FILE"`
	KMSKey     string `name:"kms-key" env:"-" help:"ARN of a key in KMS: ECC_NIST_P256 or RSA_2048, for SIGN_VERIFY." placeholder:"ARN"`
	PublicKey  string `help:"File of the public half in PEM of the key in KMS." placeholder:"FILE" type:"existingfile"`
}

func (c *keysAddCommand) run(ctx context.Context, now func() time.Time, stdin io.Reader, stdout io.Writer) error {
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	document, revision, err := store.Read(ctx)
	if errors.Is(err, keyring.ErrNoDocument) {
		document, err = keyring.NewDocument(true), nil
	}
	if err != nil {
		return err
	}
	slot, err := c.slot(stdin)
	if err != nil {
		return err
	}
	signer, err := store.Signer(ctx, slot) // before it is written that it could sign
	if err != nil {
		return err
	}
	if err := document.Add(c.Slot, slot, now()); err != nil {
		return err
	}
	public, err := keyring.MarshalPublicPEM(signer.Public())
	if err != nil {
		return err
	}
	if err := store.Write(ctx, document, revision); err != nil {
		return err
	}
	_, err = stdout.Write(public)
	return err
}

func (c *keysAddCommand) slot(stdin io.Reader) (keyring.Slot, error) {
	slot := keyring.Slot{KeyID: c.KeyID, KMSKey: c.KMSKey}
	switch {
	case c.KMSKey != "" && c.PrivateKey != "":
		return slot, errors.New("private-key and kms-key can't both be given")
	case (c.KMSKey != "") != (c.PublicKey != ""):
		return slot, errors.New("kms-key and public-key go together: aws kms get-public-key gives it")
	case c.KMSKey != "":
		text, err := os.ReadFile(c.PublicKey)
		if err != nil {
			return slot, fmt.Errorf("public-key: %w", err)
		}
		slot.PublicKey = string(text)
		return slot, nil
	}
	text, err := c.private(stdin)
	return slot.WithPrivateKey(text), err
}

func (c *keysAddCommand) private(stdin io.Reader) ([]byte, error) {
	var signer crypto.Signer
	if c.PrivateKey == "" {
		var err error
		if signer, err = keyring.Generate(keyring.P256); err != nil {
			return nil, err
		}
		return keyring.MarshalPrivatePEM(signer)
	}
	text, err := readFile(c.PrivateKey, stdin)
	if err != nil {
		return nil, fmt.Errorf("private-key: %w", err)
	}
	if signer, err = keyring.ParsePrivatePEM(text); err != nil {
		return nil, fmt.Errorf("private-key: %w", err)
	}
	return keyring.MarshalPrivatePEM(signer)
}

func readFile(path string, stdin io.Reader) ([]byte, error) {
	if path == "-" {
		const longest = 64 << 10
		return io.ReadAll(io.LimitReader(stdin, longest))
	}
	return os.ReadFile(path)
}

type keysBindCommand struct {
	keySettings
	Slot  string `arg:"" help:"Name of the slot."`
	KeyID string `arg:"" name:"key-id" help:"Id that CloudFront gave the public half."`
}

func (c *keysBindCommand) run(ctx context.Context, now func() time.Time) error {
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	document, revision, err := store.Read(ctx)
	if err != nil {
		return err
	}
	if err := document.Bind(c.Slot, strings.TrimSpace(c.KeyID), now()); err != nil {
		return err
	}
	return store.Write(ctx, document, revision)
}
