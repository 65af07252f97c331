package access

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/signgate/signgate/pkg/objectkey"
)

// ErrLayout is wrapped where a layout can't be used.
var ErrLayout = errors.New("invalid key layout")

// facts are the attributes of an object that its key tells, as bits.
type facts uint8

const (
	ownerFact facts = 1 << iota
	tenantFact
	allFacts = ownerFact | tenantFact
)

// namedFact is a fact and its name in the schema and in layouts.
type namedFact struct {
	name string
	fact facts
}

func namedFacts() [2]namedFact { return [...]namedFact{{"owner", ownerFact}, {"tenant", tenantFact}} }

// factNamed returns the fact of a name; 0 for none.
func factNamed(name string) facts {
	for _, known := range namedFacts() {
		if known.name == name {
			return known.fact
		}
	}
	return 0
}

// Layout says which segments of keys name the owner and the tenant of an
// object. The zero Layout says that none does.
type Layout struct{ patterns []pattern }

// pattern is a beginning of keys.
type pattern []patternSegment

// patternSegment is a text, or names a fact.
type patternSegment struct {
	text string
	fact facts // 0 for a text
}

// DefaultLayout is where people and tenants have their homes.
func DefaultLayout() []string { return []string{"users/{owner}/", "tenants/{tenant}/"} }

// ParseLayout reads beginnings of keys, "tenants/{tenant}/users/{owner}/": each
// with its closing slash, in which whole segments are {owner} or {tenant}.
// Several may fit the same key as long as they don't say different things of
// it. Errors wrap ErrLayout.
func ParseLayout(texts []string) (Layout, error) {
	var layout Layout
	for _, text := range texts {
		parsed, err := parsePattern(text)
		if err != nil {
			return Layout{}, fmt.Errorf("%w: %q %w", ErrLayout, text, err)
		}
		for n, other := range layout.patterns {
			if parsed.contradicts(other) {
				return Layout{}, fmt.Errorf("%w: %q and %q can fit one key and say different things of it", ErrLayout, texts[n], text)
			}
		}
		layout.patterns = append(layout.patterns, parsed)
	}
	return layout, nil
}

func parsePattern(text string) (pattern, error) {
	if _, err := objectkey.ParsePrefix(text); err != nil {
		return nil, err
	}
	var parsed pattern
	seen := facts(0)
	for segment := range strings.SplitSeq(strings.TrimSuffix(text, "/"), "/") {
		name, opened := strings.CutPrefix(segment, "{")
		name, closed := strings.CutSuffix(name, "}")
		fact := factNamed(name)
		switch {
		case !opened && !closed && !strings.ContainsAny(segment, "{}"):
			parsed = append(parsed, patternSegment{text: segment})
			continue
		case !opened || !closed || fact == 0:
			return nil, errors.New("has a segment with braces that is neither {owner} nor {tenant}")
		case seen&fact != 0:
			return nil, fmt.Errorf("names {%s} twice", name)
		}
		seen |= fact
		parsed = append(parsed, patternSegment{fact: fact})
	}
	if seen == 0 {
		return nil, errors.New("names neither {owner} nor {tenant}")
	}
	return parsed, nil
}

// fits says whether segments of a key, as far as both go, are those of the
// pattern.
func (p pattern) fits(segments []string) bool {
	for n := range min(len(p), len(segments)) {
		if p[n].fact == 0 && p[n].text != segments[n] {
			return false
		}
	}
	return true
}

// place returns where a pattern names a fact, or -1.
func (p pattern) place(fact facts) int {
	for n, segment := range p {
		if segment.fact == fact {
			return n
		}
	}
	return -1
}

// contradicts says that some key fits both patterns, which find a fact in
// different places of it.
func (p pattern) contradicts(other pattern) bool {
	for n := range min(len(p), len(other)) {
		if p[n].fact == 0 && other[n].fact == 0 && p[n].text != other[n].text {
			return false
		}
	}
	for _, known := range namedFacts() {
		if here, there := p.place(known.fact), other.place(known.fact); here >= 0 && there >= 0 && here != there {
			return true
		}
	}
	return false
}

// of returns a fact of whatever lies below the segments: its value, empty for
// none. It is settled where it is the same for every key below, there now or
// later.
func (l Layout) of(segments []string, fact facts) (value string, settled bool) {
	settled = true
	for _, p := range l.patterns {
		place := p.place(fact)
		if place < 0 || !p.fits(segments) {
			continue
		}
		if len(p) <= len(segments) {
			return segments[place], true // whatever else fits says the same
		}
		settled = false
	}
	return "", settled
}

// segmentsOf takes apart a prefix, or what an object lies below.
func segmentsOf(prefix string) []string {
	if prefix == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(prefix, "/"), "/")
}

// attributes are what a key tells of its object. Only what lies below the
// whole of a pattern fits it.
func (l Layout) attributes(key objectkey.Key) types.RecordMap {
	known := types.RecordMap{"key": types.String(key.String())}
	name := key.String()
	below := segmentsOf(name[:strings.LastIndexByte(name, '/')+1])
	for _, one := range namedFacts() {
		if value, _ := l.of(below, one.fact); value != "" {
			known[types.String(one.name)] = factUID(one.fact, value)
		}
	}
	return known
}

func factUID(fact facts, value string) cedar.EntityUID {
	if fact == ownerFact {
		return cedar.NewEntityUID(types.EntityType(Person), cedar.String(value))
	}
	return cedar.NewEntityUID("Tenant", cedar.String(value))
}

// settled returns the facts that are the same of everything below a prefix.
func (l Layout) settled(prefix objectkey.Prefix) facts {
	settled := facts(0)
	for _, one := range namedFacts() {
		if _, same := l.of(segmentsOf(prefix.String()), one.fact); same {
			settled |= one.fact
		}
	}
	return settled
}
