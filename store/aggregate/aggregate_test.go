package aggregate_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/flow/query/merge"
	"flowring/flow/query/naive"
	"flowring/store/aggregate"
	"flowring/store/table"
)

// drawSpec draws a valid question about the hours from -30 to 30.
func drawSpec(t *rapid.T) *query.Spec {
	pattern := rapid.Map(rapid.SampledFrom([]string{"a", "b", "*", "a*", "*b", "v", "x"}), query.ParsePattern)
	filter := func(label string) query.Filter {
		if rapid.IntRange(0, 2).Draw(t, label) > 0 {
			return query.Filter{}
		}
		return query.Filter{
			Include: rapid.SliceOfN(pattern, 0, 2).Draw(t, label+" includes"),
			Exclude: rapid.SliceOfN(pattern, 0, 1).Draw(t, label+" excludes"),
		}
	}
	s := &query.Spec{
		From: -30, To: 30,
		Filters:  query.Filters{Src: filter("src"), Dest: filter("dest"), VPC: filter("vpc"), App: filter("app")},
		Group:    query.Fields(rapid.IntRange(0, 31).Draw(t, "group")),
		MinBytes: rapid.SampledFrom([]int64{0, 0, 40}).Draw(t, "min_bytes"),
	}
	if s.Group.Has(query.Hour) {
		s.Group &^= query.FieldsOf(query.Day)
	}
	switch rapid.SampledFrom([]string{"top", "series", "limit", "field", "sum", "all"}).Draw(t, "form") {
	case "top":
		s.Top, s.By = rapid.IntRange(1, 3).Draw(t, "top"), query.Measure(rapid.IntRange(0, 2).Draw(t, "by"))
	case "series":
		s.Top, s.Series, s.HasSeries = 2, rapid.SampledFrom([]query.Field{query.Hour, query.Day}).Draw(t, "series"), true
		s.Group &^= query.FieldsOf(query.Hour, query.Day)
	case "limit":
		s.Limit = rapid.IntRange(1, 4).Draw(t, "limit")
		if s.Group != 0 {
			s.After = drawKey(t, s)
		}
	case "field":
		if fields := slices.Collect(s.Group.All()); len(fields) > 0 {
			s.Sort = query.Sort{By: query.SortByField, Field: rapid.SampledFrom(fields).Draw(t, "field"), Descending: rapid.Bool().Draw(t, "descending")}
			s.After = drawKey(t, s)
		}
	case "sum":
		s.Limit, s.Sort = 3, query.Sort{By: query.SortByMeasure, Descending: rapid.Bool().Draw(t, "descending")}
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return s
}

// drawKey draws a key behind which the groups begin.
func drawKey(t *rapid.T, s *query.Spec) *query.Key {
	r := drawRecord(t)
	key := &query.Key{Time: s.Time(r.Hour)}
	for field, set := range map[query.Field]func(){
		query.SrcApp: func() { key.Src = r.SrcApp }, query.DestApp: func() { key.Dest = r.DestApp }, query.VPCID: func() { key.VPC = r.VPCID },
	} {
		if s.Group.Has(field) {
			set()
		}
	}
	return key
}

func drawRecord(t *rapid.T) flow.Record {
	app := rapid.SampledFrom([]string{"a", "b", "ab", "abcdefgh", "abcdefghi", "é"})
	moved := rapid.SampledFrom([]int64{0, 1, 2, 30, math.MaxInt64, math.MaxInt64 - 1})
	return flow.Record{
		Key: flow.Key{
			SrcApp: app.Draw(t, "src"), DestApp: app.Draw(t, "dest"), VPCID: rapid.SampledFrom([]string{"v", "w", "a"}).Draw(t, "vpc"),
		},
		Totals: flow.Totals{BytesTx: moved.Draw(t, "tx"), BytesRx: moved.Draw(t, "rx")},
		Hour:   flow.Hour(rapid.IntRange(-25, 26).Draw(t, "hour")),
	}
}

// drawSlices draws the records of slices. Each slice has one hour and each flow at most once.
func drawSlices(t *rapid.T) [][]flow.Record {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []flow.Record {
		all := rapid.SliceOfNDistinct(rapid.Custom(drawRecord), 1, 12, func(r flow.Record) flow.Key { return r.Key }).Draw(t, "records")
		for i := range all {
			all[i].Hour = all[0].Hour
		}
		return all
	}), 0, 5).Draw(t, "slices")
}

