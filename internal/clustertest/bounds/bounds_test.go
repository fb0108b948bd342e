package bounds

import (
	"testing"
	"testing/synctest"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/ring/roster"
	"flowring/router"
)

// The clocks of the nodes have an hour in a second of the bubble. Nodes keep hours for two days.
func TestBounds(t *testing.T) {
	low, future := Mistake{Lowered: true}, Mistake{Ahead: time.Hour}
	for _, tt := range []struct {
		name string
		do   func(*Bounds)
		want roster.Floors // in hours before now
	}{
		{"no node is wrong", func(*Bounds) {}, roster.Floors{Closed: 48, Expired: 72}},
		{"one node is wrong", func(b *Bounds) { b.Set("a", low) }, roster.Floors{Closed: 48, Expired: 72}},
		{"two nodes are wrong", func(b *Bounds) { b.Set("a", low); b.Set("b", low) }, roster.Floors{Closed: 24, Expired: 48}},
		{"for a day", func(b *Bounds) { b.Set("a", low); b.Set("b", low); time.Sleep(24 * time.Second) }, roster.Floors{Closed: 24, Expired: 24}},
		{"until two hours ago", func(b *Bounds) {
			b.Set("a", low)
			b.Set("b", low)
			b.Set("a", Mistake{})
			time.Sleep(2 * time.Second)
		}, roster.Floors{Closed: 26, Expired: 48}},
		{"a test raises floors", func(b *Bounds) { b.Raise(roster.Floors{Closed: b.ago(1), Expired: b.ago(1)}) }, roster.Floors{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := New(48*time.Hour, Clock{time.Now(), 3600})
				tt.do(b)
				want := roster.Floors{Closed: b.clock.Hour() - tt.want.Closed, Expired: b.clock.Hour() - tt.want.Expired}
				if got := b.Floors(); got != want {
					t.Errorf("Floors = %+v, want %+v", got, want)
				}
				b.Set("a", future)
				b.Set("b", future)
				if got := b.Floors(); got.Closed != latest {
					t.Errorf("with two clocks ahead, Floors = %+v, want all hours closed", got)
				}
			})
		})
	}
}

func TestFloorsAreJudged(t *testing.T) {
	b := New(0, Clock{time.Now(), 1})
	b.Raise(roster.Floors{Closed: 5, Expired: 4})
	for _, tt := range []struct {
		closed, expired flow.Hour
		faults          int
	}{{5, 3, 0}, {6, 4, 1}, {5, 4, 1}, {6, 5, 1}, {5, 3, 1}} {
		if got := b.Judge("a", roster.Floors{Closed: tt.closed, Expired: tt.expired}); len(got) != tt.faults {
			t.Errorf("Judge of %+v = %q, want %d faults", tt, got, tt.faults)
		}
	}
	b.Forget("a")
	if got := b.Judge("a", roster.Floors{}); got != nil {
		t.Errorf("Judge of an empty disk = %q, want none", got)
	}
}

// A request comes too late once all stores but W-1, and at least W, have its hour as closed, or one has it as erased. A mark
// of an erased hour alone counts no more after a disk has lost its marks.
func TestRequestsComeTooLate(t *testing.T) {
	const hour = 5
	for _, tt := range []struct {
		name          string
		quorum        int
		closed, erase int // nodes of three, the erased ones among the closed ones
		begun, loss   bool
		want          bool
	}{
		{"no erasure has begun", 2, 3, 3, false, false, false},
		{"one of three", 2, 1, 0, true, false, false},
		{"two of three", 2, 2, 0, true, false, true},
		{"two of three, with W=1", 1, 2, 0, true, false, false},
		{"two of three, with W=3", 3, 2, 0, true, false, false},
		{"all", 3, 3, 0, true, false, true},
		{"erased at one", 2, 1, 1, true, false, true},
		{"erased at one, and a disk has lost its marks", 2, 1, 1, true, true, false},
		{"closed at two, and a disk has lost its marks", 2, 2, 0, true, true, true},
	} {
		b := New(0, Clock{})
		if tt.begun {
			b.Erase(hour)
		}
		if tt.loss {
			b.Forget("a")
		}
		views := map[string]router.MembersView{}
		for i, name := range []string{"a", "b", "c"} {
			v := router.MembersView{Members: make([]router.Member, 3)}
			v.Retention.Erased = []contract.ErasedRange{{From: hour + 1, To: hour + 2, At: 1}}
			if i < tt.closed {
				mark := contract.ErasedRange{From: hour, To: hour + 1}
				if i < tt.erase {
					mark.At = 1
				}
				v.Retention.Erased = append(v.Retention.Erased, mark)
			}
			views[name] = v
		}
		if got := b.Late(hour, tt.quorum, views); got != tt.want || b.Erases(hour) != tt.begun {
			t.Errorf("%s: Late = %t, want %t", tt.name, got, tt.want)
		}
	}
}
