package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/pkg/settings"
)

// ErrInvalid is wrapped by every error about what a file says.
var ErrInvalid = errors.New("invalid environment")

// UnmarshalText reads "15m".
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration, such as 15m", text)
	}
	*d = Duration(parsed)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Defaults is the environment of an empty file, but for the keys, which
// nobody else can give.
func Defaults() (Environment, error) {
	gateway, err := settings.Defaults()
	if err != nil {
		return Environment{}, err
	}
	return Environment{
		Content: Content{
			Encryption: KMS,
			DecryptFor: DistributionOnly,
			Lifecycle:  Lifecycle{AbortUploads: 8, QuarantineExpire: 8, OldVersionsGlacier: 30, OldVersionsExpire: 365},
		},
		Delivery: Delivery{
			PriceClass: "100",
			AccessLogs: true,
			Cache:      Cache{Default: Duration(24 * time.Hour), Max: Duration(365 * 24 * time.Hour)},
		},
		SigningKeys:   SigningKeys{Source: Managed},
		Observability: Observability{LogsExpire: 365, Dashboard: true},
		Limits: Limits{
			MaxUploadLife: Duration(gateway.MaxUploadLife),
			MaxReadLife:   Duration(gateway.MaxReadLife),
		},
	}, nil
}

// Names lists the environments of a folder: the files *.json in it.
func Names(folder fs.FS) ([]string, error) {
	files, err := fs.Glob(folder, "*.json")
	if err != nil {
		return nil, fmt.Errorf("list environments: %w", err)
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(file, ".json")
	}
	slices.Sort(files)
	return files, nil
}

// Override changes an environment before it is looked at.
type Override func(*Environment)

// Compute has the gateway run on Lambda or OnFargate, whatever the file says.
// What the file says of the other doesn't matter then.
func Compute(on string) Override {
	return func(e *Environment) {
		if e.asked = true; e.Gateway != nil {
			e.Gateway.Compute = on
		}
	}
}

// Load reads the environment of that name from NAME.json in the folder, with
// the public keys that it names. The error wraps ErrInvalid and names
// everything that is wrong; or it wraps fs.ErrNotExist.
func Load(folder fs.FS, name string, overrides ...Override) (Environment, error) {
	text, err := fs.ReadFile(folder, name+".json")
	if err != nil {
		known, _ := Names(folder)
		return Environment{}, fmt.Errorf("environment %q: %w; there are %s", name, err, strings.Join(known, ", "))
	}
	environment, err := Defaults()
	if err != nil {
		return Environment{}, err
	}
	if err := json.UnmarshalRead(bytes.NewReader(text), &environment, json.RejectUnknownMembers(true)); err != nil {
		return Environment{}, fmt.Errorf("%w: %s.json: %s", ErrInvalid, name, reason(err))
	}
	environment.Name = name
	for _, override := range overrides {
		override(&environment)
	}
	found := slices.Concat(environment.readKeys(folder), environment.Gateway.readFiles(folder), environment.readSettings(folder), environment.complaints())
	if err := found.Err(fmt.Errorf("%w: %s.json", ErrInvalid, name)); err != nil {
		return Environment{}, err
	}
	return environment, nil
}

// reason says where a file can't be read, in its own words.
func reason(err error) string {
	var semantic *json.SemanticError
	if errors.As(err, &semantic) && semantic.JSONPointer != "" {
		detail := "isn't of the right type"
		switch {
		case errors.Is(err, json.ErrUnknownName):
			detail = "is no member of an environment"
		case semantic.Err != nil:
			detail = semantic.Err.Error()
		}
		return strings.ReplaceAll(strings.TrimPrefix(string(semantic.JSONPointer), "/"), "/", ".") + " " + detail
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return syntactic.Error()
	}
	return err.Error()
}

// readKeys fills in what the slots' files hold.
func (e *Environment) readKeys(folder fs.FS) (found complaints.List) {
	for _, slots := range e.slots() {
		for i := range slots.slots {
			slot := &slots.slots[i]
			if slots.made {
				continue
			}
			pem, err := fs.ReadFile(folder, path.Clean(slot.PublicKey))
			found.When(err != nil, "%s[%d].publicKey: %q can't be read; it is the path of a PEM file below the folder of the environments", slots.member, i, slot.PublicKey)
			if err != nil {
				continue
			}
			slot.PEM = strings.TrimSpace(string(pem)) + "\n"
		}
	}
	return found
}

// named is a list of slots and where it stands in the file.
type named struct {
	member string
	slots  []Slot
	made   bool // when they are deployed
}

func (e *Environment) slots() []named {
	lists := []named{{"signingKeys.slots", e.SigningKeys.Slots, e.SigningKeys.Source != Own}}
	if e.Delivery.Writes != nil {
		lists = append(lists, named{"delivery.writes.signingKeys", e.Delivery.Writes.SigningKeys, false})
	}
	return lists
}
