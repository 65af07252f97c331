package presign

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/signgate/signgate/pkg/objectkey"
)

// S3's limits on the tags of an object, in characters of UTF-16 (Amazon S3
// User Guide, "Categorizing your objects using tags").
const (
	maxTags          = 10
	maxTagNameChars  = 128
	maxTagValueChars = 256
)

// checkTags holds tags to S3's limits and alphabet, and keeps out of AWS's own
// names ("Tagging your AWS resources": "aws:" in any case).
func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return &UploadError{"Tags", fmt.Sprintf("are more than %d", maxTags)}
	}
	for name, value := range tags {
		switch {
		case name == "" || tagChars(name) > maxTagNameChars:
			return &UploadError{"Tags", fmt.Sprintf("names must have 1 to %d characters", maxTagNameChars)}
		case tagChars(value) > maxTagValueChars:
			return &UploadError{"Tags", fmt.Sprintf("values must have at most %d characters", maxTagValueChars)}
		case !isTagText(name) || !isTagText(value):
			return &UploadError{"Tags", "may hold letters, digits, spaces and + - = . _ : / @ only"}
		case len(name) >= len("aws:") && strings.EqualFold(name[:len("aws:")], "aws:"):
			return &UploadError{"Tags", `names must not begin with "aws:"`}
		}
	}
	return nil
}

func tagChars(text string) int {
	chars := 0
	for _, r := range text {
		chars += utf16.RuneLen(r)
	}
	return chars
}

// isTagText is the pattern of a tag (Amazon S3 API Reference, "S3Tag"). It
// keeps invalid UTF-8 out too, which reads as U+FFFD, a symbol.
func isTagText(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.Z, unicode.N) && !strings.ContainsRune("_.:/=+-@", r)
	})
}

// tagHeader is the form of tags in a header: query parameters (Amazon S3 API
// Reference, "PutObject").
func tagHeader(tags map[string]string) string {
	parameters := make([]string, 0, len(tags))
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		parameters = append(parameters, objectkey.Escape(name)+"="+objectkey.Escape(tags[name]))
	}
	return strings.Join(parameters, "&")
}

// tagXML is the form of tags in a form (Amazon S3 developer guide, "POST
// Object"). The alphabet of tags has nothing that XML would escape.
func tagXML(tags map[string]string) string {
	var b strings.Builder
	b.WriteString("<Tagging><TagSet>")
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		b.WriteString("<Tag><Key>" + name + "</Key><Value>" + tags[name] + "</Value></Tag>")
	}
	b.WriteString("</TagSet></Tagging>")
	return b.String()
}
