package signedurl

import (
	"bytes"
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	withheld = "[withheld]"
	// maxUnescaping is oftener than any chain of systems escapes a URL. What is
	// escaped oftener yet is withheld as a whole.
	maxUnescaping = 10
	// maxReference is longer than the longest of HTML's character references.
	maxReference = 34
)

// secretNames end the names of the parameters that open something, of
// CloudFront, its cookies and S3.
func secretNames() []string { return []string{"signature", "credential", "security-token", "policy"} }

// Redact makes a text that may hold a URL fit for a log, a header and a
// terminal: it withholds the values of all parameters that open something,
// however the URL was escaped, and writes out what isn't printable.
func Redact(text string) string {
	plain, ok := unescape(text)
	if !ok {
		return withheld
	}
	var shown strings.Builder
	kept := 0
	for _, secret := range plain.values(secretNames()...) {
		shown.WriteString(printable(text[kept:secret.begin]))
		if secret.begin < secret.end {
			shown.WriteString(withheld)
		}
		kept = secret.end
	}
	shown.WriteString(printable(text[kept:]))
	return shown.String()
}

// HoldsSignature says whether a text holds a signature of CloudFront's or S3's
// as a parameter, however it was escaped: it is a signed URL, or part of one.
func HoldsSignature(text string) bool { return holds(text, "signature") }

// holds says whether a text has a parameter whose name ends so, in whatever
// case.
func holds(text, name string) bool {
	if !strings.ContainsAny(text, "=%&") { // as most keys don't
		return false
	}
	plain, ok := unescape(text)
	return !ok || len(plain.values(name)) > 0
}

// unescaped is a text without percent-encoding and HTML's character
// references.
type unescaped struct {
	text  []byte
	begin []int // where each byte of it begins in the original, and where that ends
}

// unescape undoes escaping until nothing is left to undo. It gives up on what
// was escaped too often.
func unescape(text string) (unescaped, bool) {
	u := unescaped{text: []byte(text), begin: make([]int, len(text)+1)}
	for i := range u.begin {
		u.begin[i] = i
	}
	for range maxUnescaping {
		before := len(u.text)
		u.once()
		if len(u.text) == before {
			return u, true
		}
	}
	return u, false
}

// once undoes one layer in place; what is undone is always shorter.
func (u *unescaped) once() {
	written := 0
	for read := 0; read < len(u.text); {
		decoded, size := unescapeAt(u.text[read:])
		for i := range len(decoded) {
			u.text[written], u.begin[written] = decoded[i], u.begin[read]
			written++
		}
		read += size
	}
	u.begin[written] = u.begin[len(u.text)]
	u.text, u.begin = u.text[:written], u.begin[:written+1]
}

// unescapeAt reads what a text begins with: an escape or one byte.
func unescapeAt(text []byte) (decoded string, size int) {
	switch {
	case text[0] == '%' && len(text) > 2:
		if value, err := strconv.ParseUint(string(text[1:3]), 16, 8); err == nil {
			return string([]byte{byte(value)}), 3
		}
	case text[0] == '&':
		end := 1
		for end < min(len(text), maxReference) && (text[end] == '#' || isLetterOrDigit(rune(text[end]))) {
			end++
		}
		if end < len(text) && text[end] == ';' {
			reference := string(text[:end+1])
			if decoded := html.UnescapeString(reference); len(decoded) < len(reference) {
				return decoded, end + 1
			}
		}
	}
	return string(text[:1]), 1
}

// span is a part of the original text.
type span struct{ begin, end int }

// values finds the values of the parameters whose names end in one of these,
// in whatever case. A value reaches to the next parameter.
func (u *unescaped) values(names ...string) []span {
	var found []span
	for at := 0; at < len(u.text); at++ {
		if u.text[at] != '=' || !endsInOne(bytes.TrimRight(u.text[:at], " +"), names) {
			continue
		}
		end := at + 1
		for end < len(u.text) && u.text[end] != '&' {
			end++
		}
		found = append(found, span{u.begin[at+1], u.begin[end]})
		at = end - 1
	}
	return found
}

func endsInOne(text []byte, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return len(text) >= len(name) && strings.EqualFold(string(text[len(text)-len(name):]), name)
	})
}

// printable writes out what a terminal would act on rather than show: control
// characters, those that turn the direction of text, and broken UTF-8.
func printable(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) {
		return text
	}
	var shown strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if r != utf8.RuneError && unicode.IsPrint(r) {
			shown.WriteString(text[:size])
		} else {
			quoted := strconv.QuoteToASCII(text[:size])
			shown.WriteString(quoted[1 : len(quoted)-1])
		}
		text = text[size:]
	}
	return shown.String()
}
