package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strconv"
)

// maxLine bounds a line, so that readers may bound what they hold.
const maxLine = 256 << 10

// digest is the SHA-256 of a line without its newline.
type digest [sha256.Size]byte

func (d digest) String() string { return base64.StdEncoding.EncodeToString(d[:]) }

// chain is the end of the chain that a log writes, and of its file.
type chain struct {
	id       string
	seq      uint64 // of the last whole line; 0 before the first
	prev     digest // its digest; before the first line that of the run before
	linked   bool   // there is a prev
	signedTo uint64 // the seq of the last signed line

	unended   bool      // the last whole line lacks its newline
	torn      hash.Hash // of what was torn off since the last whole line
	tornBytes int64

	data  []byte // of the last batch, for the next one
	lines []placed
}

// follow makes the chain the next one of a file.
func (c *chain) follow(tail Tail) {
	c.prev, c.linked, c.unended = tail.prev, tail.found, tail.unended
	c.torn, c.tornBytes = nil, 0
	c.tear(tail.torn)
}

// tear notes bytes that belong to no whole line.
func (c *chain) tear(data []byte) {
	if c.torn == nil {
		c.torn = sha256.New()
	}
	_, _ = c.torn.Write(data) // a hash takes everything
	c.tornBytes += int64(len(data))
}

// batch is what one Write is to write.
type batch struct {
	chain *chain
	data  []byte
	lead  bool // it begins with a newline that ends what was there
	lines []placed

	seq      uint64
	prev     digest
	linked   bool
	signedTo uint64 // the seq of the last signed line
}

// placed is a line of a batch.
type placed struct {
	start, end int // of its bytes, without the newline
	digest     digest
	signed     bool
}

func (c *chain) batch() *batch {
	b := &batch{chain: c, data: c.data[:0], lines: c.lines[:0], seq: c.seq, prev: c.prev, linked: c.linked, signedTo: c.signedTo}
	b.lead = c.unended || c.tornBytes > 0
	if b.lead {
		b.data = append(b.data, '\n')
	}
	return b
}

// add places one line: a JSON object, followed by its place in the chain and,
// where there is a seal, by the signature over all of that.
func (b *batch) add(body []byte, seal func(line []byte) ([]byte, error)) error {
	start := len(b.data)
	b.seq++
	b.data = append(b.data, bytes.TrimSuffix(body, []byte("}"))...)
	b.data = append(b.data, chainMember...)
	b.data = append(b.data, b.chain.id...)
	b.data = append(b.data, seqMember...)
	b.data = strconv.AppendUint(b.data, b.seq, 10)
	b.data = append(b.data, prevMember...)
	if b.linked {
		b.data = base64.StdEncoding.AppendEncode(b.data, b.prev[:])
	}
	b.data = append(b.data, '"')
	if len(b.lines) == 0 && b.chain.tornBytes > 0 {
		b.data = append(b.data, tornBytesMember...)
		b.data = strconv.AppendInt(b.data, b.chain.tornBytes, 10)
		b.data = append(b.data, tornMember...)
		b.data = base64.StdEncoding.AppendEncode(b.data, b.chain.torn.Sum(nil))
		b.data = append(b.data, '"')
	}
	if seal != nil {
		signature, err := seal(b.data[start:])
		if err != nil {
			return err
		}
		b.data = append(b.data, signatureMember...)
		b.data = base64.StdEncoding.AppendEncode(b.data, signature)
		b.data = append(b.data, '"')
	}
	b.data = append(b.data, '}')
	if len(b.data)-start > maxLine {
		return errTooLong
	}
	b.prev, b.linked = sha256.Sum256(b.data[start:]), true
	if seal != nil {
		b.signedTo = b.seq
	}
	b.lines = append(b.lines, placed{start: start, end: len(b.data), digest: b.prev, signed: seal != nil})
	b.data = append(b.data, '\n')
	return nil
}

