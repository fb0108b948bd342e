package clustertest

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"flowring/internal/racetest"
	"flowring/internal/safeguard"
)

// control is a safeguard that is switched off, and the histories that show it: random histories, or a directed
// scenario. A scenario may need several tries, because the order of two messages decides.
type control struct {
	name     string
	opts     Options
	scenario string // "": random histories
	want     string // part of the fault
}

func controls() []control {
	usual := func(s safeguard.Set) Options { return Options{Copies: 3, Quorum: 2, Disabled: s} }
	quiet := func(s safeguard.Set, copies, quorum int) Options {
		return Options{Copies: copies, Quorum: quorum, Hours: 12, Quiet: true, Disabled: s}
	}
	// The cluster does not settle without these safeguards, and a history waits for that.
	soon := func(o Options) Options {
		o.Settle = 2 * time.Minute
		return o
	}
	// Hours close and expire by the clocks of the nodes.
	keeping := func(s safeguard.Set) Options {
		return Options{Copies: 3, Quorum: 2, Hours: 12, Quiet: true, Keep: 48 * time.Hour, Disabled: s}
	}
	return []control{
		{"batches are told apart", usual(safeguard.Dedup), "", "(P2)"},
		{"packs are not folded", usual(safeguard.PacksApart), "", "(P2)"},
		{"the disk syncs", Options{Copies: 3, Quorum: 2, NoSync: true}, "", ""},
		{"an ack is given at W stores", usual(safeguard.Quorum), "", "(P4)"},
		{"reads ask everybody", usual(safeguard.AskEverybody), "", "(P4)"},
		{"every process has an origin of its own", Options{Copies: 3, Quorum: 2, Origin: 7}, "", "(P4)"},
		{
			"a lost disk makes a new store", quiet(safeguard.LostDisk, 3, 2), `
				# the batches are on n1 and n2; n1 comes back with an empty disk, and n2 is not heard
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
			"a data folder that is gone is noticed", Options{Expect: 1, Nodes: 1, Hours: 2, Quiet: true, Disabled: safeguard.Folder}, `
				# the folder is empty after the restart, and a new folder holds no roster
				remove n1
				wait 5000
				write n1 all
				kill n1
				start n1
				wait 5000
				read n1 all`, "(P4)",
		},
		{
			"nodes join again", Options{Copies: 3, Quorum: 2, Rejoin: 10 * time.Hour, Settle: 2 * time.Minute, Quiet: true}, `
				cut n1|n2,n3
				wait 300000`, "(P6)",
		},
		{
			"a copy of a node stays apart", soon(quiet(safeguard.Apart, 3, 2)), `
				write n1 0 3
				copy n1
				wait 30000`, "the copy of n1",
		},
		{
			"a copy of a dead node stays apart", soon(quiet(safeguard.Apart, 3, 2)), `
				write n1 0 3
				kill n1
				copy n1
				wait 30000`, "the copy of n1",
		},
		{
			"copies that name each other stay apart", soon(quiet(safeguard.Apart, 3, 2)), `
				write n1 0 3
				copy n1 n2 n3
				wait 30000`, "the copy of",
		},
		{
			"a node adopts the cluster that it calls", soon(quiet(safeguard.Adoption, 3, 2)), `
				# n1 and n3 call the address of n2, where a node of another installation waits for a second node
				write n1 0 3
				kill n2
				squat n2 b1
				wait 30000`, "another installation",
		},
		{
			"a node of the dead node's name adopts the cluster that it calls", soon(quiet(safeguard.Adoption, 3, 2)), `
				kill n2
				squat n2 n2
				wait 30000`, "another installation",
		},
		{
			"reads push back", quiet(safeguard.PushBack, 3, 2), `
				# a batch reaches only its owner, which does not know yet that it is cut off; the next complete read has to
				# show the batch, too
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
				# the batches are on n1 and n2; n1 goes back in time, and n2 is not heard
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
				# only n2 knows n4: if that were enough, both could acknowledge batches without the knowledge of n1 and n3
				start n4
				cut n2,n4|n1,n3
				wait 5000
				write n2 all
				read n1 all 2`, "(P4)",
		},
		{
			"an hour is sealed once all stores agree on its content",
			Options{Copies: 3, Quorum: 1, Quiet: true, SealAfter: time.Second, Settle: time.Minute, Disabled: safeguard.Agreement}, `
				# each side puts its own batches into a snapshot, and two such snapshots cannot be merged
				cut n1|n2,n3
				wait 3000
				write n1 all
				write n2 all
				wait 6000`, "(P6)",
		},
		{
			"all others but W-2 must answer to forget", quiet(safeguard.ForgetGuard, 3, 2), `
				# the batches of n1 and n2 are out of reach when n1 is forgotten
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
				# n1 hears of n4 only in the answers of n3, which must make n1 ask n4 or count it as silent
				place n4
				cut n1|n2,n4
				cut n1|n3 gossip
				mute n3 n1
				reset n1|n2,n3
				start n4
				wait 8000
				cut n3|n2,n4
				reset n3|n2,n4
				wait 2000
				write n2 all
				read n1 all 5`, "(P4)",
		},
		{
			"the guard of forgetting looks twice", quiet(safeguard.ForgetTwice, 2, 2), `
				# n5 joins near the end of the second in which n1, unknown to n5, waits for an answer of n3, so that a heartbeat
				# of n1 seldom hears of n5 first; the batches of n5 and n3 are out of reach when n3 is forgotten
				start n4
				wait 8000
				cut n1|n2,n3,n4 gossip
				cut n1|n3 peer
				place n5
				cut n1|n5
				mute n2 n1
				mute n4 n1
				reset n1|n2,n3,n4
				wait 5000
				mute n2 n3
				mute n2 n5
				mute n4 n3
				mute n4 n5
				forget n3 n1 &
				wait 850
				start n5
				wait 50
				write n5 8
				kill n3
				cut n5|n1,n2,n4
				wait 8000
				read n1 8 3`, "(P4)",
		},
		{
			"a leaving node does not forget for the others", Options{
				Copies: 3, Quorum: 2, Hours: 12, Quiet: true, Settle: time.Minute, Disabled: safeguard.Forgetter,
			}, `
				# the drain of n1 goes on, because n1 hears no answers; n4 has lost its disk
				start n4
				wait 8000
				deaf n1 n2
				deaf n1 n3
				deaf n1 n4
				drain n1 60000 &
				wait 1000
				wipe n4
				wait 1000
				start n4
				forgotten n4 40000`, "(P6)",
		},
		{
			"a store that gives a drain up is established before it forgets its old ID", quiet(safeguard.GiveUpOrder, 3, 2), `
				# the batches are on n2 and n3; n3 gives a drain up and ends between the two steps; then n2 is not heard
				start n4
				wait 8000
				cut n1,n4|n2,n3
				reset n1,n4|n2,n3
				wait 3000
				write n2 all
				drain n3 500
				heal
				cut n2|n1,n3,n4
				mute n1 n3
				mute n4 n3
				wait 1100
				kill n3
				read n1 all 2`, "(P4)",
		},
		{
			"acks are counted by the last roster", quiet(safeguard.CountLast|safeguard.RefuseEarly, 3, 3), `
				# n3 is forgotten, and neither n3 nor n2 knows it; the ack of n5 tells n2 after the ack of n3
				start n4 n5 n6
				wait 8000
				cut n2,n3|n1,n4,n5,n6
				reset n2,n3|n1,n4,n5,n6
				wait 15000
				forget n3 n1
				heal
				cut n2|n1,n4,n6
				cut n3|n1,n4,n5,n6
				cut n2|n5 gossip
				mute n5 n2
				write n2 0
				cut n2,n5|n1,n4,n6
				read n1 0 5`, "(P4)",
		},
		{
			"a store adds up exactly the batches that were judged", quiet(safeguard.QueryJudged, 3, 2), `
				# n1 owns hour 1. It takes a batch, which reaches no other store, after its digest was judged and before it
				# adds the hour up. A query that shows the batch as complete obliges the next complete read.
				write n2 1
				wait 1000
				slow n2 n1 500
				query n1 &
				wait 200
				mute n1 n2
				mute n1 n3
				write n1 1 &
				wait 1000
				cut n1|n2,n3
				reset n1|n2,n3
				read n2 1 30`, "(P4)",
		},
		{
			"a store learnt as forgotten counts as silent", quiet(safeguard.BegunRoster, 2, 2), `
				# while n2 waits for n5, n3 secures batches of n4 on n1, which n2 has asked already; then n4 is forgotten
				start n4 n5
				wait 8000
				cut n2|n3,n4 peer
				reset n2|n3,n4
				wait 3000
				write n4 5
				kill n4
				wait 3000
				slow n2 n5 400
				slow n3 n5 200
				read n2 5 20 &
				wait 300
				forget n4 n1`, "(P4)",
		},
		{
			"the batches of a store are secured before it leaves", quiet(safeguard.Secure, 1, 1), `
				start n4
				wait 8000
				write n1 all 5
				drain n4`, "(P4)",
		},
		{
			"an absent store that speaks an older version holds a newer one back", quiet(safeguard.AbsentVersion, 3, 2), `
				# n3 runs an older program, and would be refused if the others turned version 9 on meanwhile
				version n1 9
				version n2 9
				wait 5000
				kill n3
				wait 10000
				write n1 all
				start n3
				wait 5000`, "(P6)",
		},
		{
			"a roster keeps the fields of later programs", soon(quiet(safeguard.KeepUnknown, 3, 2)), `
				later n1
				wait 3000
				restart n1
				start n4
				wait 8000`, "a field of a later program",
		},
		{
			"a floor is on disk before hours are deleted", soon(quiet(safeguard.FloorDurable, 1, 1)), `
				# n1 deletes its hours while it is cut off, and is started again
				write n1 all
				wait 3000
				cut n1|n2,n3
				floor n1 12 12
				wait 3000
				kill n1
				reset n1|n2,n3
				heal
				start n1
				wait 3000
				read n2 all 3`, "(P4)",
		},
		{
			"a store says expired, not that it holds nothing", quiet(safeguard.SayExpired, 2, 2), `
				# n2 has the other copies of the hours of n1 and is not heard; n3 has not heard of the floor
				write n1 all
				wait 3000
				cut n2|n1,n3
				wait 3000
				floor n1 12 12
				read n3 all`, "lacks batch",
		},
		{
			"the key is looked up before the floor", quiet(safeguard.KeyFirst, 3, 2), `
				write n1 all
				wait 3000
				floor n1 12 0
				wait 3000
				retry n2`, "(P2)",
		},
		{
			"more than half of the stores close hours", keeping(safeguard.FloorMajority), `
				write n1 all
				lower n1
				wait 6000`, "(P1)",
		},
		{
			"hours are deleted a day after they are closed", keeping(safeguard.FloorWait), `
				write n1 all
				wait 15000
				retry n1`, "(P1)",
		},
		{
			"enough stores have an hour as closed before it is erased", quiet(safeguard.EnoughMarks, 3, 2), `
				# n1 is alone with the mark, and the others take requests of the hour
				write n1 all
				wait 3000
				close n1 0
				cut n1|n2,n3
				wait 1000
				erase n1 0
				write n2 0 3
				heal
				wait 3000`, "(P1)",
		},
		{
			"marks are merged before acks are counted", soon(quiet(safeguard.MergeRosters, 3, 2)), `
				# n3 hears of the mark of n1 and n2 in answers alone
				write n1 all
				wait 3000
				mute n1 n3
				mute n2 n3
				wait 1000
				close n1 11
				wait 2500
				write n3 11 3
				heal
				wait 3000`, "(P1)",
		},
		{
			"acks count after the marks of their stores", soon(quiet(safeguard.MergeMarks, 3, 2)), `
				# n3 owns the hour, and hears of the marks of n1 and n2 first with their acks
				write n1 all
				wait 3000
				mute n1 n3
				mute n2 n3
				wait 1000
				close n1 11
				close n2 11
				write n3 11
				heal
				wait 3000`, "(P1)",
		},
		{
			"copies are dropped once confirmed", quiet(safeguard.ConfirmDrop, 1, 1), `
				write n1 all 5
				start n4
				wait 8000`, "(P4)",
		},
	}
}

// history runs one history in a bubble of its own; under the race detector it skips the test.
func history(t *testing.T, opts Options, scenario Scenario) (result Result) {
	t.Helper()
	racetest.Bubble(t, func(t *testing.T) { result = Run(t, opts, scenario) })
	return result
}

func TestEverySafeguardIsNeeded(t *testing.T) {
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
	for _, c := range controls() {
		if c.scenario == "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.opts.Disabled, c.opts.Rejoin, c.opts.Settle = 0, 0, 0
			for seed := range uint64(5) {
				c.opts.Seed = seed + 1
				if result := history(t, c.opts, ParseScenario(c.scenario)); len(result.Faults) > 0 {
					t.Errorf("seed %d: %s", c.opts.Seed, result.Faults[0])
				}
			}
		})
	}
}