// addSlice adds a slice as a view, as selected flows, as a batch or as totals.
func addSlice(t *rapid.T, g *aggregate.Groups, spec *query.Spec, records []flow.Record) {
	forms := []string{"view", "batch"}
	if g.Filtered() {
		forms = append(forms, "selection")
	}
	if g.TotalsSuffice() {
		forms = append(forms, "totals")
	}
	p, err := flow.AddUp(records)
	if err != nil {
		t.Fatal(err)
	}
	b := p.Batches[0]
	tab, view := table.New(), new(table.View)
	rows := tab.Group(b)
	tab.Add(b, rows)
	tab.Release(rows)
	switch rapid.SampledFrom(forms).Draw(t, "form of a slice") {
	case "view":
		tab.CopyTo(view, b.Slice.Hour, g.Room(tab.Flows()))
		err = g.AddView(view, b.Slice.Hour)
	case "selection":
		tab.CopyKeys(view, b.Slice.Hour)
		if selected := g.Select(view); !selected.CopyTotals(tab, view) {
			t.Fatal("the table has other flows than the view")
		}
		err = g.AddSelected(view, b.Slice.Hour)
	case "batch":
		err = g.AddBatch(b)
	case "totals":
		var tx, rx query.Sum
		for _, r := range records {
			tx, rx = tx.Plus(query.SumOf(r.BytesTx)), rx.Plus(query.SumOf(r.BytesRx))
		}
		err = g.AddTotals(b.Slice.Hour, tx, rx)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// framesOf is a source of the groups that crossed the network.
func framesOf(spec *query.Spec, g *aggregate.Groups, size int) merge.Source {
	return func(yield func([]query.Row, error) bool) {
		for frame := range g.Frames(size) {
			rows, err := aggregate.ParseFrame(spec, frame, nil)
			if !yield(rows, err) || err != nil {
				return
			}
		}
	}
}

func blocksOf(g *aggregate.Groups, size int) merge.Source {
	return func(yield func([]query.Row, error) bool) {
		for block := range g.Blocks(size) {
			if !yield(block, nil) {
				return
			}
		}
	}
}

// The groups of any stores, in frames or blocks of any size, merge into the rows of the naive fold.
func TestGroupsAnswerLikeTheNaiveFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, size := drawSpec(t), rapid.SampledFrom([]int{1, 50, 1000}).Draw(t, "size of frames")
		var all []flow.Record
		var sources []merge.Source
		for i, slices := range [][][]flow.Record{drawSlices(t), drawSlices(t)} {
			g := aggregate.New(spec, 0)
			for _, records := range slices {
				addSlice(t, g, spec, records)
				all = append(all, records...)
			}
			if i == 0 {
				sources = append(sources, framesOf(spec, g, size))
			} else {
				sources = append(sources, blocksOf(g, size))
			}
		}
		merged := merge.New(spec, sources)
		var got []query.Row
		for row, err := range merged.All() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, row)
		}
		want, wantMore := naive.Rows(spec, all)
		if _, more := merged.Next(); !slices.Equal(got, want) || more != wantMore {
			t.Fatalf("%+v of %+v =\n%+v, %t, want\n%+v, %t", spec, all, got, more, want, wantMore)
		}
	})
}

// A store sends its groups in the order of the question, behind After, each once.
func TestGroupsComeInTheOrderOfTheQuestion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t)
		g := aggregate.New(spec, 0)
		for _, records := range drawSlices(t) {
			addSlice(t, g, spec, records)
		}
		last := spec.After
		for block := range g.Blocks(1) {
			key := block[0].Key
			if last != nil && spec.Compare(*last, key) >= 0 {
				t.Fatalf("%+v: group %+v behind %+v", spec, key, *last)
			}
			last = &key
		}
	})
}

func TestGroupsBeyondTheLimitAreRefused(t *testing.T) {
	spec := &query.Spec{From: 0, To: 9, Group: query.FieldsOf(query.SrcApp)}
	byKey := *spec
	byKey.Group = query.DefaultFields
	for _, spec := range []*query.Spec{spec, &byKey} {
		g := aggregate.New(spec, 30)
		for i := range 31 {
			p, err := flow.AddUp([]flow.Record{{Key: flow.Key{SrcApp: fmt.Sprint(i), DestApp: "d", VPCID: "v"}}})
			if err != nil {
				t.Fatal(err)
			}
			err = g.AddBatch(p.Batches[0])
			if refused := errors.Is(err, aggregate.ErrTooManyGroups); refused != (i == 30) {
				t.Fatalf("group %d: %v", i+1, err)
			}
			if g.Len() != min(i+1, 30) {
				t.Fatalf("%d groups after %d", g.Len(), i+1)
			}
		}
	}
}

// Many groups cross the growth of the hash table and frames of several names.
func TestManyGroupsSurviveFrames(t *testing.T) {
	spec := &query.Spec{From: 0, To: 99, Group: query.DefaultFields | query.FieldsOf(query.Hour)}
	g := aggregate.New(spec, 0)
	const hours, flows = 7, 3000
	for hour := range flow.Hour(hours) {
		var records []flow.Record
		for i := range flows {
			records = append(records, flow.Record{
				Key:    flow.Key{SrcApp: fmt.Sprint("app-", i%97), DestApp: fmt.Sprint("app-", i/97), VPCID: "vpc"},
				Totals: flow.Totals{BytesTx: math.MaxInt64, BytesRx: int64(i)}, Hour: hour,
			})
		}
		p, err := flow.AddUp(records)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := g.AddBatch(p.Batches[0]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if g.Len() != hours*flows {
		t.Fatalf("%d groups", g.Len())
	}
	var framed, direct []query.Row
	for frame := range g.Frames(4096) {
		var err error
		if framed, err = aggregate.ParseFrame(spec, frame, framed); err != nil {
			t.Fatal(err)
		}
	}
	for block := range g.Blocks(100) {
		direct = append(direct, block...)
	}
	if !reflect.DeepEqual(framed, direct) {
		t.Error("frames and blocks have other groups")
	}
	want := query.SumOf(math.MaxInt64).Plus(query.SumOf(math.MaxInt64)).Plus(query.SumOf(math.MaxInt64))
	for _, row := range framed {
		if row.Tx != want {
			t.Fatalf("%+v, want a sum of %+v", row, want)
		}
	}
}
