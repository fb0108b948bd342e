package flow

// maxValues is how many fields a record may have for its shape to be learnt.
const maxValues = 16

// shape is what stands between the values of a record. A program that sends records writes all of them alike, so it is learnt
// from one record and compared with the next: where all of it is the same, only the values are left to read. As the record that
// it is from was accepted, and the values are of the same kinds, so is the next.
type shape struct {
	slots   []slot  // of values, in the order in which they come; none: no shape is known
	open    literal // from the brace of a record to its first value
	close   literal // from its last value to the other brace, which is included
	between literal // from its last value to the first one of the next record; empty: not known
	room    [maxValues]slot
}

// slot is a place for a value.
type slot struct {
	field field
	text  bool    // between quotes, which belong to the literals
	after literal // up to the next value; not for the last slot
}

// literal is body[start:end].
type literal struct {
	start, end     int
	lo, hi         uint64 // the first 16 bytes
	loMask, hiMask uint64 // a bit is set for each bit of theirs
}

// place is where the record that is read has a value.
type place struct {
	field      field
	text       bool
	start, end int
}

// learn makes the shape that of the record body[start:end], of which n values were read.
func (s *scanner) learn(start, end, n int) {
	p := &s.shape
	if n > maxValues {
		p.slots, s.closed = nil, 0
		return
	}
	places := s.places[:n]
	p.slots = p.room[:n]
	for i, at := range places {
		p.slots[i] = slot{field: at.field, text: at.text}
		if i > 0 {
			p.slots[i-1].after = s.literal(places[i-1].end, at.start)
		}
	}
	s.closed = places[n-1].end
	p.open = s.literal(start, places[0].start)
	p.close = s.literal(s.closed, end)
	p.between = literal{}
}

// literal returns what stands in body[start:end].
func (s *scanner) literal(start, end int) literal {
	p := s.window(start)
	loMask, hiMask := firstBytes(end-start), firstBytes(end-start-8)
	return literal{start, end, lower(p) & loMask, upper(p) & hiMask, loMask, hiMask}
}

// firstBytes returns a word of which the bits of the first n bytes are set; n may be out of its range.
func firstBytes(n int) uint64 { return 1<<(8*max(0, min(n, 8))) - 1 }

// match returns the end of a literal when it stands in body from i on, else -1.
func (s *scanner) match(l *literal, i int) int {
	p, n := s.window(i), l.end-l.start
	if (lower(p)^l.lo)&l.loMask|(upper(p)^l.hi)&l.hiMask != 0 {
		return -1
	}
	if n > 16 && (len(s.body)-i < n || string(s.body[i+16:i+n]) != string(s.body[l.start+16:l.end])) {
		return -1
	}
	return i + n
}

// repeat reads records that have the shape of the one before, as many as there are. It returns where the last of them ends: i
// when there is none.
func (s *scanner) repeat(i int) (end int) {
	p := &s.shape
	if len(p.slots) == 0 {
		return i
	}
	at := s.match(&p.open, i)
	if at >= 0 && s.closed > 0 {
		p.between = s.literal(s.closed, at)
	}
	var o observation
	for at >= 0 {
		last := s.values(at, &o)
		if last < 0 {
			break
		}
		end := s.match(&p.close, last)
		if end < 0 {
			break
		}
		if !s.add(&o) {
			return -1
		}
		s.closed, i, at = last, end, -1
		if p.between.end > 0 {
			at = s.match(&p.between, last)
		}
	}
	return i
}

// values reads the values of a record, of which the first begins at i. It returns where the last one ends. It does what value
// does, with one call less for each: that is 7 % of decoding.
func (s *scanner) values(i int, o *observation) (end int) {
	slots := s.shape.slots
	for k := range slots {
		slot := &slots[k]
		switch {
		case slot.text:
			i = s.text(slot.field, i, o)
		case slot.field == numFields:
			i = s.scalar(i)
		default:
			n, end := s.digits(i)
			if n > MaxBytes && slot.field != fieldHour {
				return -1
			}
			o.numbers[slot.field-fieldTx] = int64(n)
			i = end
		}
		if i < 0 {
			return -1
		}
		if k == len(slots)-1 {
			break
		}
		if i = s.match(&slot.after, i); i < 0 {
			return -1
		}
	}
	return i
}
