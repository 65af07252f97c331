package overrides_test

import (
	"errors"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/overrides"
)

// Names that broke signers or browsers elsewhere.
func TestDifficultNamesHaveOneExactForm(t *testing.T) {
	for name, want := range map[string]string{
		"report.pdf":     `attachment; filename="report.pdf"`,
		"my report.pdf":  `attachment; filename="my report.pdf"`,
		"a+b & c=d;e,f":  `attachment; filename="a+b & c=d;e,f"`,
		`say "hi".txt`:   `attachment; filename="say _hi_.txt"; filename*=UTF-8''say%20%22hi%22.txt`,
		`back\slash.txt`: `attachment; filename="back_slash.txt"; filename*=UTF-8''back%5Cslash.txt`,
		"100%.txt":       `attachment; filename="100_.txt"; filename*=UTF-8''100%25.txt`,
		"%41.txt":        `attachment; filename="_41.txt"; filename*=UTF-8''%2541.txt`,
		"it's (1)*.txt":  `attachment; filename="it's (1)*.txt"`,
		"Übergröße.png":  `attachment; filename="_bergr__e.png"; filename*=UTF-8''%C3%9Cbergr%C3%B6%C3%9Fe.png`,
		"日本語.txt":        `attachment; filename="___.txt"; filename*=UTF-8''%E6%97%A5%E6%9C%AC%E8%AA%9E.txt`,
		"😀.gif":          `attachment; filename="_.gif"; filename*=UTF-8''%F0%9F%98%80.gif`,
	} {
		if got := overrides.Disposition(name); got != want {
			t.Errorf("%q:\n got %s\nwant %s", name, got, want)
		}
	}
}

func TestParametersAreSortedAndEncodedOnce(t *testing.T) {
	set := overrides.Set{Filename: `ü "1" +.txt`, ContentType: "text/plain; charset=utf-8", CacheControl: "private, max-age=60", VersionID: "a.b_c-1"}
	if err := set.Check(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"response-cache-control=private%2C%20max-age%3D60",
		`response-content-disposition=attachment%3B%20filename%3D%22_%20_1_%20%2B.txt%22%3B%20filename%2A%3DUTF-8%27%27%25C3%25BC%2520%25221%2522%2520%252B.txt`,
		"response-content-type=text%2Fplain%3B%20charset%3Dutf-8",
		"versionId=a.b_c-1",
	}
	if got := set.Parameters(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for i, parameter := range set.Parameters() {
		if name, _, _ := strings.Cut(parameter, "="); name != overrides.Names()[i] {
			t.Errorf("%s is not among the names that a cache policy is told", name)
		}
	}
	if got := (overrides.Set{}).Parameters(); len(got) != 0 {
		t.Errorf("nothing overrides %q", got)
	}
}

func TestWhatCannotBeSentAsItIsIsRefused(t *testing.T) {
	for field, sets := range map[string][]overrides.Set{
		"Filename":     {{Filename: "a/b"}, {Filename: "a\nb"}, {Filename: "a\x00"}, {Filename: "\xff"}, {Filename: strings.Repeat("a", 256)}},
		"ContentType":  {{ContentType: "png"}, {ContentType: "text/html\r\nSet-Cookie: a=b"}, {ContentType: "text/plain;  charset=utf-8"}, {ContentType: "a/" + strings.Repeat("b", 400)}},
		"CacheControl": {{CacheControl: "no-store\r\nX: y"}, {CacheControl: " no-store"}, {CacheControl: strings.Repeat("a", 257)}, {CacheControl: "ü"}},
		"VersionID":    {{VersionID: "a b"}, {VersionID: "a\n"}, {VersionID: strings.Repeat("a", 1025)}, {VersionID: "ü"}},
	} {
		for _, set := range sets {
			var broken *overrides.Error
			if err := set.Check(); !errors.As(err, &broken) || broken.Field != field || !errors.Is(err, overrides.ErrInvalid) {
				t.Errorf("%+v: %v, want %s", set, err, field)
			}
		}
	}
}

// "gpj.exe" that shows as "exe.jpg" has fooled people.
func TestANameLooksLikeWhatItIs(t *testing.T) {
	for _, name := range []string{
		".", "..", "photo_\u202egpj.exe", "\u202a.txt", "\u202b.txt", "\u202c.txt", "\u202d.txt", "\u2066.txt", "\u2067.txt", "\u2068.txt", "\u2069.txt",
		"\u200e.txt", "\u200f.txt", "\u061c.txt", "\u2028.txt", "\u2029.txt", "\ufeff.txt", "\u00ad.txt", "\u200b.txt", "\u2060.txt", "\U000e0041.txt", "\u0085.txt", "\x7f.txt",
	} {
		if err := (overrides.Set{Filename: name}).Check(); !errors.Is(err, overrides.ErrInvalid) {
			t.Errorf("%q may be saved under: %v", name, err)
		}
		if _, err := overrides.Inline(name); !errors.Is(err, overrides.ErrInvalid) {
			t.Errorf("%q may be shown under: %v", name, err)
		}
	}
	for _, name := range []string{"...", ".profile", "a..b", "می\u200cخواهم.txt", "क्\u200dष.txt", "👩\u200d👩\u200d👧.png", "שלום.txt", "e\u0301.txt", "a\u00a0b.txt"} {
		if err := (overrides.Set{Filename: name}).Check(); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// Whatever the name: Go's reader of RFC 6266 gets it back through the query.
func FuzzFilename(f *testing.F) {
	for _, name := range []string{"a.txt", `"`, `\`, "%", "ü", "+", "'", "*", ";", "a  b", "日本語.txt"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		set := overrides.Set{Filename: name}
		if set.Check() != nil || name == "" {
			return
		}
		values, err := url.ParseQuery(strings.Join(set.Parameters(), "&"))
		if err != nil {
			t.Fatal(err)
		}
		kind, parameters, err := mime.ParseMediaType(values.Get("response-content-disposition"))
		if err != nil || kind != "attachment" || parameters["filename"] != name {
			t.Errorf("%q came back as %q %q, %v", name, kind, parameters, err)
		}
	})
}

func Example() {
	set := overrides.Set{Filename: "Größe 1.png"}
	fmt.Println(overrides.Disposition(set.Filename))
	fmt.Println(set.Parameters()[0])
	// Output:
	// attachment; filename="Gr__e 1.png"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.png
	// response-content-disposition=attachment%3B%20filename%3D%22Gr__e%201.png%22%3B%20filename%2A%3DUTF-8%27%27Gr%25C3%25B6%25C3%259Fe%25201.png
}
