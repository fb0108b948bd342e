package clustertest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/flow/query/naive"
	"flowring/internal/contract"
	"flowring/internal/racetest"
)

// The sums of hours and the lists of names equal those of the records, warm and cold, with one slice and with several.
func TestHoursAndNamesEqualTheNaiveFold(t *testing.T) {
	for _, slicesOfHour := range []int{1, 4} {
		t.Run(fmt.Sprint(slicesOfHour, " slices"), func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				c := formed(t, 3, Options{Copies: 2, Quorum: 1, Slices: slicesOfHour})
				c.mustTurnOn(t, agreeWithin)
				a := &asker{t: t, c: c, rng: rand.New(rand.NewPCG(uint64(slicesOfHour), 9))}
				for range 5 {
					a.post(30)
				}
				a.compareHours(slicesOfHour)
				a.compareNames()
				for _, name := range c.Running() {
					c.Kill(name)
					c.Start(name)
				}
				if err := c.WaitReady(time.Minute); err != nil {
					t.Fatal(err)
				}
				a.compareHours(slicesOfHour)
				a.compareNames()
			})
		})
	}
}

// compareHours compares the sums of the hours of a range at every node.
func (a *asker) compareHours(slicesOfHour int) {
	a.t.Helper()
	const from, to = 10, 50
	rows, _ := naive.Rows(&query.Spec{From: from, To: to, Group: query.FieldsOf(query.Hour)}, a.records)
	flows := map[flow.Hour]map[flow.Key]bool{}
	for _, r := range a.records {
		if flows[r.Hour] == nil {
			flows[r.Hour] = map[flow.Key]bool{}
		}
		flows[r.Hour][r.Key] = true
	}
	var want []contract.HourTotals
	for _, row := range rows {
		hour := contract.HourTotals{Hour: flow.Hour(row.Time), Tx: row.Tx, Rx: row.Rx, Complete: contract.Complete, Flows: -1}
		if slicesOfHour == 1 {
			hour.Flows = int64(len(flows[hour.Hour]))
		}
		want = append(want, hour)
	}
	for _, name := range a.c.Running() {
		got, err := a.c.Node(name).Hours(a.t.Context(), from, to, contract.Ask{Need: contract.NeedComplete})
		if err != nil || !slices.Equal(got.Totals, want) || got.Complete != contract.Complete {
			a.t.Errorf("Hours at %s = %v, %v, want %v", name, got, err, want)
		}
		again, err := a.c.Node(name).Hours(a.t.Context(), from, to, contract.Ask{Known: []contract.Tag{got.Tag}})
		if err != nil || again.Totals != nil || again.Tag != got.Tag {
			a.t.Errorf("Hours at %s of a known tag = %v, %v, want the tag alone", name, again, err)
		}
	}
}

// compareNames compares lists of names at every node.
func (a *asker) compareNames() {
	a.t.Helper()
	for _, ask := range []contract.NamesAsk{
		{Field: query.SrcApp, Prefix: "web-1", From: 5, To: 50, Limit: 10},
		{Field: query.VPCID, From: 0, To: askedHours, Limit: 5},
		{Either: true, Prefix: "", From: 0, To: askedHours, Limit: 20},
		{Either: true, Prefix: "db-", From: 0, To: 30, Limit: 100},
		{Field: query.DestApp, Prefix: "*", From: 0, To: 30, Limit: 100},
	} {
		var want contract.Names
		for _, r := range a.records {
			names := []string{query.Key{Src: r.SrcApp, Dest: r.DestApp, VPC: r.VPCID}.Column(ask.Field)}
			if ask.Either {
				names = []string{r.SrcApp, r.DestApp}
			}
			for _, name := range names {
				if ask.From <= r.Hour && r.Hour < ask.To && strings.HasPrefix(name, ask.Prefix) {
					want.Names = append(want.Names, name)
				}
			}
		}
		slices.Sort(want.Names)
		want.Names = slices.Compact(want.Names)
		if want.More = len(want.Names) > ask.Limit; want.More {
			want.Names = want.Names[:ask.Limit]
		}
		for _, name := range a.c.Running() {
			got, err := a.c.Node(name).Names(a.t.Context(), ask)
			if err != nil || !slices.Equal(got.Names, want.Names) || got.More != want.More || got.Complete != contract.Complete {
				a.t.Errorf("Names of %+v at %s = %v, %v, want %v", ask, name, got, err, want)
			}
		}
	}
}

// A reader that names the tag of the answer gets it from each node, before any store adds anything up. A further batch
// makes another tag.
func TestAKnownAnswerCostsNoStoreWork(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c, a := busyCluster(t, nil)
		time.Sleep(time.Second)
		folded := func() (n float64) {
			for _, name := range c.Names() {
				n += c.metric(t, name, "flowring_query_slices_total")
			}
			return n
		}
		rows, err := c.Node("n1").Query(t.Context(), everything(), contract.Ask{})
		if err != nil {
			t.Fatal(err)
		}
		tag := rows.Tag()
		rows.Close()
		before := folded()
		for _, name := range c.Names() {
			rows, err := c.Node(name).Query(t.Context(), everything(), contract.Ask{Known: []contract.Tag{tag}})
			if err != nil || rows.Tag() != tag {
				t.Fatalf("Query at %s = tag %q, %v, want %q", name, rows.Tag(), err, tag)
			}
			rows.Close()
		}
		if after := folded(); before == 0 || after != before {
			t.Errorf("stores have added up %v slices, and %v before the known answers", after, before)
		}
		a.post(1)
		rows, err = c.Node("n2").Query(t.Context(), everything(), contract.Ask{Known: []contract.Tag{tag}})
		if err != nil || rows.Tag() == tag {
			t.Errorf("the tag after a further batch is %q, %v, want another one", rows.Tag(), err)
		}
		rows.Close()
	})
}

// With three copies another store takes the place of a store that is lost while it adds up. With one copy the answer is
// refused, or says that it is not complete.
func TestAStoreThatIsLostBeforeItsHeadIsReplaced(t *testing.T) {
	for _, copies := range []int{1, 3} {
		t.Run(fmt.Sprint(copies, " copies"), func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				c, a := busyClusterOf(t, Options{Copies: copies, Quorum: (copies + 1) / 2})
				time.Sleep(5 * time.Second)
				want, _, _ := a.ask("n1", everything())
				c.opts.CPUSlots["n2"].Acquire()
				time.AfterFunc(time.Second, func() { c.Kill("n2") })
				rows, err := c.Node("n1").Query(t.Context(), everything(), contract.Ask{})
				if copies == 1 {
					if !errors.As(err, new(*contract.UnavailableError)) {
						t.Errorf("Query without the store of some hours = %v, want a refusal", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				defer rows.Close()
				var got []query.Row
				for row, err := range rows.All() {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, row)
				}
				if !slices.Equal(got, want) || rows.Complete() != contract.Complete {
					t.Errorf("%d rows, complete %v, want the %d rows as before", len(got), rows.Complete(), len(want))
				}
			})
		})
	}
}
