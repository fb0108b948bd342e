package wire

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/ring/roster"
)

// FormatSlice writes a slice as hour/index.
func FormatSlice(s flow.Slice) string { return fmt.Sprintf("%d/%d", s.Hour, s.Index) }

// ParseSlice is the inverse of FormatSlice.
func ParseSlice(text string) (flow.Slice, error) {
	hour, index, _ := strings.Cut(text, "/")
	h, err := strconv.ParseInt(hour, 10, 64)
	if err != nil {
		return flow.Slice{}, fmt.Errorf("slice %q: hour: %w", text, err)
	}
	i, err := strconv.ParseUint(index, 10, 32)
	if err != nil {
		return flow.Slice{}, fmt.Errorf("slice %q: index: %w", text, err)
	}
	return flow.Slice{Hour: flow.Hour(h), Index: uint32(i)}, nil
}

// WriteSum writes one line of a summary.
func WriteSum(w io.Writer, s flow.Slice, sum [16]byte) {
	fmt.Fprintf(w, "%s %x\n", FormatSlice(s), sum)
}

// ParseSummary decodes the lines of WriteSum.
func ParseSummary(text []byte) (map[flow.Slice][16]byte, error) {
	sums := map[flow.Slice][16]byte{}
	for line := range strings.Lines(string(text)) {
		slice, digits, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		s, err := ParseSlice(slice)
		if err != nil {
			return nil, err
		}
		sum, err := hex.DecodeString(digits)
		if err != nil || len(sum) != 16 {
			return nil, fmt.Errorf("sum %.40q of %s", digits, s)
		}
		sums[s] = [16]byte(sum)
	}
	return sums, nil
}

// FormatStore returns the value of the header Flowring-Store.
func FormatStore(s roster.Store) string {
	return fmt.Sprintf("%s %s %t", s.ID, s.Name, s.Established)
}

// ParseStore is the inverse of FormatStore.
func ParseStore(value string) (roster.Store, error) {
	id, rest, _ := strings.Cut(value, " ")
	name, established, _ := strings.Cut(rest, " ")
	s := roster.Store{ID: roster.StoreID(id), Name: name, Established: established == "true"}
	err := s.Valid()
	if err == nil && established != "true" && established != "false" {
		err = errors.New("neither established nor not")
	}
	if err != nil {
		return roster.Store{}, fmt.Errorf("answerer %q: %w", value, err)
	}
	return s, nil
}

// FormatTags returns the tags of a reader as words.
func FormatTags(tags []contract.Tag) string {
	words := make([]string, len(tags))
	for i, tag := range tags {
		words[i] = string(tag)
	}
	return strings.Join(words, " ")
}

// ParseTags is the inverse of FormatTags.
func ParseTags(text string) []contract.Tag {
	var tags []contract.Tag
	for word := range strings.FieldsSeq(text) {
		tags = append(tags, contract.Tag(word))
	}
	return tags
}
