package edge

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrFile is wrapped by every error of ReadBehaviors about what was read.
var ErrFile = errors.New("not a file of behaviours")

// WriteBehaviors writes behaviours as ReadBehaviors reads them: a JSON array,
// indented, in the order in which they are tried, durations as text such as
// "24h0m0s". The same behaviours are the same bytes.
func WriteBehaviors(w io.Writer, behaviors []Behavior) error {
	asText := json.MarshalToFunc(func(enc *jsontext.Encoder, d time.Duration) error {
		return enc.WriteToken(jsontext.String(d.String()))
	})
	if err := json.MarshalWrite(w, behaviors, json.WithMarshalers(asText), json.Deterministic(true), jsontext.WithIndent("  ")); err != nil {
		return fmt.Errorf("write behaviours: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// ReadBehaviors reads what WriteBehaviors has written. A member that it
// doesn't know, a second one of the same name and a behaviour that Validate
// refuses are errors, which wrap ErrFile.
func ReadBehaviors(r io.Reader) ([]Behavior, error) {
	fromText := json.UnmarshalFunc(func(data []byte, d *time.Duration) (err error) {
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
		*d, err = time.ParseDuration(text)
		return err
	})
	var behaviors []Behavior
	if err := json.UnmarshalRead(r, &behaviors, json.WithUnmarshalers(fromText), json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if len(behaviors) == 0 {
		return nil, fmt.Errorf("%w: there is none in it", ErrFile)
	}
	for _, behavior := range behaviors {
		if err := behavior.Validate(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFile, err)
		}
	}
	return behaviors, nil
}
