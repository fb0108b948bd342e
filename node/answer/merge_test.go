package answer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/node/peer"
	"flowring/node/peer/wire"
	"flowring/node/replica"
	"flowring/router/admission"
	"flowring/store"
)

// mergeable has the methods that all answers of these tests share.
type mergeable struct{}

func (mergeable) Tag() contract.Tag { return "" }
func (mergeable) Ready() bool       { return true }
func (mergeable) Whole() bool       { return false }
func (mergeable) WriteTo(io.Writer) (int64, error) {
	panic("flows to be merged are not wanted in JSON")
}
func (mergeable) Close() error { return nil }

// fixed is an answer of fixed parts. It breaks off with err, if there is one.
type fixed struct {
	mergeable
	parts    [][]flow.Record
	complete contract.Completeness
	err      error
}

func (a fixed) Complete() contract.Completeness { return a.complete }

func (a fixed) Parts() iter.Seq2[*flow.Batch, error] {
	return func(yield func(*flow.Batch, error) bool) {
		for _, part := range a.parts {
			if p, err := flow.AddUp(part); !yield(p.Batches[0], err) {
				return
			}
		}
		if a.err != nil {
			yield(nil, a.err)
		}
	}
}

// shared is an answer of fixed parts that share one table of names and their memory.
type shared struct{ fixed }

func (shared) Whole() bool { return true }

func (a shared) Parts() iter.Seq2[*flow.Batch, error] {
	number := map[string]uint32{}
	all := &flow.Batch{Slice: flow.Slice{Hour: 20}}
	of := func(name string) uint32 {
		if _, known := number[name]; !known {
			number[name] = uint32(len(all.Names))
			all.Names = append(all.Names, name)
		}
		return number[name]
	}
	for _, part := range a.parts {
		for _, r := range part {
			of(r.SrcApp)
			of(r.DestApp)
			of(r.VPCID)
		}
	}
	return func(yield func(*flow.Batch, error) bool) {
		for _, part := range a.parts {
			all.Src, all.Dest, all.VPC, all.Tx, all.Rx = all.Src[:0], all.Dest[:0], all.VPC[:0], all.Tx[:0], all.Rx[:0]
			for _, r := range part {
				all.Src, all.Dest, all.VPC = append(all.Src, of(r.SrcApp)), append(all.Dest, of(r.DestApp)), append(all.VPC, of(r.VPCID))
				all.Tx, all.Rx = append(all.Tx, r.BytesTx), append(all.Rx, r.BytesRx)
			}
			if !yield(all, nil) {
				return
			}
		}
		if a.err != nil {
			yield(nil, a.err)
		}
	}
}

// inColumns is an answer that was written and read as columns, as between nodes.
type inColumns struct{ peer.Answer }

func (a inColumns) Parts() iter.Seq2[*flow.Batch, error] {
	var sent bytes.Buffer
	if err := wire.WriteColumns(&sent, a.Answer.Parts()); err != nil {
		return func(yield func(*flow.Batch, error) bool) { yield(nil, err) }
	}
	return wire.ReadColumns(&sent, flow.Slice{Hour: 20})
}

// document writes records as a node does.
func document(records []flow.Record) []byte {
	doc := []byte{'['}
	for i, r := range records {
		if i > 0 {
			doc = append(doc, ',')
		}
		doc = flow.AppendRecord(doc, r)
	}
	return append(doc, "]\n"...)
}

