package peer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"flowring/flow"
)

// A stream carries frames, many calls under way at once, their answers in any order:
//
//	frame     length(4) kind(1) call(8) rest    the length is that of the rest
//	ask       wait(4) [roster] [cluster] [posting] [batch]...
//	answer    outcome(1) [store] [roster] [refusal]
//	farewell                                    call 0, no rest
//
// [x] is x behind its length in 4 bytes; numbers are big endian. An ask says how many milliseconds its caller has left (0: any
// number), the hash of the caller's roster, its cluster, and, where the call admits or checks batches that have a key, the hash of the
// posting that all of them are of: 16 bytes, or none. An answer names the store that gives it and, where the hashes differ, has
// that store's roster, in JSON, as is a refusal. After a farewell the server begins no call of the stream any more.
type frameKind byte

const (
	kindAdmit frameKind = 1 + iota
	kindAdmitChecked
	kindCheck
	kindApply
	kindAnswer
	kindFarewell
)

// String returns the name of the call.
func (k frameKind) String() string {
	switch k {
	case kindAdmit, kindAdmitChecked:
		return "admit"
	case kindCheck:
		return "check"
	case kindApply:
		return "apply"
	}
	return fmt.Sprintf("frame of kind %d", byte(k))
}

const (
	frameStart = 13                // bytes before the rest
	maxAsk     = MaxBatch + 64<<10 // bytes of the rest
	maxAnswer  = 1 << 20           // likewise; a roster takes most of it
)

// frameHead is what comes before the rest of a frame.
type frameHead struct {
	kind frameKind
	call uint64
	size int // of the rest
}

func appendHead(dst []byte, h frameHead) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.size))
	return binary.BigEndian.AppendUint64(append(dst, byte(h.kind)), h.call)
}

// readHead reads what comes before the rest. It fails with io.EOF where no frame begins.
func readHead(in *bufio.Reader) (frameHead, error) {
	data, err := in.Peek(frameStart)
	if err != nil {
		if len(data) > 0 {
			err = noEOF(err)
		}
		return frameHead{}, err
	}
	h := frameHead{frameKind(data[4]), binary.BigEndian.Uint64(data[5:]), int(binary.BigEndian.Uint32(data))}
	_, err = in.Discard(frameStart)
	return h, err
}

// readRest reads the rest of a frame, into buf where it fits.
func readRest(in *bufio.Reader, size int, buf []byte) ([]byte, error) {
	if size > max(cap(buf), in.Size()) {
		data, err := readN(in, size)
		return data, noEOF(err)
	}
	buf = slices.Grow(buf[:0], size)[:size]
	_, err := io.ReadFull(in, buf)
	return buf, noEOF(err)
}

// ask is one call.
type ask struct {
	kind    frameKind
	wait    time.Duration // what the caller has left; 0: any time
	roster  string        // hash of the caller's
	cluster string        // the caller's
	posting flow.ID       // of which the batches are; zero: not known
	batches [][]byte
}

// size is that of the frame's rest.
func (a *ask) size() int {
	n := 4 + pieceSize(len(a.roster)) + pieceSize(len(a.cluster)) + pieceSize(len(a.postingPiece()))
	for _, b := range a.batches {
		n += pieceSize(len(b))
	}
	return n
}

// append writes the frame.
func (a *ask) append(dst []byte, call uint64) []byte {
	dst = appendHead(dst, frameHead{a.kind, call, a.size()})
	dst = binary.BigEndian.AppendUint32(dst, uint32(min(max(a.wait.Milliseconds(), 0), 1<<32-1)))
	dst = appendPiece(appendPiece(appendPiece(dst, a.roster), a.cluster), a.postingPiece())
	for _, b := range a.batches {
		dst = appendPiece(dst, b)
	}
	return dst
}

// postingPiece returns what the frame has of the posting.
func (a *ask) postingPiece() []byte {
	if a.posting.IsZero() {
		return nil
	}
	return a.posting[:]
}

