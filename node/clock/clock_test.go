package clock

import (
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flowring/internal/racetest"
)

func TestTheOffsetIsTheDifferenceToTheMedianOfTheOthers(t *testing.T) {
	const s, h = time.Second, time.Hour
	for _, tt := range []struct {
		name  string
		ahead []time.Duration
		want  time.Duration
		off   bool
	}{
		{"no other clock", nil, 0, false},
		{"one other clock", []time.Duration{h}, h, true},
		{"one other clock, a little ahead", []time.Duration{-5 * time.Minute}, -5 * time.Minute, false},
		{"one other clock, more than 5 minutes ahead", []time.Duration{-5*time.Minute - 1}, -5*time.Minute - 1, true},
		{"one of two others is wrong", []time.Duration{h, s}, s, false},
		{"one of two others is wrong, the other way", []time.Duration{-h, -s}, -s, false},
		{"the two others are on both sides", []time.Duration{-2 * s, s}, s, false},
		{"the two others are on both sides, the first is nearer", []time.Duration{-s, 2 * s}, -s, false},
		{"the two others agree", []time.Duration{h, h + s}, h, true},
		{"one of three others is wrong", []time.Duration{h, s, 0}, s, false},
		{"two of three others are wrong", []time.Duration{h, 2 * h, 0}, h, true},
		{"two of four others are wrong", []time.Duration{h, 0, s, h}, s, false},
		{"the least duration", []time.Duration{math.MinInt64}, math.MinInt64, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := New(time.Now, nil, slog.New(slog.DiscardHandler))
			c.Compare(tt.ahead)
			if got, n := c.Offset(); got != tt.want || n != len(tt.ahead) || c.Off() != tt.off {
				t.Errorf("Compare(%v): offset %v of %d, off: %t, want %v of %d, %t", tt.ahead, got, n, c.Off(), tt.want, len(tt.ahead), tt.off)
			}
		})
	}
}

// A call takes time. Half of it counts as the way of the answer.
func TestTheTimeOfACallIsNoDifference(t *testing.T) {
	here := time.Unix(1000, 0)
	c := New(func() time.Time { return here }, nil, slog.New(slog.DiscardHandler))
	for _, tt := range []struct {
		name   string
		millis int64
		took   time.Duration
		want   time.Duration
		said   bool
	}{
		{"the same time", 1000_000, 0, 0, true},
		{"an answer of 300 ms ago", 999_700, 600 * time.Millisecond, 0, true},
		{"an hour behind", 1000_000 - 3600_000, 0, time.Hour, true},
		{"no clock", 0, 0, 1000 * time.Second, false},
		{"the latest time", math.MaxInt64, 0, math.MinInt64, true},
		{"the earliest time", math.MinInt64, 0, math.MaxInt64, true},
	} {
		if got, said := c.Ahead(tt.millis, tt.took); got != tt.want || said != tt.said {
			t.Errorf("%s: Ahead(%d, %v) = %v %t, want %v %t", tt.name, tt.millis, tt.took, got, said, tt.want, tt.said)
		}
	}
}

// A clock that is off is logged at a bounded rate, also if it is off and not off in turns.
func TestWarningsAboutTheClockAreRare(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var log strings.Builder
		c := New(time.Now, nil, slog.New(slog.NewTextHandler(&log, nil)))
		logged := func(message string) int { return strings.Count(log.String(), message) }
		step := func(ahead time.Duration, off, agrees int) {
			t.Helper()
			c.Compare([]time.Duration{ahead})
			if logged("clock is off") != off || logged("clock agrees again") != agrees {
				t.Errorf("after %v: the log is %s, want %d warnings and %d ends", ahead, log.String(), off, agrees)
			}
		}
		step(0, 0, 0)
		step(time.Hour, 1, 0)
		for range 100 {
			time.Sleep(time.Second)
			step(time.Hour, 1, 0)
		}
		c.Compare(nil) // a round without an answer says nothing
		step(time.Hour, 1, 0)
		for range 100 {
			time.Sleep(time.Second)
			step(0, 1, 1)
			step(time.Hour, 1, 1)
		}
		time.Sleep(WarnEvery)
		step(time.Hour, 2, 1)
		step(0, 2, 2)
		synctest.Wait()
	})
}

func TestThePaceOfATestProgram(t *testing.T) {
	for _, tt := range []struct {
		text   string
		pace   int64
		millis int64
	}{{"", 1, 0}, {"8000@1700000000000", 8000, 1700000000000}, {"0@1700000000000", 1, 0}, {"8000", 1, 0}, {"x@1", 1, 0}} {
		if got, since := paceOf(tt.text); got != tt.pace || tt.pace > 1 && since.UnixMilli() != tt.millis {
			t.Errorf("paceOf(%q) = %d, %v, want %d, %d", tt.text, got, since, tt.pace, tt.millis)
		}
	}
	if fast != "" || pace != 1 {
		t.Errorf("a program without the linker's word has the pace %d", pace)
	}
}
