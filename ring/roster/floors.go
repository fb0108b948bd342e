package roster

import (
	"encoding/binary"
	"fmt"
	"math"

	"flowring/flow"
)

// Floors are the two hours of retention. Both only rise, and a merge has the higher one of each. 0 is no floor:
// retention needs hours since 1970, so the hours below a floor are positive.
//
// Invariant: Expired <= Closed.
type Floors struct {
	Closed  flow.Hour // C: the hours below take no new request
	Expired flow.Hour // F: the hours below are deleted
}

// Closes reports whether an hour takes no new request because it is below C.
func (f Floors) Closes(h flow.Hour) bool { return f.Closed > 0 && h < f.Closed }

// Expires reports whether an hour is deleted because it is below F.
func (f Floors) Expires(h flow.Hour) bool { return f.Expired > 0 && h < f.Expired }

// lowest returns the lowest hour that has not expired.
func (f Floors) lowest() flow.Hour {
	if f.Expired == 0 {
		return math.MinInt64
	}
	return f.Expired
}

// merge returns the higher one of each floor. C is at least F.
func (f Floors) merge(o Floors) Floors {
	expired := max(f.Expired, o.Expired)
	return Floors{Closed: max(f.Closed, o.Closed, expired), Expired: expired}
}

// valid fails for floors that merge cannot yield.
func (f Floors) valid() error {
	if f.Expired < 0 || f.Closed < f.Expired {
		return fmt.Errorf("floors: closed %d, expired %d: want 0 <= expired <= closed", f.Closed, f.Expired)
	}
	return nil
}

// append appends the floors, or nothing without one.
func (f Floors) append(text []byte) []byte {
	if f == (Floors{}) {
		return text
	}
	return binary.AppendVarint(binary.AppendVarint(append(text, "floors"...), int64(f.Closed)), int64(f.Expired))
}

// Floors returns the floors of the cluster as this roster has them.
func (r Roster) Floors() Floors { return r.floors }

// WithoutFloors returns the roster without floors and marks of hours, for a comparison of the rest.
func (r Roster) WithoutFloors() Roster {
	r.floors, r.marks, r.hash = Floors{}, nil, new(hash)
	return r
}

// WithFloors returns the roster with floors, each at least as high as its own.
func (r Roster) WithFloors(f Floors) Roster {
	if raised := r.floors.merge(f); raised != r.floors {
		r.floors, r.marks, r.hash = raised, r.marks.merge(nil, raised), new(hash)
	}
	return r
}
