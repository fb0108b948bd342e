package late

import (
	"context"
	"slices"
	"sync"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/replica/proof"
	"flowring/ring/roster"
)

// Round is one of the two questions.
type Round int

// The rounds.
const (
	UnderWay Round = iota
	Held
)

// Asker asks the stores of a cluster for requests.
type Asker struct {
	Rule *proof.Rule
	// also of this store
	Ask func(ctx context.Context, st roster.Store, round Round, batches []flow.Written) (bool, error)
}

// Known reports whether a store holds a batch of a request, whatever the others say. If none does, it fails with a
// *contract.UnavailableError if some store did not answer, or has another attempt of the request under way.
func (a *Asker) Known(ctx context.Context, batches []flow.Written) (bool, error) {
	var undecided error
	rounds := []Round{UnderWay, Held}
	if a.Rule.Disabled.Has(safeguard.AskUnderWay) {
		rounds = rounds[1:]
	}
	for _, round := range rounds {
		yes, silent, cause := a.askAll(ctx, round, batches)
		switch {
		case yes && round == Held:
			return true, nil
		case yes:
			const reason = "the hour is closed, and another attempt of the request is under way"
			undecided = &contract.UnavailableError{Reason: reason}
		case len(silent) > 0 && undecided == nil:
			undecided = &contract.UnavailableError{
				Reason: "the hour is closed, and a request is refused once all stores have said that they do not have it",
				Stores: silent, Err: cause,
			}
		}
	}
	return false, undecided
}

// Identities returns encodings of batches for a look: with their identities, and with one flow without bytes, because
// no batch is empty.
func Identities(batches []flow.Written) [][]byte {
	all, zero := make([][]byte, len(batches)), []uint32{0}
	for i, b := range batches {
		bare := flow.Batch{
			Slice: b.Slice, Dot: b.Dot, ID: b.ID, Key: b.Key,
			Names: []string{"-"}, Src: zero, Dest: zero, VPC: zero, Tx: []int64{0}, Rx: []int64{0},
		}
		all[i] = bare.Encode()
	}
	return all
}

// askAll asks every store of the roster, and every store that the answers add to it. It returns whether one of them
// says yes, and the labels of those without an answer, with the last cause.
func (a *Asker) askAll(
	ctx context.Context, round Round, batches []flow.Written,
) (yes bool, silent []string, cause error) {
	var mu sync.Mutex
	var failed []roster.Store
	ask := func(st roster.Store) {
		said, err := a.Ask(ctx, st, round, batches)
		mu.Lock()
		defer mu.Unlock()
		yes = yes || said
		if err != nil {
			failed, cause = append(failed, st), err
		}
	}
	around := a.Rule.Begin()
	ask(around.Self)
	if !a.Rule.Disabled.Has(safeguard.AskAllBefore409) {
		around.AskOthers(ask)
	}
	silent = a.Rule.Cluster.Roster().Labels(failed)
	slices.Sort(silent)
	return yes, silent, cause
}