// parseAsk reads the rest of a frame. The batches are parts of it.
func parseAsk(kind frameKind, rest []byte) (ask, error) {
	a, rest, err := parseCaller(kind, rest)
	if err == nil {
		rest, err = a.cutPosting(rest)
	}
	for err == nil && len(rest) > 0 {
		var batch []byte
		batch, rest, err = cutPiece(rest)
		a.batches = append(a.batches, batch)
	}
	return a, err
}

// cutPosting cuts the hash of the posting off.
func (a *ask) cutPosting(data []byte) (rest []byte, err error) {
	piece, rest, err := cutPiece(data)
	copy(a.posting[:], piece)
	if err == nil && len(piece) > 0 && (len(piece) != len(a.posting) || a.posting.IsZero()) {
		return nil, fmt.Errorf("%x is no hash of a posting", piece)
	}
	return rest, err
}

// parseCaller reads the beginning of an ask: who calls.
func parseCaller(kind frameKind, data []byte) (a ask, rest []byte, err error) {
	if len(data) < 4 {
		return ask{}, nil, errCutShort
	}
	a = ask{kind: kind, wait: time.Duration(binary.BigEndian.Uint32(data)) * time.Millisecond}
	roster, rest, err := cutPiece(data[4:])
	if err != nil {
		return ask{}, nil, err
	}
	cluster, rest, err := cutPiece(rest)
	if err != nil {
		return ask{}, nil, err
	}
	a.roster, a.cluster = string(roster), string(cluster)
	return a, rest, nil
}

// written parses the batches. Their Bytes are parts of the frame, the rest is not.
func (a *ask) written() ([]flow.Written, error) {
	if len(a.batches) == 0 {
		return nil, &Error{Code: Malformed, Detail: "no batch"}
	}
	batches := make([]flow.Written, len(a.batches))
	for i, encoded := range a.batches {
		b, err := flow.ParseBatch(encoded)
		if err != nil {
			return nil, &Error{Code: Malformed, Detail: err.Error()}
		}
		b.Posting = a.posting
		batches[i] = flow.Written{Batch: b, Bytes: encoded}
	}
	return batches, nil
}

// outcome is what became of a call.
type outcome byte

const (
	outcomeDone outcome = iota
	outcomeReplayed
	outcomeRefused
)

// reply is the answer to a call.
type reply struct {
	outcome outcome
	store   []byte // who answers, as formatStore writes it
	roster  []byte // in JSON; empty: the caller's is the same
	refusal []byte // an *Error in JSON; empty unless refused
}

// size is that of the frame's rest.
func (r *reply) size() int {
	return 1 + pieceSize(len(r.store)) + pieceSize(len(r.roster)) + pieceSize(len(r.refusal))
}

// append writes the frame.
func (r *reply) append(dst []byte, call uint64) []byte {
	dst = append(appendHead(dst, frameHead{kindAnswer, call, r.size()}), byte(r.outcome))
	return appendPiece(appendPiece(appendPiece(dst, r.store), r.roster), r.refusal)
}

// parseReply reads the rest of a frame, which the reply is made of.
func parseReply(rest []byte) (r reply, err error) {
	if len(rest) == 0 {
		return reply{}, errCutShort
	}
	r.outcome = outcome(rest[0])
	rest = rest[1:]
	for _, part := range []*[]byte{&r.store, &r.roster, &r.refusal} {
		if *part, rest, err = cutPiece(rest); err != nil {
			return reply{}, err
		}
	}
	if r.outcome > outcomeRefused || len(rest) > 0 {
		return reply{}, fmt.Errorf("outcome %d with %d bytes too many", r.outcome, len(rest))
	}
	return r, nil
}

var errCutShort = errors.New("the frame is cut short")

func pieceSize(n int) int { return lengthSize + n }

func appendPiece[T string | []byte](dst []byte, piece T) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(piece))), piece...)
}

// cutPiece cuts the first piece off.
func cutPiece(data []byte) (piece, rest []byte, err error) {
	if len(data) < lengthSize {
		return nil, nil, errCutShort
	}
	n := binary.BigEndian.Uint32(data)
	data = data[lengthSize:]
	if uint64(n) > uint64(len(data)) {
		return nil, nil, errCutShort
	}
	return data[:n:n], data[n:], nil
}
