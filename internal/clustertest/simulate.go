package clustertest

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/clustertest/checker"
	"flowring/internal/clustertest/stranger"
	"flowring/internal/clustertest/views"
	"flowring/internal/contract"
	"flowring/store/journal/journaltest"
)

// Result is the result of a history.
type Result struct {
	Faults   []string // broken promises
	Sent     int
	Acked    int
	Complete int // reads with a complete answer
	Unproven int
	Refused  int           // all other reads
	Lasted   time.Duration // time of the bubble
}

// settleWithin is the time after the last fault until every node gives the same complete answers. It takes minutes, and
// a quarter of an hour if the store of an absent node has to be forgotten.
const settleWithin = 20 * time.Minute

// Run runs a scenario beside clients, and judges it. It must be called in a bubble. The scenario begins when the first
// nodes, n1 to n3 by default, are ready. After it Run heals the network, repairs every disk, starts every node that can
// start, and judges the final state.
func Run(t testing.TB, opts Options, s Scenario) Result {
	begun := time.Now()
	c := New(t, opts)
	opts = c.opts
	defer c.Close()
	check := checker.New()
	if opts.Hours == 0 {
		opts.Hours = 3
	}
	r := &runner{
		load: load{c: c, check: check, hours: opts.Hours}, rng: rand.New(rand.NewPCG(opts.Seed, 300)),
		images: map[string]journaltest.Image{}, backups: map[string]string{},
		drained: map[string]bool{}, lostStores: map[string]string{},
	}
	for i := range opts.Nodes {
		c.Start(fmt.Sprintf("n%d", i+1))
	}
	if err := c.WaitReady(time.Minute); err != nil {
		check.Fault("the cluster did not form: %v", err)
		return r.result(begun)
	}
	if opts.Keep > 0 {
		r.first, r.stride = flow.Hour(c.now())-flow.Hour(opts.Keep/time.Hour)+firstToClose, strideOfHours
	}
	stop := func() {}
	if !opts.Quiet {
		stop = r.clients(opts.Seed)
	}
	for _, step := range s {
		r.begin(step)
		r.judgeFloors()
	}
	r.background.Wait()
	r.judgeOutsiders()
	r.finish(stop)
	return r.result(begun)
}

// runner runs one history.
type runner struct {
	load
	rng        *rand.Rand     // of the writes in the scenario
	background sync.WaitGroup // steps that run beside the next steps
	heals      []func()
	images     map[string]journaltest.Image
	backups    map[string]string // by node: the folder of its last backup
	copied     bool              // the outsiders are copies
	drained    map[string]bool   // drained nodes, which never start again
	lostStores map[string]string // by node: the store on a lost or rolled back disk
	unproven   bool              // W has changed, and batches may be on fewer stores
	want       stranger.Want     // for the rosters of all nodes, at the end
}

// clients starts writers, readers and a client that asks queries. stop stops them and waits for them.
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
	wg.Go(func() { r.ask(ctx, rand.New(rand.NewPCG(seed, 250))) })
	return func() {
		cancel()
		wg.Wait()
	}
}

// finish ends all faults, stops the clients and judges the final state (P6).
func (r *runner) finish(stopClients func()) {
	r.heal()
	r.c.Net.HealAll()
	for _, name := range r.c.Names() {
		r.c.Machine(name).Disk.Fail(nil)
		if r.c.opts.Newest > 0 {
			r.want.Version = 2
			r.changeVersion(name, 2)
		}
		r.start(name)
		r.amend(name)
	}
	time.Sleep(5 * time.Second)
	stopClients()
	if r.within(r.settled) && r.c.opts.Keep > 0 {
		r.within(r.emptied)
	}
}

// within waits until a condition of the final state holds, and finds a fault if it does not in time.
func (r *runner) within(condition func() error) bool {
	deadline := time.Now().Add(r.c.opts.Settle)
	for {
		for _, name := range r.c.Names() { // a disk may fail its process after the fault has ended
			r.start(name)
		}
		r.judgeFloors()
		err := condition()
		if err == nil {
			return true
		}
		if time.Now().After(deadline) {
			r.check.Fault("%v after %v without faults (P6); the cluster: %s", err, r.c.opts.Settle, r.picture())
			return false
		}
		time.Sleep(2 * time.Second)
	}
}

// views returns the views of the running nodes.
func (c *Cluster) views() views.Views {
	all := views.Views{}
	for _, name := range c.Running() {
		if n := c.Node(name); n != nil {
			all[name] = n.Members()
		}
	}
	return all
}

// picture returns the views of all nodes in short.
func (r *runner) picture() string {
	return r.c.views().Picture(func(name string) error { return r.c.Node(name).Ready() })
}

// settled returns nil when all running nodes give the same complete answer for every hour, or all say that it has
// expired, and the memory of each node agrees with its disk.
func (r *runner) settled() error {
	client := r.c.Client("10.0.3.1")
	defer client.CloseIdleConnections()
	if err := r.eraseRest(); err != nil {
		return err
	}
	for hour := range r.hours {
		var first []flow.Record
		var level string
		for i, name := range r.c.Running() {
			records, complete := r.get(context.Background(), client, name, hour, "")
			switch {
			case complete != "true" && complete != gone && complete != erased:
				return fmt.Errorf("hour %d at %s is %q", r.hour(hour), name, complete)
			case i == 0:
				first, level = records, complete
			case complete != level:
				return fmt.Errorf("hour %d at %s is %q, and %q at %s", r.hour(hour), name, complete, level, r.c.Running()[0])
			case !slices.Equal(records, first):
				return fmt.Errorf("hour %d differs between %s and %s", r.hour(hour), r.c.Running()[0], name)
			}
		}
	}
	for _, name := range r.c.Running() {
		if !r.query(context.Background(), name, contract.NeedComplete) {
			return fmt.Errorf("%s answers no query", name)
		}
	}
	if err := cmp.Or(r.c.views().Agree(), r.judgeRosters()); err != nil {
		return err
	}
	for _, name := range r.c.Running() {
		if err := r.c.Node(name).Verify(); err != nil {
			r.check.Fault("%s: %v (P15)", name, err)
		}
	}
	return nil
}

func (r *runner) result(begun time.Time) Result {
	k, reads := r.check, r.check.Reads()
	return Result{
		Faults: k.Faults(), Sent: k.Sent(), Acked: k.Acknowledged(),
		Complete: reads[0], Unproven: reads[1], Refused: reads[2], Lasted: time.Since(begun),
	}
}