// wrote moves the chain to the last line of a batch that n bytes hold whole.
// What follows it is torn off: the next line that is written says so.
func (c *chain) wrote(b *batch, n int) {
	if cap(b.data) <= maxLine { // a large one is not kept
		c.data, c.lines = b.data, b.lines
	}
	if b.lead && n > 0 {
		c.unended = false
		if c.tornBytes > 0 {
			c.tear(b.data[:1])
		}
	}
	for _, line := range b.lines {
		if n < line.end {
			if n > line.start {
				c.tear(b.data[line.start:n])
			}
			return
		}
		c.seq, c.prev, c.linked = c.seq+1, line.digest, true
		if line.signed {
			c.signedTo = c.seq
		}
		c.torn, c.tornBytes = nil, 0
		c.unended = n == line.end
	}
}

// The members that place a line, in the order in which they end it.
const (
	chainMember     = `,"chain":"`
	seqMember       = `","seq":`
	prevMember      = `,"prev":"`
	tornBytesMember = `,"tornBytes":`
	tornMember      = `,"torn":"`
	signatureMember = `,"signature":"`
)

// place is where a line says that it stands.
type place struct {
	chain     []byte
	seq       uint64
	prev      []byte // Base64 of the digest of the line before; empty where there is none
	tornBytes int64  // how much torn text stands before the line
	torn      []byte // its digest
	signed    []byte // the bytes under the signature, of a line that has one
	signature []byte
}

// parsePlace reads the end of a line. It takes exactly what add writes, so a
// part of a line is never taken for a whole one.
func parsePlace(line []byte) (p place, whole bool) {
	at := bytes.LastIndex(line, []byte(chainMember))
	if at < 1 || line[0] != '{' || len(line) > maxLine {
		return place{}, false
	}
	rest := scanner{line[at+len(chainMember):], true}
	p.chain = rest.text(seqMember)
	p.seq = rest.number(prevMember)
	p.prev = rest.text(`"`)
	if rest.next(tornBytesMember) {
		p.tornBytes = int64(rest.number(tornMember)) //nolint:gosec // a number of 18 digits at most
		p.torn = rest.text(`"`)
	}
	if rest.next(signatureMember) {
		p.signed = line[:len(line)-len(rest.data)-len(signatureMember)]
		p.signature = rest.bytes(`"`)
	}
	if !rest.ok || string(rest.data) != "}" || len(p.chain) == 0 || p.seq == 0 {
		return place{}, false
	}
	if !isDigest(p.prev) || !isDigest(p.torn) || (p.tornBytes > 0) != (len(p.torn) > 0) {
		return place{}, false
	}
	return p, true
}

// isDigest says whether text is as long as a digest in Base64, or nothing.
func isDigest(text []byte) bool {
	return len(text) == 0 || len(text) == base64.StdEncoding.EncodedLen(sha256.Size)
}

// scanner takes the end of a line apart.
type scanner struct {
	data []byte
	ok   bool
}

// until returns what stands before a text and moves behind it.
func (s *scanner) until(text string) []byte {
	before, after, found := bytes.Cut(s.data, []byte(text))
	s.data, s.ok = after, s.ok && found
	return before
}

func (s *scanner) next(text string) bool {
	after, found := bytes.CutPrefix(s.data, []byte(text))
	s.data = after
	return found
}

// text reads letters, digits and Base64.
func (s *scanner) text(end string) []byte {
	value := s.until(end)
	for _, c := range value {
		plain := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '+' || c == '/' || c == '='
		s.ok = s.ok && plain
	}
	return value
}

// number reads a number as AppendUint writes it.
func (s *scanner) number(end string) uint64 {
	value := s.until(end)
	const longest = 18 // digits that any integer holds
	number, err := strconv.ParseUint(string(value), 10, 64)
	s.ok = s.ok && err == nil && len(value) <= longest && (value[0] != '0' || len(value) == 1)
	return number
}

// bytes reads Base64, in the one form that is canonical.
func (s *scanner) bytes(end string) []byte {
	value, err := base64.StdEncoding.Strict().DecodeString(string(s.until(end)))
	s.ok = s.ok && err == nil
	return value
}
