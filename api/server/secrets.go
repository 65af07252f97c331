package server

import (
	"net/url"
	"strings"
)

// holdsSignature says that a text which should name an object is, or holds, a
// signed URL, however often it was percent-encoded on the way.
func holdsSignature(text string) bool {
	const deepest = 3
	for range deepest {
		if strings.Contains(strings.ToLower(text), "signature=") {
			return true
		}
		decoded, err := url.PathUnescape(text)
		if err != nil || decoded == text {
			return false
		}
		text = decoded
	}
	return false
}
