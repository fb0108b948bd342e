package retention

import (
	"cmp"
	"slices"
	"time"

	"flowring/flow"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
)

const (
	step = 24             // hours with data that C passes in an hour of uptime
	rest = time.Hour      // uptime of a proposer since its start, and since its C rose; also the time of an announcement
	wait = 24 * time.Hour // uptime of a store for which it knows a value of C before F follows
)

// Proposal is the report of a store about retention, in its heartbeats. All times are in milliseconds. The zero value
// is the report of a store that proposes nothing and may hold any hour.
type Proposal struct {
	// hours before this time since 1970 are too old; 0: the store proposes nothing
	Before int64     `json:"before,omitzero"`
	Uptime int64     `json:"uptime,omitzero"` // of the process
	Rested int64     `json:"rested,omitzero"` // uptime since C rose at the store
	Lowest flow.Hour `json:"lowest,omitzero"` // the lowest hour with a batch in the store
	Empty  bool      `json:"empty,omitzero"`  // the store holds no batch
}

// Report is the answer of one store to a heartbeat.
type Report struct {
	Store    roster.StoreID
	Closed   flow.Hour // C as the store has it
	Proposal Proposal
}

// Poll is a round of heartbeats, and the facts of the roster to which its answers are held.
type Poll struct {
	Stores      int       // on the roster, the forgotten ones aside
	Established int       // stores that count
	Quorum      int       // W
	Closed      flow.Hour // C
	Reports     []Report  // of the stores of the roster that answered, this one included
	Counts      func(roster.StoreID) bool
	Disabled    safeguard.Set
}

// Plan is the result of a poll. Each of its hours is at least C, except Agreed and Wanted.
type Plan struct {
	Agreed flow.Hour // the proposals agree on this hour; 0: on none
	Wanted flow.Hour // as Agreed, with the stores in their first hour
	Free   flow.Hour // C passes to this hour at once, because no store holds an hour below it
	Due    flow.Hour // C may rise to this hour now, once it was announced for long enough
	Soon   flow.Hour // C may rise to this hour within an hour, over hours with data
	In     int64     // milliseconds until C may rise to Soon
}

// Plan applies the rules to the poll.
func (p Poll) Plan() Plan {
	plan := Plan{Free: p.Closed, Due: p.Closed}
	lowest, known := p.lowest()
	if deciding := p.deciding(rest.Milliseconds()); deciding != nil {
		plan.Agreed = agreed(deciding)
		if known {
			plan.Free = max(p.Closed, min(plan.Agreed, lowest))
		}
		plan.Due = plan.Free
		if p.remaining(deciding) == 0 {
			plan.Due = max(plan.Free, min(plan.Agreed, p.furthest(plan.Free)))
		}
	}
	plan.Soon = plan.Free
	if deciding := p.deciding(0); deciding != nil {
		plan.Wanted = agreed(deciding)
		last := deciding[len(deciding)-1].Proposal.Before
		soon := min(hourOf(last+rest.Milliseconds()), p.furthest(plan.Free))
		if soon > plan.Free && !(known && soon <= lowest) { // else nothing is passed, or nothing with data
			plan.Soon, plan.In = soon, max(p.remaining(deciding), beginOf(soon)-last)
		}
	}
	return plan
}

// deciding returns the highest proposals of established stores with the least uptime, as many as have to agree; nil if
// there are fewer.
func (p Poll) deciding(uptime int64) []Report {
	var all []Report
	for _, r := range p.Reports {
		if r.Proposal.Before > 0 && r.Proposal.Uptime >= uptime && p.Counts(r.Store) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b Report) int { return cmp.Compare(b.Proposal.Before, a.Proposal.Before) })
	need := max(p.Quorum, p.Established/2+1)
	if p.Disabled.Has(safeguard.FloorMajority) {
		need = 1
	}
	if len(all) < need {
		return nil
	}
	return all[:need]
}

// agreed returns the hour that all these proposals propose or exceed.
func agreed(deciding []Report) flow.Hour { return hourOf(deciding[len(deciding)-1].Proposal.Before) }

// remaining returns the milliseconds until each of these stores has been up for an hour, since its start and since its
// C rose. A store that has yet to hear of C has all of the hour before it.
func (p Poll) remaining(deciding []Report) (most int64) {
	if p.Disabled.Has(safeguard.FloorRate) {
		return 0
	}
	for _, r := range deciding {
		up := min(r.Proposal.Uptime, r.Proposal.Rested)
		if r.Closed < p.Closed {
			up = 0
		}
		most = max(most, rest.Milliseconds()-up)
	}
	return most
}

// furthest returns the hour to which a raise over hours with data leads at most.
func (p Poll) furthest(from flow.Hour) flow.Hour {
	if p.Disabled.Has(safeguard.FloorRate) {
		return maxHour
	}
	return from + step
}

const maxHour = flow.Hour(1<<63 - 1)

// lowest returns the lowest hour that a store holds, maxHour if all stores are empty. It is known only if every store
// of the roster answered.
func (p Poll) lowest() (hour flow.Hour, known bool) {
	hour = maxHour
	for _, r := range p.Reports {
		if !r.Proposal.Empty {
			hour = min(hour, r.Proposal.Lowest)
		}
	}
	return hour, len(p.Reports) >= p.Stores
}

const hourMillis = int64(time.Hour / time.Millisecond)

// hourOf returns the hour of a time in milliseconds since 1970.
func hourOf(millis int64) flow.Hour { return flow.Hour(millis / hourMillis) }

// beginOf returns the begin of an hour in milliseconds since 1970.
func beginOf(h flow.Hour) int64 { return int64(h) * hourMillis }
