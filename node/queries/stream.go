package queries

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"flowring/flow/query"
	"flowring/flow/query/merge"
	"flowring/internal/contract"
	"flowring/node/peer/wire"
	"flowring/router/admission"
	"flowring/store/aggregate"
)

// groupStream is the groups of one store: of another one, as frames, or of this one.
type groupStream struct {
	head   wire.QueryHead
	addr   string
	local  *Answer
	body   io.Closer
	frames *bufio.Reader
}

// maxFrame is the largest size of a frame in bytes. The head has a line for each slice of the store.
const maxFrame = 16 << 20

// openStream opens the groups of the store at addr, or of this store if addr is "". It returns once the store has added
// all slices up.
func (q *Queries) openStream(ctx context.Context, addr string, call *wire.QueryCall) (*groupStream, error) {
	if addr == "" {
		answer, err := q.Answer(ctx, call)
		if err != nil {
			return nil, err
		}
		return &groupStream{head: answer.head, local: answer, body: answer}, nil
	}
	body, err := q.Client.Query(ctx, addr, call)
	if err != nil {
		return nil, err
	}
	s := &groupStream{addr: addr, body: body, frames: bufio.NewReaderSize(body, defaultFrameSize)}
	if err := s.readHead(call); err != nil {
		body.Close()
		return nil, fmt.Errorf("query at %s: %w", addr, err)
	}
	return s, nil
}

// Close ends the work of the store.
func (s *groupStream) Close() error { return s.body.Close() }

// readHead reads the head, which must have the slices of the call.
func (s *groupStream) readHead(call *wire.QueryCall) error {
	kind, body, err := s.next()
	if err != nil {
		return err
	}
	if kind != wire.FrameHead {
		return errNoHead
	}
	if s.head, err = wire.ParseQueryHead(body); err != nil {
		return err
	}
	if !slices.EqualFunc(s.head.Slices, call.Slices, func(got wire.AnsweredSlice, asked wire.QuerySlice) bool {
		return got.Slice == asked.Slice
	}) {
		return errors.New("the answer has other slices than the question")
	}
	return nil
}

var errNoHead = errors.New("an answer without a head")

// next returns the next frame that is no sign of life. kind is 0 at the end.
func (s *groupStream) next() (kind byte, body []byte, err error) {
	for {
		frame, err := wire.ReadFrame(s.frames, maxFrame)
		switch {
		case err != nil:
			return 0, nil, err
		case frame == nil:
			return 0, nil, nil
		case frame[0] != wire.FrameAlive:
			return frame[0], frame[1:], nil
		}
	}
}

// source returns the groups in blocks. The reader holds a CPU slot, which is released while the stream waits.
func (s *groupStream) source(spec *query.Spec, slots admission.CPUSlots) merge.Source {
	if s.local != nil {
		return s.local.source()
	}
	return func(yield func([]query.Row, error) bool) {
		var rows []query.Row
		for {
			slots.Release()
			kind, body, err := s.next()
			slots.Acquire()
			if err == nil && kind == 0 {
				return
			}
			if err == nil && kind != wire.FrameGroups {
				err = fmt.Errorf("a frame of kind %q among groups", kind)
			}
			if err == nil {
				rows, err = aggregate.ParseFrame(spec, body, rows[:0])
			}
			if err != nil {
				yield(nil, &contract.UnavailableError{
					Reason: "a store broke its answer off", Err: fmt.Errorf("groups from %s: %w", s.addr, err),
				})
				return
			}
			if !yield(rows, nil) {
				return
			}
		}
	}
}
