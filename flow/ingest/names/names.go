package names

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"

	"flowring/flow/field"
	"flowring/flow/ingest"
	"flowring/internal/reload"
)

// DefaultMaxRows is the default limit on the rows of a file.
const DefaultMaxRows = 100_000

// maxRow is the largest length of a row in bytes: two names, a range, and their quotes. It limits the file.
const maxRow = 2*field.MaxName + 64

// Table maps addresses to names.
type Table struct{ ranges bart.Table[ingest.Name] }

// Lookup implements ingest.Names.
func (t *Table) Lookup(addr netip.Addr) (ingest.Name, bool) {
	return t.ranges.Lookup(addr.Unmap().WithZone(""))
}

// Len returns the number of ranges.
func (t *Table) Len() int { return t.ranges.Size() }

// Source describes a file of at most maxRows rows.
func Source(file string, maxRows int) reload.Source[*Table] {
	return reload.Source[*Table]{
		Name: "names", Files: []string{file}, MaxBytes: int64(maxRows+1) * maxRow,
		Parse: func(contents [][]byte) (*Table, error) {
			t, err := Parse(contents[0], maxRows)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			return t, nil
		},
	}
}

// TooManyRowsError refuses a file with too many rows.
type TooManyRowsError struct{ Most int }

// Error names the limit.
func (e *TooManyRowsError) Error() string {
	return fmt.Sprintf("more than %d rows; raise --max-names-rows, or use larger ranges", e.Most)
}

// Parse reads the content of a file of at most maxRows rows.
func Parse(content []byte, maxRows int) (*Table, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))))
	r.FieldsPerRecord, r.ReuseRecord, r.Comment, r.TrimLeadingSpace = -1, true, '#', true
	t, at := new(Table), columns{cidr: 0, app: 1, vpc: 2}
	for rows, first := 0, true; ; first = false {
		row, err := r.Read()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return nil, csvError(err)
		}
		line, _ := r.FieldPos(0)
		if header, ok := headerOf(row); first && ok {
			if at = header; at.cidr < 0 || at.app < 0 {
				return nil, fmt.Errorf("line %d: the header needs the columns cidr and app", line)
			}
			continue
		}
		if rows++; rows > maxRows {
			return nil, &TooManyRowsError{maxRows}
		}
		if err := t.add(at, row); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// csvError returns an error of the reader without content of the file.
func csvError(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return fmt.Errorf("line %d: %w", parse.Line, parse.Err)
	}
	return err
}

// columns are the positions of the columns; negative: the file lacks it.
type columns struct{ cidr, app, vpc int }

// headerOf returns the columns of a header. A row is a header if it has one of the names of columns.
func headerOf(row []string) (at columns, ok bool) {
	find := func(name string) int {
		return slices.IndexFunc(row, func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), name) })
	}
	at = columns{find("cidr"), find("app"), find("vpc")}
	return at, at.cidr >= 0
}

// add adds a row.
func (t *Table) add(at columns, row []string) error {
	text := func(i int) string {
		if i < 0 || i >= len(row) {
			return ""
		}
		return strings.Clone(strings.TrimSpace(row[i])) // the reader uses the memory of the row again
	}
	p, err := parseRange(text(at.cidr))
	if err != nil {
		return err
	}
	n := ingest.Name{App: text(at.app), VPC: text(at.vpc)}
	if fault := field.NameFault(n.App); fault != "" {
		return fmt.Errorf("app %s", fault)
	}
	if fault := field.NameFault(n.VPC); n.VPC != "" && fault != "" {
		return fmt.Errorf("vpc %s", fault)
	}
	if had, ok := t.ranges.Get(p); ok && had != n {
		return errors.New("the range has another name in an earlier line")
	}
	t.ranges.Insert(p, n)
	return nil
}

// parseRange reads a range, or an address as a range of one.
func parseRange(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, errors.New("cidr is neither a range such as 10.1.0.0/16 nor an address")
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p != p.Masked() {
		return p, errors.New("cidr has bits beyond its length; write the first address of the range")
	}
	return p, nil
}
