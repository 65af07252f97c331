package overrides

import (
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/signgate/signgate/pkg/objectkey"
)

// ErrInvalid is wrapped by every error of this package.
var ErrInvalid = errors.New("invalid override")

// Error says which field breaks which rule.
type Error struct {
	Field  string // Filename, ContentType, CacheControl or VersionID
	Reason string
}

// Error describes the broken rule.
func (e *Error) Error() string { return e.Field + " " + e.Reason }

// Unwrap returns ErrInvalid.
func (e *Error) Unwrap() error { return ErrInvalid }

const (
	// maxFilenameBytes is the longest name that common file systems keep.
	maxFilenameBytes = 255
	// maxContentTypeBytes is the longest type and subtype of RFC 6838, section
	// 4.2 (127 characters each), with room for a parameter.
	maxContentTypeBytes  = 320
	maxCacheControlBytes = 256
	// maxVersionIDBytes is S3's limit (Amazon S3 User Guide, "Retaining
	// multiple versions of objects with S3 Versioning").
	maxVersionIDBytes = 1024
)

// Set is what one read overrides. The zero value overrides nothing.
type Set struct {
	Filename     string // to save under: UTF-8, at most 255 bytes, no "/", no control or format character but joiners
	ContentType  string // a media type as in RFC 9110, section 8.3.1
	CacheControl string // visible ASCII, at most 256 bytes
	VersionID    string // of a versioned bucket
}

// Check says whether every field obeys its rule. The error is an *Error.
func (s Set) Check() error {
	if reason := brokenName(s.Filename); reason != "" {
		return &Error{"Filename", reason}
	}
	if s.ContentType != "" && !IsContentType(s.ContentType) {
		return &Error{"ContentType", `must be a media type such as "image/png"`}
	}
	if len(s.CacheControl) > maxCacheControlBytes || !IsHeaderValue(s.CacheControl) {
		return &Error{"CacheControl", fmt.Sprintf("must be visible ASCII with single spaces between, at most %d bytes", maxCacheControlBytes)}
	}
	if len(s.VersionID) > maxVersionIDBytes || strings.ContainsFunc(s.VersionID, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return &Error{"VersionID", fmt.Sprintf("must be visible ASCII without spaces, at most %d bytes", maxVersionIDBytes)}
	}
	return nil
}

func brokenName(name string) string {
	switch {
	case len(name) > maxFilenameBytes:
		return fmt.Sprintf("is longer than %d bytes", maxFilenameBytes)
	case !utf8.ValidString(name):
		return "is not valid UTF-8"
	case strings.ContainsRune(name, '/'):
		return "has a slash"
	case name == "." || name == "..":
		return "names a folder"
	case strings.ContainsFunc(name, isDeceptive):
		return "has a control character, or one that has no form of its own"
	}
	return ""
}

// isDeceptive says whether a character changes what a name looks like and has
// no form of its own: controls, line and paragraph separators, and Unicode's
// format characters, which turn "gpj.exe" into "exe.jpg" before somebody's
// eyes. The two joiners are spared: Persian and the scripts of India aren't
// written without them, nor are many emoji, and they reorder nothing.
func isDeceptive(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return r != nonJoiner && r != joiner && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// IsContentType says whether a value is a media type that S3 keeps and
// Signature Version 4 leaves as it is.
func IsContentType(value string) bool {
	mediaType, _, err := mime.ParseMediaType(value)
	return err == nil && strings.Contains(mediaType, "/") && len(value) <= maxContentTypeBytes && IsHeaderValue(value)
}

// IsHeaderValue says whether a value passes through a signed header as it is:
// visible ASCII with single spaces between, because Signature Version 4 folds
// runs of spaces.
func IsHeaderValue(value string) bool {
	return strings.TrimSpace(value) == value && !strings.Contains(value, "  ") &&
		!slices.ContainsFunc([]byte(value), func(b byte) bool { return b < ' ' || b > '~' })
}

// Disposition returns the Content-Disposition that makes a browser save the
// object under a name: as it is where that is safe, else a name without the
// difficult characters for old readers and the real one in RFC 8187's form.
func Disposition(filename string) string { return disposition("attachment", filename) }

// Inline is Disposition for an object that is shown rather than saved, fit for
// a signed header. The error is an *Error where the name breaks Set's rules.
func Inline(filename string) (string, error) {
	if reason := brokenName(filename); reason != "" {
		return "", &Error{"Filename", reason}
	}
	return disposition("inline", filename), nil
}

func disposition(kind, filename string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%`, r) {
			return '_'
		}
		return r
	}, filename)
	for strings.Contains(plain, "  ") { // Signature Version 4 would fold them
		plain = strings.ReplaceAll(plain, "  ", " ")
	}
	text := kind + `; filename="` + plain + `"`
	if plain != filename {
		text += "; filename*=UTF-8''" + objectkey.Escape(filename)
	}
	return text
}

// Parameters returns the query parameters, "name=value" encoded by
// objectkey.Escape, sorted by name.
func (s Set) Parameters() []string {
	var parameters []string
	add := func(name, value string) {
		if value != "" {
			parameters = append(parameters, name+"="+objectkey.Escape(value))
		}
	}
	add("response-cache-control", s.CacheControl)
	if s.Filename != "" {
		add("response-content-disposition", Disposition(s.Filename))
	}
	add("response-content-type", s.ContentType)
	add("versionId", s.VersionID)
	return parameters
}

// Names are the query parameters that Set may use, sorted: what a cache
// policy has to name and pass on.
func Names() []string {
	return []string{"response-cache-control", "response-content-disposition", "response-content-type", "versionId"}
}
