package erasure

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/peer"
	"flowring/ring/roster"
	"flowring/router/admin"
)

// stores are stores of a cluster, each with a roster on its disk. A store that is away answers no heartbeat.
type stores struct {
	disks   map[roster.StoreID]*roster.Roster
	away    map[roster.StoreID]bool
	batches uint64 // of all hours
}

// newStores returns n stores, named s0 and so on, of which all speak a version.
func newStores(t *testing.T, n int, version compat.Version) *stores {
	t.Helper()
	c := &stores{disks: map[roster.StoreID]*roster.Roster{}, away: map[roster.StoreID]bool{}, batches: 3}
	known := roster.Roster{}
	for i := range n {
		known = known.With(roster.Store{ID: id(i), Name: fmt.Sprint("n", i), Established: true}.Speaking(version))
	}
	known = known.WithVersion(version)
	for i := range n {
		own := known
		c.disks[id(i)] = &own
	}
	return c
}

func id(i int) roster.StoreID { return roster.StoreID(fmt.Sprintf("%032x", i+1)) }

// disk is the State of one store.
type disk struct {
	*stores
	self roster.StoreID
}

func (d disk) Roster() roster.Roster { return *d.disks[d.self] }
func (d disk) Self() roster.Store    { s, _ := d.Roster().Get(d.self); return s }
func (d disk) MarkHours(m roster.Marks) (err error) {
	*d.disks[d.self], err = d.Roster().WithMarks(m)
	return err
}

// heartbeats merges the roster of a store with those of all stores that answer.
func (d disk) heartbeats(context.Context) map[roster.StoreID]peer.Hello {
	heard := map[roster.StoreID]peer.Hello{}
	for other, theirs := range d.disks {
		if other == d.self || d.away[other] || d.away[d.self] {
			continue
		}
		merged, err := theirs.Merge(d.Roster())
		if err != nil {
			continue
		}
		*theirs, *d.disks[d.self] = merged, merged
		heard[other] = peer.Hello{Roster: merged}
	}
	return heard
}

// at returns the erasures of a node. They ask for the hour 100, which has data until it is erased.
func (c *stores) at(i int, cfg Config) *Erasures {
	d := disk{c, id(i)}
	return New(cfg, Deps{
		State: d, Heartbeats: d.heartbeats, Proven: func() int { return cfg.Quorum }, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Unix(1_000_000_000, 0) },
		Hours: func(context.Context, flow.Hour, flow.Hour, contract.Ask) (contract.Hours, error) {
			return contract.Hours{Totals: []contract.HourTotals{{Hour: 100, Flows: 2, Tx: query.SumOf(40), Rx: query.SumOf(2)}}}, nil
		},
		Census: func(context.Context, flow.Hour, flow.Hour) (uint64, [32]byte, error) {
			return c.batches, [32]byte{byte(c.batches)}, nil
		},
	})
}

// planned returns the name of a plan.
func planned(t *testing.T, e *Erasures, from, to flow.Hour) string {
	t.Helper()
	plan, err := e.Erase(t.Context(), from, to, "")
	if err != nil {
		t.Fatal(err)
	}
	return plan.Hash
}

