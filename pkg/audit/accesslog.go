package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Fetch is one request of CloudFront's access log, as far as the trail is
// concerned. Of the query it holds the issue id only: the rest is a signature.
type Fetch struct {
	Time    time.Time // UTC; zero where the log doesn't say
	ID      string    // the issue id; empty where there is none, or more than one
	Path    string    // encoded, as the log has it
	Address string    // of the viewer, or of what it came through
	Status  int
	Bytes   int64
}

// maxID bounds an issue id, which is letters and digits.
const maxID = 64

// ReadAccessLog hands over the requests of one of CloudFront's standard logs:
// the tab-separated form, whose #Fields line names the columns, or the JSON
// lines of version 2 (CloudFront Developer Guide, "Standard logging
// reference"). The query parameter param holds the issue id. It returns how
// many lines are no requests; what the log can't say is left out.
func ReadAccessLog(r io.Reader, param string, take func(Fetch) error) (others int64, err error) {
	log := accessLog{param: param}
	err = eachLine(r, func(l line) error {
		text := bytes.TrimSuffix(l.text, []byte("\r"))
		if l.continues || len(text) == 0 {
			return nil
		}
		if text[0] == '#' {
			log.header(string(text))
			return nil
		}
		fetch, ok := log.parse(text)
		if !ok {
			others++
			return nil
		}
		return take(fetch)
	})
	if err != nil {
		return others, fmt.Errorf("read the access log: %w", err)
	}
	return others, nil
}

type accessLog struct {
	param  string
	fields []string // from the #Fields line
}

func (a *accessLog) header(text string) {
	if fields, ok := strings.CutPrefix(text, "#Fields:"); ok {
		a.fields = strings.Fields(fields)
	}
}

// either is JSON text or a number: version 2 is seen with both.
type either string

func (e *either) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = string(data)
	}
	*e = either(text)
	return nil
}

func (a *accessLog) parse(text []byte) (Fetch, bool) {
	values := map[string]either{}
	if text[0] == '{' {
		if json.Unmarshal(text, &values) != nil {
			return Fetch{}, false
		}
	} else {
		columns := strings.Split(string(text), "\t")
		if len(columns) < len(a.fields) {
			return Fetch{}, false
		}
		for i, name := range a.fields {
			values[name] = either(columns[i])
		}
	}
	return a.fetch(values)
}

func (a *accessLog) fetch(values map[string]either) (Fetch, bool) {
	status, err := strconv.Atoi(string(values["sc-status"]))
	if err != nil || values["c-ip"] == "" || values["cs-uri-stem"] == "" {
		return Fetch{}, false
	}
	bytes, err := strconv.ParseInt(string(values["sc-bytes"]), 10, 64)
	if err != nil {
		bytes = 0 // a field that version 2 may leave out
	}
	return Fetch{
		Time: timeOf(values), ID: idOf(string(values["cs-uri-query"]), a.param),
		Path: string(values["cs-uri-stem"]), Address: string(values["c-ip"]), Status: status, Bytes: bytes,
	}, true
}

func timeOf(values map[string]either) time.Time {
	if at, err := time.Parse("2006-01-02 15:04:05", string(values["date"]+" "+values["time"])); err == nil {
		return at
	}
	if millis, err := strconv.ParseInt(string(values["timestamp(ms)"]), 10, 64); err == nil {
		return time.UnixMilli(millis).UTC()
	}
	if seconds, err := strconv.ParseInt(string(values["timestamp"]), 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC()
	}
	return time.Time{}
}

// idOf finds the issue id in a query. Whoever has a prefix's query string may
// write another id before the signed one, so where there are two, none counts.
func idOf(query, param string) string {
	if strings.Count(query, param+"=") != 1 {
		return ""
	}
	for part := range strings.SplitSeq(query, "&") {
		if id, ok := strings.CutPrefix(part, param+"="); ok && len(id) <= maxID && !strings.ContainsFunc(id, notPlain) {
			return id
		}
	}
	return ""
}

func notPlain(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}
