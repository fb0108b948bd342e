package main

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// poster sends the records of an input, one request after the other.
type poster struct {
	send           func(ctx context.Context, body []byte, key string) (answer []byte, replayed bool, err error)
	key            string // of the first request; what the others have is made from it
	most           int    // records per request
	stdout, stderr io.Writer
	progress       bool

	stored, replayed int // records so far; replayed ones are among the stored
}

// post sends all of in and prints each answer as it comes. The first error ends it.
func (p *poster) post(ctx context.Context, in io.Reader) error {
	reader, err := newRecordReader(in)
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		req, err := reader.next(p.most)
		if errors.Is(err, io.EOF) {
			p.end()
			return nil
		}
		if err == nil {
			err = p.one(ctx, req, n)
		}
		if err != nil {
			return p.broke(err)
		}
	}
}

// one sends the n-th request.
func (p *poster) one(ctx context.Context, req request, n int) error {
	answer, replayed, err := p.send(ctx, req.body, p.keyOf(n))
	if err != nil {
		return fmt.Errorf("records %d to %d: %w", p.stored, p.stored+req.records-1, err)
	}
	p.stored += req.records
	if replayed {
		p.replayed += req.records
	}
	if p.progress {
		fmt.Fprintf(p.stderr, "\r%d records stored", p.stored)
	}
	_, err = p.stdout.Write(answer)
	return err
}

// end says what the answers do not.
func (p *poster) end() {
	if p.progress {
		fmt.Fprintln(p.stderr)
	}
	if p.replayed > 0 {
		fmt.Fprintf(p.stderr, "flowring: note: %d records had been stored before, with the same key, and are not counted again\n",
			p.replayed)
	}
}

// keyOf returns the key of the n-th request, from 1. It depends on nothing but the key of all, so that running the command again
// with the same key, input and --max-records repeats the very same requests (P2).
func (p *poster) keyOf(n int) string {
	if n == 1 {
		return p.key
	}
	return fmt.Sprintf("%s/%d", p.key, n)
}

// broke says how to go on, before err itself is reported, unless it is sure that nothing was stored.
func (p *poster) broke(err error) error {
	if p.progress {
		fmt.Fprintln(p.stderr)
	}
	if p.stored > 0 || unavailable(err) {
		fmt.Fprintf(p.stderr, "flowring: note: %d records were stored; "+
			"to go on, run it again with --key %s: they are not counted twice\n", p.stored, p.key)
	}
	return err
}
