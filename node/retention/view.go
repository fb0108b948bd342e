package retention

import (
	"cmp"
	"slices"
	"time"

	"flowring/internal/contract"
)

// View describes the floors, the next raises and the erased hours, as of the last round of heartbeats. It is zero while
// no store proposes to close hours, and no hour is closed or marked.
func (k *Keeper) View() contract.Retention {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, up := k.deps.State.Roster(), k.uptime()
	floors := r.Floors()
	v := contract.Retention{
		Keep: int64(k.cfg.Keep.Seconds()), Closed: floors.Closed, Expired: floors.Expired, Proposals: []contract.Proposed{},
		Next:    firstAbove(k.announced, mark{floors.Closed, up}, rest),
		Removal: firstAbove(k.seen, mark{floors.Expired, up}, wait),
	}
	for _, report := range k.last.Reports {
		if s, known := r.Get(report.Store); known {
			v.Proposals = append(v.Proposals, contract.Proposed{
				Name: r.Label(s), Below: hourOf(report.Proposal.Before), Uptime: report.Proposal.Uptime / 1000,
			})
		}
	}
	if k.next.Wanted <= floors.Expired { // F follows only while the stores still propose it
		v.Removal = contract.Raise{}
	}
	for _, s := range r.Marks() {
		v.Erased = append(v.Erased, contract.ErasedRange{From: s.From, To: s.To, At: s.Erased})
	}
	proposes := func(p contract.Proposed) bool { return p.Below > 0 }
	if v.Keep == 0 && v.Closed == 0 && !slices.ContainsFunc(v.Proposals, proposes) {
		if v.Erased == nil {
			return contract.Retention{}
		}
		v.Proposals = v.Proposals[:0]
	}
	slices.SortFunc(v.Proposals, func(a, b contract.Proposed) int { return cmp.Compare(a.Name, b.Name) })
	return v
}

// firstAbove returns the first of the hours that is above now.hour, with the time until it has waited long enough.
func firstAbove(all []mark, now mark, long time.Duration) contract.Raise {
	for _, m := range all {
		if m.hour > now.hour {
			return contract.Raise{Hour: m.hour, In: int64(max(0, long-(now.at-m.at)).Seconds())}
		}
	}
	return contract.Raise{}
}
