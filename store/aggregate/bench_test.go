package aggregate_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/flow/query/merge"
	"flowring/store/aggregate"
	"flowring/store/table"
)

const (
	benchHours = 24
	benchFlows = 200_000
	benchApps  = 2000
)

// dayOfViews returns a day of hours, each with the same flows in an order of its own, between benchApps applications in
// 10 VPCs.
func dayOfViews() []*table.View {
	rng := rand.New(rand.NewPCG(1, 2))
	var names []string
	for i := range benchApps {
		names = append(names, fmt.Sprintf("application-%d", i))
	}
	for i := range 10 {
		names = append(names, fmt.Sprintf("vpc-%d", i))
	}
	seen, flows := map[[3]uint32]bool{}, make([][3]uint32, 0, benchFlows)
	for len(flows) < benchFlows {
		k := [3]uint32{rng.Uint32N(benchApps), rng.Uint32N(benchApps), benchApps + rng.Uint32N(10)}
		if !seen[k] {
			seen[k] = true
			flows = append(flows, k)
		}
	}
	var views []*table.View
	for hour := range benchHours {
		t, v := table.New(), new(table.View)
		rng.Shuffle(len(flows), func(i, j int) { flows[i], flows[j] = flows[j], flows[i] })
		builder := flow.NewBatchBuilder(names)
		for first := 0; first < len(flows); first += 1000 {
			b := builder.Batch(flow.Slice{Hour: flow.Hour(hour)}, 1000, func(i int) ([3]uint32, flow.Totals) {
				return flows[first+i], flow.Totals{BytesTx: rng.Int64N(1 << 20), BytesRx: rng.Int64N(1 << 20)}
			})
			rows := t.Group(b)
			t.Add(b, rows)
			t.Release(rows)
		}
		t.CopyTo(v, flow.Hour(hour), t.Room())
		views = append(views, v)
	}
	return views
}

// BenchmarkDay answers questions about 24 hours of 200,000 flows in memory, in nanoseconds for each flow.
func BenchmarkDay(b *testing.B) {
	views := dayOfViews()
	filtered := query.Filters{Src: query.Filter{Include: []query.Pattern{query.ParsePattern("application-77")}}}
	prefix := query.Filters{Src: query.Filter{Include: []query.Pattern{query.ParsePattern("application-7*")}}}
	for name, spec := range map[string]*query.Spec{
		"top 20":             {Top: 20, Group: query.DefaultFields},
		"top 20 src":         {Top: 20, Group: query.FieldsOf(query.SrcApp)},
		"top 20 src and vpc": {Top: 20, Group: query.FieldsOf(query.SrcApp, query.VPCID)},
		"by hour":            {Group: query.FieldsOf(query.Hour)},
		"one source":         {Top: 20, Group: query.DefaultFields, Filters: filtered},
		"sources by prefix":  {Top: 20, Group: query.DefaultFields, Filters: prefix},
		"all flows by hour":  {Top: 20, Group: query.DefaultFields | query.FieldsOf(query.Hour)},
	} {
		spec.To = benchHours
		for _, through := range []string{"blocks", "frames"} {
			b.Run(name+"/"+through, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					g := aggregate.New(spec, 0)
					for hour, v := range views {
						if err := g.AddView(v, flow.Hour(hour)); err != nil {
							b.Fatal(err)
						}
					}
					source := blocksOf(g, 256)
					if through == "frames" {
						source = framesOf(spec, g, 64<<10)
					}
					for _, err := range merge.New(spec, []merge.Source{source}).All() {
						if err != nil {
							b.Fatal(err)
						}
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchHours/benchFlows, "ns/flow")
			})
		}
	}
}
