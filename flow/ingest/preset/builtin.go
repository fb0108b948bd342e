package preset

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

//go:embed files/*.yaml
var builtin embed.FS

// Builtin returns the embedded presets in the order of their names.
func Builtin() []*Preset {
	names, err := fs.Glob(builtin, "files/*.yaml")
	if err != nil {
		panic(err) // the pattern is constant
	}
	all := make([]*Preset, 0, len(names))
	for _, name := range names {
		content, err := builtin.ReadFile(name)
		if err != nil {
			panic(err) // the file is in the program
		}
		p, err := Parse(content)
		if err != nil {
			panic(fmt.Sprintf("%s: %v", name, err)) // a test parses all of them
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *Preset) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Set is a set of presets, by name. It is immutable.
type Set struct{ all []*Preset }

// NewSet returns the embedded presets and others. One of a known name replaces it.
func NewSet(others ...*Preset) *Set {
	s := &Set{all: Builtin()}
	for _, p := range others {
		s.all = slices.DeleteFunc(s.all, func(o *Preset) bool { return o.Name == p.Name })
		s.all = append(s.all, p)
	}
	return s
}

// Get returns the preset with a name; nil: there is none.
func (s *Set) Get(name string) *Preset {
	for _, p := range s.all {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Names returns the names in order.
func (s *Set) Names() []string {
	names := make([]string, 0, len(s.all))
	for _, p := range s.all {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}

// Rows returns the names of the embedded presets whose records are rows of a text, in order.
func Rows() (names []string) {
	for _, p := range Builtin() {
		if p.Form != "otlp" {
			names = append(names, p.Name)
		}
	}
	return names
}
