package edge_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/edge"
)

func described() []edge.Behavior {
	lifetime := edge.Lifetime{Min: time.Second, Default: 24 * time.Hour, Max: 365 * 24 * time.Hour}
	thumbnails := edge.ReadBehavior([]string{"KTHUMBS"}, lifetime)
	thumbnails.PathPattern = "/thumbs/*"
	return []edge.Behavior{thumbnails, edge.ReadBehavior([]string{"KACTIVE", "KRETIRING"}, lifetime, "https://app.example.com")}
}

func TestBehavioursOfAFileAreThoseThatWereWritten(t *testing.T) {
	var file bytes.Buffer
	if err := edge.WriteBehaviors(&file, described()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`"default": "24h0m0s"`, `"maxAge": "10m0s"`, `"pathPattern": "/thumbs/*"`} {
		if !strings.Contains(file.String(), text) {
			t.Errorf("a person would look for %s in %s", text, file.String())
		}
	}
	read, err := edge.ReadBehaviors(bytes.NewReader(file.Bytes()))
	if err != nil || !reflect.DeepEqual(read, described()) {
		t.Errorf("%v, %+v", err, read)
	}
	var again bytes.Buffer
	if err := edge.WriteBehaviors(&again, read); err != nil || again.String() != file.String() {
		t.Errorf("written again it differs: %v\n%s", err, again.String())
	}
}

func TestFilesThatSayWhatNobodyMeantAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":         "",
		"no array":        `{}`,
		"none":            `[]`,
		"null":            `null`,
		"unknown member":  `[{"pathPattern":"*","keyGroup":["K"],"methods":["GET"],"lifetime":{"min":"0s","default":"0s","max":"0s"},"public":true}]`,
		"member twice":    `[{"pathPattern":"*","keyGroup":["K"],"methods":["GET"],"methods":["GET"],"lifetime":{"min":"0s","default":"0s","max":"0s"}}]`,
		"number of time":  `[{"pathPattern":"*","keyGroup":["K"],"methods":["GET"],"lifetime":{"min":0,"default":"0s","max":"0s"}}]`,
		"strange time":    `[{"pathPattern":"*","keyGroup":["K"],"methods":["GET"],"lifetime":{"min":"soon","default":"0s","max":"0s"}}]`,
		"neither signed":  `[{"pathPattern":"*","methods":["GET"],"lifetime":{"min":"0s","default":"0s","max":"0s"}}]`,
		"a method writes": `[{"pathPattern":"*","keyGroup":["K"],"methods":["PUT"],"lifetime":{"min":"0s","default":"0s","max":"0s"}}]`,
		"more behind it":  `[{"pathPattern":"*","keyGroup":["K"],"methods":["GET"],"lifetime":{"min":"0s","default":"0s","max":"0s"}}] []`,
	} {
		if read, err := edge.ReadBehaviors(strings.NewReader(text)); !errors.Is(err, edge.ErrFile) {
			t.Errorf("%s: %+v, %v", name, read, err)
		}
	}
}

// FuzzReadBehaviors looks for a file that is read as something that can't be
// written again, or that Validate wouldn't have let through.
func FuzzReadBehaviors(f *testing.F) {
	var file bytes.Buffer
	if err := edge.WriteBehaviors(&file, described()); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add([]byte(`[{"pathPattern":"*","unsigned":true,"methods":["GET"],"lifetime":{"min":"1ns","default":"-1h","max":"9h"},"cors":null}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		read, err := edge.ReadBehaviors(bytes.NewReader(text))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := edge.WriteBehaviors(&again, read); err != nil {
			t.Fatal(err)
		}
		if reread, err := edge.ReadBehaviors(&again); err != nil || !reflect.DeepEqual(normal(read), normal(reread)) {
			t.Errorf("%v\n%+v\n%+v", err, read, reread)
		}
	})
}

// normal makes empty lists nil: omitempty doesn't write them.
func normal(behaviors []edge.Behavior) []edge.Behavior {
	empty := func(list *[]string) {
		if len(*list) == 0 {
			*list = nil
		}
	}
	for i := range behaviors {
		b := &behaviors[i]
		empty(&b.KeyGroup)
		empty(&b.CacheKey)
		if len(b.Headers) == 0 {
			b.Headers = nil
		}
		if b.CORS != nil {
			empty(&b.CORS.AllowOrigins)
			empty(&b.CORS.AllowHeaders)
			empty(&b.CORS.ExposeHeaders)
		}
	}
	return behaviors
}
