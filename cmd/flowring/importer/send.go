package importer

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"flowring/flow"
	"flowring/flow/ingest"
	"flowring/internal/contract"
	"flowring/router/client"
)

// Send makes one request with records, again and again until a node stores or refuses it. replayed means that an
// earlier run had stored it.
type Send func(ctx context.Context, body []byte, key string) (replayed bool, err error)

// outcome is the fate of the records of an hour.
type outcome struct {
	flows    ingest.Sum
	replayed bool
	other    bool          // with other content: another mapping
	closed   ingest.Reason // Kept: the hour is open
}

// atOnce is the number of requests at the same time.
const atOnce = 4

// send sends the hours of a part. Its requests do not depend on each other.
func (im *Importer) send(ctx context.Context, p *flow.Posting, key string) ([]outcome, error) {
	outcomes := make([]outcome, len(p.Batches))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, b := range p.Batches {
		group.Go(func() (err error) {
			outcomes[i], err = im.sendHour(ctx, bodyOf(b), fmt.Sprintf("import/%s/%d", key, b.Slice.Hour))
			outcomes[i].flows = ingest.SumOf(b)
			if err != nil {
				return fmt.Errorf("hour %d: %w", b.Slice.Hour, err)
			}
			return nil
		})
	}
	return outcomes, group.Wait()
}

// sendHour sends the records of an hour. After an attempt without an answer, a refusal does not tell the outcome of the
// attempt, so the request is made once more.
func (im *Importer) sendHour(ctx context.Context, body []byte, key string) (outcome, error) {
	replayed, err := im.Send(ctx, body, key)
	if errors.As(err, new(*client.UnknownError)) && isRefusal(err) {
		replayed, err = im.Send(ctx, body, key)
	}
	o := outcome{replayed: replayed}
	if err == nil || errors.As(err, new(*client.UnknownError)) || !isRefusal(err) {
		return o, err
	}
	var refused *client.Problem
	errors.As(err, &refused)
	switch refused.Type {
	case contract.KeyReused.Type():
		o.replayed, o.other = true, true
	case contract.TooOld.Type():
		o.closed = ingest.Expired
	case contract.FutureHour.Type():
		o.closed = ingest.Future
	default:
		return o, err
	}
	return o, nil
}

// isRefusal reports whether a node has refused the content of a request.
func isRefusal(err error) bool {
	var p *client.Problem
	return errors.As(err, &p) && p.Status >= 400 && p.Status < 500
}

// bodyOf returns the flows of an hour as records of at most flow.MaxBytes.
func bodyOf(b *flow.Batch) (body []byte) {
	var a flow.Appender
	body = append(body, '[')
	for i := range b.Len() {
		rest := b.Totals(i)
		for first := true; first || rest != (flow.Totals{}); first = false {
			t := flow.Totals{BytesTx: min(rest.BytesTx, flow.MaxBytes), BytesRx: min(rest.BytesRx, flow.MaxBytes)}
			rest.BytesTx, rest.BytesRx = rest.BytesTx-t.BytesTx, rest.BytesRx-t.BytesRx
			body = a.Append(body, flow.Record{Key: b.FlowKey(i), Totals: t, Hour: b.Slice.Hour})
			body = append(body, ',')
		}
	}
	body[len(body)-1] = ']'
	return body
}
