package peer

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/internal/cputime"
	"flowring/internal/trace"
	"flowring/ring/roster"
)

// BenchmarkCall measures the cost of the protocol on both sides: a peer without work keeps a batch of five flows,
// over TCP on loopback. The calls carry the ID of a request.
func BenchmarkCall(b *testing.B) {
	batch := fiveFlows(b)
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			c, addr := benchPair(b)
			ctx := trace.With(b.Context(), trace.New())
			if _, err := c.Apply(b.Context(), addr, batch); err != nil {
				b.Fatal(err)
			}
			calls := make(chan struct{}, callers)
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for range calls {
						if err := applyWithin(ctx, c, addr, batch); err != nil {
							b.Error(err)
						}
					}
				})
			}
			begun := cputime.Spent(b)
			for b.Loop() {
				calls <- struct{}{}
			}
			close(calls)
			wg.Wait()
			b.ReportMetric(float64(cputime.Spent(b)-begun)/float64(b.N), "cpu-ns/op")
		})
	}
}

// applyWithin calls as the write path does.
func applyWithin(ctx context.Context, c *Client, addr string, batch []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	_, err := c.Apply(ctx, addr, batch)
	return err
}

func fiveFlows(b *testing.B) []byte {
	var records []flow.Record
	for i := range int64(5) {
		key := flow.Key{SrcApp: fmt.Sprintf("source-%d", i), DestApp: fmt.Sprintf("destination-%d", i), VPCID: "vpc-0"}
		records = append(records, flow.Record{Key: key, Totals: flow.Totals{BytesTx: i, BytesRx: i}, Hour: 7})
	}
	p, err := flow.AddUp(records)
	if err != nil {
		b.Fatal(err)
	}
	p.Batches[0].Dot = flow.Dot{Origin: 9, Seq: 1}
	return p.Batches[0].Encode()
}

// willing keeps every batch.
type willing struct{ *double }

func (willing) Apply(context.Context, []flow.Written) error { return nil }

// benchPair returns a client and the address of a server of the same roster.
func benchPair(b *testing.B) (*Client, string) {
	d := newDouble()
	c, mine := newTestClient(b)
	d.roster = d.roster.With(roster.Store{ID: roster.NewStoreID(), Name: "c", Established: true}).WithVersion(compat.Newest)
	mine.roster = d.roster
	return c, serveHandler(b, newTestServer(b, ServerConfig{}, willing{d}))
}
