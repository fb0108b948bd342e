package clustertest

import "time"

// changeQuorum stops all nodes at once, and starts them with another W. If W falls it starts all machines, as
// docs/operations.md asks for. If W rises, nodes that were down stay down, unless fewer than W would run. While a disk
// is lost it does nothing, because the loss of a disk more than W-1 at a time may lose batches.
func (r *runner) changeQuorum(w int) {
	r.healed()
	if len(r.lostStores) > 0 || w == r.quorum() {
		return
	}
	time.Sleep(5 * time.Second) // the first nodes turn the newest version on
	r.heal()
	names := r.c.Running()
	for _, name := range names {
		r.c.Kill(name)
	}
	if w < r.quorum() || len(names) < w {
		names = r.c.Names()
	}
	r.c.opts.Quorum = w
	for _, name := range names {
		r.c.Machine(name).Disk.Fail(nil)
		r.start(name)
	}
	if err := r.c.WaitReady(2 * time.Minute); err != nil {
		r.check.Fault("with W=%d: %v (P6); the cluster: %s", w, err, r.picture())
	}
	time.Sleep(2 * time.Second)
	r.unproven = true
}

// proves reports whether each batch is on W stores since the last change of W.
func (r *runner) proves() bool {
	for _, name := range r.c.Running() {
		for _, m := range r.c.Node(name).Members().Members {
			if m.Name == name && m.State == "alive" && !m.Recovering {
				r.unproven = false
			}
		}
	}
	return !r.unproven
}