// A plan has the figures of the hours and a name of 16 digits. It changes nothing. It is applied under its name alone, and
// batches that came later give it another name.
func TestAPlanIsAppliedAsItWasShown(t *testing.T) {
	c := newStores(t, 3, 3)
	e := c.at(0, Config{Quorum: 2})
	want := admin.Erasure{From: 100, To: 110, Hours: 1, Flows: 2, Batches: 3, Bytes: query.SumOf(42), Stores: 3, Needed: 2}
	plan, err := e.Erase(t.Context(), 100, 110, "")
	if want.Hash = plan.Hash; err != nil || plan != want || len(plan.Hash) != 16 {
		t.Errorf("the plan = %+v, %v, want %+v", plan, err, want)
	}
	if other := planned(t, e, 100, 109); other == plan.Hash {
		t.Error("the plan of another range has the same name")
	}
	c.batches++
	for _, hash := range []string{plan.Hash, "another"} {
		if _, err := e.Erase(t.Context(), 100, 110, hash); !errors.Is(err, contract.Guarded) || !strings.Contains(fmt.Sprint(err), hash) {
			t.Errorf("Erase by the plan %s = %v, want a refusal", hash, err)
		}
	}
	if got := e.Stats().Ranges; got != 0 {
		t.Errorf("%d ranges have marks, want none after plans and refusals", got)
	}
	if state, err := e.Erase(t.Context(), 100, 110, planned(t, e, 100, 110)); err != nil || !state.Done || e.Stats().Ranges != 1 {
		t.Errorf("Erase by the new plan = %+v, %v, want it done", state, err)
	}
	if state, err := e.Erase(t.Context(), 100, 110, plan.Hash); err != nil || !state.Done {
		t.Errorf("Erase of erased hours = %+v, %v, want it done, under any name", state, err)
	}
}

// P1: no store has a mark of an erased hour before all stores but W-1, and at least W, have it as closed. An erasure goes on
// when more stores answer, at any node, also if the first coordinator died between its steps and never comes back. In the
// negative control one store is enough.
func TestHoursAreErasedInTwoSteps(t *testing.T) {
	for _, tt := range []struct {
		name           string
		stores, quorum int
		away           []int
		disabled       safeguard.Set
		first          admin.Erasure // of the first call, at s0
	}{
		{"all answer", 3, 2, nil, 0, admin.Erasure{Closed: 3, Erased: 3, Needed: 2, Done: true}},
		{"W-1 stores are away", 3, 2, []int{2}, 0, admin.Erasure{Closed: 2, Erased: 2, Needed: 2, Done: true}},
		{"W-1 of five stores are away", 5, 3, []int{1, 2}, 0, admin.Erasure{Closed: 3, Erased: 3, Needed: 3, Done: true}},
		{"W stores are away", 5, 3, []int{1, 2, 3}, 0, admin.Erasure{Closed: 2, Needed: 3}},
		{"more than W are needed", 5, 2, []int{1, 2}, 0, admin.Erasure{Closed: 3, Needed: 4}},
		{"W of all three stores", 3, 3, []int{1}, 0, admin.Erasure{Closed: 2, Needed: 3}},
		{"one of two copies", 3, 1, []int{1}, 0, admin.Erasure{Closed: 2, Needed: 3}},
		{"the coordinator is alone", 3, 2, []int{1, 2}, 0, admin.Erasure{Closed: 1, Needed: 2}},
		{
			"negative control: one store is enough", 3, 2, []int{1, 2}, safeguard.EnoughMarks,
			admin.Erasure{Closed: 1, Erased: 1, Needed: 1, Done: true},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newStores(t, tt.stores, 3)
			cfg := Config{Quorum: tt.quorum, Disabled: tt.disabled}
			hash := planned(t, c.at(0, cfg), 100, 102)
			for _, i := range tt.away {
				c.away[id(i)] = true
			}
			tt.first.From, tt.first.To, tt.first.Stores = 100, 102, tt.stores
			for range 2 {
				if got, err := c.at(0, cfg).Erase(t.Context(), 100, 102, hash); err != nil || got != tt.first {
					t.Errorf("Erase = %+v, %v, want %+v", got, err, tt.first)
				}
			}
			if tt.disabled != 0 || tt.first.Done {
				return
			}
			for _, i := range tt.away {
				c.away[id(i)] = false
			}
			c.away[id(0)] = true // it has the marks, and never comes back
			last := tt.stores - 1
			done := tt.stores-1 >= tt.first.Needed
			if got, err := c.at(last, cfg).Erase(t.Context(), 100, 102, hash); err != nil || got.Done != done || done && got.Erased != last {
				t.Errorf("Erase at another node = %+v, %v, want done: %t at %d stores", got, err, done, last)
			}
			c.away[id(0)] = false
			if got, err := c.at(last, cfg).Erase(t.Context(), 100, 102, hash); err != nil || !got.Done || got.Erased != tt.stores {
				t.Errorf("Erase with all stores = %+v, %v, want it done everywhere", got, err)
			}
		})
	}
}

