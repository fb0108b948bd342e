package clustertest

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/internal/racetest"
	"flowring/internal/safeguard"
	"flowring/node"
	"flowring/ring/roster"
	"flowring/store/limits"
)

// pace makes an hour of 10 seconds of the bubble.
const pace = 360

const hourOfPace = time.Hour / pace

// keeping returns the settings of a node that keeps hours for a time.
func keeping(keep time.Duration) func(*node.Config) {
	return func(cfg *node.Config) {
		cfg.Hours, cfg.MaxFuture, cfg.Retention = limits.UnixHours, 0, keep
	}
}

// fillBack posts a record for each of the last hours.
func (k caller) fillBack(t *testing.T, hours int64) (oldest int64) {
	t.Helper()
	now := k.c.now()
	for back := range hours {
		if status, text := k.postBody(t, k.c.Running()[0], fmt.Sprint("fill-", now-back), bodyOf(now-back)); status != 200 {
			t.Fatalf("POST of hour %d = %d %s", now-back, status, text)
		}
	}
	return now - hours + 1
}

// floors returns the floors of a node.
func (c *Cluster) floors(name string) roster.Floors {
	r := c.Node(name).Members().Retention
	return roster.Floors{Closed: r.Closed, Expired: r.Expired}
}

// A cluster closes its hours when they are older than the retention, and F follows a day later, at all nodes alike.
func TestFloorsRiseWithTheClock(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Seed: 5, Copies: 3, Pace: pace, Configure: keeping(48 * time.Hour)})
		k := newCaller(t, c)
		time.Sleep(30 * time.Second) // a new cluster has no hours with data, so C is at its value after the first hour
		for _, name := range c.Running() {
			if got, want := int64(c.floors(name).Closed), c.now()-48; got < want-1 || got > want {
				t.Errorf("C at %s is %d in a new cluster, want about %d", name, got, want)
			}
		}
		first := k.fillBack(t, 47)
		time.Sleep(73 * hourOfPace)
		for _, name := range c.Running() {
			c.awaitAnnouncement(name)
			f := c.floors(name)
			if now := c.now(); int64(f.Closed) < now-50 || int64(f.Closed) > now-48 || int64(f.Expired) < now-75 || int64(f.Expired) > now-72 {
				t.Errorf("at %s, %d hours after the first hour with data: C is %d and F %d, want %d and a day less", name, now-first, f.Closed, f.Expired, now-48)
			}
			if got := c.metric(t, name, "flowring_retention_expired_hour"); got != float64(f.Expired) {
				t.Errorf("flowring_retention_expired_hour at %s is %g, want %d", name, got, f.Expired)
			}
			if next := c.Node(name).Members().Retention.Next; next.Hour <= f.Closed || next.In > 3600 {
				t.Errorf("%s announces %+v, want the next hour within an hour", name, next)
			}
		}
		c.Kill("b")
		before := c.floors("a")
		c.Start("b")
		c.mustAgree(t, agreeWithin)
		if got := c.floors("b"); got.Expired < before.Expired || got.Closed < before.Closed {
			t.Errorf("after a restart b has %v, want at least %v", got, before)
		}
	})
}

// awaitAnnouncement waits until a node announces an hour above C, for two rounds of heartbeats at most. Between a raise
// and the next round it announces none.
func (c *Cluster) awaitAnnouncement(name string) {
	for range 200 {
		if c.Node(name).Members().Retention.Next.Hour > c.floors(name).Closed {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// A raise of a floor is known to all nodes at once. While stores know different floors, a request of a closed hour is a
// 503 although it could be refused.
func TestARaiseOfAFloorIsToldAtOnce(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Seed: 6, Copies: 3, Pace: pace, Configure: keeping(48 * time.Hour)})
		newCaller(t, c).fillBack(t, 47)
		raises, before, differ := 0, c.floors("a"), time.Now()
		for range 100 * 60 {
			time.Sleep(10 * time.Millisecond)
			now := c.floors("a")
			if now != before {
				raises, before = raises+1, now
			}
			if now == c.floors("b") && now == c.floors("c") {
				differ = time.Now()
			}
			if took := time.Since(differ); took > 100*time.Millisecond {
				t.Fatalf("%v after a raise a has the floors %+v, b %+v and c %+v", took, now, c.floors("b"), c.floors("c"))
			}
		}
		if raises < 3 {
			t.Errorf("the floors rose %d times in six hours, want 3 times at least", raises)
		}
	})
}

// Two of four clocks are in 2036: no floor moves for them (P1).
func TestWrongClocksOfHalfMoveNoFloor(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var wrong atomic.Bool
		c := formed(t, 4, Options{
			Seed: 5, Copies: 3, Quorum: 2, Pace: pace, Configure: keeping(48 * time.Hour),
			Clock: func(node string) time.Time {
				if wrong.Load() && (node == "a" || node == "b") {
					return time.Now().Add(87_600 * hourOfPace)
				}
				return time.Now()
			},
		})
		time.Sleep(3 * hourOfPace)
		newCaller(t, c).fillBack(t, 40)
		wrong.Store(true)
		time.Sleep(30 * hourOfPace)
		for _, name := range c.Running() {
			if f, now := c.floors(name), c.now(); int64(f.Closed) > now-48 || f.Closed == 0 {
				t.Errorf("C at %s is %d, want at most %d", name, f.Closed, now-48)
			}
		}
	})
}

