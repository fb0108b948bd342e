package clustertest

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flowring/internal/racetest"
)

// One of three clocks is wrong. Its node warns, once, and no other node does. Slow links make no clock wrong.
func TestANodeWithAWrongClockSaysSo(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var log lockedBuffer
		var wrong atomic.Int64 // the clock of b is ahead by this
		c := formed(t, 3, Options{
			Seed: 5, Copies: 3, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Clock: func(node string) time.Time {
				if node == "b" {
					return time.Now().Add(time.Duration(wrong.Load()))
				}
				return time.Now()
			},
		})
		c.slowLinks("c", 300*time.Millisecond)
		mustBe := func(off string, offset time.Duration) {
			t.Helper()
			time.Sleep(30 * time.Second)
			for _, name := range c.Running() {
				want, seconds := name == off, 0.0
				if want {
					seconds = offset.Seconds()
				}
				if got := c.Node(name).ClockOff(); got != want {
					t.Errorf("ClockOff of %s = %t, want %t", name, got, want)
				}
				got := c.metric(t, name, "flowring_clock_offset_seconds")
				if got < seconds-0.01 || got > seconds+0.01 {
					t.Errorf("flowring_clock_offset_seconds of %s = %g, want %g", name, got, seconds)
				}
				if got := c.metric(t, name, "flowring_clocks_compared"); got != 2 {
					t.Errorf("flowring_clocks_compared of %s = %g, want 2", name, got)
				}
			}
		}
		mustBe("", 0)
		for _, ahead := range []time.Duration{6 * time.Minute, -time.Hour} {
			wrong.Store(int64(ahead))
			mustBe("b", ahead)
		}
		wrong.Store(0)
		mustBe("", 0)
		for message, want := range map[string]int{"clock is off": 1, "clock agrees again": 1} {
			if got := strings.Count(log.String(), fmt.Sprintf("msg=%q node=b", message)); got != want || strings.Count(log.String(), message) != want {
				t.Errorf("b logs %q %d times, want %d, and no other node: %s", message, got, want, log.String())
			}
		}
	})
}

// A node that says no clock, as programs of earlier versions do, counts in no other node's comparison.
func TestANodeThatSaysNoClockIsLeftOut(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Seed: 5, Copies: 3, Clock: func(node string) time.Time {
			if node == "b" {
				return time.UnixMilli(0) // in a heartbeat the same as no clock
			}
			return time.Now()
		}})
		time.Sleep(30 * time.Second)
		for name, want := range map[string]float64{"a": 1, "b": 2, "c": 1} {
			if got := c.metric(t, name, "flowring_clocks_compared"); got != want {
				t.Errorf("flowring_clocks_compared of %s = %g, want %g", name, got, want)
			}
			if got := c.Node(name).ClockOff(); got != (name == "b") {
				t.Errorf("ClockOff of %s = %t, want %t", name, got, name == "b")
			}
		}
	})
}
