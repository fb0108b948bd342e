package store

import (
	"errors"
	"math"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/store/limits"
)

// fakeClock is a wall clock that may be off.
type fakeClock struct {
	at  time.Time
	off bool
}

func (c *fakeClock) Millis() int64 { return c.at.UnixMilli() }
func (c *fakeClock) Off() bool     { return c.off }

// An owner refuses new batches of hours far ahead of its clock, in new hours and in known ones. A retry of a stored
// batch is a replay also after the clock was set back (P3), and a store whose clock is off judges no hour.
func TestHoursFarAheadAreRefused(t *testing.T) {
	const now = flow.Hour(498000)
	for _, tt := range []struct {
		name  string
		ahead time.Duration
		off   bool
		hour  flow.Hour
		want  error
	}{
		{"the present hour", 48 * time.Hour, false, now, nil},
		{"the last hour", 48 * time.Hour, false, now + 48, nil},
		{"the first hour too far ahead", 48 * time.Hour, false, now + 49, contract.FutureHour},
		{"half an hour reaches into the next hour", 30 * time.Minute, false, now + 1, nil},
		{"29 minutes end before it", 29 * time.Minute, false, now + 1, contract.FutureHour},
		{"a past hour", time.Hour, false, 7, nil},
		{"the largest hour", 48 * time.Hour, false, math.MaxInt64, contract.FutureHour},
		{"the smallest hour", 48 * time.Hour, false, math.MinInt64, nil},
		{"no limit", 0, false, math.MaxInt64, nil},
		{"a clock that is off", 48 * time.Hour, true, now + 1000, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clock := &fakeClock{at: time.Unix(int64(now)*3600+1800, 0), off: tt.off}
			s := limited(t, newMemJournal(), limits.Limits{Ahead: tt.ahead, Clock: clock})
			for _, known := range []bool{false, true} {
				_, err := s.Check(written(batchOf(t, flow.Slice{Hour: tt.hour}, dot(1, 1), record("a", "b", 1, 1)))...)
				var refused *contract.HourError
				if !errors.Is(err, tt.want) || errors.As(err, &refused) != (tt.want != nil) {
					t.Errorf("Check of a batch (known hour: %t) = %v, want %v", known, err, tt.want)
				}
				stored := keyed(t, dot(2, 1), 7, record("c", "d", 1, 1))
				stored.Slice.Hour = tt.hour
				if err := s.Apply(written(stored)...); err != nil { // P4: every store takes an admitted batch
					t.Fatal(err)
				}
				if replay, err := s.Check(written(stored)...); !replay || err != nil {
					t.Errorf("Check of a stored batch = %t, %v, want a replay", replay, err)
				}
			}
			if want := map[bool]uint64{false: 0, true: 2}[tt.want != nil]; s.Stats().FutureHours != want {
				t.Errorf("FutureHours = %d, want %d", s.Stats().FutureHours, want)
			}
		})
	}
}