// The merged document equals the document of a single slice, however the flows are spread over the slices.
func TestMergedSlicesAreTheHour(t *testing.T) {
	name := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "\"", "\\", "}", `,"hour":1}`, "\x00", "é"}), 1, 4),
		func(parts []string) string { return strings.Join(parts, "") })
	alike := rapid.SampledFrom([]string{"a", "service-of-few", "service-of-many", "service-of-more"}) // names with equal prefixes
	name = rapid.OneOf(alike, alike, alike, name)
	bytesOf := rapid.OneOf(rapid.Int64Range(0, 9), rapid.Int64Range(math.MaxInt64-9, math.MaxInt64))
	rapid.Check(t, func(rt *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.Custom(func(rt *rapid.T) flow.Key {
			return flow.Key{SrcApp: name.Draw(rt, "src"), DestApp: name.Draw(rt, "dest"), VPCID: name.Draw(rt, "vpc")}
		}), 0, 40, rapid.ID).Draw(rt, "keys")
		slices.SortFunc(keys, flow.Key.Compare)
		parts := make([][]flow.Record, rapid.IntRange(1, 5).Draw(rt, "slices"))
		var all []flow.Record
		cut := false
		for _, key := range keys {
			sum := flow.Record{Key: key, Hour: 20}
			for _, at := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(parts)-1), 1, len(parts), rapid.ID).Draw(rt, "in slices") {
				r := flow.Record{Key: key, Totals: flow.Totals{BytesTx: bytesOf.Draw(rt, "tx"), BytesRx: bytesOf.Draw(rt, "rx")}, Hour: 20}
				parts[at] = append(parts[at], r)
				total, saturated := sum.Add(r.Totals)
				sum.Totals, cut = total, cut || saturated
			}
			all = append(all, sum)
		}
		ranked := rapid.Bool().Draw(rt, "ranked")
		var saturated atomic.Int64
		merged := mergedAnswer{saturated: &saturated}
		for _, part := range parts {
			var answer peer.Answer
			chunks := fixed{parts: slices.Collect(slices.Chunk(part, rapid.IntRange(1, 40).Draw(rt, "part")))}
			if answer = chunks; rapid.Bool().Draw(rt, "shared") || ranked {
				answer = shared{chunks}
			}
			if rapid.Bool().Draw(rt, "columns") {
				answer = inColumns{answer}
			}
			merged.slices = append(merged.slices, answer)
		}
		var got bytes.Buffer
		n, err := merged.WriteTo(&got)
		if err != nil || n != int64(got.Len()) {
			rt.Fatalf("WriteTo = %d, %v, want %d bytes", n, err, got.Len())
		}
		if want := document(all); !bytes.Equal(got.Bytes(), want) {
			rt.Fatalf("merged:\n%s\nwant:\n%s", got.Bytes(), want)
		}
		if (saturated.Load() > 0) != cut { // P14
			rt.Fatalf("%d totals counted as cut, want some: %t", saturated.Load(), cut)
		}
	})
}

func TestAnHourIsAsCompleteAsItsSlices(t *testing.T) {
	for _, test := range []struct{ parts, want string }{
		{"true true", "true"}, {"true unproven", "unproven"}, {"unproven true", "unproven"},
		{"unproven false true", "false"}, {"false unproven", "false"},
	} {
		var merged mergedAnswer
		for part := range strings.FieldsSeq(test.parts) {
			complete, err := contract.ParseCompleteness(part)
			if err != nil {
				t.Fatal(err)
			}
			merged.slices = append(merged.slices, fixed{complete: complete})
		}
		if got := merged.Complete(); got.String() != test.want {
			t.Errorf("Complete of slices that are %s = %s, want %s", test.parts, got, test.want)
		}
	}
}

func TestAnHourBreaksOffWithItsSlice(t *testing.T) {
	of := func(src string) []flow.Record {
		return []flow.Record{{Key: flow.Key{SrcApp: src, DestApp: "b", VPCID: "c"}}}
	}
	whole, gone := fixed{parts: [][]flow.Record{of("a"), of("x")}}, errors.New("peer is gone")
	for name, broken := range map[string]peer.Answer{
		"an error at once":      fixed{err: gone},
		"an error within":       fixed{parts: [][]flow.Record{of("b")}, err: gone},
		"a part out of order":   fixed{parts: [][]flow.Record{of("b"), of("a")}},
		"the same part twice":   fixed{parts: [][]flow.Record{of("b"), of("b")}},
		"flows out of order":    shared{fixed{parts: [][]flow.Record{append(of("b"), of("a")...)}}},
		"shared parts swapped":  shared{fixed{parts: [][]flow.Record{of("b"), of("a")}}},
		"columns cut short":     inColumns{fixed{err: gone}},
		"a reading without any": &localAnswer{Reading: &replica.Reading{}},
	} {
		var out bytes.Buffer
		merged := mergedAnswer{slices: []peer.Answer{whole, broken}}
		if _, err := merged.WriteTo(&out); err == nil {
			t.Errorf("%s: WriteTo = nil, want an error; it wrote %s", name, out.Bytes())
		}
	}
}

