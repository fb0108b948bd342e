package flow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"flowring/internal/cputime"
)

const benchRecords = 1000

// perRecord runs f in the loop of the benchmark and reports the CPU time for each of its records.
func perRecord(b *testing.B, records int, f func()) {
	b.Helper()
	cputime.PerUnit(b, "record", records, func() error { f(); return nil })
}

// zipf returns n records of 10,000 flows. Some flows are much more frequent than others, as in real traffic.
func zipf(n int) []Record {
	const flows = 10_000
	rng := rand.New(rand.NewPCG(1, 2))
	draw := rand.NewZipf(rng, 1.1, 1, flows-1)
	all := make([]Record, n)
	for i := range all {
		f := int(draw.Uint64())
		src, dest := fmt.Sprintf("checkout-service-%d", f%211), fmt.Sprintf("backend-%d", f*7%307)
		all[i] = rec(490000, src, dest, fmt.Sprintf("vpc-%d", f%5), rng.Int64N(1<<20), rng.Int64N(1<<30))
	}
	return all
}

// indented returns JSON text with line breaks and indents.
func indented(text []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// shuffled returns a body whose records have their fields in different orders.
func shuffled(in []Record) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var all [][]byte
	for _, r := range in {
		fields := bytes.Split(bytes.Trim(AppendRecord(nil, r), "{}"), []byte(","))
		rng.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		all = append(all, slices.Concat([]byte("{"), bytes.Join(fields, []byte(",")), []byte("}")))
	}
	return slices.Concat([]byte("["), bytes.Join(all, []byte(",")), []byte("]"))
}

func BenchmarkDecode(b *testing.B) {
	text := body(zipf(benchRecords))
	hours := zipf(benchRecords)
	for i := range hours {
		hours[i].Hour = Hour(i)
	}
	for _, c := range []struct {
		name    string
		text    []byte
		records int
	}{
		{"zipf", text, benchRecords},
		{"lines", bytes.ReplaceAll(text[1:len(text)-1], []byte("},{"), []byte("}\n{")), benchRecords},
		{"distinct", body(typical(benchRecords)), benchRecords},
		{"five", body(zipf(5)), 5},
		{"indented", indented(text), benchRecords},
		{"hours", body(hours), benchRecords},
		{"text", bytes.ReplaceAll(text, []byte(`}`), []byte(`,"proto":"tcp","port":443}`)), benchRecords},
		{"unknown", bytes.ReplaceAll(text, []byte(`}`), []byte(`,"took":0.5}`)), benchRecords},
		{"escapes", bytes.ReplaceAll(text, []byte(`vpc-`), []byte(`vpc\/`)), benchRecords},
		{"orders", shuffled(zipf(benchRecords)), benchRecords},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			var d Decoder
			perRecord(b, c.records, func() {
				if _, err := d.Decode(c.text); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkAddUp(b *testing.B) {
	in := typical(benchRecords)
	perRecord(b, benchRecords, func() { mustAddUp(b, in) })
}

// distinct returns a batch of benchRecords distinct flows.
func distinct(b *testing.B) *Batch {
	in := typical(61 * 17 * 3)[:benchRecords]
	batch := mustAddUp(b, in).Batches[0]
	if batch.Len() != benchRecords {
		b.Fatalf("the batch has %d flows, want %d", batch.Len(), benchRecords)
	}
	return batch
}

func BenchmarkEncode(b *testing.B) {
	batch := distinct(b)
	perRecord(b, benchRecords, func() { batch.Encode() })
}

func BenchmarkParseBatch(b *testing.B) {
	for name, batch := range map[string]*Batch{"distinct": distinct(b), "zipf": mustAddUp(b, zipf(benchRecords)).Batches[0]} {
		b.Run(name, func(b *testing.B) {
			data := batch.Encode()
			b.SetBytes(int64(len(data)))
			perRecord(b, batch.Len(), func() {
				if _, err := ParseBatch(data); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkIdentify(b *testing.B) {
	for name, records := range map[string]int{"1000": benchRecords, "5": 5} {
		p := mustAddUp(b, typical(records))
		b.Run(name, func(b *testing.B) { perRecord(b, records, func() { p.Identify("agent", "key") }) })
	}
}

func BenchmarkAppendRecord(b *testing.B) {
	in, dst := typical(benchRecords), []byte(nil)
	perRecord(b, benchRecords, func() {
		dst = dst[:0]
		for _, r := range in {
			dst = AppendRecord(dst, r)
		}
	})
}
