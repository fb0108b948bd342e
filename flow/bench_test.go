package flow

import "testing"

const benchRecords = 1000

// perRecord reports the time per record of a benchmark whose loop is about benchRecords.
func perRecord(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchRecords), "ns/record")
	b.ReportAllocs()
}

func BenchmarkDecode(b *testing.B) {
	text := body(typical(benchRecords))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Decode(text, 1); err != nil {
			b.Fatal(err)
		}
	}
	perRecord(b)
}

func BenchmarkAddUp(b *testing.B) {
	in := typical(benchRecords)
	for b.Loop() {
		mustAddUp(b, in, 1)
	}
	perRecord(b)
}

// distinct returns a batch of benchRecords flows.
func distinct(b *testing.B) *Batch {
	in := typical(61 * 17 * 3)[:benchRecords]
	batch := mustAddUp(b, in, 1).Batches[0]
	if batch.Len() != benchRecords {
		b.Fatalf("the batch has %d flows, want %d", batch.Len(), benchRecords)
	}
	return batch
}

func BenchmarkEncode(b *testing.B) {
	batch := distinct(b)
	for b.Loop() {
		_ = batch.Encode()
	}
	perRecord(b)
}

func BenchmarkParseBatch(b *testing.B) {
	data := distinct(b).Encode()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := ParseBatch(data); err != nil {
			b.Fatal(err)
		}
	}
	perRecord(b)
}

func BenchmarkIdentify(b *testing.B) {
	p := mustAddUp(b, typical(benchRecords), 1)
	for b.Loop() {
		p.Identify("agent", "key")
	}
	perRecord(b)
}

func BenchmarkAppendRecord(b *testing.B) {
	in, dst := typical(benchRecords), []byte(nil)
	for b.Loop() {
		dst = dst[:0]
		for _, r := range in {
			dst = AppendRecord(dst, r)
		}
	}
	perRecord(b)
}
