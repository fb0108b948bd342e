package upgrade

import (
	"log/slog"
	"strings"
	"time"

	"flowring/internal/compat"
	"flowring/internal/safeguard"
	"flowring/node/member"
	"flowring/node/membership"
	"flowring/ring/roster"
)

// holdBackEvery is the least time between two messages about the stores that hold a version back.
const holdBackEvery = 10 * time.Minute

// Upgrade turns versions on.
type Upgrade struct {
	State    *membership.State
	Log      *slog.Logger
	Disabled safeguard.Set // safeguards that are off, in tests

	logged time.Time // the last message about stores that hold a version back
}

// Step says the versions of this node, and turns a newer version on if the roster and the nodes in view allow it. heard
// are the stores that answered last.
func (u *Upgrade) Step(view *member.View, heard []roster.Store) {
	if err := u.say(view); err != nil {
		u.Log.Error("cluster version not turned on", "version", u.State.Offer().Speaks.Newest, "error", err)
	}
	before := u.State.Version()
	next := u.State.Next(offersOf(view))
	if u.Disabled.Has(safeguard.AbsentVersion) && u.State.Self().Counts() {
		next = max(next, u.spokenBy(heard))
	}
	if next > before {
		if err := u.State.TurnOn(next); err != nil {
			u.Log.Error("cluster version not turned on", "version", next, "error", err)
			return
		}
		u.Log.Info("cluster version turned on", "version", next, "before", before)
	}
	u.logHoldBack()
}

// say makes this store say its version once the nodes of all other stores read it. A node of a program before versions
// has no offer.
func (u *Upgrade) say(view *member.View) error {
	if !u.State.Self().Counts() {
		return nil
	}
	return u.State.Say(Aware(view))
}

// Aware returns whether the node of a store is in view and runs a program that reads versions.
func Aware(view *member.View) func(roster.Store) bool {
	return func(s roster.Store) bool {
		node, live := view.Node(s.Name)
		return live && node.Store == string(s.ID) && node.Offer != ""
	}
}

// offersOf returns the offers of the nodes in view.
func offersOf(view *member.View) (all []compat.Offer) {
	for _, node := range view.Nodes {
		if o, err := compat.ParseOffer(node.Offer); err == nil {
			all = append(all, o)
		}
	}
	return all
}

// spokenBy returns the newest version that this node and the stores that answered speak, as in a program that counts
// absent stores as speaking the newest version.
func (u *Upgrade) spokenBy(heard []roster.Store) compat.Version {
	next := u.State.Offer().Speaks.Newest
	for _, s := range heard {
		next = min(next, s.Speaks.Known())
	}
	return next
}

// logHoldBack logs the stores that hold the newest version back.
func (u *Upgrade) logHoldBack() {
	stores := u.State.HoldBack()
	if len(stores) == 0 || time.Since(u.logged) < holdBackEvery || !u.State.Self().Counts() {
		return
	}
	u.logged = time.Now()
	roster := u.State.Roster()
	u.Log.Info("cluster version held back", "version", u.State.Offer().Speaks.Newest, "on", roster.Version(),
		"stores", strings.Join(roster.Labels(stores), ", "))
}