// A range beside expired hours, or over erased ones, is erased in the rest. Earlier erasures keep their times.
func TestTheRestOfARangeIsErased(t *testing.T) {
	c := newStores(t, 1, 3)
	*c.disks[id(0)] = c.disks[id(0)].WithFloors(roster.Floors{Closed: 103, Expired: 101})
	if err := (disk{c, id(0)}).MarkHours(roster.Marks{{From: 103, To: 104, Erased: 7}, {From: 105, To: 106}}); err != nil {
		t.Fatal(err)
	}
	e := c.at(0, Config{Quorum: 1})
	if state, err := e.Erase(t.Context(), 100, 108, planned(t, e, 100, 108)); err != nil || !state.Done || state.From != 101 {
		t.Errorf("Erase = %+v, %v, want the hours from 101 on", state, err)
	}
	want := "[{101 103 1000000000} {103 104 7} {104 108 1000000000}]"
	if got := fmt.Sprint(c.disks[id(0)].Marks()); got != want {
		t.Errorf("the marks are %s, want %s", got, want)
	}
	if _, err := e.Erase(t.Context(), 90, 101, ""); !errors.Is(err, contract.Guarded) {
		t.Errorf("Erase of expired hours = %v, want a refusal", err)
	}
}

// No erasure begins while a store speaks a version without marks, because it would not obey them.
func TestErasuresNeedTheirVersion(t *testing.T) {
	c := newStores(t, 3, 2)
	if _, err := c.at(0, Config{Quorum: 2}).Erase(t.Context(), 100, 101, ""); !errors.Is(err, contract.Guarded) || !strings.Contains(fmt.Sprint(err), "version 3") {
		t.Errorf("Erase = %v, want a refusal that names the version", err)
	}
}

// The number of separate ranges has a limit. Refusals are counted. A range that joins others is no further one.
func TestSeparateRangesHaveALimit(t *testing.T) {
	c := newStores(t, 1, 3)
	e := c.at(0, Config{Quorum: 1, Ranges: 2})
	for _, tt := range []struct {
		from, to flow.Hour
		ok       bool
	}{{100, 101, true}, {102, 103, true}, {104, 105, false}, {103, 104, true}, {101, 102, true}, {110, 111, true}, {120, 121, false}} {
		plan, err := e.Erase(t.Context(), tt.from, tt.to, "")
		if err == nil {
			_, err = e.Erase(t.Context(), tt.from, tt.to, plan.Hash)
		}
		if (err == nil) != tt.ok || err != nil && !errors.Is(err, contract.Guarded) {
			t.Errorf("Erase of the hours from %d on = %v, want ok: %t", tt.from, err, tt.ok)
		}
	}
	if got, want := e.Stats(), (Stats{Ranges: 2, Refused: 2}); got != want {
		t.Errorf("Stats = %+v, want %+v", got, want)
	}
	if got := New(Config{}, Deps{}).Ranges; got != roster.MaxSpans/2 {
		t.Errorf("the limit is %d by default, want %d", got, roster.MaxSpans/2)
	}
}

// An error of the disk ends the call before any other store gets a mark.
func TestAMarkIsOnThisDiskFirst(t *testing.T) {
	c := newStores(t, 3, 3)
	e := c.at(0, Config{Quorum: 2})
	hash := planned(t, e, 100, 101)
	full := errors.New("the disk is full")
	e.State = failing{disk{c, id(0)}, full}
	if _, err := e.Erase(t.Context(), 100, 101, hash); !errors.Is(err, full) || len(c.disks[id(1)].Marks()) > 0 {
		t.Errorf("Erase = %v, and another store has the marks %v, want %v and none", err, c.disks[id(1)].Marks(), full)
	}
}

// failing is a disk that takes no marks.
type failing struct {
	disk
	err error
}

func (f failing) MarkHours(roster.Marks) error { return f.err }
