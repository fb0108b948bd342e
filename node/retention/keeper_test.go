package retention

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
)

// state is a roster in memory.
type state struct {
	roster roster.Roster
	self   roster.Store
	fail   error
	raises int
}

func (s *state) Roster() roster.Roster { return s.roster }
func (s *state) Self() roster.Store    { return s.self }

func (s *state) RaiseFloors(f roster.Floors) error {
	if s.fail != nil {
		return s.fail
	}
	s.raises++
	s.roster = s.roster.WithFloors(f)
	return nil
}

// hands is a clock that the test moves.
type hands struct {
	wall time.Time
	mono time.Duration
	off  bool
}

func (h *hands) Millis() int64            { return h.wall.UnixMilli() }
func (h *hands) Off() bool                { return h.off }
func (h *hands) Monotonic() time.Duration { return h.mono }

func (h *hands) pass(d time.Duration) { h.wall, h.mono = h.wall.Add(d), h.mono+d }

const keep = 48 * time.Hour

// begin is the time at which each fixture begins, and first the hour that is as old as the retention then.
var (
	begin = time.Unix(490_000*3600, 0)
	first = flow.Hour(490_000 - 48)
)

// fixture is a Keeper of the only store of a cluster, which holds the hours from first on.
type fixture struct {
	*Keeper
	state *state
	clock *hands
	log   strings.Builder
	low   flow.Hour
	empty bool
}

func newFixture(disabled safeguard.Set) *fixture {
	self := roster.Store{ID: roster.NewStoreID(), Name: "a", Established: true}
	f := &fixture{state: &state{self: self}, clock: &hands{wall: begin, mono: 7 * time.Hour}, low: first}
	f.state.roster = roster.Roster{}.With(self).WithVersion(compat.Newest).WithFloors(roster.Floors{Closed: first})
	f.restart(disabled)
	return f
}

// restart makes a new process.
func (f *fixture) restart(disabled safeguard.Set) {
	f.Keeper = New(Config{Keep: keep, Quorum: 1, Disabled: disabled},
		Deps{State: f.state, Clock: f.clock, Log: slog.New(slog.NewTextHandler(&f.log, nil))})
}

// pass lets time pass, with a heartbeat each minute.
func (f *fixture) pass(d time.Duration) {
	for ; d > 0; d -= time.Minute {
		f.clock.pass(time.Minute)
		f.beat()
	}
}

func (f *fixture) beat() {
	f.Proposal(f.state.roster, f.low, f.empty)
	f.Step(nil)
}

// floors returns C and F in hours after first.
func (f *fixture) floors() [2]flow.Hour {
	floors := f.state.roster.Floors()
	return [2]flow.Hour{floors.Closed - first, max(floors.Expired, first) - first}
}

func (f *fixture) must(t *testing.T, when string, closed, expired flow.Hour) {
	t.Helper()
	if got, want := f.floors(), [2]flow.Hour{closed, expired}; got != want {
		t.Errorf("%s: C and F are %v after the first hour, want %v: %s", when, got, want, f.log.String())
	}
}

// C follows the clock hour by hour, and F follows C a day later.
func TestFloorsFollowTheClock(t *testing.T) {
	f := newFixture(0)
	f.pass(59 * time.Minute)
	f.must(t, "in the first hour", 0, 0)
	f.pass(12 * time.Hour)
	f.must(t, "after 13 hours", 12, 0)
	f.pass(12 * time.Hour)
	f.must(t, "after 25 hours", 24, 0)
	f.pass(time.Hour)
	f.must(t, "after 26 hours", 25, 1)
	f.pass(24 * time.Hour)
	if got := f.floors(); got[0] < 48 || got[1] < 24 || got[1] > got[0]-24 {
		t.Errorf("after 50 hours C and F are %v, want C within two hours of the clock, and F a day behind", got)
	}
}

