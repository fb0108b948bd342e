package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/node/peer/stream"
)

// The bodies of the calls on streams:
//
//	ask       wait(4) [roster] [cluster] [posting] [batch]...
//	reply     outcome(1) [store] [roster] [refusal]
//
// [x] is x behind its length in 4 bytes; numbers are big endian. wait is the time that the caller has left, in milliseconds (0: no
// limit). roster is the hash of the caller's roster, and cluster is its cluster ID. posting is the hash of the posting that all
// batches belong to, 16 bytes; it is empty unless the call admits or checks batches that have a key. store is the store that
// answers. The roster of a reply is the answerer's, in JSON; it is empty if the hashes are equal. refusal is an *Error in JSON.

// The kinds of calls. Package stream reserves 5 and 6.
const (
	kindAdmit stream.Kind = 1 + iota
	kindAdmitChecked
	kindCheck
	kindApply
)

// callName returns the name of a kind of call.
func callName(k stream.Kind) string {
	switch k {
	case kindAdmit, kindAdmitChecked:
		return "admit"
	case kindCheck:
		return "check"
	case kindApply:
		return "apply"
	}
	return fmt.Sprintf("call of kind %d", k)
}

// maxAsk bounds the body of a call, in bytes: one batch of the largest size, and the rest of an ask.
const maxAsk = MaxBatch + 64<<10

// ask is one call.
type ask struct {
	kind    stream.Kind
	wait    time.Duration // the time that the caller has left; 0: no limit
	roster  string        // hash of the caller's roster
	cluster string        // ID of the caller's cluster
	posting flow.ID       // hash of the posting that the batches belong to; zero: not known
	batches [][]byte
}

// size returns the length of the encoded ask.
func (a *ask) size() int {
	n := 4 + pieceSize(len(a.roster)) + pieceSize(len(a.cluster)) + pieceSize(len(a.postingPiece()))
	for _, b := range a.batches {
		n += pieceSize(len(b))
	}
	return n
}

// append appends the encoded ask to dst.
func (a *ask) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(min(max(a.wait.Milliseconds(), 0), 1<<32-1)))
	dst = appendPiece(appendPiece(appendPiece(dst, a.roster), a.cluster), a.postingPiece())
	for _, b := range a.batches {
		dst = appendPiece(dst, b)
	}
	return dst
}

// postingPiece returns the encoded hash of the posting.
func (a *ask) postingPiece() []byte {
	if a.posting.IsZero() {
		return nil
	}
	return a.posting[:]
}

// parseAsk decodes an ask. Its batches share the memory of body.
func parseAsk(kind stream.Kind, body []byte) (ask, error) {
	a, rest, err := parseCaller(kind, body)
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

// cutPosting decodes the hash of the posting at the start of data.
func (a *ask) cutPosting(data []byte) (rest []byte, err error) {
	piece, rest, err := cutPiece(data)
	copy(a.posting[:], piece)
	if err == nil && len(piece) > 0 && (len(piece) != len(a.posting) || a.posting.IsZero()) {
		return nil, fmt.Errorf("%x is no hash of a posting", piece)
	}
	return rest, err
}

// parseCaller decodes the caller at the start of an ask.
func parseCaller(kind stream.Kind, data []byte) (a ask, rest []byte, err error) {
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

// written decodes the batches. Their Bytes share the memory of the ask.
func (a *ask) written() ([]flow.Written, error) {
	if len(a.batches) == 0 {
		return nil, contract.Malformed.Errorf("no batch")
	}
	batches := make([]flow.Written, len(a.batches))
	for i, encoded := range a.batches {
		b, err := flow.ParseBatch(encoded)
		if err != nil {
			return nil, contract.Malformed.Errorf("%w", err)
		}
		b.Posting = a.posting
		batches[i] = flow.Written{Batch: b, Bytes: encoded}
	}
	return batches, nil
}

// outcome is the outcome of a call.
type outcome byte

const (
	outcomeDone outcome = iota
	outcomeReplayed
	outcomeRefused
)

// reply is the answer to a call.
type reply struct {
	outcome outcome
	store   []byte // the answering store, as formatStore writes it
	roster  []byte // in JSON; empty if the caller has the same
	refusal []byte // an *Error in JSON; empty unless refused
}

// size returns the length of the encoded reply.
func (r *reply) size() int {
	return 1 + pieceSize(len(r.store)) + pieceSize(len(r.roster)) + pieceSize(len(r.refusal))
}

// append appends the encoded reply to dst.
func (r *reply) append(dst []byte) []byte {
	dst = append(dst, byte(r.outcome))
	return appendPiece(appendPiece(appendPiece(dst, r.store), r.roster), r.refusal)
}

// parseReply decodes a reply, which shares the memory of body.
func parseReply(body []byte) (r reply, err error) {
	if len(body) == 0 {
		return reply{}, errCutShort
	}
	r.outcome = outcome(body[0])
	rest := body[1:]
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

var errCutShort = errors.New("the body of the frame is cut short")

func pieceSize(n int) int { return lengthSize + n }

func appendPiece[T string | []byte](dst []byte, piece T) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(piece))), piece...)
}

// cutPiece splits data behind its first piece.
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
