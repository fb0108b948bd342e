package table

import (
	"fmt"
	"testing"

	"flowring/flow"
)

var noon = flow.Slice{Hour: 12}

// The keys of a grid lie between 2,000 applications in 10 VPCs and come in no order.
const gridApps, gridVPCs, gridStride = 2000, 10, 7919

// gridKey returns the names of key i of n: the number of the source, of the destination and of the VPC. gridStride
// and n have no common divisor.
func gridKey(i, n int) (src, dest, vpc int) {
	k := i * gridStride % n
	app := k / gridVPCs
	return app % gridApps, app / gridApps, k % gridVPCs
}

// someKeys returns n distinct keys of a grid.
func someKeys(n int) []flow.Key {
	keys := make([]flow.Key, n)
	for i := range keys {
		src, dest, vpc := gridKey(i, n)
		keys[i] = flow.Key{
			SrcApp: fmt.Sprintf("application-%d", src), DestApp: fmt.Sprintf("application-%d", dest), VPCID: fmt.Sprintf("vpc-%d", vpc),
		}
	}
	return keys
}

// addKeys adds one byte to each flow.
func addKeys(t testing.TB, table *Table, keys []flow.Key) {
	t.Helper()
	records := make([]flow.Record, len(keys))
	for i, k := range keys {
		records[i] = flow.Record{Key: k, Totals: flow.Totals{BytesTx: 1}}
	}
	addRecords(t, table, records)
}

func addRecords(t testing.TB, table *Table, records []flow.Record) {
	t.Helper()
	if len(records) == 0 {
		return
	}
	p, err := flow.AddUp(records)
	if err != nil {
		t.Fatal(err)
	}
	addBatch(table, p.Batches[0])
}

func addBatch(table *Table, b *flow.Batch) (saturated int) {
	rows := table.Group(b)
	defer table.Release(rows)
	return table.Add(b, rows)
}

func viewOf(table *Table) *View {
	v := new(View)
	table.CopyTo(v, noon.Hour, table.Room())
	return v
}

// grid fills a table with n flows.
func grid(table *Table, n int) {
	const batch = 10_000
	var names []string
	for i := range gridApps {
		names = append(names, fmt.Sprintf("application-%d", i))
	}
	for i := range gridVPCs {
		names = append(names, fmt.Sprintf("vpc-%d", i))
	}
	builder := flow.NewBatchBuilder(names)
	for first := 0; first < n; first += batch {
		b := builder.Batch(noon, min(batch, n-first), func(i int) ([3]uint32, flow.Totals) {
			src, dest, vpc := gridKey(first+i, n)
			return [3]uint32{uint32(src), uint32(dest), uint32(gridApps + vpc)}, flow.Totals{BytesTx: int64(first), BytesRx: int64(i)}
		})
		b.Dot = flow.Dot{Origin: 1, Seq: uint64(first) + 1}
		addBatch(table, b)
	}
}
