package clustertest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"
)

var (
	histories  = flag.Int("histories", 40, "random histories to run; .ci/run asks for more")
	withFloors = flag.Int("floors", -1, "random histories with retention to run; -1: a quarter of the others")
	erasing    = flag.Int("erasures", -1, "random histories with erasures to run; -1: a quarter of the others")
	firstSeed  = flag.Uint64("seed", 1, "seed of the first history")
	cutInto    = flag.Int("slices", 0, "slices of an hour in every history; 0: 16 in one of eight")
)

// optionsOf returns the cluster of a seed. R, W, the slices of an hour and sealing vary with the seed. W is below the
// number of nodes, because a cluster of exactly W nodes waits for an operator after the loss of a disk (Node.Forget
// with force).
func optionsOf(seed uint64) Options {
	kinds := []Options{{Copies: 3, Quorum: 2}, {Copies: 3, Quorum: 2}, {Copies: 3, Quorum: 2}, {Copies: 3, Quorum: 1}, {Copies: 1, Quorum: 1}, {Copies: 2, Quorum: 2}}
	opts := kinds[seed%uint64(len(kinds))]
	opts.Seed = seed
	if seed/uint64(len(kinds))%2 == 0 {
		opts.SealAfter = 200 * time.Millisecond
	}
	if opts.Slices = *cutInto; opts.Slices == 0 && seed%8 == 7 {
		opts.Slices = 16
	}
	if seed%4 == 2 {
		opts.Newest = 1
	}
	return opts
}

// scenarioOf returns the random scenario of a seed.
func scenarioOf(seed uint64) Scenario {
	s := RandomScenario(rand.New(rand.NewPCG(seed, 7)), optionsOf(seed).Quorum, 12, 5)
	if optionsOf(seed).Newest > 0 {
		return mixVersions(rand.New(rand.NewPCG(seed, 8)), s)
	}
	return s
}

// orAQuarter returns a number of histories, or a quarter of -histories in place of a negative one.
func orAQuarter(number int) int {
	if number < 0 {
		return max(*histories/4, 1)
	}
	return number
}

func TestRandomHistoriesKeepEveryPromise(t *testing.T) {
	runHistories(t, *histories, optionsOf, scenarioOf)
}

// W changes between 1 and 3 in the middle of random histories (P4, P6). Negative controls:
// TestTheStoreOfABatchOfASmallerWIsMissed, TestRAndWChangeWhileAllNodesAreStopped.
func TestRandomHistoriesWithChangesOfWKeepEveryPromise(t *testing.T) {
	runHistories(t, max(*histories/4, 1), changingOptions, changingScenario)
}

// changingOptions returns the cluster of a seed whose W changes. With five nodes it replaces two disks that are lost at
// once without an operator, also with W=3.
func changingOptions(seed uint64) Options {
	opts := Options{Seed: seed, Nodes: 5, Expect: 5, Copies: 3, Quorum: int(seed%3) + 1}
	if seed%2 == 0 {
		opts.SealAfter = 200 * time.Millisecond
	}
	return opts
}

func changingScenario(seed uint64) Scenario {
	s := RandomScenario(rand.New(rand.NewPCG(seed, 9)), 3, 10, 5)
	return changeQuorums(rand.New(rand.NewPCG(seed, 10)), s)
}

// Hours close and expire beside all faults of the other histories. Retentions are lowered by mistake, clocks are wrong,
// disks go back to images from before a raise, and requests of one hour and of two are repeated across both floors
// (P1 to P6).
func TestRandomHistoriesWithFloorsKeepEveryPromise(t *testing.T) {
	runHistories(t, orAQuarter(*withFloors), floorsOptions, floorsScenario)
}

// floorsOptions returns the cluster of a seed, with a retention. Its programs have one version.
func floorsOptions(seed uint64) Options {
	opts := optionsOf(seed)
	opts.Keep, opts.Hours, opts.Newest = 48*time.Hour, 12, 0
	return opts
}

// floorsScenario returns the random scenario of a seed, with mistakes about retention.
func floorsScenario(seed uint64) Scenario {
	s := RandomScenario(rand.New(rand.NewPCG(seed, 7)), floorsOptions(seed).Quorum, 12, 5)
	return mixFloors(rand.New(rand.NewPCG(seed, 11)), s)
}

// Operators erase hours beside all faults of the other histories, at several nodes at once, in half of the histories beside
// floors. Exactly the hours of which an erasure has begun may be empty; all other reads are judged as ever. No request of an
// hour is acknowledged once enough stores have the hour as closed, and each erasure comes to its end (P1 to P6).
func TestRandomHistoriesWithErasuresKeepEveryPromise(t *testing.T) {
	runHistories(t, orAQuarter(*erasing), erasingOptions, erasingScenario)
}

// erasingOptions returns the cluster of a seed, in half of the cases with a retention.
func erasingOptions(seed uint64) Options {
	opts := floorsOptions(seed)
	opts.Repeat = true
	if seed%2 == 0 {
		opts.Keep, opts.Hours = 0, 6
	}
	return opts
}

// erasingScenario returns the random scenario of a seed, with erasures.
func erasingScenario(seed uint64) Scenario {
	s := floorsScenario(seed)
	if seed%2 == 0 {
		s = RandomScenario(rand.New(rand.NewPCG(seed, 12)), erasingOptions(seed).Quorum, 12, 5)
	}
	return mixErasures(rand.New(rand.NewPCG(seed, 13)), s)
}

// runHistories runs one history for each of n seeds from firstSeed on.
func runHistories(t *testing.T, n int, optionsOf func(seed uint64) Options, scenarioOf func(seed uint64) Scenario) {
	const mostShrunk = 3 // many failures have one cause
	var failed atomic.Int64
	for i := range n {
		seed := *firstSeed + uint64(i)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			scenario := scenarioOf(seed)
			begun := time.Now()
			result := history(t, optionsOf(seed), scenario)
			t.Logf("took %v: %+v", time.Since(begun).Round(time.Millisecond), result)
			if len(result.Faults) > 0 {
				t.Errorf("%d faults, the first: %s\n%s", len(result.Faults), result.Faults[0], scenario)
				if failed.Add(1) <= mostShrunk {
					t.Log(shrink(t, optionsOf(seed), scenario, result.Faults[0]))
				}
			}
		})
	}
}
