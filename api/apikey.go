package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/apikeys"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/settings"
)

// apikeyCommands are the operator's: they change the store that gateways read.
type apikeyCommands struct {
	Create apikeyCreate `cmd:"" help:"Make an API key for a machine, and show it this once."`
	List   apikeyList   `cmd:"" help:"List all API keys, without their secrets."`
	Revoke apikeyRevoke `cmd:"" help:"Take an API key back: gateways refuse it seconds later."`
}

func (a *apikeyCommands) run(ctx context.Context, command string, now time.Time, stdout, stderr io.Writer) error {
	switch command {
	case "apikey create":
		return a.Create.run(ctx, now, stdout, stderr)
	case "apikey list":
		return a.List.run(ctx, now, stdout)
	default: // apikey revoke
		return a.Revoke.run(ctx, now, stdout)
	}
}

// apikeyStore says where the keys are, in the words of the gateway's settings.
type apikeyStore struct {
	settings.Sources
	File   string `name:"api-keys-file" env:"SIGNGATE_API_KEYS_FILE" help:"File that keeps the keys."`
	Table  string `name:"api-keys-table" env:"SIGNGATE_API_KEYS_TABLE" help:"DynamoDB table that keeps the keys."`
	Region string `env:"SIGNGATE_REGION,AWS_REGION" help:"Region of the table."`
}

func (s apikeyStore) open(ctx context.Context) (apikeys.Store, error) {
	at := server.APIKeyStore{File: s.File, Table: s.Table, Region: s.Region}
	switch {
	case (s.File == "") == (s.Table == ""):
		return nil, errors.New("say where the keys are: api-keys-file or api-keys-table, and not both")
	case s.Table != "" && s.Region == "":
		return nil, errors.New("say in which region the table is: region")
	case s.Table != "":
		aws, err := config.LoadDefaultConfig(ctx, config.WithRegion(s.Region))
		if err != nil {
			return nil, fmt.Errorf("AWS configuration: %w", err)
		}
		at.Credentials = aws.Credentials
	}
	return server.OpenAPIKeys(ctx, at)
}

type apikeyCreate struct {
	apikeyStore
	Name      string        `arg:"" help:"What the key is for, for people."`
	Machine   string        `required:"" help:"Whose key it is; policies know the machine as Machine::\"key:<machine>\"."`
	Scope     []string      `required:"" sep:"none" help:"An action that the key is for, everywhere (read) or below a prefix (read:reports/). Policies have to allow it as well. May be repeated."`
	Group     []string      `sep:"none" help:"A group that the machine is in. May be repeated."`
	Tenant    string        `help:"The tenant that the machine belongs to."`
	ExpiresIn time.Duration `default:"2160h" help:"How long the key lives."`
	JSON      bool          `name:"json" help:"As JSON."`
}

// createdKey is what create prints.
type createdKey struct {
	ID        string    `json:"id"`
	Key       string    `json:"key"`
	Principal string    `json:"principal"`
	ExpiresAt time.Time `json:"expiresAt"`
}

func (c apikeyCreate) run(ctx context.Context, now time.Time, stdout, stderr io.Writer) error {
	for _, scope := range c.Scope {
		if err := access.CheckScope(scope); err != nil {
			return err
		}
	}
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	secret := apikeys.NewSecret()
	created := now.UTC().Truncate(time.Second)
	key := apikeys.Key{
		ID: secret.ID(), Digest: secret.Digest(), Name: c.Name, Machine: c.Machine, Groups: c.Group, Tenant: c.Tenant,
		Scopes: c.Scope, CreatedAt: created, ExpiresAt: created.Add(c.ExpiresIn),
	}
	if err := store.Create(ctx, key); err != nil {
		return err
	}
	shown := createdKey{key.ID, secret.Reveal(), callers.KeyPrefix + key.Machine, key.ExpiresAt}
	if c.JSON {
		return json.MarshalWrite(stdout, shown, jsontext.Multiline(true))
	}
	// The key alone, so that it can be piped to where it belongs.
	if _, err := fmt.Fprintln(stdout, shown.Key); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stderr, "Key %s of %s until %s. It is shown this once and kept by nobody.\n", shown.ID, shown.Principal, shown.ExpiresAt.Format(time.RFC3339))
	return err
}

