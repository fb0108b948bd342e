package decode

import "math"

// sequence follows the sequence numbers of a domain. Exporters disagree on the meaning of the number, so each rule is
// followed by itself, and the smallest number of missing units counts. With softflowd's IPFIX, for example, the number
// includes the records of its own message and leaves out options.
type sequence struct {
	started  bool
	want     [maxRules]uint32 // the next number, by rule
	lost     [maxRules]uint64
	reported uint64
}

const maxRules = 4

// step is the meaning of a number by one rule: the units of this datagram, and whether the number includes them.
type step struct {
	units    uint32
	includes bool
}

type verdict uint8

const (
	inOrder   verdict = iota
	late              // the datagram was overtaken by later ones
	restarted         // the exporter counts from the beginning again
)

// maxGap is the largest gap that is a loss. A larger one is a restart.
const maxGap = 1 << 20

// follow judges the number of a datagram by each rule. missing are the units that are missing and not reported before.
func (s *sequence) follow(seq uint32, steps []step) (missing uint64, v verdict) {
	least, allLate, allFar := uint64(math.MaxUint64), true, true
	for i, st := range steps {
		begin, next := seq, seq+st.units
		if st.includes {
			begin, next = seq-st.units, seq
		}
		gap := int32(begin - s.want[i])
		if !s.started {
			gap = 0
		}
		switch {
		case gap >= 0 && gap < maxGap:
			s.lost[i] += uint64(gap)
			s.want[i], allLate, allFar = next, false, false
		case gap < 0 && gap > -maxGap && next != 0 && seq > st.units:
			allFar = false
			if int32(next-s.want[i]) > 0 {
				s.want[i], allLate = next, false
			}
		}
		least = min(least, s.lost[i])
	}
	s.started = true
	switch {
	case allFar:
		*s = sequence{}
		s.follow(seq, steps)
		return 0, restarted
	case allLate:
		return 0, late
	case least > s.reported:
		missing = least - s.reported
		s.reported = least
	}
	return missing, inOrder
}

// skip forgets the next number, because the units of a datagram are not known.
func (s *sequence) skip() { *s = sequence{} }
