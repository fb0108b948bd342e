package clustertest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/internal/memnet"
	"flowring/ring/roster"
	"flowring/store/journal/journaltest"
)

// begin executes one line; a line with & at its end runs beside the next lines.
func (r *runner) begin(line string) {
	do := func(step string) {
		if err := r.step(strings.Fields(step)); err != nil {
			r.check.Fault("step %q: %v", step, err)
		}
	}
	if step, ok := strings.CutSuffix(line, "&"); ok {
		r.background.Go(func() { do(step) })
		return
	}
	do(line)
}

// step executes one step. A step that is impossible in the current state does nothing, so any subset of a scenario is a
// scenario.
func (r *runner) step(f []string) error {
	verb, args := f[0], f[1:]
	switch verb {
	case "wait":
		time.Sleep(ms(args[0]))
	case "heal":
		r.heal()
	case "blackout":
		percent, _ := strconv.Atoi(args[0])
		for _, name := range r.c.Running() {
			r.c.PowerLoss(name, percent)
		}
	case "cut":
		left, right, _ := strings.Cut(args[0], "|")
		r.cut(strings.Split(left, ","), strings.Split(right, ","), args[1:], true)
	case "reset":
		left, right, _ := strings.Cut(args[0], "|")
		for _, a := range strings.Split(left, ",") {
			for _, b := range strings.Split(right, ",") {
				r.between(a, b, func(a, b string) { r.c.Net.Reset(a, b, PeerPort) })
			}
		}
	case "oneway":
		r.cut(args[:1], args[1:2], args[2:], false)
	case "mute":
		r.between(args[0], args[1], func(a, b string) {
			r.heals = append(r.heals, r.c.Net.Cut(a, b, memnet.Traffic{Kind: memnet.Requests, Port: PeerPort}))
		})
	case "deaf":
		r.between(args[0], args[1], func(a, b string) {
			r.heals = append(r.heals, r.c.Net.Cut(b, a, memnet.Traffic{Kind: memnet.Answers, Port: PeerPort}))
		})
	case "slow":
		r.between(args[0], args[1], func(a, b string) { r.c.Net.SetLatency(a, b, ms(args[2])) })
	case "lossy":
		percent, _ := strconv.Atoi(args[2])
		r.between(args[0], args[1], func(a, b string) { r.c.Net.SetLoss(a, b, float64(percent)/100) })
	case "copy", "squat":
		return r.outsiders(verb, args)
	case "place", "version", "quorum":
		r.prepare(verb, args)
	case "start":
		for _, name := range args {
			r.start(name)
		}
	default:
		return r.nodeStep(verb, args)
	}
	return nil
}

// prepare executes a step on the next processes of machines, which may be new.
func (r *runner) prepare(verb string, args []string) {
	number, _ := strconv.Atoi(args[len(args)-1])
	switch verb {
	case "place":
		r.c.place(args[0])
	case "version":
		r.changeVersion(args[0], compat.Version(number))
	case "quorum":
		r.changeQuorum(number)
	}
}

// nodeStep executes a step on one node.
func (r *runner) nodeStep(verb string, args []string) error {
	name := args[0]
	m := r.c.Machine(name)
	if m == nil || r.drained[name] {
		return nil
	}
	running := r.c.Node(name) != nil
	switch verb {
	case "query":
		for range countOf(args[1:]) {
			r.query(context.Background(), name, contract.NeedUnproven)
			time.Sleep(100 * time.Millisecond)
		}
	case "write", "read":
		if running {
			r.clientStep(verb, name, args[1:])
		}
	case "forget":
		r.forget(name, args[1])
	case "forgotten":
		r.forgotten(name, ms(args[1]))
	case "kill":
		r.c.Kill(name)
	case "power":
		percent, _ := strconv.Atoi(args[1])
		r.c.PowerLoss(name, percent)
	case "stop", "restart":
		r.c.Stop(name, 25*time.Second)
		if verb == "restart" {
			r.start(name)
		}
	case "later":
		return r.addLater(name)
	case "drain":
		switch {
		case !running || len(r.c.Running()) <= 3:
		case len(args) > 1:
			r.drain(name, ms(args[1]))
		default:
			r.drain(name, drainWithin)
		}
	case "lower", "amend", "clock", "floor", "retry", "close", "erase":
		return r.floorStep(verb, name, args[1:])
	default:
		return r.diskStep(verb, m)
	}
	return nil
}

// diskStep executes a step on the disk of a machine.
func (r *runner) diskStep(verb string, m *Machine) error {
	switch verb {
	case "wipe":
		if r.mayLose() {
			r.lost(m.Name)
			delete(r.backups, m.Name)
			r.c.crash(m.Name, (*journaltest.Disk).Wipe)
		}
	case "remove":
		if err := m.Disk.Remove(dataDir, false); err != nil {
			return err
		}
	case "backup":
		r.backup(m.Name)
	case "restore":
		return r.restore(m)
	case "image":
		r.images[m.Name] = m.Disk.Image()
	case "rollback":
		if image, ok := r.images[m.Name]; ok && r.mayLose() {
			r.lost(m.Name)
			delete(r.backups, m.Name) // it may be newer than the image
			r.c.crash(m.Name, func(d *journaltest.Disk) { d.Restore(image) })
		}
	case "spoil":
		r.c.Spoil(m.Name)
	case "mend":
		m.Disk.Fail(nil)
	default:
		return fmt.Errorf("unknown verb")
	}
	return nil
}

