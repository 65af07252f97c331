package signedurl

import "strings"

// matches says whether a policy's Resource covers a URL, by the rules of the
// Developer Guide ("Create a signed URL using a custom policy", 2026):
//
//   - "*" stands for any number of characters, "?" for exactly one; neither
//     reaches beyond its section: protocol, domain, path, query;
//   - a path that ends in "*" covers any query, a domain that ends in "*" any
//     path and query, a leading "*" without protocol any protocol, and a lone
//     "*" everything.
//
// How "?" is told from the start of the query isn't settled in AWS's text, so
// both ways that it shows are taken: `\?`, or the first "?" with a "=" behind
// it. The URL is the one received, without CloudFront's parameters, compared
// byte for byte.
func matches(resource, url string) bool {
	if resource == "*" {
		return true
	}
	pattern, ok := splitPattern(resource)
	if !ok {
		return false
	}
	received, ok := splitURL(url)
	return ok && Wildcards(pattern.protocol, received.protocol) && pattern.covers(received)
}

// sections are the parts of a URL that wildcards stay within.
type sections struct {
	protocol, domain, path, query string
	hasQuery                      bool
}

func splitURL(url string) (sections, bool) {
	protocol, rest, ok := strings.Cut(url, "://")
	if !ok {
		return sections{}, false
	}
	s := sections{protocol: protocol}
	rest, s.query, s.hasQuery = strings.Cut(rest, "?")
	slash := strings.IndexByte(rest, '/')
	if slash < 0 {
		return sections{}, false
	}
	s.domain, s.path = rest[:slash], rest[slash:]
	return s, true
}

func splitPattern(resource string) (sections, bool) {
	protocol, rest, ok := strings.Cut(resource, "://")
	switch {
	case !ok && strings.HasPrefix(resource, "*"):
		protocol, rest = "*", resource
	case !ok, protocol != "http" && protocol != "https" && protocol != "*":
		return sections{}, false
	}
	s := sections{protocol: protocol}
	rest, s.query, s.hasQuery = cutQuery(rest)
	s.domain = rest
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		s.domain, s.path = rest[:slash], rest[slash:]
	}
	return s, true
}

// cutQuery finds where the query of a pattern begins.
func cutQuery(pattern string) (before, query string, found bool) {
	if before, query, found = strings.Cut(pattern, `\?`); found {
		return before, query, true
	}
	before, query, found = strings.Cut(pattern, "?")
	if found && strings.Contains(query, "=") {
		return before, query, true
	}
	return pattern, "", false
}

func (s sections) covers(received sections) bool {
	if !Wildcards(s.domain, received.domain) {
		return false
	}
	if s.path == "" && !s.hasQuery {
		return strings.HasSuffix(s.domain, "*")
	}
	if !Wildcards(s.path, received.path) {
		return false
	}
	if !s.hasQuery {
		return !received.hasQuery || strings.HasSuffix(s.path, "*")
	}
	return received.hasQuery && Wildcards(s.query, received.query)
}

// Wildcards says whether a pattern of CloudFront's covers a whole text: "*" is any
// number of characters, "?" exactly one. It takes time that is at worst the product of both
// lengths.
func Wildcards(pattern, text string) bool {
	p, t, star, resume := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
