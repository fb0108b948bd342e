package scan

import "flowring/flow/field"

// key is the beginning of a member of a record, behind the first quote: the name of a field, a quote, and a colon.
type key struct {
	field          field.Field
	size           int
	lo, hi         uint64 // the text, padded with zeros
	loMask, hiMask uint64
}

// keys has the keys of the fields at the low bits of their first letters. BytesTx stands for BytesRx too: the two bits
// in which these names differ are not in loMask.
var keys = makeKeys()

const (
	letterBits = 0xf             // of the first letter, which tell the keys apart
	middleBits = uint64(6) << 48 // of the seventh letter: t or r
)

func makeKeys() (all [letterBits + 1]key) {
	for f := field.SrcApp; f <= field.Hour; f++ {
		if f == field.BytesRx {
			continue
		}
		var text [16]byte
		n := copy(text[:], f.String()+`":`)
		k := key{f, n, lowWord(&text), highWord(&text), maskBytes(n), maskBytes(n - 8)}
		if f == field.BytesTx {
			k.loMask &^= middleBits
			k.lo &^= middleBits
		}
		all[text[0]&letterBits] = k
	}
	return all
}

// key reads the key at i. It returns the position after it, which is negative if there is none.
func (s *Scanner) key(i int) (f field.Field, end int) {
	p := s.window(i)
	lo, hi := lowWord(p), highWord(p)
	k := &keys[lo&letterBits]
	if (lo^k.lo)&k.loMask|(hi^k.hi)&k.hiMask != 0 || k.size == 0 {
		return 0, -1
	}
	f, end = k.field, i+k.size
	if f == field.BytesTx {
		switch lo & middleBits {
		case 't' << 48 & middleBits:
		case 'r' << 48 & middleBits:
			f = field.BytesRx
		default:
			return 0, -1
		}
	}
	return f, end
}

// anyOrder reads one record with the fields of a record and no others, in any order, with at most one space behind a
// colon or a comma. It is for bodies whose records have many orders. It returns -1 for any other record, and makes no
// template.
func (s *Scanner) anyOrder(i int) (end int) {
	const all = 1<<field.Count - 1
	var r record
	complete := false
	for seen, sep := uint(0), byte(','); sep == ','; {
		i = s.skipSpace(i + 1)
		if s.at(i) != '"' {
			return -1
		}
		f, at := s.key(i + 1)
		if at < 0 || seen>>f&1 != 0 {
			return -1
		}
		seen |= 1 << f
		if i = s.ordered(f, s.skipSpace(at), &r); i < 0 {
			return -1
		}
		sep = s.at(i)
		complete = sep == '}' && seen == all
	}
	if !complete || r.escaped && !s.unescape(&r) || !s.add(&r) {
		return -1
	}
	return i + 1
}

// ordered reads the value of a field.
func (s *Scanner) ordered(f field.Field, i int, r *record) (end int) {
	if f > field.VPCID {
		n, end := s.digits(i)
		if n > field.MaxBytes && f != field.Hour {
			return -1
		}
		r.numbers[f-field.BytesTx] = int64(n)
		return end
	}
	if s.at(i) != '"' {
		return -1
	}
	if i = s.anyText(f, i+1, r); s.at(i) != '"' {
		return -1
	}
	return i + 1
}

// skipSpace returns the position after the space at i, if there is one.
func (s *Scanner) skipSpace(i int) int {
	if s.at(i) == ' ' {
		i++
	}
	return i
}
