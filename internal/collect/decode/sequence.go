package decode

// sequence follows the sequence numbers of a domain. Exporters disagree on the meaning of the number, so each rule is
// followed by itself. With softflowd's IPFIX, for example, the number includes the records of its own message and
// leaves out options. The rule of the exporter differs from the number only at a loss, and another rule also where the
// sizes of messages change. So the missing units are those of the rule with the fewest differences, and of the smallest
// result among equal ones.
type sequence struct {
	started  bool
	want     [maxRules]uint32 // the next number, by rule
	odd      [maxRules]uint64 // numbers that differ from want
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
	best, allLate, allFar := 0, true, true
	for i, st := range steps {
		begin, next := seq, seq+st.units
		if st.includes {
			begin, next = seq-st.units, seq
		}
		gap := int32(begin - s.want[i])
		if !s.started {
			gap = 0
		}
		if gap != 0 {
			s.odd[i]++
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
		if s.odd[i] < s.odd[best] || s.odd[i] == s.odd[best] && s.lost[i] < s.lost[best] {
			best = i
		}
	}
	s.started = true
	switch {
	case allFar:
		*s = sequence{}
		s.follow(seq, steps)
		return 0, restarted
	case allLate:
		return 0, late
	case s.lost[best] > s.reported:
		missing = s.lost[best] - s.reported
		s.reported = s.lost[best]
	}
	return missing, inOrder
}

// skip forgets the next number, because the units of a datagram are not known.
func (s *sequence) skip() { *s = sequence{} }
