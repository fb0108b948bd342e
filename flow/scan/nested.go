package scan

import "flowring/flow/field"

// maxNesting is the deepest nesting of plain arrays and objects. The reference decoder reads deeper ones.
const maxNesting = 8

// nested reads an array or an object with at most depth levels.
func (s *Scanner) nested(i, depth int) (end int) {
	object := s.at(i) == '{'
	last := s.at(i) + 2 // the bracket that ends it
	if i = s.space(i + 1); s.at(i) == last {
		return i + 1
	}
	for {
		if object {
			if i = s.quoted(i); i < 0 {
				return -1
			}
			if i = s.space(i); s.at(i) != ':' {
				return -1
			}
			i = s.space(i + 1)
		}
		if i = s.element(i, depth); i < 0 {
			return -1
		}
		i = s.space(i)
		switch s.at(i) {
		case last:
			return i + 1
		case ',':
			i = s.space(i + 1)
		default:
			return -1
		}
	}
}

// element reads a value within an array or an object.
func (s *Scanner) element(i, depth int) (end int) {
	switch s.at(i) {
	case '"':
		return s.quoted(i)
	case '{', '[':
		if depth == 1 {
			return -1
		}
		return s.nested(i, depth-1)
	}
	return s.scalar(i)
}

// quoted reads a string with its quotes.
func (s *Scanner) quoted(i int) (end int) {
	if s.at(i) != '"' {
		return -1
	}
	if end = s.anyText(field.Unknown, i+1, nil); s.at(end) != '"' {
		return -1
	}
	return end + 1
}