// A merged answer holds no CPU slot while it waits for a store, because two answers could otherwise wait for each
// other.
func TestMergingReleasesItsCPUSlot(t *testing.T) {
	slots, merged := admission.NewCPUSlots(1), mergedAnswer{}
	for range 3 {
		reading, err := hourOf(t, 10_000).Read(flow.Slice{Hour: 493_000})
		if err != nil {
			t.Fatal(err)
		}
		merged.slices = append(merged.slices, &localAnswer{Reading: &replica.Reading{Reading: reading}, slots: slots})
	}
	merged.slots = slots
	if _, err := merged.WriteTo(io.Discard); err != nil || len(slots) != 0 {
		t.Errorf("WriteTo = %v with %d slots taken after it, want nil, 0", err, len(slots))
	}
	gone := errors.New("client is gone")
	if _, err := merged.WriteTo(failing{gone}); !errors.Is(err, gone) || len(slots) != 0 {
		t.Errorf("WriteTo = %v with %d slots taken after it, want %v, 0", err, len(slots), gone)
	}
}

// Memory does not depend on the number of flows.
func TestMergingTakesLittleMemory(t *testing.T) {
	const slicesOfHour, parts, most = 8, 100, 16 << 20 // all parts together take some 100 MB
	var merged mergedAnswer
	for i := range slicesOfHour {
		merged.slices = append(merged.slices, endless{slice: i, parts: parts})
	}
	before := heap()
	gauge := &heapGauge{}
	n, err := merged.WriteTo(gauge)
	if err != nil || n < 200<<20 {
		t.Fatalf("WriteTo = %d, %v, want some 300 MB", n, err)
	}
	if took := int64(gauge.most) - int64(before); took > most {
		t.Errorf("merging took %d MiB, want at most %d", took>>20, most>>20)
	}
}

// endless is an answer that makes each part on demand.
type endless struct {
	mergeable
	slice, parts int
}

func (a endless) Complete() contract.Completeness { return contract.Complete }

func (a endless) Parts() iter.Seq2[*flow.Batch, error] {
	return func(yield func(*flow.Batch, error) bool) {
		for part := range a.parts {
			names := []string{fmt.Sprintf("source-%04d-%d", part, a.slice), "vpc"}
			for i := range partFlows {
				names = append(names, fmt.Sprintf("destination-%06d", i))
			}
			b := flow.NewBatchBuilder(names).Batch(flow.Slice{}, partFlows, func(i int) ([3]uint32, flow.Totals) {
				return [3]uint32{0, uint32(i) + 2, 1}, flow.Totals{}
			})
			if !yield(b, nil) {
				return
			}
		}
	}
}

// heapGauge is a writer that measures the heap now and then.
type heapGauge struct {
	writes int
	most   uint64
}

func (g *heapGauge) Write(p []byte) (int, error) {
	if g.writes++; g.writes%100 == 0 {
		g.most = max(g.most, heap())
	}
	return len(p), nil
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// failing is a writer that fails.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// The benchmark measures the work of all four nodes for an hour of 16 slices with every flow in each, without HTTP and
// sockets.
func BenchmarkMergeSlices(b *testing.B) {
	const slicesOfHour, flows = 16, 50_000
	stores := make([]*store.Store, slicesOfHour)
	for i := range stores {
		stores[i] = store.New(store.Config{}, store.Deps{})
	}
	for first := 0; first < flows; first += 1000 {
		p, err := flow.AddUp(someFlows(first, 1000))
		if err != nil {
			b.Fatal(err)
		}
		for i, s := range stores {
			batch := *p.Batches[0]
			batch.Slice.Index, batch.Dot = uint32(i), flow.Dot{Origin: 1, Seq: uint64(first + 1)}
			if err := s.Apply(flow.Written{Batch: &batch}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		var merged mergedAnswer
		for i, s := range stores {
			slice := flow.Slice{Hour: 493_000, Index: uint32(i)}
			reading, err := s.Read(slice)
			if err != nil {
				b.Fatal(err)
			}
			here := &localAnswer{Reading: &replica.Reading{Reading: reading}, slice: slice, columns: true}
			if merged.slices = append(merged.slices, here); i%4 > 0 {
				merged.slices[i] = inColumns{here}
			}
		}
		if _, err := merged.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/flows/slicesOfHour, "ns/row")
}
