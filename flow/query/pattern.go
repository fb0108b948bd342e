package query

import (
	"slices"
	"strings"
)

// Pattern matches names. Its text is a name in which * stands for any run of bytes, and a backslash takes the next
// byte as it is.
type Pattern struct {
	text  string
	parts []string // between the stars; one part: the pattern has no star
}

// ParsePattern returns the pattern of a text. A backslash at the end stands for itself.
func ParsePattern(text string) Pattern {
	p := Pattern{text: text}
	var part strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			part.WriteByte(text[i])
		case c == '*':
			p.parts = append(p.parts, part.String())
			part.Reset()
		default:
			part.WriteByte(c)
		}
	}
	p.parts = append(p.parts, part.String())
	return p
}

// PrefixPattern returns the pattern of the names that begin with a prefix. The names of a range for completion are the
// groups of a query by their field with this filter.
func PrefixPattern(prefix string) Pattern { return ParsePattern(Quote(prefix) + "*") }

// Quote returns the text of the pattern that matches a name alone.
func Quote(name string) string { return strings.NewReplacer(`*`, `\*`, `\`, `\\`).Replace(name) }

// String returns the text of the pattern.
func (p Pattern) String() string { return p.text }

// Literal returns the only name that the pattern matches, if it has no star.
func (p Pattern) Literal() (name string, ok bool) {
	if len(p.parts) != 1 {
		return "", false
	}
	return p.parts[0], true
}

// Matches reports whether the pattern matches the whole name. Its time is linear in the length of the name for each
// part: every part is found once, as early as possible.
func (p Pattern) Matches(name string) bool {
	if len(p.parts) == 1 {
		return name == p.parts[0]
	}
	first, last := p.parts[0], p.parts[len(p.parts)-1]
	rest, ok := strings.CutPrefix(name, first)
	if !ok {
		return false
	}
	for _, part := range p.parts[1 : len(p.parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, last)
}

// Filter accepts the names that match one of Include, if there is any, and none of Exclude.
type Filter struct {
	Include, Exclude []Pattern
}

// Empty reports whether the filter accepts all names.
func (f *Filter) Empty() bool { return len(f.Include)+len(f.Exclude) == 0 }

// Includes reports whether a name matches one of Include.
func (f *Filter) Includes(name string) bool { return matchesAny(f.Include, name) }

// Excludes reports whether a name matches one of Exclude.
func (f *Filter) Excludes(name string) bool { return matchesAny(f.Exclude, name) }

// Accepts reports whether the filter accepts a name.
func (f *Filter) Accepts(name string) bool {
	return (len(f.Include) == 0 || f.Includes(name)) && !f.Excludes(name)
}

func matchesAny(patterns []Pattern, name string) bool {
	return slices.ContainsFunc(patterns, func(p Pattern) bool { return p.Matches(name) })
}

// Filters select flows. A flow counts if every filter accepts it. App accepts a flow if an end matches one of its
// Include, if there is any, and no end matches one of its Exclude.
type Filters struct {
	Src, Dest, VPC, App Filter
}

// Empty reports whether all flows count.
func (f *Filters) Empty() bool {
	return f.Src.Empty() && f.Dest.Empty() && f.VPC.Empty() && f.App.Empty()
}

// Accept reports whether a flow counts.
func (f *Filters) Accept(src, dest, vpc string) bool {
	return f.Src.Accepts(src) && f.Dest.Accepts(dest) && f.VPC.Accepts(vpc) &&
		(len(f.App.Include) == 0 || f.App.Includes(src) || f.App.Includes(dest)) &&
		!f.App.Excludes(src) && !f.App.Excludes(dest)
}
