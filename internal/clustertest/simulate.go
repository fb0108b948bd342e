package clustertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"flowring/internal/memnet"
	"flowring/ring"
	"flowring/store/journal/journaltest"
)

// Result is what came of a history.
type Result struct {
	Faults   []string // what broke a promise; empty: nothing
	Sent     int
	Acked    int
	Complete int // reads that claimed to be complete
	Unproven int
	Refused  int           // other reads
	Lasted   time.Duration // of the bubble
}

// settleWithin is how long a cluster may take, after all faults have ended, until every node gives the same complete answers: minutes,
// but for a store whose node never came back, which is forgotten after a quarter of an hour.
const settleWithin = 20 * time.Minute

// Run runs a scenario, with clients on the side, and judges it. It must be called in a bubble. The scenario begins when the nodes n1
// to n3 are ready; after it the network is healed and every disk mended, every node that can be is started, and the final state judged.
func Run(t testing.TB, opts Options, s Scenario) Result {
	begun := time.Now()
	c := New(t, opts)
	defer c.Close()
	check := NewChecker()
	if opts.Hours == 0 {
		opts.Hours = 3
	}
	r := &runner{load: load{c: c, check: check, hours: opts.Hours}, rng: rand.New(rand.NewPCG(opts.Seed, 300)), images: map[string]journaltest.Image{}, gone: map[string]bool{}, ill: map[string]string{}}
	c.Start("n1", "n2", "n3")
	if err := c.WaitReady(time.Minute); err != nil {
		check.Fault("the cluster did not form: %v", err)
		return r.result(begun)
	}
	stop := func() {}
	if !opts.Quiet {
		stop = r.clients(opts.Seed)
	}
	for _, step := range s {
		if err := r.step(strings.Fields(step)); err != nil {
			check.Fault("step %q: %v", step, err)
		}
	}
	r.finish(stop)
	return r.result(begun)
}

// runner runs one history.
type runner struct {
	load
	rng    *rand.Rand // of the scenario's own reads and writes
	heals  []func()
	images map[string]journaltest.Image
	gone   map[string]bool   // drained: never started again
	ill    map[string]string // node -> store whose disk was lost or rolled back
}

// clients starts writers and readers and returns what stops them and waits for them.
func (r *runner) clients(seed uint64) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i := range 3 {
		rng := rand.New(rand.NewPCG(seed, uint64(100+i)))
		wg.Go(func() { r.write(ctx, fmt.Sprintf("10.0.1.%d", i+1), rng) })
	}
	for i := range 2 {
		rng := rand.New(rand.NewPCG(seed, uint64(200+i)))
		wg.Go(func() { r.read(ctx, fmt.Sprintf("10.0.2.%d", i+1), rng) })
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// step does what one line says. A step that makes no sense in the present state does nothing, so that any subset of a scenario is
// one too.
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
	case "start":
		for _, name := range args {
			r.start(name)
		}
	default:
		return r.nodeStep(verb, args)
	}
	return nil
}

// nodeStep does something to one node.
func (r *runner) nodeStep(verb string, args []string) error {
	name := args[0]
	m := r.c.Machine(name)
	if m == nil || r.gone[name] {
		return nil
	}
	running := r.c.Node(name) != nil
	switch verb {
	case "write", "read":
		if running {
			r.clientStep(verb, name, args[1:])
		}
	case "forget":
		r.forget(name, args[1])
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
	case "wipe":
		if r.mayLose() {
			r.lost(name)
			r.c.crash(name, (*journaltest.Disk).Wipe)
		}
	case "image":
		r.images[name] = m.Disk.Image()
	case "rollback":
		if image, ok := r.images[name]; ok && r.mayLose() {
			r.lost(name)
			r.c.crash(name, func(d *journaltest.Disk) { d.Restore(image) })
		}
	case "spoil":
		r.c.Spoil(name)
	case "mend":
		m.Disk.Fail(nil)
	case "drain":
		if running && len(r.c.Running()) > 3 {
			r.drain(name)
		}
	default:
		return fmt.Errorf("unknown verb")
	}
	return nil
}

