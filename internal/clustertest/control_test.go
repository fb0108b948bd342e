package clustertest

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flowring/internal/racetest"
	"flowring/internal/safeguard"
)

// control is a safeguard that is switched off, and where that shows: in random histories, or in a directed one that may need
// several tries, for what decides is whether some message comes before another.
type control struct {
	name     string
	opts     Options
	scenario string // "": random histories
	want     string // part of the fault
}

func controls() []control {
	usual := func(s safeguard.Set) Options { return Options{Copies: 3, Quorum: 2, Without: s} }
	quiet := func(s safeguard.Set, copies, quorum int) Options {
		return Options{Copies: copies, Quorum: quorum, Hours: 12, Quiet: true, Without: s}
	}
	return []control{
		{"batches are told apart", usual(safeguard.Dedup), "", "(P2)"},
		{"the disk syncs", Options{Copies: 3, Quorum: 2, NoSync: true}, "", ""},
		{"an ack is given at W stores", usual(safeguard.Quorum), "", "(P4)"},
		{"reads ask everybody", usual(safeguard.AskEverybody), "", "(P4)"},
		{"every process has an origin of its own", Options{Copies: 3, Quorum: 2, Origin: 7}, "", "(P4)"},
		{
			"a lost disk makes a new store", quiet(safeguard.LostDisk, 3, 2), `
				# the batches are on n1 and n2; n1 comes back with nothing, n2 is not heard
				cut n3|n1,n2
				reset n3|n1,n2
				wait 2000
				write n1 0 3
				wait 5000
				wipe n1
				heal
				start n1
				cut n2|n1,n3
				read n1 0 30
				read n3 0 3`, "(P4)",
		},
		{
			"nodes join again", Options{Copies: 3, Quorum: 2, Rejoin: 10 * time.Hour, Quiet: true}, `
				cut n1|n2,n3
				wait 300000`, "(P6)",
		},
		{
			"reads push back", quiet(safeguard.PushBack, 3, 2), `
				# a batch reaches one store only, the owner's, which does not know yet that it is cut off; what a complete read has
				# shown must not be missed by the next
				cut n1|n2,n3 peer
				reset n1|n2,n3
				write n1 1
				wait 5000
				heal
				read n1 1 2
				cut n1|n2,n3
				wait 1000
				read n2 1 2`, "(P4)",
		},
		{
			"an old disk is not trusted", quiet(safeguard.Recovery, 3, 2), `
				# the batches are on n1 and n2; n1 goes back in time, n2 is not heard
				image n1
				cut n3|n1,n2
				reset n3|n1,n2
				wait 2000
				write n1 0 3
				wait 5000
				rollback n1
				heal
				start n1
				cut n2|n1,n3
				read n1 0 30
				read n3 0 3`, "(P4)",
		},
		{
			"W stores confirm", quiet(safeguard.Confirmation, 3, 2), `
				# only n2 knows n4: were that enough, both could acknowledge what n1 and n3 cannot know of
				start n4
				cut n2,n4|n1,n3
				wait 5000
				write n2 all
				read n1 all 2`, "(P4)",
		},
		{
			"all others but W-2 must answer to forget", quiet(safeguard.ForgetGuard, 3, 2), `
				# what n1 and n2 alone hold is out of reach when n1 is to be forgotten
				start n4
				wait 10000
				cut n1,n2|n3,n4
				wait 3000
				write n1 all
				kill n1
				wait 3000
				forget n1 n3
				read n3 all 2`, "(P4)",
		},
		{
			"rosters are merged", quiet(safeguard.MergeRosters, 3, 2), `
				# n1 has not heard of n4, which n3 knows: its answer must make n1 ask n4, or count it as silent
				start n4
				cut n1|n2,n3,n4
				wait 6000
				cut n3|n2,n4
				reset n3|n2,n4
				wait 2000
				write n2 all
				wait 5000
				heal
				cut n2|n1,n3,n4
				cut n4|n1,n3
				cut n1|n3 gossip
				mute n3 n1
				read n1 all 5`, "(P4)",
		},
		{
			"what a store holds is secured before it goes", quiet(safeguard.Secure, 1, 1), `
				start n4
				wait 8000
				write n1 all 5
				drain n4`, "(P4)",
		},
		{
			"copies are dropped once confirmed", quiet(safeguard.ConfirmDrop, 1, 1), `
				write n1 all 5
				start n4
				wait 8000`, "(P4)",
		},
	}
}

// history runs one history in a bubble of its own.
func history(t *testing.T, opts Options, scenario Scenario) (result Result) {
	synctest.Test(t, func(t *testing.T) { result = Run(t, opts, scenario) })
	return result
}

func TestEverySafeguardIsNeeded(t *testing.T) {
	if racetest.Enabled {
		t.Skip("synctest bubbles crash under -race")
	}
	for _, c := range controls() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			const most = 40
			for i := range most {
				c.opts.Seed = uint64(i + 1)
				scenario := ParseScenario(c.scenario)
				if c.scenario == "" {
					scenario = RandomScenario(rand.New(rand.NewPCG(c.opts.Seed, 7)), c.opts.Quorum, 12, 5)
				}
				for _, fault := range history(t, c.opts, scenario).Faults {
					if strings.Contains(fault, c.want) {
						t.Logf("caught in history %d: %s", i+1, fault)
						return
					}
				}
			}
			t.Errorf("%d histories without the safeguard broke no promise", most)
		})
	}
}

func TestDirectedScenariosKeepEveryPromise(t *testing.T) {
	if racetest.Enabled {
		t.Skip("synctest bubbles crash under -race")
	}
	for _, c := range controls() {
		if c.scenario == "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.opts.Without, c.opts.Rejoin = 0, 0
			for seed := range uint64(5) {
				c.opts.Seed = seed + 1
				if result := history(t, c.opts, ParseScenario(c.scenario)); len(result.Faults) > 0 {
					t.Errorf("seed %d: %s", c.opts.Seed, result.Faults[0])
				}
			}
		})
	}
}
