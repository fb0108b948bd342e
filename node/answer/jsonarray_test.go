package answer

import (
	"fmt"
	"io"
	"testing"

	"flowring/flow"
	"flowring/node/replica"
	"flowring/router/admission"
	"flowring/store"
)

// someFlows returns records of n flows between 1,000 applications in 20 VPCs.
func someFlows(first, n int) []flow.Record {
	records := make([]flow.Record, n)
	for j := range records {
		i := first + j
		key := flow.Key{
			SrcApp: fmt.Sprintf("service-%03d", i%1000), DestApp: fmt.Sprintf("service-%03d", (i/1000+7*i)%1000),
			VPCID: fmt.Sprintf("vpc-%08x", 0x5eed0000+i%20),
		}
		records[j] = flow.Record{Key: key, Totals: flow.Totals{BytesTx: int64(i) * 7919, BytesRx: int64(i) * 104729}, Hour: 493_000}
	}
	return records
}

// hourOf returns a store of one hour with so many flows.
func hourOf(tb testing.TB, flows int) *store.Store {
	tb.Helper()
	s := store.New(store.Config{}, store.Deps{})
	for first := 0; first < flows; first += 1000 {
		p, err := flow.AddUp(someFlows(first, min(1000, flows-first)))
		if err != nil {
			tb.Fatal(err)
		}
		p.Batches[0].Dot = flow.Dot{Origin: 1, Seq: uint64(first + 1)}
		if err := s.Apply(flow.Written{Batch: p.Batches[0]}); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

func BenchmarkWriteHour(b *testing.B) {
	const flows = 200_000
	s := hourOf(b, flows)
	reading, err := s.Read(flow.Slice{Hour: 493_000})
	if err != nil {
		b.Fatal(err)
	}
	answer := &localAnswer{Reading: &replica.Reading{Reading: reading}, slots: admission.NewCPUSlots(1)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := answer.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/flows, "ns/flow")
}
