package pack

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
)

// drawn draws batches of one slice in the order of their dots, small and large ones, with holes between their seqs.
func drawn(t *rapid.T) (all []flow.Written) {
	app := rapid.SampledFrom([]string{"a", "b", "service-1", "größe", "x\x00y"})
	slice := flow.Slice{Hour: flow.Hour(rapid.Int64().Draw(t, "hour")), Index: rapid.Uint32().Draw(t, "slice")}
	dot := flow.Dot{Origin: 1}
	for range rapid.IntRange(1, 12).Draw(t, "batches") {
		if rapid.IntRange(0, 9).Draw(t, "origin") == 0 {
			dot = flow.Dot{Origin: dot.Origin + 1}
		}
		dot.Seq += rapid.SampledFrom([]uint64{1, 1, 1, 2, 100, 256, 1 << 60}).Draw(t, "gap")
		var records []flow.Record
		for i := range rapid.SampledFrom([]int{1, 2, 5, MostFlows, MostFlows + 1}).Draw(t, "flows") {
			records = append(records, flow.Record{
				Key:    flow.Key{SrcApp: app.Draw(t, "src"), DestApp: app.Draw(t, "dest"), VPCID: fmt.Sprint("vpc", i)},
				Totals: flow.Totals{BytesTx: rapid.Int64Min(0).Draw(t, "tx"), BytesRx: int64(i)}, Hour: slice.Hour,
			})
		}
		p, err := flow.AddUp(records)
		if err != nil {
			t.Fatal(err)
		}
		b := p.Batches[0]
		b.Slice, b.Dot = slice, dot
		if rapid.Bool().Draw(t, "ID") {
			b.ID = flow.ID{1, byte(len(all))}
		}
		if rapid.Bool().Draw(t, "Key") {
			b.Key = flow.ID{2, byte(len(all))}
		}
		all = append(all, flow.Written{Batch: b, Bytes: b.Encode()})
	}
	return all
}

// Every batch comes out of its pack with the bytes that it went in with: its dot, its ID, its Key and its rows (P2).
func TestAPackIsTakenApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawn(t)
		var out []flow.Batch
		for from, run := range Runs(all) {
			if from != len(out) {
				t.Fatalf("the run of %s begins at %d, want %d", run[0].Dot, from, len(out))
			}
			first, last := run[0], run[len(run)-1]
			if first.Dot.Origin != last.Dot.Origin || last.Dot.Seq-first.Dot.Seq >= MostBatches {
				t.Fatalf("one run has %s and %s", first.Dot, last.Dot)
			}
			if len(run) == 1 {
				out = append(out, *run[0])
				continue
			}
			value := Append(nil, run)
			apart, err := Parse(value)
			if err != nil || !Is(value) || len(apart) != len(run) {
				t.Fatalf("Parse = %d batches, %v, want %d", len(apart), err, len(run))
			}
			out = append(out, apart...)
		}
		if len(out) != len(all) {
			t.Fatalf("%d batches come out, want %d", len(out), len(all))
		}
		for i := range out {
			if !bytes.Equal(out[i].Encode(), all[i].Bytes) {
				t.Fatalf("batch %s is another one outside of its pack", all[i].Dot)
			}
		}
	})
}

// A Sender sends each batch that its caller takes once, in frames that an Intake reads, with and without packs.
func TestASenderSendsWhatIsTaken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawn(t)
		packs, skip := rapid.Bool().Draw(t, "packs"), uint64(rapid.IntRange(0, 3).Draw(t, "skip"))
		take := func(d flow.Dot) bool { return skip == 0 || d.Seq%(skip+1) != 0 }
		var got, want []string
		s := Sender{Packs: packs, Send: func(frame []byte) error {
			if Is(frame) && !packs {
				t.Fatal("a pack for a receiver without packs")
			}
			batches, err := Written(frame)
			for _, w := range batches {
				got = append(got, string(w.Bytes))
			}
			return err
		}}
		var values [][]byte
		for from, run := range Runs(all) {
			if len(run) == 1 || rapid.Bool().Draw(t, "in values of their own") {
				for _, w := range all[from : from+len(run)] {
					values = append(values, w.Bytes)
				}
				continue
			}
			values = append(values, Append(nil, run))
		}
		for _, v := range values {
			if err := s.Value(v, take); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
		for _, w := range all {
			if take(w.Dot) {
				want = append(want, string(w.Bytes))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%d batches are sent, want %d", len(got), len(want))
		}
	})
}

