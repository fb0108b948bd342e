package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"flowring/router/client"
)

// poster sends the records of an input, one request after the other.
type poster struct {
	send           func(ctx context.Context, body []byte, key string) (answer []byte, replayed bool, err error)
	key            string // of the first request; what the others have is made from it
	most           int    // records per request
	stdout, stderr io.Writer
	progress       bool // show how far it is
	sum            bool // print one line for all requests, where there are several

	requests         int
	first            []byte // answer to the first request, not printed yet
	stored, replayed int    // records so far; replayed ones are among the stored
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
			return p.end()
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
		return failure(req, err)
	}
	p.requests++
	p.stored += req.records()
	if replayed {
		p.replayed += req.records()
	}
	if p.sum && p.requests == 1 { // perhaps the only one
		p.first = answer
		return nil
	}
	if p.progress {
		fmt.Fprintf(p.stderr, "\r%s stored", many(p.stored, "record"))
	}
	if p.sum {
		return nil
	}
	_, err = p.stdout.Write(answer)
	return err
}

// failure names the lines of a request that failed: the line of the record that the node refused, where it names one.
func failure(req request, err error) error {
	var refused *client.Problem
	if errors.As(err, &refused) && !unavailable(err) && refused.Record != nil && *refused.Record < len(req.lines) {
		n := *refused.Record
		problem := *refused
		within := fmt.Sprintf("record %d: ", n) // a number within the request alone, as is that of the line
		if refused.Line > 0 {
			within = fmt.Sprintf("line %d: %s", refused.Line, within)
		}
		problem.Detail = strings.TrimPrefix(problem.Detail, within)
		return fmt.Errorf("line %d: %w", req.lines[n], &problem)
	}
	switch first, last := req.place(); {
	case req.records() == 0:
		return fmt.Errorf("an input without records: %w", err)
	case first == last:
		return fmt.Errorf("line %d: %w", first, err)
	default:
		return fmt.Errorf("lines %d to %d: %w", first, last, err)
	}
}

// end prints the sum of all requests, and what the answers do not say.
func (p *poster) end() error {
	p.endLine()
	text := p.first
	if p.sum && p.requests > 1 {
		text = fmt.Appendf(nil, "%s stored in %s\n", many(p.stored, "record"), many(p.requests, "request"))
	}
	if _, err := p.stdout.Write(text); err != nil {
		return err
	}
	if p.replayed > 0 {
		fmt.Fprintf(p.stderr, "flowring: note: %s had been stored before with the same key; each counts once\n",
			many(p.replayed, "record"))
	}
	return nil
}

// endLine ends the line of the progress.
func (p *poster) endLine() {
	if p.progress && p.requests > 0 && (!p.sum || p.requests > 1) {
		fmt.Fprintln(p.stderr)
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
	p.endLine()
	if reused(err) {
		fmt.Fprintf(p.stderr, "flowring: note: request %d is not the one that was sent with --key %s before: the input or --max-records "+
			"has changed since. Use another key for another input\n", p.requests+1, p.key)
		return err
	}
	if p.stored > 0 || unavailable(err) {
		fmt.Fprintf(p.stderr, "flowring: note: %s stored; to go on, run it again with --key %s: none is counted twice\n",
			many(p.stored, "record"), p.key)
	}
	return err
}

// reused reports whether a node refused a request because its key came with other content before.
func reused(err error) bool {
	var refused *client.Problem
	return errors.As(err, &refused) && refused.Type == "/problems/key-reused" && !unavailable(err)
}