// Each raise over hours with data is logged an hour before it.
func TestRaisesAreAnnouncedAnHourBefore(t *testing.T) {
	f := newFixture(0)
	f.pass(time.Minute)
	if !strings.Contains(f.log.String(), `msg="hours will be closed" below=489953 now=489952 in=1h0m0s`) {
		t.Errorf("after the start the log is %s, want the announcement of hour 489953", f.log.String())
	}
	if v := f.View(); v.Next.Hour != first+1 || v.Next.In != 3600 {
		t.Errorf("View says %+v as the next raise, want hour %d in an hour", v.Next, first+1)
	}
	f.pass(30 * time.Minute)
	if v := f.View(); v.Next.In != 1800 {
		t.Errorf("View says %+v half an hour later, want 1800 s", v.Next)
	}
	f.pass(31 * time.Minute)
	f.must(t, "after the announced hour", 1, 0)
	if v := f.View(); v.Next.Hour != first+2 {
		t.Errorf("View says %+v after the raise, want hour %d", v.Next, first+2)
	}
	announced, closed := strings.Count(f.log.String(), "hours will be closed"), strings.Count(f.log.String(), "hours closed")
	if announced != 2 || closed != 1 {
		t.Errorf("%d announcements and %d raises, want the raise and the announcement of the next one: %s", announced, closed, f.log.String())
	}
}

// Proposals that appear late, as after a clock was off for hours, wait for the announcement too.
func TestALateProposalIsAnnounced(t *testing.T) {
	f := newFixture(0)
	f.clock.off = true
	f.pass(5 * time.Hour)
	f.clock.off = false
	f.pass(60 * time.Minute)
	f.must(t, "within an hour of the first proposal", 0, 0)
	f.pass(2 * time.Minute)
	f.must(t, "after the announced hour", 6, 0)
}

// An announcement is withdrawn with the proposals behind it, and not by a round without a decision.
func TestAnAnnouncementIsWithdrawn(t *testing.T) {
	f := newFixture(0)
	f.cfg.Keep = time.Hour
	f.pass(30 * time.Minute)
	if v := f.View(); v.Next.Hour != first+step {
		t.Errorf("View says %+v with a lowered retention, want hour %d", v.Next, first+step)
	}
	f.cfg.Keep = keep
	f.pass(2 * time.Minute)
	if v := f.View(); v.Next.Hour != first+1 {
		t.Errorf("View says %+v once the retention is mended, want hour %d", v.Next, first+1)
	}
	f.clock.off = true
	f.beat()
	f.clock.off = false
	f.pass(60 * time.Minute)
	f.must(t, "an hour after the announcement, with a round without a proposal", 1, 0)
}

// A raise that another node made while this one asked counts from then on for this store, too.
func TestARaiseOfAnotherNodeBeginsTheHourAnew(t *testing.T) {
	f := newFixture(0)
	f.cfg.Keep = time.Hour
	f.pass(60 * time.Minute)
	f.clock.pass(time.Minute)
	f.Proposal(f.state.roster, f.low, f.empty)
	f.state.roster = f.state.roster.WithFloors(roster.Floors{Closed: first + step})
	f.Step(nil)
	if got := f.last.Plan().Due; got != first+step {
		t.Errorf("after a raise by %d hours of another node %d hours are due, want none further", step, got-first)
	}
}

// A retention that is lowered, or a clock far ahead, passes 24 hours in an hour, and none in the first hour.
func TestAJumpPasses24HoursInAnHour(t *testing.T) {
	for name, disabled := range map[string]safeguard.Set{"with the safeguard": 0, "without it": safeguard.FloorRate} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(0)
			f.cfg.Disabled = disabled
			f.clock.wall = begin.Add(10_000 * time.Hour)
			f.pass(59 * time.Minute)
			passed := []flow.Hour{f.floors()[0]}
			for _, pass := range []time.Duration{6 * time.Minute, 62 * time.Minute, 62 * time.Minute} {
				f.pass(pass)
				passed = append(passed, f.floors()[0])
			}
			ok := passed[0] == 0 && passed[1] == 24 && passed[2] == 48 && passed[3] == 72
			if ok != (disabled == 0) {
				t.Errorf("C has passed %v hours after 59, 65, 127 and 189 minutes", passed)
			}
		})
	}
}