// Two of four nodes run with a retention of one day instead of 90: C does not follow them (P1).
func TestWrongSettingsOfHalfMoveNoFloor(t *testing.T) {
	for name, tt := range map[string]struct {
		disabled safeguard.Set
		moves    bool
	}{
		"with the safeguard":          {0, false},
		"one store's setting decides": {safeguard.FloorMajority, true},
	} {
		t.Run(name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				c := formed(t, 4, Options{
					Seed: 5, Copies: 3, Quorum: 2, Pace: pace, Disabled: tt.disabled,
					Configure: func(cfg *node.Config) {
						keeping(90 * 24 * time.Hour)(cfg)
						if cfg.Name == "a" || cfg.Name == "b" {
							cfg.Retention = 24 * time.Hour
						}
					},
				})
				newCaller(t, c).fillBack(t, 60)
				time.Sleep(30 * hourOfPace)
				for _, name := range c.Running() {
					if f, right := c.floors(name), c.now()-90*24; (int64(f.Closed) > right) != tt.moves || f.Closed == 0 {
						t.Errorf("C at %s is %d, and the right hour is %d: moved %t, want %t", name, f.Closed, right, !tt.moves, tt.moves)
					}
				}
			})
		})
	}
}

// Two of three nodes run with a retention of one day by mistake. C passes 24 hours with data in each hour, after an
// announcement and not in the first hour. The mistake is mended, and F follows nothing of it (P1, P4).
func TestALoweredRetentionIsMended(t *testing.T) {
	for name, tt := range map[string]struct {
		disabled      safeguard.Set
		jumps, delete bool
	}{
		"with the safeguards":            {0, false, false},
		"a raise without a limit":        {safeguard.FloorRate, true, false},
		"F follows a withdrawn proposal": {safeguard.FloorStill, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				var log lockedBuffer
				lowered := map[string]bool{}
				c := formed(t, 3, Options{
					Seed: 5, Copies: 3, Pace: pace, Disabled: tt.disabled, Log: slog.New(slog.NewTextHandler(&log, nil)),
					Configure: func(cfg *node.Config) {
						keep := 90 * 24 * time.Hour
						if lowered[cfg.Name] {
							keep = 24 * time.Hour
						}
						keeping(keep)(cfg)
					},
				})
				k := newCaller(t, c)
				first := k.fillBack(t, 150)
				lower := func(to bool) {
					for _, name := range []string{"a", "b"} {
						lowered[name] = to
						c.Kill(name)
						c.Start(name)
					}
					c.mustAgree(t, agreeWithin)
				}
				lower(true)
				time.Sleep(4 * hourOfPace) // two hours after the first one
				closed := int64(c.floors("c").Closed) - first
				if jumps := closed > 3*24; jumps != tt.jumps || closed < 24 {
					t.Errorf("C has passed %d hours, jumps: %t, want %t", closed, jumps, tt.jumps)
				}
				if !strings.Contains(log.String(), "hours will be closed") {
					t.Errorf("no node has announced the raise: %s", log.String())
				}
				lower(false)
				time.Sleep(30 * hourOfPace)
				if deletes := int64(c.floors("c").Expired) > first; deletes != tt.delete {
					t.Errorf("F is %d, and hour %d has data: deletes %t, want %t", c.floors("c").Expired, first, deletes, tt.delete)
				}
			})
		})
	}
}

// No node raises a floor while a program of version 2 may come back.
func TestFloorsWaitForTheEndOfAnUpgrade(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		old := compat.Version(compat.Floors) - 1
		c := formed(t, 3, Options{Seed: 5, Copies: 3, Pace: pace, Newest: old, Configure: keeping(48 * time.Hour)})
		upgrade := func(names ...string) {
			for _, name := range names {
				c.Kill(name)
				c.SetNewest(name, 0)
				c.Start(name)
			}
			c.mustAgree(t, agreeWithin)
			time.Sleep(3 * hourOfPace)
		}
		upgrade("a", "b")
		if got := c.floors("a"); got != (roster.Floors{}) {
			t.Errorf("floors are %v before the end of the upgrade, want none", got)
		}
		upgrade("c")
		if got := c.floors("c"); got.Closed == 0 {
			t.Errorf("floors are %v after the upgrade, want C", got)
		}
	})
}

// The view of a node has the proposals of all stores.
func TestProposalsAreShown(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Seed: 5, Copies: 3, Pace: pace, Configure: func(cfg *node.Config) {
			keeping(48 * time.Hour)(cfg)
			if cfg.Name == "c" {
				cfg.Retention = 0
			}
		}})
		time.Sleep(2 * hourOfPace)
		var proposing []string
		got := c.Node("a").Members().Retention
		for _, p := range got.Proposals {
			if p.Below > 0 {
				proposing = append(proposing, p.Name)
			}
		}
		if len(got.Proposals) != 3 || strings.Join(proposing, " ") != "a b" || got.Keep != 48*3600 {
			t.Errorf("a shows %+v, want three stores, of which a and b propose", got)
		}
		if c.Node("c").Members().Retention.Keep != 0 || got.Next != (contract.Raise{}) {
			t.Errorf("c keeps %d s and a announces %+v, want 0 and nothing", c.Node("c").Members().Retention.Keep, got.Next)
		}
	})
}
