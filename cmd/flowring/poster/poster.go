package poster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/records"
	"flowring/internal/contract"
	"flowring/router/client"
)

// Poster sends the records of an input, one request after the other.
type Poster struct {
	Send           Send
	Key            string // of the first request; the other keys are made from it
	Most           int    // records per request
	Stdout, Stderr io.Writer
	Progress       bool // print progress
	Sum            bool // print one line for several requests

	requests         int
	first            []byte // answer to the first request, not yet printed
	stored, replayed int    // records so far; stored includes replayed
}

// Send makes one request. replayed means that an earlier request had stored the records.
type Send func(ctx context.Context, body []byte, key string) (answer []byte, replayed bool, err error)

// Post sends the whole input and prints each answer. It stops at the first error.
func (p *Poster) Post(ctx context.Context, in io.Reader) error {
	reader, err := records.NewReader(in)
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		req, err := reader.Next(p.Most)
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
func (p *Poster) one(ctx context.Context, req records.Request, n int) error {
	answer, replayed, err := p.Send(ctx, req.Body, p.keyOf(n))
	if err != nil {
		return failure(req, err)
	}
	p.requests++
	p.stored += req.Records()
	if replayed {
		p.replayed += req.Records()
	}
	if p.Sum && p.requests == 1 { // it may be the only request
		p.first = answer
		return nil
	}
	if p.Progress {
		fmt.Fprintf(p.Stderr, "\r%s stored", output.Many(p.stored, "record"))
	}
	if p.Sum {
		return nil
	}
	_, err = p.Stdout.Write(answer)
	return err
}

// failure adds lines of the input to the error of a request: the line of the refused record, or the lines of all
// records.
func failure(req records.Request, err error) error {
	var refused *client.Problem
	final := errors.As(err, &refused) && !access.Unavailable(err)
	if final && refused.Record != nil && *refused.Record < len(req.Lines) {
		n := *refused.Record
		problem := *refused
		within := fmt.Sprintf("record %d: ", n) // the numbers count within the request
		if refused.Line > 0 {
			within = fmt.Sprintf("line %d: %s", refused.Line, within)
		}
		problem.Detail = strings.TrimPrefix(problem.Detail, within)
		return fmt.Errorf("line %d: %w", req.Lines[n], &problem)
	}
	switch first, last := req.Place(); {
	case req.Records() == 0:
		return fmt.Errorf("an input without records: %w", err)
	case first == last:
		return fmt.Errorf("line %d: %w", first, err)
	default:
		return fmt.Errorf("lines %d to %d: %w", first, last, err)
	}
}

// end prints the sum of all requests, and a note about replayed records.
func (p *Poster) end() error {
	p.endLine()
	text := p.first
	if p.Sum && p.requests > 1 {
		records, requests := output.Many(p.stored, "record"), output.Many(p.requests, "request")
		text = fmt.Appendf(nil, "%s stored in %s\n", records, requests)
	}
	if _, err := p.Stdout.Write(text); err != nil {
		return err
	}
	if p.replayed > 0 {
		fmt.Fprintf(p.Stderr, "flowring: note: %s had been stored before with the same key; each counts once\n",
			output.Many(p.replayed, "record"))
	}
	return nil
}

// endLine ends the line of the progress.
func (p *Poster) endLine() {
	if p.Progress && p.requests > 0 && (!p.Sum || p.requests > 1) {
		fmt.Fprintln(p.Stderr)
	}
}

// keyOf returns the key of request n, counted from 1. It depends only on the key of the command, so that another run
// with the same key, input and --max-records repeats the same requests (P2).
func (p *Poster) keyOf(n int) string {
	if n == 1 {
		return p.Key
	}
	return fmt.Sprintf("%s/%d", p.Key, n)
}

// broke prints a note on how to go on, unless no record was stored for sure. The caller reports err.
func (p *Poster) broke(err error) error {
	p.endLine()
	if reused(err) {
		fmt.Fprintf(p.Stderr, "flowring: note: request %d differs from the earlier request with --key %s: "+
			"the input or --max-records has changed. Use another key for another input\n", p.requests+1, p.Key)
		return err
	}
	if p.stored > 0 || access.Unavailable(err) {
		const note = "flowring: note: %s stored; to go on, run it again with --key %s: no record counts twice\n"
		fmt.Fprintf(p.Stderr, note, output.Many(p.stored, "record"), p.Key)
	}
	return err
}

// reused reports whether a node refused a request because of other content with the same key.
func reused(err error) bool {
	var refused *client.Problem
	return errors.As(err, &refused) && refused.Type == contract.KeyReused.Type() && !access.Unavailable(err)
}
