package objectkey

import "strings"

const upperHex = "0123456789ABCDEF"

// Escape percent-encodes every byte outside the unreserved characters of
// RFC 3986, section 2.3 (letters, digits, "-", ".", "_", "~"), with
// upper-case hexadecimal digits. A space becomes "%20", never "+". It serves
// query values as well as segments of paths.
func Escape(s string) string { return escape(s, false) }

func escape(s string, keepSlash bool) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		c := s[i]
		if isUnreserved(c) || (keepSlash && c == '/') {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upperHex[c>>4])
		b.WriteByte(upperHex[c&15])
	}
	return b.String()
}

func isUnreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '.' || c == '_' || c == '~'
}