type apikeyList struct {
	apikeyStore
	JSON bool `name:"json" help:"As JSON, one object a line."`
}

// listedKey is a key as list prints it.
type listedKey struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Principal  string    `json:"principal"`
	State      string    `json:"state"`
	Groups     []string  `json:"groups,omitempty"`
	Tenant     string    `json:"tenant,omitempty"`
	Scopes     []string  `json:"scopes"`
	CreatedAt  time.Time `json:"createdAt"`
	ExpiresAt  time.Time `json:"expiresAt"`
	LastUsedAt time.Time `json:"lastUsedAt,omitzero"`
	RevokedAt  time.Time `json:"revokedAt,omitzero"`
}

func (c apikeyList) run(ctx context.Context, now time.Time, stdout io.Writer) error {
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	var listed []listedKey
	for cursor, more := "", true; more; more = cursor != "" {
		page, err := store.List(ctx, cursor, apikeys.MaxLimit)
		if err != nil {
			return err
		}
		for _, key := range page.Keys {
			listed = append(listed, listedFrom(key, now))
		}
		cursor = page.Next
	}
	slices.SortFunc(listed, func(a, b listedKey) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	if !c.JSON {
		return printKeys(stdout, listed)
	}
	for _, key := range listed {
		if err := json.MarshalWrite(stdout, key); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(stdout); err != nil {
			return err
		}
	}
	return nil
}

func listedFrom(key apikeys.Key, now time.Time) listedKey {
	state := "good"
	switch err := key.Holds(now); {
	case errors.Is(err, apikeys.ErrRevoked):
		state = "revoked"
	case errors.Is(err, apikeys.ErrExpired):
		state = "expired"
	}
	return listedKey{
		ID: key.ID, Name: key.Name, Principal: callers.KeyPrefix + key.Machine, State: state,
		Groups: key.Groups, Tenant: key.Tenant, Scopes: key.Scopes,
		CreatedAt: key.CreatedAt, ExpiresAt: key.ExpiresAt, LastUsedAt: key.LastUsedAt, RevokedAt: key.RevokedAt,
	}
}

// printKeys is the list for a terminal. What people named is quoted, lest it
// moves the cursor.
func printKeys(out io.Writer, listed []listedKey) error {
	const gap = 2
	table := tabwriter.NewWriter(out, 0, 0, gap, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tSTATE\tPRINCIPAL\tEXPIRES\tLAST USED\tSCOPES\tNAME") // failures are Flush's to tell
	for _, key := range listed {
		used := "never"
		if !key.LastUsedAt.IsZero() {
			used = key.LastUsedAt.Format(time.RFC3339)
		}
		scopes := make([]string, len(key.Scopes))
		for n, scope := range key.Scopes {
			scopes[n] = strings.Trim(strconv.QuoteToGraphic(scope), `"`)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", key.ID, key.State, key.Principal,
			key.ExpiresAt.Format(time.RFC3339), used, strings.Join(scopes, " "), strconv.QuoteToGraphic(key.Name))
	}
	return table.Flush()
}

type apikeyRevoke struct {
	apikeyStore
	ID string `arg:"" help:"Id of the key: what stands between sgk_ and the next underscore."`
}

func (c apikeyRevoke) run(ctx context.Context, now time.Time, stdout io.Writer) error {
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	// Who has found a leaked key needn't know which part of it is the id.
	if secret, err := apikeys.ParseSecret(c.ID); err == nil {
		c.ID = secret.ID()
	}
	if !apikeys.IsID(c.ID) {
		return fmt.Errorf("%w: an id has 16 capital letters and digits", apikeys.ErrNotFound)
	}
	if err := store.Revoke(ctx, c.ID, now.UTC()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s is revoked; gateways refuse it %s from now at the latest.\n", c.ID, apikeys.BelievedFor)
	return err
}
