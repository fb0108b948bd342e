package load

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"flowring/flow"
)

func shape() Shape {
	return Shape{Records: 50, Flows: 200, Zipf: 1, VPCs: 3, VPC: "bench-x", Newest: 20, Hours: 4, Seed: 9}
}

// all returns the records that a node decodes from the posts 0 to n-1.
func all(t *testing.T, g *Generator, n int64) []flow.Record {
	t.Helper()
	var records []flow.Record
	for i := range n {
		body, hour := g.Append(nil, i), g.shape.Newest-flow.Hour(g.draws(i).hour)
		posting, err := flow.Decode(body)
		if err != nil {
			t.Fatalf("post %d is refused: %v\n%s", i, err, body)
		}
		if posting.Records != g.shape.Records || !slices.Equal(posting.Hours(), []flow.Hour{hour}) {
			t.Fatalf("post %d has %d records of hours %v, want %d of %d", i, posting.Records, posting.Hours(), g.shape.Records, hour)
		}
		for _, b := range posting.Batches {
			for j := range b.Len() {
				records = append(records, flow.Record{Key: b.FlowKey(j), Totals: b.Totals(j), Hour: hour})
			}
		}
	}
	return records
}

func TestPostsFollowTheirShape(t *testing.T) {
	g := NewGenerator(shape())
	flows, hours := map[flow.Key]bool{}, map[flow.Hour]bool{}
	for _, r := range all(t, g, 2000) {
		flows[r.Key], hours[r.Hour] = true, true
		if !strings.HasPrefix(r.VPCID, "bench-x-") {
			t.Fatalf("a record is in %s, want bench-x-...", r.VPCID)
		}
	}
	if len(flows) != 200 || len(hours) != 4 || !hours[17] || !hours[20] {
		t.Errorf("posts are of %d flows in the hours %v, want 200 in 17 to 20", len(flows), hours)
	}
}

func TestPostsOfEqualShapesAreEqual(t *testing.T) {
	other := shape()
	other.Seed++
	a, b, c := NewGenerator(shape()), NewGenerator(shape()), NewGenerator(other)
	for n := range int64(10) {
		first := a.Append(nil, n)
		again := b.Append([]byte("kept"), n)
		differs := c.Append(nil, n)
		next := a.Append(nil, n+1)
		if !bytes.Equal(append([]byte("kept"), first...), again) {
			t.Errorf("post %d is %s, and in another run %s", n, first, again)
		}
		if bytes.Equal(first, differs) || bytes.Equal(first, next) {
			t.Errorf("post %d is the same with another seed, or as the next", n)
		}
	}
}

func TestEveryFlowHasItsOwnKey(t *testing.T) {
	for _, s := range []Shape{{Flows: 1, VPCs: 1}, {Flows: 1, VPCs: 9}, {Flows: 7, VPCs: 3}, {Flows: 1000, VPCs: 1}, {Flows: 1001, VPCs: 10},
		{Flows: 10, VPCs: 3, Apps: 30, App: "service"}, {Flows: 6300, VPCs: 7, Apps: 30}} {
		s.Records, s.Hours, s.VPC = 1, 1, "v"
		g := NewGenerator(s)
		for i := range s.Flows {
			key := g.key(i)
			if got, ok := g.index(key, strings.TrimPrefix(key.VPCID, "v-")); got != i || !ok {
				t.Fatalf("%d flows in %d VPCs: index(key(%d)) = %d, %v", s.Flows, s.VPCs, i, got, ok)
			}
		}
		all(t, g, 20)
	}
}

func TestPostsInOrderCarryEachFlowOfEachHourOnce(t *testing.T) {
	for _, stride := range []int{1, 7} {
		s := shape()
		s.Flows, s.Hours, s.Stride = 1000, 2, stride
		g := NewGenerator(s)
		records := all(t, g, 40)
		seen := map[flow.Record]bool{}
		for _, r := range records {
			seen[flow.Record{Key: r.Key, Hour: r.Hour}] = true
		}
		if len(records) != 2000 || len(seen) != 2000 {
			t.Errorf("with stride %d, 40 posts have %d records of %d flows, want 2,000 of 2,000", stride, len(records), len(seen))
		}
		stored := func(int64) Outcome { return Stored }
		if wrong, first := verify(g, records, 40, stored); wrong > 0 {
			t.Errorf("with stride %d, %d flows are not as expected, the first: %s", stride, wrong, first)
		}
		if wrong, _ := verify(g, records, 41, stored); wrong != 50 {
			t.Errorf("with stride %d and a missing post, %d flows are not as expected, want 50", stride, wrong)
		}
	}
}

// verify compares the totals of records with the expectation for the posts 0 to n-1, and returns the number of wrong
// flows.
func verify(g *Generator, records []flow.Record, n int64, outcome func(int64) Outcome) (wrong int, first string) {
	totals := map[flow.Hour]map[flow.Key]flow.Totals{}
	for _, r := range records {
		if totals[r.Hour] == nil {
			totals[r.Hour] = map[flow.Key]flow.Totals{}
		}
		totals[r.Hour][r.Key], _ = totals[r.Hour][r.Key].Add(r.Totals)
	}
	for hour, posts := range g.ByHour(n) {
		e := g.Expect(posts, outcome)
		for key, t := range totals[hour] {
			e.Compare(key, t)
		}
		e.Finish()
		if wrong == 0 {
			first = e.First
		}
		wrong += e.Wrong
	}
	return wrong, first
}

func TestVerificationComparesTotalsWithPosts(t *testing.T) {
	g := NewGenerator(shape())
	right := all(t, g, 100)
	post := all(t, g, 1)
	only := func(n int64, how Outcome) func(int64) Outcome {
		return func(i int64) Outcome {
			if i == n {
				return how
			}
			return Stored
		}
	}
	stranger := flow.Record{Key: flow.Key{SrcApp: "app-0", DestApp: "app-0", VPCID: "vpc-0"}, Totals: flow.Totals{BytesTx: 1}, Hour: 20}
	intruder := stranger
	intruder.VPCID = "bench-x-99"
	for _, test := range []struct {
		name    string
		records []flow.Record
		outcome func(int64) Outcome
		right   bool
	}{
		{"all flows are there", right, only(-1, Stored), true},
		{"flows of other runs are ignored", append(slices.Clone(right), stranger), only(-1, Stored), true},
		{"a flow that was never sent", append(slices.Clone(right), intruder), only(-1, Stored), false},
		{"a record is missing", right[1:], only(-1, Stored), false},
		{"a post is missing", right[len(post):], only(-1, Stored), false},
		{"a post counts twice", append(slices.Clone(right), post...), only(-1, Stored), false},
		{"nothing is there", nil, only(-1, Stored), false},
		{"a refused post is not there", right[len(post):], only(0, Refused), true},
		{"a refused post is there", right, only(0, Refused), false},
		{"an unknown post is there", right, only(0, Unknown), true},
		{"an unknown post is not there", right[len(post):], only(0, Unknown), true},
		{"an unknown post counts twice", append(slices.Clone(right), post...), only(0, Unknown), false},
	} {
		wrong, first := verify(g, test.records, 100, test.outcome)
		if (wrong == 0) != test.right || (first == "") != test.right {
			t.Errorf("%s: %d flows are wrong (%s), want some: %v", test.name, wrong, first, !test.right)
		}
	}
}