// Hours of which no store has data are passed at once, by C alone.
func TestHoursWithoutDataAreClosedAtOnce(t *testing.T) {
	f := newFixture(0)
	f.empty = true
	f.clock.wall = begin.Add(10_000 * time.Hour)
	f.pass(61 * time.Minute)
	f.must(t, "in the second hour", 10_001, 0)
	if strings.Contains(f.log.String(), "will be closed") {
		t.Errorf("the log announces a raise over hours without data: %s", f.log.String())
	}
	f.pass(24*time.Hour - 2*time.Minute)
	f.must(t, "a day later", 10_024, 0)
}

// A mistake that is mended within a day deletes nothing (P1).
func TestAMistakeThatIsMendedDeletesNothing(t *testing.T) {
	for _, tt := range []struct {
		name     string
		disabled safeguard.Set
		deletes  bool
	}{
		{"with the safeguards", 0, false},
		{"F follows withdrawn proposals", safeguard.FloorStill, true},
		{"F follows at once", safeguard.FloorWait, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(0)
			f.cfg.Disabled = tt.disabled
			f.cfg.Keep = time.Hour
			f.pass(20 * time.Hour)
			f.cfg.Keep = keep
			f.pass(28 * time.Hour)
			if right := first + 48; (f.state.roster.Floors().Expired > right) != tt.deletes {
				t.Errorf("F is %d at most %d, deletes: %t, want %t", f.state.roster.Floors().Expired, right, !tt.deletes, tt.deletes)
			}
		})
	}
}

// F counts uptime from the moment at which this process knew C, so a restart begins the day anew.
func TestFWaitsForADayOfUptime(t *testing.T) {
	f := newFixture(0)
	f.pass(23 * time.Hour)
	f.restart(0)
	f.clock.pass(1000 * time.Hour) // the process has just started, and the wall clock went on
	f.restart(0)
	f.pass(23 * time.Hour)
	if got := f.floors(); got[1] != 0 {
		t.Errorf("F has passed %d hours in the first day of uptime, want none", got[1])
	}
}

// A store that learns of C long after its start counts from then on.
func TestAStoreThatJoinsCountsFromWhatItLearns(t *testing.T) {
	f := newFixture(0)
	known := f.state.roster
	f.state.roster = roster.Roster{}.With(f.state.self) // of no cluster yet, and of version 1
	f.pass(30 * time.Hour)
	if got := f.Proposal(f.state.roster, f.low, false); got != (Proposal{}) {
		t.Errorf("Proposal before the version with floors = %+v, want none", got)
	}
	f.state.roster = known.WithFloors(roster.Floors{Closed: first + 20})
	f.pass(10 * time.Minute)
	if got := f.floors(); got[1] != 0 {
		t.Errorf("F has passed %d hours after 10 minutes, want none", got[1])
	}
	if got := f.Proposal(f.state.roster, f.low, false); got.Rested > (11 * time.Minute).Milliseconds() {
		t.Errorf("the store has rested %d ms, want at most those since it learnt of C", got.Rested)
	}
}

func TestAStoreProposesNothing(t *testing.T) {
	for name, change := range map[string]func(*fixture){
		"without a retention":      func(f *fixture) { f.cfg.Keep = 0 },
		"while its clock is wrong": func(f *fixture) { f.clock.off = true },
	} {
		f := newFixture(0)
		change(f)
		f.pass(50 * time.Hour)
		f.must(t, name, 0, 0)
		if got := f.Proposal(f.state.roster, 7, false); got.Before != 0 || got.Lowest != 7 || got.Uptime == 0 {
			t.Errorf("%s: Proposal = %+v, want no time, and the rest", name, got)
		}
	}
}

