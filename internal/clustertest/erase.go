package clustertest

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"flowring/flow"
	"flowring/internal/clustertest/checker"
	"flowring/ring/roster"
)

// late reports whether no node may acknowledge a request any more, because its only hour is erased.
func (l *load) late(b *checker.Request) bool {
	hour, quorum := b.Batches[0].Hour, cmp.Or(l.c.opts.Quorum, l.c.opts.Copies/2+1)
	return len(b.Batches) == 1 && l.c.bounds.Erases(hour) && l.c.bounds.Late(hour, quorum, l.c.views())
}

// erased judges an answer that says that an hour is erased. status and text are its other parts.
func (l *load) erased(node string, hour flow.Hour, status int, text string) {
	if l.check.Count(""); !l.c.bounds.Erases(hour) || status == 200 && text != "[]\n" {
		l.check.Fault("%s says that hour %d is erased: %d %s (P5)", node, hour, status, text)
	}
}

// erase executes a step of an erasure at a running node: close marks the hour as closed, erase erases the hour by its
// plan. Steps that fail, because the cluster is not whole, are no faults.
func (r *runner) erase(verb, name, index string) {
	i, _ := strconv.Atoi(index)
	hour, n := r.hour(i), r.c.Node(name)
	for range 20 {
		if n == nil || n != r.c.Node(name) {
			return
		}
		r.c.bounds.Erase(hour)
		if verb == "close" {
			n.Erasures().State.MarkHours(roster.Marks{{From: hour, To: hour + 1}})
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		plan, _ := n.Erasures().Erase(ctx, hour, hour+1, "") // fails at a node that is alone, which may go on all the same
		state, err := n.Erasures().Erase(ctx, hour, hour+1, cmp.Or(plan.Hash, "begun"))
		if cancel(); err == nil && state.Done {
			return
		}
		time.Sleep(time.Second)
	}
}

// eraseRest takes all erasures to their ends. It returns nil once they are done, or their hours have expired (P6).
func (r *runner) eraseRest() error {
	for _, hour := range r.c.bounds.Erased() {
		n := r.c.Node(r.c.Running()[0])
		plan, err := n.Erasures().Erase(context.Background(), hour, hour+1, "")
		if err == nil {
			plan, err = n.Erasures().Erase(context.Background(), hour, hour+1, plan.Hash)
		}
		if !plan.Done && n.Members().Retention.Expired <= hour {
			return fmt.Errorf("the erasure of hour %d is at %+v: %w", hour, plan, err)
		}
	}
	return nil
}
