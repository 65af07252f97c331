package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// line is a line of a file. Of one that is too long, several pieces come.
type line struct {
	number    int64
	text      []byte // without the newline; valid until the next line
	continues bool   // it is not the first piece of its line
	ended     bool   // a newline follows
}

// eachLine reads lines and holds one at a time.
func eachLine(r io.Reader, take func(line) error) error {
	lines := bufio.NewReaderSize(r, maxLine+1)
	current := line{number: 1}
	for {
		text, err := lines.ReadSlice('\n')
		switch {
		case err == nil || err == io.EOF: // ReadSlice doesn't wrap it
		case errors.Is(err, bufio.ErrBufferFull):
		default:
			return err
		}
		current.text, current.ended = bytes.TrimSuffix(text, []byte("\n")), err == nil
		if len(text) > 0 {
			if err := take(current); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		current.continues = !current.ended
		if current.ended {
			current.number++
		}
	}
}

// Read hands over the records of a trail, one after the other, and returns how
// many lines are none: neither a record nor a signed line. It verifies nothing.
func Read(r io.Reader, take func(Record) error) (others int64, err error) {
	err = eachLine(r, func(l line) error {
		at, whole := parsePlace(l.text)
		if l.continues || at.signature != nil {
			return nil
		}
		if record, ok := parseRecord(l.text); ok && whole {
			return take(record)
		}
		others++
		return nil
	})
	if err != nil {
		return others, fmt.Errorf("read the audit trail: %w", err)
	}
	return others, nil
}

func parseRecord(text []byte) (record Record, ok bool) {
	err := json.Unmarshal(text, &record)
	return record, err == nil
}