func TestAStoreThatDoesNotCountRaisesNothing(t *testing.T) {
	f := newFixture(0)
	f.state.self.Established = false
	f.pass(5 * time.Hour)
	f.must(t, "a store that is not established", 0, 0)
}

// An operator may close the hours on which the stores agree, without an announcement and beyond 24 hours. F waits its day.
func TestAnOperatorConfirmsARaise(t *testing.T) {
	f := newFixture(0)
	f.beat()
	if err := f.Confirm(); !errors.Is(err, contract.Guarded) {
		t.Errorf("Confirm without a raise = %v, want a refusal", err)
	}
	f.clock.wall = begin.Add(1000 * time.Hour)
	f.beat()
	if err := f.Confirm(); err != nil || f.floors()[0] != 1000 {
		t.Errorf("Confirm = %v, and C has passed %d hours, want 1000", err, f.floors()[0])
	}
	f.pass(23 * time.Hour)
	if got := f.floors(); got[0] < 1000 || got[1] != 0 {
		t.Errorf("C and F have passed %v hours, want 1000 and none", got)
	}
	f.pass(2 * time.Hour)
	if got := f.floors(); got[1] != 1000 {
		t.Errorf("F has passed %d hours a day after, want 1000", got[1])
	}
	f.clock.wall = f.clock.wall.Add(24 * time.Hour)
	f.beat()
	if err := f.Confirm(); err != nil || f.View().Removal.Hour <= first+1000 {
		t.Errorf("Confirm = %v, and the next removal is %+v, want one above hour %d", err, f.View().Removal, first+1000)
	}
	f.cfg.Keep = 0
	f.beat()
	if got := f.View().Removal; got.Hour != 0 {
		t.Errorf("the next removal without proposals is %+v, want none, because F does not follow", got)
	}
	if err := f.Confirm(); !errors.Is(err, contract.Guarded) || !strings.Contains(err.Error(), "--retention") {
		t.Errorf("Confirm without proposals = %v, want a refusal that names the setting", err)
	}
}

// Erased hours are shown, with a retention and without one.
func TestErasedHoursAreShown(t *testing.T) {
	f := newFixture(0)
	f.beat()
	marked, err := f.state.roster.WithMarks(roster.Marks{{From: first + 1, To: first + 2, Erased: 7}, {From: first + 4, To: first + 9}})
	if err != nil {
		t.Fatal(err)
	}
	f.state.roster = marked
	want := []contract.ErasedRange{{From: first + 1, To: first + 2, At: 7}, {From: first + 4, To: first + 9}}
	if got := f.View(); !slices.Equal(got.Erased, want) || len(got.Proposals) != 1 {
		t.Errorf("View = %+v, want the ranges %v and a proposal", got, want)
	}
	f.cfg.Keep, f.state.roster = 0, f.state.roster.WithoutFloors()
	if f.beat(); f.View().Erased != nil {
		t.Errorf("View = %+v, want no ranges without marks", f.View())
	}
	if f.state.roster, err = f.state.roster.WithMarks(marked.Marks()); err != nil {
		t.Fatal(err)
	}
	if got := f.View(); !slices.Equal(got.Erased, want) || got.Proposals == nil || len(got.Proposals) > 0 {
		t.Errorf("View without a retention = %+v, want the ranges %v alone", got, want)
	}
}

// A floor that the disk does not take is tried again, and counts for nothing before.
func TestAFloorThatTheDiskRefusesDoesNotCount(t *testing.T) {
	f := newFixture(0)
	f.state.fail = errors.New("disk")
	f.pass(3 * time.Hour)
	f.must(t, "on a failing disk", 0, 0)
	if !strings.Contains(f.log.String(), "floors not raised") {
		t.Errorf("the log is %s, want the failure", f.log.String())
	}
	f.state.fail = nil
	f.beat()
	if got := f.floors(); got[0] == 0 {
		t.Error("C has not risen once the disk works")
	}
}