// Neighbours of one origin share their frames: 600 batches of one flow are three packs.
func TestNeighboursShareFrames(t *testing.T) {
	frames, size := 0, 0
	s := Sender{Packs: true, Send: func(frame []byte) error { frames++; size += len(frame); return nil }}
	alone := 0
	for seq := range uint64(600) {
		b := small(seq + 1)
		alone += len(b.Encode())
		if err := s.Value(b.Encode(), func(flow.Dot) bool { return true }); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil || frames != 3 || size > alone/2 {
		t.Errorf("600 batches are %d frames of %d bytes, %v; want 3 of less than half of %d", frames, size, err, alone)
	}
}

func small(seq uint64) *flow.Batch {
	return &flow.Batch{
		Slice: flow.Slice{Hour: 7}, Dot: flow.Dot{Origin: 3, Seq: seq}, ID: flow.ID{1, byte(seq)}, Key: flow.ID{2, byte(seq)},
		Names: []string{"service-a", "service-b", "vpc-1"},
		Src:   []uint32{0}, Dest: []uint32{1}, VPC: []uint32{2}, Tx: []int64{1000}, Rx: []int64{int64(seq)},
	}
}

// The negative control folds a run: the sums stay, and the IDs are lost.
func TestFoldedBatchesHaveNoIDs(t *testing.T) {
	var all []flow.Written
	for seq := range uint64(3) {
		b := small(seq + 1)
		all = append(all, flow.Written{Batch: b, Bytes: b.Encode()})
	}
	folded := Folded(all)
	sum := int64(0)
	for i, w := range folded {
		sum += w.Tx[0]
		if !w.ID.IsZero() || w.Dot != all[i].Dot || !reflect.DeepEqual(w.Names, all[i].Names) {
			t.Errorf("batch %d is %+v", i, w.Batch)
		}
	}
	if len(folded) != 3 || sum != 3000 || len(Folded(all[:1])) != 1 || Folded(all[:1])[0].ID.IsZero() {
		t.Errorf("Folded = %d batches of %d bytes sent, want 3 of 3000", len(folded), sum)
	}
}

// P16: Parse accepts only the output of Append, and fails for anything else.
func FuzzParse(f *testing.F) {
	run := []*flow.Batch{small(1), small(2), small(9)}
	run[1].ID, run[2].Key = flow.ID{}, flow.ID{}
	whole := Append(nil, run)
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(Append(nil, run[:1]))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, data := range [][]byte{data, withSum(data)} {
			batches, err := Parse(data)
			if err != nil {
				if !errors.Is(err, ErrMalformed) {
					t.Fatalf("Parse = %v, want ErrMalformed", err)
				}
				continue
			}
			var run []*flow.Batch
			for i := range batches {
				if again, err := flow.ParseBatch(batches[i].Encode()); err != nil || again.Dot != batches[i].Dot {
					t.Fatalf("batch %d of the pack is none: %v", i, err)
				}
				run = append(run, &batches[i])
			}
			if again := Append(nil, run); !bytes.Equal(again, data) {
				t.Fatalf("Parse accepts %x, which is written as %x", data, again)
			}
		}
	})
}

// withSum returns data with the checksum of its content, so that fuzzing gets behind the checksum.
func withSum(data []byte) []byte {
	if len(data) < sumEnd {
		return data
	}
	data = bytes.Clone(data)
	setSum(data)
	return data
}
