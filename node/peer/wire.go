package peer

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/node/peer/stream"
)

const (
	prefix = "/peer/v1/"

	headerStore       = "Flowring-Store"        // id name established, of who speaks
	headerRoster      = "Flowring-Roster"       // hash of the speaker's roster
	headerRosterValue = "Flowring-Roster-Value" // the answerer's roster, where the hashes differ
	headerCluster     = "Flowring-Cluster"      // cluster ID of the caller
	headerComplete    = "Flowring-Complete"
	headerTag         = "Flowring-Tag"   // of the flows, whether they follow or not
	headerDoubt       = "Flowring-Doubt" // with a digest: why it may lack something that it should have

	doubtTakingOver = "taking-over"
	doubtRecovering = "recovering"

	// MaxBatch bounds one encoded batch, in bytes. A request's body is smaller by default; what one node admits every other must take.
	MaxBatch = 256 << 20
	maxHello = 1 << 20
	maxError = 64 << 10
)

// formatSlice writes a slice as hour/index.
func formatSlice(s flow.Slice) string { return fmt.Sprintf("%d/%d", s.Hour, s.Index) }

// parseSlice reads what formatSlice writes.
func parseSlice(text string) (flow.Slice, error) {
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

// writeSum writes one line of a summary.
func writeSum(w io.Writer, s flow.Slice, sum [16]byte) {
	fmt.Fprintf(w, "%s %x\n", formatSlice(s), sum)
}

// parseSummary reads the lines that writeSum writes.
func parseSummary(text []byte) (map[flow.Slice][16]byte, error) {
	sums := map[flow.Slice][16]byte{}
	for line := range strings.Lines(string(text)) {
		slice, digits, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		s, err := parseSlice(slice)
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

// query builds the query of a call from pairs of name and value, leaving out empty values.
func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// lengthSize is how many bytes the length before a frame takes.
const lengthSize = 4

// writeFrame writes a batch behind its length.
func writeFrame(w io.Writer, batch []byte) error {
	var length [lengthSize]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(batch)))
	if _, err := w.Write(length[:]); err != nil {
		return err
	}
	_, err := w.Write(batch)
	return err
}

// appendFrame appends the frame of a batch to dst.
func appendFrame(dst []byte, b *flow.Batch) []byte {
	start := len(dst)
	dst = b.Append(append(dst, make([]byte, lengthSize)...))
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-lengthSize))
	return dst
}

// Frames of more than smallFrame bytes that a client reads at the same time have maxFrames bytes in all; a larger one is alone.
const (
	maxFrames  = 64 << 20
	smallFrame = 64 << 10
)

// frameRoom waits until there is room for a frame of n bytes, of which release gives it back. nil: there always is.
type frameRoom func(n int) (release func(), err error)

// readFrames calls fn with each batch of a stream; the slice is fn's to keep. A frame of length 0 ends the stream: without it
// the stream was cut short, and what came before it is still whole.
func readFrames(r io.Reader, room frameRoom, fn func(batch []byte) error) error {
	for {
		var length [lengthSize]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("frame: %w", err)
		}
		n := binary.BigEndian.Uint32(length[:])
		switch {
		case n == 0:
			return nil
		case n > MaxBatch:
			return fmt.Errorf("frame of %d bytes, at most %d", n, MaxBatch)
		}
		if err := readFrame(r, int(n), room, fn); err != nil {
			return err
		}
	}
}

// readFrame calls fn with a frame of n bytes.
func readFrame(r io.Reader, n int, room frameRoom, fn func(batch []byte) error) error {
	if room != nil && n > smallFrame {
		release, err := room(n)
		if err != nil {
			return err
		}
		defer release()
	}
	batch, err := stream.ReadN(r, n)
	if err != nil {
		return fmt.Errorf("frame of %d bytes: %w", n, err)
	}
	return fn(batch)
}

// formatTags returns the tags of a reader as words.
func formatTags(tags []contract.Tag) string {
	words := make([]string, len(tags))
	for i, tag := range tags {
		words[i] = string(tag)
	}
	return strings.Join(words, " ")
}

// parseTags is the inverse of formatTags.
func parseTags(text string) []contract.Tag {
	var tags []contract.Tag
	for word := range strings.FieldsSeq(text) {
		tags = append(tags, contract.Tag(word))
	}
	return tags
}
