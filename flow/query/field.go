package query

import (
	"cmp"
	"fmt"
	"iter"
	"strings"

	"flowring/flow"
)

// Field is a column by which a query groups.
type Field uint8

// The fields, in the order of a key.
const (
	Hour Field = iota
	Day        // of Coordinated Universal Time: hours since the Unix epoch, divided by 24
	SrcApp
	DestApp
	VPCID
	fieldCount
)

var fieldNames = [fieldCount]string{"hour", "day", "src_app", "dest_app", "vpc_id"}

// String returns the name of the field in requests and answers.
func (f Field) String() string { return fieldNames[f] }

// ParseField is the inverse of String.
func ParseField(name string) (Field, error) {
	for f := range fieldCount {
		if f.String() == name {
			return f, nil
		}
	}
	return 0, fmt.Errorf("%q is no field; the fields are %s", name, strings.Join(fieldNames[:], ", "))
}

// Fields is a set of fields.
type Fields uint8

// FieldsOf returns the set of the given fields.
func FieldsOf(fields ...Field) (all Fields) {
	for _, f := range fields {
		all |= 1 << f
	}
	return all
}

// DefaultFields are the grouped fields of a query that names none: those of a flow.
var DefaultFields = FieldsOf(SrcApp, DestApp, VPCID)

// Has reports whether the set contains a field.
func (s Fields) Has(f Field) bool { return s>>f&1 == 1 }

// All yields the fields of the set in the order of a key.
func (s Fields) All() iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for f := range fieldCount {
			if s.Has(f) && !yield(f) {
				return
			}
		}
	}
}

// Key names a group. Fields that are not grouped are zero.
type Key struct {
	Time           int64 // the hour or the day
	Src, Dest, VPC string
}

// HoursOfDay is the number of hours in a day.
const HoursOfDay = 24

// DayOf returns the day of an hour. Days before the epoch are negative.
func DayOf(h flow.Hour) int64 {
	day := int64(h) / HoursOfDay
	if int64(h)%HoursOfDay < 0 {
		day--
	}
	return day
}

// Compare orders keys by time, source, destination and VPC.
func (k Key) Compare(o Key) int {
	return cmp.Or(
		cmp.Compare(k.Time, o.Time), strings.Compare(k.Src, o.Src),
		strings.Compare(k.Dest, o.Dest), strings.Compare(k.VPC, o.VPC),
	)
}

// Column returns the text of a grouped field other than hour and day.
func (k Key) Column(f Field) string {
	switch f {
	case SrcApp:
		return k.Src
	case DestApp:
		return k.Dest
	case VPCID:
		return k.VPC
	}
	return ""
}
