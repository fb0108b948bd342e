package compact

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"flowring/flow"
	"flowring/internal/cputime"
)

// drawn returns n records of 10,000 flows. Some flows are much more frequent than others, as in real traffic.
func drawn(n int) []flow.Record {
	const flows = 10_000
	rng := rand.New(rand.NewPCG(1, 2))
	draw := rand.NewZipf(rng, 1.1, 1, flows-1)
	all := make([]flow.Record, n)
	for i := range all {
		f := int(draw.Uint64())
		src, dest := fmt.Sprintf("checkout-service-%d", f%211), fmt.Sprintf("backend-%d", f*7%307)
		all[i] = rec(490000, src, dest, fmt.Sprintf("vpc-%d", f%5), rng.Int64N(1<<20), rng.Int64N(1<<30))
	}
	return all
}

// distinct returns n records of distinct flows between few applications.
func distinct(n int) []flow.Record {
	all := make([]flow.Record, n)
	for i := range all {
		all[i] = rec(490000, fmt.Sprintf("checkout-%d", i%61), fmt.Sprintf("backend-%d", i%17), fmt.Sprintf("vpc-%d", i%3), int64(i)<<10, int64(i)<<20)
	}
	return all
}

// Both forms of the same records.
func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct {
		name    string
		records []flow.Record
	}{
		{"five", drawn(5)}, {"zipf", drawn(1000)}, {"distinct", distinct(1000)}, {"many", drawn(10_000)},
	} {
		records, n := c.records, len(c.records)
		text, err := json.Marshal(records)
		if err != nil {
			b.Fatal(err)
		}
		message := Encode(records)
		b.Run("json/"+c.name, func(b *testing.B) {
			var d flow.Decoder
			cputime.PerUnit(b, "record", n, func() error { _, err := d.Decode(text); return err })
			b.ReportMetric(float64(len(text))/float64(n), "B/record")
		})
		b.Run("protobuf/"+c.name, func(b *testing.B) {
			var d Decoder
			cputime.PerUnit(b, "record", n, func() error { _, err := d.Decode(message, n); return err })
			b.ReportMetric(float64(len(message))/float64(n), "B/record")
		})
	}
}