// clientStep writes a batch or reads, the given number of times, 100 ms apart.
func (r *runner) clientStep(verb, name string, args []string) {
	client := r.c.Client("10.0.4.1")
	defer client.CloseIdleConnections()
	ctx := context.Background()
	hours := []string{args[0]}
	if args[0] == "all" {
		hours = nil
		for h := range r.hours {
			hours = append(hours, strconv.Itoa(h))
		}
	}
	for range countOf(args[1:]) {
		for _, text := range hours {
			hour, _ := strconv.Atoi(text)
			if verb == "read" {
				r.get(ctx, client, name, hour, "")
			} else {
				r.postTo(ctx, client, name, r.check.Send([]flow.Hour{r.hour(hour)}, 1+r.rng.Int64N(1<<40), true))
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// countOf returns the number of repetitions in the arguments of a step, 1 by default.
func countOf(args []string) int {
	if len(args) == 0 {
		return 1
	}
	n, _ := strconv.Atoi(args[0])
	return n
}

// forget asks one node to forget the store of another, as an operator would.
func (r *runner) forget(name, at string) {
	n := r.c.Node(at)
	if n == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, m := range n.Members().Members {
		if m.Name != name || m.State == "alive" && r.c.Node(name) != nil {
			continue
		}
		if err := n.Forget(ctx, roster.StoreID(m.Store), false); err != nil {
			r.c.opts.Log.Info("forget", "node", name, "error", err)
		}
	}
}

// forgotten finds a fault if a running node does not forget the lost store of a node in time.
func (r *runner) forgotten(name string, within time.Duration) {
	for deadline := time.Now().Add(within); ; time.Sleep(time.Second) {
		known := ""
		for _, at := range r.c.Running() {
			for _, m := range r.c.Node(at).Members().Members {
				if m.Name == name && m.Store == r.lostStores[name] {
					known = at
				}
			}
		}
		switch {
		case known == "":
			return
		case time.Now().After(deadline):
			r.check.Fault("%s has not forgotten the lost store of %s after %v (P6)", known, name, within)
			return
		}
	}
}

// start starts a node that does not run. A node that cannot start, for example on a failing disk, stays down.
func (r *runner) start(name string) {
	if r.c.Node(name) == nil && !r.drained[name] {
		if err := r.c.start(name); err != nil {
			r.c.opts.Log.Info("start", "node", name, "error", err)
		}
	}
}

const drainWithin = 30 * time.Second

// drain drains a node. If the drain does not end in time the node runs on.
func (r *runner) drain(name string, within time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	n := r.c.Node(name)
	if err := n.Drain(ctx); err != nil {
		r.c.opts.Log.Info("drain", "node", name, "error", err)
		return
	}
	r.drained[name] = true
	r.c.crash(name, (*journaltest.Disk).Wipe)
}

// mayLose reports whether one more disk may be lost or rolled back, because P1 holds for W-1 disks at a time. A disk
// that is lost a second time before the cluster has replaced its store counts again.
func (r *runner) mayLose() bool {
	r.healed()
	return r.proves() && len(r.lostStores) < r.quorum()-1
}

func (r *runner) quorum() int {
	if r.c.opts.Quorum == 0 {
		return r.c.opts.Copies/2 + 1
	}
	return r.c.opts.Quorum
}

// lost notes the loss of the store of a node.
func (r *runner) lost(name string) {
	r.c.bounds.Forget(name)
	r.lostStores[name] = "?"
	for _, other := range r.c.Running() {
		for _, m := range r.c.Node(other).Members().Members {
			if m.Name == name && m.State == "alive" { // whether established or not, because the cluster cannot know
				r.lostStores[name] = m.Store
			}
		}
	}
}

// healed removes a loss once the cluster has recovered from it: every running node has forgotten the lost store or sees
// it recovered.
func (r *runner) healed() {
	for name, store := range r.lostStores {
		if r.forgottenOrRecovered(name, store) {
			delete(r.lostStores, name)
		}
	}
}

func (r *runner) forgottenOrRecovered(name, store string) bool {
	n := r.c.Node(name)
	if n == nil || n.Ready() != nil {
		return false
	}
	for _, m := range n.Members().Members {
		if m.Store == store && (m.Recovering || m.State != "alive") || m.Name == name && m.Recovering {
			return false
		}
	}
	return true
}

func (r *runner) cut(a, b, what []string, both bool) {
	var only []memnet.Traffic
	if len(what) > 0 {
		only = append(only, memnet.Traffic{Port: map[string]int{"gossip": GossipPort, "peer": PeerPort}[what[0]]})
	}
	for _, from := range a {
		for _, to := range b {
			r.between(from, to, func(from, to string) {
				r.heals = append(r.heals, r.c.Net.Cut(from, to, only...))
				if both {
					r.heals = append(r.heals, r.c.Net.Cut(to, from, only...))
				}
			})
		}
	}
}

// between calls fn with the addresses of two machines, if they exist.
func (r *runner) between(a, b string, fn func(a, b string)) {
	if r.c.Machine(a) != nil && r.c.Machine(b) != nil {
		fn(r.c.Addr(a), r.c.Addr(b))
	}
}

func (r *runner) heal() {
	for _, heal := range r.heals {
		heal()
	}
	r.heals = nil
	names := r.c.Names()
	for _, a := range names {
		for _, b := range names {
			r.c.Net.SetLatency(r.c.Addr(a), r.c.Addr(b), time.Millisecond)
			r.c.Net.SetLoss(r.c.Addr(a), r.c.Addr(b), 0)
		}
	}
}
