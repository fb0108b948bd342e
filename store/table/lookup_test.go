package table

import (
	"math"
	"testing"

	"flowring/flow"
)

func recordOf(src, dest string, tx int64) flow.Record {
	return flow.Record{Key: flow.Key{SrcApp: src, DestApp: dest, VPCID: "v"}, Totals: flow.Totals{BytesTx: tx}}
}

// The look-ups for an admission count only new names and flows, and do not change the table (P12, P14).
func TestLookupsCountNewNamesAndFlows(t *testing.T) {
	table := New()
	addRecords(t, table, []flow.Record{recordOf("a", "b", math.MaxInt64-5), recordOf("b", "a", 1)})
	for _, tt := range []struct {
		name         string
		records      []flow.Record
		names, flows int
		overflows    bool
	}{
		{"known flows", []flow.Record{recordOf("a", "b", 5), recordOf("b", "a", 1)}, 0, 0, false},
		{"a new flow of known names", []flow.Record{recordOf("a", "a", 1)}, 0, 1, false},
		{"a new name in two new flows", []flow.Record{recordOf("a", "c", 1), recordOf("c", "a", 1)}, 1, 2, false},
		{"one byte too many", []flow.Record{recordOf("a", "b", 6)}, 0, 0, true},
		{"as many bytes for another flow", []flow.Record{recordOf("b", "a", 6)}, 0, 0, false},
	} {
		p, err := flow.AddUp(tt.records)
		if err != nil {
			t.Fatal(err)
		}
		b := p.Batches[0]
		if names, flows := table.NewNames(b), table.NewFlows(b); names != tt.names || flows != tt.flows {
			t.Errorf("%s: %d new names and %d new flows, want %d and %d", tt.name, names, flows, tt.names, tt.flows)
		}
		if got := table.Overflows(b); got != tt.overflows {
			t.Errorf("%s: Overflows = %t, want %t", tt.name, got, tt.overflows)
		}
	}
	if names, flows := table.Names(), table.Flows(); names != 3 || flows != 2 {
		t.Errorf("the table has %d names and %d flows after the look-ups, want 3 and 2", names, flows)
	}
}
