package flow

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The refusals of values by the contract.
const (
	wantName  = "must be a string of 1 to 256 bytes"
	wantBytes = "must be an integer from 0 to 9007199254740991"
	wantHour  = "must be an integer from -9223372036854775808 to 9223372036854775807"
)

// rec returns a record of the flow a to b in v.
func rec(hour Hour, a, b, v string, tx, rx int64) Record {
	return Record{Key: Key{a, b, v}, Totals: Totals{tx, rx}, Hour: hour}
}

// mustAddUp adds up valid records.
func mustAddUp(t testing.TB, records []Record) *Posting {
	t.Helper()
	p, err := AddUp(records)
	if err != nil {
		t.Fatalf("AddUp(%d records) = %v, want no error", len(records), err)
	}
	return p
}

// hourKey is a flow in an hour.
type hourKey struct {
	hour Hour
	key  Key
}

// fold adds up records in the simplest way.
func fold(records []Record) map[hourKey]Totals {
	sums := map[hourKey]Totals{}
	for _, r := range records {
		k := hourKey{r.Hour, r.Key}
		sums[k] = Totals{sums[k].BytesTx + r.BytesTx, sums[k].BytesRx + r.BytesRx}
	}
	return sums
}

// sums returns the totals of a posting. It fails if a flow is in it twice.
func sums(t testing.TB, p *Posting) map[hourKey]Totals {
	t.Helper()
	all := map[hourKey]Totals{}
	for _, b := range p.Batches {
		for i := range b.Len() {
			k := hourKey{b.Slice.Hour, b.FlowKey(i)}
			if _, twice := all[k]; twice {
				t.Fatalf("flow %v is in the posting twice", k)
			}
			all[k] = b.Totals(i)
		}
	}
	return all
}

// names draws from a few names, so that flows repeat, and from odd names.
func names() *rapid.Generator[string] {
	odd := rapid.StringN(1, 20, MaxName)
	return rapid.OneOf(rapid.SampledFrom([]string{"a", "b", "c", "ab", "bc"}), odd)
}

// records draws records with sums below 2^63.
func records() *rapid.Generator[[]Record] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Record {
		return Record{
			Key:    Key{names().Draw(t, "src"), names().Draw(t, "dest"), names().Draw(t, "vpc")},
			Totals: Totals{rapid.Int64Range(0, MaxBytes).Draw(t, "tx"), rapid.Int64Range(0, MaxBytes).Draw(t, "rx")},
			Hour:   Hour(rapid.Int64Range(-2, 2).Draw(t, "hour")),
		}
	}), 0, 60)
}

// typical returns n records of the kind that an agent sends: of one hour, with some repetition.
func typical(n int) []Record {
	all := make([]Record, n)
	for i := range all {
		src, dest := fmt.Sprintf("service-%d", i%61), fmt.Sprintf("backend-%d", i%17)
		all[i] = rec(490000, src, dest, fmt.Sprintf("vpc-%d", i%3), int64(i)*997, int64(i)*1999)
	}
	return all
}

// body returns the JSON array of records.
func body(records []Record) []byte {
	var b strings.Builder
	for i, r := range records {
		b.WriteByte("[,"[min(i, 1)])
		b.Write(AppendRecord(nil, r))
	}
	return []byte(b.String() + "]")
}

// allocated returns the number of bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
