package retention

import (
	"strconv"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
)

// proposal proposes to close the hours below an hour, at a store that rests since yesterday and holds the hours from low on.
func proposal(below, low flow.Hour) Proposal {
	return Proposal{Before: beginOf(below), Uptime: 24 * hourMillis, Rested: 24 * hourMillis, Lowest: low}
}

// poll is a round of established stores that all answered, of a cluster with W=2 and C=1000.
func poll(proposals ...Proposal) Poll {
	p := Poll{
		Stores: len(proposals), Established: len(proposals), Quorum: 2, Closed: 1000,
		Counts: func(id roster.StoreID) bool { return id != "joining" },
	}
	for i, proposal := range proposals {
		p.Reports = append(p.Reports, Report{Store: roster.StoreID(strconv.Itoa(i)), Closed: 1000, Proposal: proposal})
	}
	return p
}

func TestPlans(t *testing.T) {
	none, young, tired := proposal(0, 1000), proposal(1010, 1000), proposal(1010, 1000)
	none.Before, young.Uptime, tired.Rested = 0, hourMillis-1, hourMillis-1000
	empty := Proposal{Before: beginOf(1010), Uptime: hourMillis, Rested: hourMillis, Empty: true}
	half := proposal(1000, 1000)
	half.Before += hourMillis / 2
	with := func(p Poll, change func(*Poll)) Poll { change(&p); return p }
	const h, s = hourMillis, int64(1000)
	for _, tt := range []struct {
		name string
		poll Poll
		want Plan
	}{
		{"nobody proposes", poll(none, none, none), Plan{0, 0, 1000, 1000, 1000, 0}},
		{"all propose the same", poll(proposal(1010, 1000), proposal(1010, 1000), proposal(1010, 1000)), Plan{1010, 1010, 1000, 1010, 1011, h}},
		{"a minority is in 2036", poll(proposal(9000, 1000), none, none), Plan{0, 0, 1000, 1000, 1000, 0}},
		{"a minority is in 2036, the others propose", poll(proposal(9000, 1000), proposal(1001, 1000), proposal(1001, 1000)), Plan{1001, 1001, 1000, 1001, 1002, h}},
		{"half of four stores are in 2036", poll(proposal(9000, 1000), proposal(9000, 1000), none, none), Plan{0, 0, 1000, 1000, 1000, 0}},
		{"half of four stores are in 2036, the others propose", poll(proposal(9000, 1000), proposal(9000, 1000), proposal(1001, 1000), none), Plan{1001, 1001, 1000, 1001, 1002, h}},
		{"more than half lower their retention: 24 hours", poll(proposal(9000, 1000), proposal(9000, 1000), none), Plan{9000, 9000, 1000, 1024, 1024, 0}},
		{"a majority of fewer than W", with(poll(proposal(1010, 1000), none), func(p *Poll) { p.Established, p.Stores = 1, 1 }), Plan{0, 0, 1000, 1000, 1000, 0}},
		{"a silent store", with(poll(proposal(1010, 1000), proposal(1010, 1000)), func(p *Poll) { p.Stores, p.Established = 3, 3 }), Plan{1010, 1010, 1000, 1010, 1011, h}},
		{"two of five answer", with(poll(proposal(1010, 1000), proposal(1010, 1000)), func(p *Poll) { p.Stores, p.Established = 5, 5 }), Plan{0, 0, 1000, 1000, 1000, 0}},
		{"proposals in the first hour", poll(young, young, none), Plan{0, 1010, 1000, 1000, 1011, h}},
		{"proposals soon after a raise", poll(tired, tired, none), Plan{1010, 1010, 1000, 1000, 1011, h}},
		{"a proposer has yet to hear of C", with(poll(proposal(9000, 1000), proposal(9000, 1000)), func(p *Poll) { p.Reports[1].Closed = 999 }), Plan{9000, 9000, 1000, 1000, 1024, h}},
		{"empty stores", poll(empty, empty, empty), Plan{1010, 1010, 1010, 1010, 1010, 0}},
		{"empty stores, one is silent", with(poll(empty, empty), func(p *Poll) { p.Stores = 3 }), Plan{1010, 1010, 1000, 1010, 1011, h}},
		{"no store holds the first hours", poll(proposal(9000, 1005), proposal(9000, 2000), empty), Plan{9000, 9000, 1005, 1029, 1029, 0}},
		{"C is higher than all proposals", poll(proposal(900, 800), proposal(900, 800)), Plan{900, 900, 1000, 1000, 1000, 0}},
		{"the next raise is due in half an hour", poll(half, half), Plan{1000, 1000, 1000, 1000, 1001, h / 2}},
		{"one store's clock decides, as a control", with(poll(proposal(1010, 1000), none, none), func(p *Poll) { p.Disabled = safeguard.FloorMajority }), Plan{1010, 1010, 1000, 1010, 1011, h}},
		{"a raise without a limit, as a control", with(poll(young, tired, tired), func(p *Poll) { p.Disabled = safeguard.FloorRate }), Plan{1010, 1010, 1000, 1010, 1011, h}},
		{"a store that does not count", with(poll(proposal(1010, 1000), proposal(1010, 1000)), func(p *Poll) { p.Reports[1].Store = "joining" }), Plan{0, 0, 1000, 1000, 1000, 0}},
	} {
		if got := tt.poll.Plan(); got != tt.want {
			t.Errorf("%s: Plan = %+v, want %+v", tt.name, got, tt.want)
		}
	}
	if young.Uptime+s < h {
		t.Error("the case of the first hour is not at its edge")
	}
}

func TestRetentionsAreChecked(t *testing.T) {
	for _, tt := range []struct {
		keep time.Duration
		unix bool
		ok   bool
	}{
		{0, false, true}, {24 * time.Hour, true, true}, {24*time.Hour - 1, true, false}, {90 * 24 * time.Hour, false, false}, {-1, true, false},
	} {
		if err := Check(tt.keep, tt.unix); (err == nil) != tt.ok {
			t.Errorf("Check(%s, %t) = %v, want ok: %t", tt.keep, tt.unix, err, tt.ok)
		}
	}
}