// clientStep writes one batch, or reads, some times, 100 ms apart.
func (r *runner) clientStep(verb, name string, args []string) {
	client := r.c.Client("10.0.4.1")
	defer client.CloseIdleConnections()
	ctx := context.Background()
	hours, times := []string{args[0]}, 1
	if args[0] == "all" {
		hours = nil
		for h := range r.hours {
			hours = append(hours, strconv.Itoa(h))
		}
	}
	if len(args) > 1 {
		times, _ = strconv.Atoi(args[1])
	}
	for range times {
		for _, text := range hours {
			hour, _ := strconv.Atoi(text)
			if verb == "read" {
				r.get(ctx, client, name, hour, "")
			} else {
				r.postTo(ctx, client, name, r.check.send(hour, 1+r.rng.Int64N(1<<40), true))
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
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
		if err := n.Forget(ctx, ring.StoreID(m.Store), false); err != nil {
			r.c.opts.Log.Info("forget", "node", name, "error", err)
		}
	}
}

// start starts a node that does not run. One that cannot start, on a disk that fails say, stays down.
func (r *runner) start(name string) {
	if r.c.Node(name) == nil && !r.gone[name] {
		if err := r.c.start(name); err != nil {
			r.c.opts.Log.Info("start", "node", name, "error", err)
		}
	}
}

// drain takes a node off the roster; one that cannot be drained now goes on.
func (r *runner) drain(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	n := r.c.Node(name)
	if err := n.Drain(ctx); err != nil {
		r.c.opts.Log.Info("drain", "node", name, "error", err)
		return
	}
	r.gone[name] = true
	r.c.crash(name, (*journaltest.Disk).Wipe)
}

// drainAgain goes on with the drains that were broken off, as an operator would.
func (r *runner) drainAgain() {
	for _, name := range r.c.Running() {
		for _, m := range r.c.Node(name).Members().Members {
			if m.Name == name && m.State == "alive" && m.Leaving && !r.gone[name] {
				r.drain(name)
				break
			}
		}
	}
}

// mayLose reports whether one more disk may be lost or rolled back: P1 holds for W-1 at a time. A disk that is lost again before the
// cluster has made up for the first time is one more.
func (r *runner) mayLose() bool {
	r.healed()
	return len(r.ill) < r.quorum()-1
}

func (r *runner) quorum() int {
	if r.c.opts.Quorum == 0 {
		return r.c.opts.Copies/2 + 1
	}
	return r.c.opts.Quorum
}

// lost notes that a node's store is lost.
func (r *runner) lost(name string) {
	r.ill[name] = "?"
	for _, other := range r.c.Running() {
		for _, m := range r.c.Node(other).Members().Members {
			if m.Name == name && m.State == "alive" { // established or not: the cluster cannot tell whether it ever was
				r.ill[name] = m.Store
			}
		}
	}
}

// healed drops from the ill those whose loss the cluster has made up for: every node that runs has forgotten the lost store, or sees
// it recovered.
func (r *runner) healed() {
	for name, store := range r.ill {
		if r.forgottenOrRecovered(name, store) {
			delete(r.ill, name)
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

// finish ends all faults, stops the clients and judges the final state (P6).
func (r *runner) finish(stopClients func()) {
	r.heal()
	r.c.Net.HealAll()
	for _, name := range r.c.Names() {
		r.c.Machine(name).Disk.Fail(nil)
		r.start(name)
	}
	time.Sleep(5 * time.Second)
	stopClients()
	deadline := time.Now().Add(settleWithin)
	for {
		for _, name := range r.c.Names() { // a disk may fail its process after the fault has ended
			r.start(name)
		}
		r.drainAgain()
		err := r.settled()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			r.check.Fault("%v after %v without faults (P6); the cluster: %s", err, settleWithin, r.picture())
			return
		}
		time.Sleep(2 * time.Second)
	}
}

// picture says in short how each node sees the cluster.
func (r *runner) picture() string {
	var b strings.Builder
	for _, name := range r.c.Running() {
		fmt.Fprintf(&b, " [%s (%v):", name, r.c.Node(name).Ready())
		for _, m := range r.c.Node(name).Members().Members {
			fmt.Fprintf(&b, " %s.%.4s %s", m.Name, m.Store, m.State)
			for flag, set := range map[string]bool{"joining": !m.Established, "leaving": m.Leaving, "recovering": m.Recovering} {
				if set {
					b.WriteString(" " + flag)
				}
			}
			b.WriteString(",")
		}
		b.WriteString("]")
	}
	return b.String()
}

// settled returns nil when every node that runs gives the same complete answer for every hour, and its memory agrees with its disk.
func (r *runner) settled() error {
	client := r.c.Client("10.0.3.1")
	defer client.CloseIdleConnections()
	for hour := range r.hours {
		var first []row
		for i, name := range r.c.Running() {
			rows, complete := r.get(context.Background(), client, name, hour, "")
			switch {
			case complete != "true":
				return fmt.Errorf("hour %d at %s is %q", hour, name, complete)
			case i == 0:
				first = rows
			case !reflect.DeepEqual(rows, first):
				return fmt.Errorf("hour %d differs between %s and %s", hour, r.c.Running()[0], name)
			}
		}
	}
	if err := r.agreed(); err != nil {
		return err
	}
	for _, name := range r.c.Running() {
		if err := r.c.Node(name).Verify(); err != nil {
			r.check.Fault("%s: %v (P15)", name, err)
		}
	}
	return nil
}

// agreed returns nil when every node that runs sees every other alive, and the same placement.
func (r *runner) agreed() error {
	running := r.c.Running()
	version := ""
	for _, name := range running {
		view := r.c.Node(name).Members()
		if version == "" {
			version = view.Ring.Version
		}
		if view.Ring.Version != version {
			return fmt.Errorf("%s places otherwise than %s", name, running[0])
		}
		alive := map[string]bool{}
		for _, m := range view.Members {
			alive[m.Name] = alive[m.Name] || m.State == "alive"
		}
		for _, other := range running {
			if !alive[other] {
				return fmt.Errorf("%s does not see %s", name, other)
			}
		}
	}
	return nil
}

func (r *runner) result(begun time.Time) Result {
	k := r.check
	return Result{
		Faults: k.Faults(), Sent: len(k.batches), Acked: k.Acked,
		Complete: k.Reads[0], Unproven: k.Reads[1], Refused: k.Reads[2], Lasted: time.Since(begun),
	}
}
