package tally

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
)

// sumsOf returns the sums of the requests of a payload, as a node reads them.
func sumsOf(t interface{ Fatal(...any) }, payload []byte) map[id]flow.Totals {
	requests, err := Parse(payload)
	if err != nil {
		t.Fatal(err)
	}
	all := map[id]flow.Totals{}
	for _, r := range requests {
		p, err := flow.Decode(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Batches {
			if b.Slice.Hour != r.Hour {
				t.Fatal("a request of hour", r.Hour, "has hour", b.Slice.Hour)
			}
			for i := range b.Len() {
				at := id{b.FlowKey(i), r.Hour}
				all[at], _ = all[at].Add(b.Totals(i))
			}
		}
	}
	return all
}

func TestThePayloadHasTheSumsOfTheRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tally Tally
		want := map[id]flow.Totals{}
		for range rapid.IntRange(0, 50).Draw(t, "records") {
			r := flow.Record{
				Key: flow.Key{SrcApp: rapid.SampledFrom([]string{"a", "\"", "b\n"}).Draw(t, "src"), DestApp: "d", VPCID: "v"},
				Totals: flow.Totals{
					BytesTx: rapid.Int64Range(0, flow.MaxBytes).Draw(t, "tx"), BytesRx: rapid.Int64Range(0, 9).Draw(t, "rx"),
				},
				Hour: flow.Hour(rapid.Int64Range(491_000, 491_002).Draw(t, "hour")),
			}
			tally.Add(r)
			at := id{r.Key, r.Hour}
			want[at], _ = want[at].Add(r.Totals)
		}
		most := rapid.SampledFrom([]int{1, 150, 300, 1 << 20}).Draw(t, "most")
		payload := tally.Payload(most)
		got := sumsOf(t, payload)
		if len(got) != len(want) {
			t.Fatalf("%d flows, want %d", len(got), len(want))
		}
		for at, sum := range want {
			if got[at] != sum {
				t.Fatalf("%v = %v, want %v", at, got[at], sum)
			}
		}
		requests, _ := Parse(payload)
		for _, r := range requests {
			if len(r.Body) > most && r.Records > 1 {
				t.Fatalf("a body of %d records has %d bytes, more than %d", r.Records, len(r.Body), most)
			}
		}
		if tally.Reset(); tally.Len() != 0 || len(tally.Payload(most)) != 0 {
			t.Fatal("not empty after Reset")
		}
	})
}

func TestSumsNeverWrap(t *testing.T) {
	var tally Tally
	r := flow.Record{Key: flow.Key{SrcApp: "a", DestApp: "b", VPCID: "v"}, Totals: flow.Totals{BytesTx: math.MaxInt64}, Hour: 491_000}
	tally.Add(r)
	r.BytesTx = flow.MaxBytes
	tally.Add(r)
	requests, err := Parse(tally.Payload(1 << 20))
	if err != nil || len(requests) != 1 || requests[0].Records != 1025+1 {
		t.Fatalf("requests = %d, %v, want one with 1026 records", len(requests), err)
	}
}

func FuzzParse(f *testing.F) {
	var tally Tally
	tally.Add(flow.Record{Key: flow.Key{SrcApp: "a", DestApp: "b", VPCID: "v"}, Hour: -1})
	f.Add(tally.Payload(100))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		requests, err := Parse(data)
		again, err2 := Parse(slices.Clone(data))
		if (err == nil) != (err2 == nil) || len(requests) != len(again) {
			t.Fatal("Parse is no function")
		}
		n := 0
		for _, r := range requests {
			n += len(r.Body)
		}
		if n > len(data) {
			t.Fatalf("%d bytes of bodies in %d bytes", n, len(data))
		}
	})
}
