package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"time"

	"flowring/flow"
	"flowring/flow/room"
	"flowring/internal/contract"
	"flowring/internal/trace"
	"flowring/node/peer/stream"
)

// The bodies of the calls on streams:
//
//	ask       wait(4) [roster] [cluster] [posting] [batch]...
//	traced    wait(4) [roster] [cluster] [posting] [requests] [batch]...
//	reply     outcome(1) [store] [roster] [refusal]
//
// [x] is x behind its length in 4 bytes; numbers are big endian.
//
//   - wait: the time left to the caller, in milliseconds; 0: no limit
//   - roster of an ask: the hash of the caller's roster; cluster: its cluster ID
//   - posting: the hash of the posting of all batches, 16 bytes; empty unless the call admits or checks batches with
//     a key
//   - requests: the IDs of the clients' requests, 16 bytes each, 1 to 64 of them. A traced ask has its kind plus 128
//   - store: the answering store, as FormatStore writes it
//   - roster of a reply: the answerer's roster in JSON; empty if the hashes are equal
//   - refusal: a refusal of package peer in JSON

// The kinds of calls. Package stream reserves 5 and 6.
const (
	KindAdmit stream.Kind = 1 + iota
	KindAdmitChecked
	KindCheck
	KindApply

	// Of cluster version 3.
	KindAdmitByKey      stream.Kind = 7
	KindUnderWay        stream.Kind = 8
	KindHeld            stream.Kind = 9
	KindAdmitKnownByKey stream.Kind = 10
)

// CallName returns the name of a kind of call.
func CallName(k stream.Kind) string {
	switch k &^ traced {
	case KindAdmit, KindAdmitChecked, KindAdmitByKey, KindAdmitKnownByKey:
		return "admit"
	case KindCheck:
		return "check"
	case KindApply:
		return "apply"
	case KindUnderWay, KindHeld:
		return "look"
	}
	return fmt.Sprintf("call of kind %d", k)
}

// MaxAsk bounds the body of a call, in bytes: one batch of the largest size, and the rest of an ask.
const MaxAsk = MaxBatch + 64<<10

// Ask is the body of one call.
type Ask struct {
	Kind    stream.Kind
	Wait    time.Duration // time left to the caller; 0: no limit
	Roster  string        // hash of the caller's roster
	Cluster string        // ID of the caller's cluster
	Posting flow.ID       // hash of the posting of the batches; zero: not known
	// Requests are the requests of clients for which the call works; empty: none, or a version before
	// compat.RequestIDs is on.
	Requests trace.IDs
	Batches  [][]byte
}

// traced is the difference of the kinds of an ask with the IDs of requests and of one without.
const traced stream.Kind = 128

// FrameKind returns the kind of the frame of the ask.
func (a *Ask) FrameKind() stream.Kind {
	if len(a.Requests) > 0 {
		return a.Kind | traced
	}
	return a.Kind
}

// BothForms returns the methods of calls with and without the IDs of requests.
func BothForms(plain map[stream.Kind]stream.Method) map[stream.Kind]stream.Method {
	both := maps.Clone(plain)
	for kind, method := range plain {
		both[kind|traced] = method
	}
	return both
}

// Size returns the length of the encoded ask.
func (a *Ask) Size() int {
	n := 4 + pieceSize(len(a.Roster)) + pieceSize(len(a.Cluster)) + pieceSize(len(a.postingPiece()))
	if len(a.Requests) > 0 {
		n += pieceSize(len(a.Requests))
	}
	for _, b := range a.Batches {
		n += pieceSize(len(b))
	}
	return n
}

// Append appends the encoded ask to dst.
func (a *Ask) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(min(max(a.Wait.Milliseconds(), 0), 1<<32-1)))
	dst = appendPiece(appendPiece(appendPiece(dst, a.Roster), a.Cluster), a.postingPiece())
	if len(a.Requests) > 0 {
		dst = appendPiece(dst, []byte(a.Requests))
	}
	for _, b := range a.Batches {
		dst = appendPiece(dst, b)
	}
	return dst
}

// postingPiece returns the encoded hash of the posting.
func (a *Ask) postingPiece() []byte {
	if a.Posting.IsZero() {
		return nil
	}
	return a.Posting[:]
}

