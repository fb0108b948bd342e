package clustertest

import (
	"strings"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/clustertest/checker"
	"flowring/internal/contract"
	"flowring/internal/racetest"
	"flowring/ring/roster"
)

// The hours below 20 may be closed, and those below 10 expired. Each refusal that breaks a promise is a fault (negative
// control of the histories with floors).
func TestWrongRefusalsAreFaults(t *testing.T) {
	const expired, closed, open = 5, 15, 25
	for _, tt := range []struct {
		name         string
		hours        []flow.Hour
		acked, shown bool
		want         string // in the only fault; empty: none
	}{
		{name: "a new request of a closed hour", hours: []flow.Hour{closed}},
		{name: "a new request of a closed and of an open hour", hours: []flow.Hour{open, closed}},
		{name: "an acknowledged request of an expired hour", hours: []flow.Hour{expired}, acked: true},
		{name: "a new request of an open hour", hours: []flow.Hour{open}, want: "(P1)"},
		{name: "an acknowledged request of a closed hour", hours: []flow.Hour{closed}, acked: true, want: "(P2)"},
		{name: "an acknowledged request, one of whose hours is kept", hours: []flow.Hour{expired, open}, acked: true, want: "(P2)"},
		{name: "a request of a closed hour that a read has shown", hours: []flow.Hour{closed}, shown: true, want: "(P3)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := New(t, Options{})
			c.bounds.Raise(roster.Floors{Closed: 20, Expired: 10})
			l := &load{c: c, check: checker.New()}
			r := l.check.Send(tt.hours, 1, true)
			r.Acked.Store(tt.acked)
			if tt.shown {
				l.check.Answer("n1", tt.hours[0], nil, r.Records(), "true")
			}
			l.refused("n1", r)
			wantFault(t, l.check, tt.want)
		})
	}
}

// wantFault fails the test unless a checker has one fault, with a text in it, or none if the text is empty.
func wantFault(t *testing.T, check *checker.Checker, want string) {
	t.Helper()
	faults := check.Faults()
	if len(faults) > 1 || (want == "") != (len(faults) == 0) || !strings.Contains(strings.Join(faults, ""), want) {
		t.Errorf("the faults are %q, want %q", faults, want)
	}
}

// An answer that an hour has expired too early, and a query that begins behind an hour that is kept, are faults.
func TestHoursThatExpireTooEarlyAreFaults(t *testing.T) {
	for hour, want := range map[flow.Hour]string{9: "", 10: "(P5)"} {
		c := New(t, Options{})
		c.bounds.Raise(roster.Floors{Closed: 20, Expired: 10})
		asked, answered := &load{c: c, check: checker.New()}, &load{c: c, check: checker.New()}
		asked.gone("n1", hour)
		wantFault(t, asked.check, want)
		from := hour + 1
		if got := answered.answeredFrom("n1", rowsFrom{from: &from}); got != from {
			t.Errorf("answeredFrom = %d, want %d", got, from)
		}
		wantFault(t, answered.check, want)
	}
}

// rowsFrom are rows from an hour on.
type rowsFrom struct {
	contract.Rows
	from *flow.Hour
}

// From implements contract.Rows.
func (r rowsFrom) From() *flow.Hour { return r.from }

// The end of a history with floors finds an hour that is not expired at every node.
func TestHoursThatStayAreFound(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Seed: 11, Copies: 3})
		r := &runner{load: load{c: c, check: checker.New(), first: 1, hours: 1}, rng: c.rng}
		c.raise(t, "a", roster.Floors{Closed: 1}) // the version is on
		if status := newCaller(t, c).post("a", 1, "s"); status != 200 {
			t.Fatalf("POST = %d, want 200", status)
		}
		find := func(want string) {
			t.Helper()
			if err := r.emptied(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("emptied = %v, want %q", err, want)
			}
		}
		find(`hour 1 at a is "true", and expires`)
		heal := c.Partition([]string{"a"})
		c.raise(t, "a", below(1))
		find(`hour 1 at b is "true", and expires`)
		heal()
		time.Sleep(20 * time.Second)
		if err := r.emptied(); err != nil {
			t.Errorf("emptied = %v, want nil", err)
		}
	})
}

// The judges of erasures find faults: an answer about another hour, and one that is not empty. A refusal of an hour that is
// erased is none, also of an acknowledged request, unless another hour of it is kept.
func TestTheJudgesOfErasuresFindFaults(t *testing.T) {
	const hour, open = 5, 6
	for _, tt := range []struct {
		name   string
		answer func(*load)
		want   string
	}{
		{"an erased hour", func(l *load) { l.erased("n1", hour, 200, "[]\n") }, ""},
		{"an erased hour that the client knows", func(l *load) { l.erased("n1", hour, 304, "") }, ""},
		{"an hour that nobody erases", func(l *load) { l.erased("n1", open, 200, "[]\n") }, "(P5)"},
		{"an erased hour with flows", func(l *load) { l.erased("n1", hour, 200, "[{}]\n") }, "(P5)"},
		{"a refusal of the hour", func(l *load) { l.refused("n1", ackedOf(l, hour)) }, ""},
		{"a refusal of an open hour", func(l *load) { l.refused("n1", l.check.Send([]flow.Hour{open}, 1, true)) }, "(P1)"},
		{"a refusal of an acknowledged request with another hour", func(l *load) { l.refused("n1", ackedOf(l, hour, open)) }, "(P2)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &load{c: New(t, Options{}), check: checker.New()}
			l.c.bounds.Erase(hour)
			tt.answer(l)
			wantFault(t, l.check, tt.want)
		})
	}
}

// ackedOf returns an acknowledged request.
func ackedOf(l *load, hours ...flow.Hour) *checker.Request {
	r := l.check.Send(hours, 1, true)
	r.Acked.Store(true)
	return r
}
