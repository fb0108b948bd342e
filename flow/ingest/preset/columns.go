package preset

import (
	"fmt"
	"slices"
	"strings"

	"flowring/flow/field"
)

// CheckColumns returns an error if a table with these columns can have no row that counts: no column has the bytes, no
// column has the time, or no column has an end. A row needs no other columns.
func (p *Preset) CheckColumns(columns []string) error {
	for _, need := range [...]struct {
		of  string
		any []int
	}{{"bytes", p.byteFields()}, {"time", p.finish}, {"source or destination", p.endFields()}} {
		names := make([]string, 0, len(need.any))
		for _, i := range need.any {
			names = append(names, p.fields[i])
		}
		has := slices.ContainsFunc(names, func(n string) bool { return slices.Contains(columns, n) })
		if len(names) > 0 && !has {
			return fmt.Errorf("the header has no column for the %s: preset %s needs %s, and the columns are %s", need.of, p.Name,
				strings.Join(names, " or "), field.Quote([]byte(strings.Join(columns, " "))))
		}
	}
	return nil
}

// byteFields returns the fields of which one has the bytes; none if a row without them counts.
func (p *Preset) byteFields() (all []int) {
	if p.absentIs0 {
		return nil
	}
	all = []int{p.tx}
	for i := range p.rules {
		if tx := p.rules[i].tx; tx >= 0 && !slices.Contains(all, tx) {
			all = append(all, tx)
		}
	}
	return all
}

// endFields returns the fields of which one tells an end; none if an end has a constant name.
func (p *Preset) endFields() (all []int) {
	for _, n := range [...]*names{&p.src, &p.dest} {
		for i := range n.templates {
			fields := n.templates[i].fields
			if len(fields) == 0 {
				return nil
			}
			all = append(all, fields...)
		}
		all = append(all, n.addresses...)
	}
	return all
}
