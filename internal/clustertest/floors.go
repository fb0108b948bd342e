package clustertest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"flowring/flow"
	"flowring/internal/clustertest/bounds"
	"flowring/internal/clustertest/checker"
	"flowring/internal/contract"
	"flowring/internal/ledger"
	"flowring/ring/roster"
)

const (
	floorsPace    = 3600      // makes an hour of a second of the bubble
	firstToClose  = 4         // hours until the first hour of the clients is as old as the retention
	strideOfHours = 4         // hours between two hours of the clients
	gone          = "expired" // the completeness of an answer 410
	erased        = "erased"  // the completeness of an answer about an erased hour
)

// now returns the hour of the clock of a right node.
func (c *Cluster) now() int64 { return c.clockOf("")().Unix() / 3600 }

// judgeFloors judges the floors of all nodes, as they answer to each other.
func (r *runner) judgeFloors() {
	if r.c.bounds.Floors() == (roster.Floors{}) {
		return
	}
	for _, name := range r.c.Running() {
		if heard, err := r.c.exchange(name, roster.Roster{}); err == nil {
			for _, fault := range r.c.bounds.Judge(name, heard.Floors()) {
				r.check.Fault("%s", fault)
			}
		}
	}
}

// acknowledged notes a request that a node has acknowledged.
func (l *load) acknowledged(b *checker.Request) {
	if b.Acked.Swap(true) || !b.Keyed {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = append(l.done, b)
}

// refused judges a refusal because of a closed hour (P3). Requests that were acknowledged, or shown as such, are known
// for as long as one of their hours is kept (P2).
func (l *load) refused(node string, b *checker.Request) {
	may := l.c.bounds.Floors()
	closed := func(b *ledger.Batch) bool { return b.Hour < may.Closed || l.c.bounds.Erases(b.Hour) }
	expired := func(b *ledger.Batch) bool { return b.Hour < may.Expired || l.c.bounds.Erases(b.Hour) }
	if !slices.ContainsFunc(b.Batches, closed) {
		l.check.Fault("%s refuses %s, although no hour of it is closed (P1)", node, b.Name())
	}
	kept := slices.DeleteFunc(slices.Clone(b.Batches), expired)
	if b.Acked.Load() && len(kept) > 0 {
		l.check.Fault("%s refuses %s, which was acknowledged (P2)", node, b.Name())
	}
	for _, batch := range kept {
		if slices.Contains(l.check.Owed(batch.Hour), batch) {
			l.check.Fault("%s refuses %s, which a read has shown (P3)", node, b.Name())
		}
	}
	l.check.Refuse(kept...)
}

// gone judges a refusal because an hour has expired.
func (l *load) gone(node string, hour flow.Hour) {
	if may := l.c.bounds.Floors(); hour >= may.Expired {
		l.check.Fault("%s says that hour %d has expired, and hours below %d may have (P5)", node, hour, may.Expired)
	}
}

// answeredFrom returns the first hour of an answer to a query, and judges it.
func (l *load) answeredFrom(node string, rows contract.Rows) flow.Hour {
	from := rows.From()
	if from == nil {
		return l.hour(0)
	}
	l.gone(node, *from-1)
	return *from
}

// saysClosed reports whether a refusal has a code of closed hours.
func saysClosed(status int, text []byte) bool {
	return status == http.StatusConflict &&
		(bytes.Contains(text, []byte(`/problems/expired"`)) || bytes.Contains(text, []byte(`/problems/closed"`)))
}

// widen adds another hour to some requests.
func (l *load) widen(b *checker.Request, rng *rand.Rand) {
	if hour := l.hour(rng.IntN(l.hours)); rng.IntN(3) == 0 && hour != b.Batches[0].Hour {
		b.Batches = append(b.Batches, l.check.Enter(hour, b.Name(), b.Batches[0].Weight))
	}
}

// repeat now and then sends an acknowledged request again (P2).
func (l *load) repeat(ctx context.Context, client *http.Client, rng *rand.Rand) {
	l.mu.Lock()
	done := slices.Clip(l.done)
	l.mu.Unlock()
	if len(done) > 0 && rng.IntN(3) == 0 {
		l.post(ctx, client, done[rng.IntN(len(done))], rng)
	}
}

// floorStep executes a step of a history with floors.
func (r *runner) floorStep(verb, name string, args []string) error {
	m := r.c.bounds.Mistake(name)
	switch verb {
	case "close", "erase":
		r.erase(verb, name, args[0])
	case "lower":
		r.correct(name, bounds.Mistake{Lowered: true, Ahead: m.Ahead})
	case "amend":
		r.amend(name)
	case "clock":
		hours, _ := strconv.Atoi(args[0])
		m.Ahead = time.Duration(hours) * time.Hour
		r.c.bounds.Set(name, m)
	case "floor":
		closed, _ := strconv.Atoi(args[0])
		expired, _ := strconv.Atoi(args[1])
		return r.raiseFloors(name, roster.Floors{Closed: flow.Hour(closed), Expired: flow.Hour(expired)})
	case "retry":
		client := r.c.Client("10.0.4.1")
		defer client.CloseIdleConnections()
		for _, b := range r.done {
			r.postTo(context.Background(), client, name, b)
		}
	}
	r.judgeFloors()
	return nil
}

// raiseFloors raises the floors at a node that runs.
func (r *runner) raiseFloors(name string, want roster.Floors) error {
	r.c.bounds.Raise(want)
	if n := r.c.Node(name); n != nil {
		if got, err := n.RaiseFloors(want); err != nil || got.Closed < want.Closed || got.Expired < want.Expired {
			return fmt.Errorf("floors %+v, %w", got, err)
		}
	}
	return nil
}

// amend ends the mistake of a node.
func (r *runner) amend(name string) { r.correct(name, bounds.Mistake{}) }

// correct changes the mistake of a node. A running node with another retention is restarted, and has the old one until
// it has stopped.
func (r *runner) correct(name string, m bounds.Mistake) {
	restart := r.c.bounds.Mistake(name).Lowered != m.Lowered && r.c.Node(name) != nil
	if restart {
		r.c.Stop(name, 25*time.Second)
	}
	r.c.bounds.Set(name, m)
	if restart {
		r.start(name)
	}
}

// emptied returns nil once all hours of the clients have expired at every running node, and no batch is left (P5).
func (r *runner) emptied() error {
	client := r.c.Client("10.0.3.1")
	defer client.CloseIdleConnections()
	for _, name := range r.c.Running() {
		for i := range r.hours {
			if _, level := r.get(context.Background(), client, name, i, ""); level != gone {
				return fmt.Errorf("hour %d at %s is %q, and expires", r.hour(i), name, level)
			}
		}
		for _, m := range r.c.Node(name).Members().Members {
			if m.Name == name && m.State == "alive" && m.Hours > 0 {
				return fmt.Errorf("%s holds %d hours, and all have expired", name, m.Hours)
			}
		}
	}
	return nil
}