// ParseAsk decodes an ask, by the kind of its frame. Its requests and batches share the memory of body.
func ParseAsk(kind stream.Kind, body []byte) (Ask, error) {
	a, rest, err := ParseCaller(kind, body)
	if err == nil {
		rest, err = a.cutPosting(rest)
	}
	if err == nil && kind&traced != 0 {
		rest, err = a.cutRequests(rest)
	}
	for err == nil && len(rest) > 0 {
		var batch []byte
		batch, rest, err = cutPiece(rest)
		a.Batches = append(a.Batches, batch)
	}
	return a, err
}

// cutPosting decodes the hash of the posting at the start of data.
func (a *Ask) cutPosting(data []byte) (rest []byte, err error) {
	piece, rest, err := cutPiece(data)
	copy(a.Posting[:], piece)
	if err == nil && len(piece) > 0 && (len(piece) != len(a.Posting) || a.Posting.IsZero()) {
		return nil, fmt.Errorf("%x is no hash of a posting", piece)
	}
	return rest, err
}

// cutRequests decodes the IDs of requests at the start of data.
func (a *Ask) cutRequests(data []byte) (rest []byte, err error) {
	piece, rest, err := cutPiece(data)
	a.Requests = piece
	if err == nil && !a.Requests.Valid() {
		return nil, fmt.Errorf("%d bytes are no IDs of requests", len(piece))
	}
	return rest, err
}

// ParseCaller decodes the caller at the start of an ask, by the kind of its frame.
func ParseCaller(kind stream.Kind, data []byte) (a Ask, rest []byte, err error) {
	if len(data) < 4 {
		return Ask{}, nil, errCutShort
	}
	a = Ask{Kind: kind &^ traced, Wait: time.Duration(binary.BigEndian.Uint32(data)) * time.Millisecond}
	roster, rest, err := cutPiece(data[4:])
	if err != nil {
		return Ask{}, nil, err
	}
	cluster, rest, err := cutPiece(rest)
	if err != nil {
		return Ask{}, nil, err
	}
	a.Roster, a.Cluster = string(roster), string(cluster)
	return a, rest, nil
}

// Written decodes the batches. Their Bytes share the memory of the ask.
func (a *Ask) Written() ([]flow.Written, error) { return a.WrittenInto(nil) }

// WrittenInto is Written for batches that share the memory of the ask and of a room, and are valid until either
// changes.
func (a *Ask) WrittenInto(room *room.Room) ([]flow.Written, error) {
	if len(a.Batches) == 0 {
		return nil, contract.Malformed.Errorf("no batch")
	}
	batches := make([]flow.Written, len(a.Batches))
	for i, encoded := range a.Batches {
		b, err := flow.ParseInto(room, encoded)
		if err != nil {
			return nil, contract.Malformed.Errorf("%w", err)
		}
		b.Posting = a.Posting
		batches[i] = flow.Written{Batch: b, Bytes: encoded}
	}
	return batches, nil
}

// Outcome is the outcome of a call.
type Outcome byte

// The outcomes of calls.
const (
	Done Outcome = iota
	Replayed
	Refused
)

// Reply is the body of the answer to a call.
type Reply struct {
	Outcome Outcome
	Store   []byte // the answering store, as FormatStore writes it
	Roster  []byte // in JSON; empty if the caller has the same
	Refusal []byte // in JSON; empty unless refused
}

// Size returns the length of the encoded reply.
func (r *Reply) Size() int {
	return 1 + pieceSize(len(r.Store)) + pieceSize(len(r.Roster)) + pieceSize(len(r.Refusal))
}

// Append appends the encoded reply to dst.
func (r *Reply) Append(dst []byte) []byte {
	dst = append(dst, byte(r.Outcome))
	return appendPiece(appendPiece(appendPiece(dst, r.Store), r.Roster), r.Refusal)
}

// ParseReply decodes a reply, which shares the memory of body.
func ParseReply(body []byte) (r Reply, err error) {
	if len(body) == 0 {
		return Reply{}, errCutShort
	}
	r.Outcome = Outcome(body[0])
	rest := body[1:]
	for _, part := range []*[]byte{&r.Store, &r.Roster, &r.Refusal} {
		if *part, rest, err = cutPiece(rest); err != nil {
			return Reply{}, err
		}
	}
	if r.Outcome > Refused || len(rest) > 0 {
		return Reply{}, fmt.Errorf("outcome %d with %d bytes too many", r.Outcome, len(rest))
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
