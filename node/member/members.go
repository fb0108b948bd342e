package member

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"

	"flowring/internal/safeguard"
)

// Network is what the gossip listens on and dials.
type Network interface {
	Listen(ctx context.Context, network, addr string) (net.Listener, error)
	ListenPacket(ctx context.Context, network, addr string) (net.PacketConn, error)
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	LookupHost(ctx context.Context, host string) ([]string, error)
}

// Config describes this node and whom it joins.
type Config struct {
	Self          Node          // Name, Store, Start, Peer, HTTP, Cluster and Params
	GossipAddr    string        // host:port to listen on, TCP and UDP
	AdvertiseHost string        // host that others reach the gossip at
	Join          []string      // host:port of other nodes' gossip; a DNS name stands for all its addresses
	Label         string        // cluster name; gossip under another label is dropped
	Key           []byte        // 16, 24 or 32 bytes that encrypt the gossip; nil: none
	RejoinEvery   time.Duration // 0: DefaultRejoinEvery

	// Adopt makes this node, which belongs to no cluster, belong to the one whose member answered its own call to a join address.
	Adopt    func(cluster string) error
	Disabled safeguard.Set // safeguards that are off, in tests
}

// DefaultRejoinEvery is how often nodes that are missing from the view are joined again.
const DefaultRejoinEvery = 10 * time.Second

// Deps are the collaborators of Members.
type Deps struct {
	Log     *slog.Logger
	Network Network
}

// Members is this node's membership of the cluster. It is safe for concurrent use.
type Members struct {
	cfg Config
	log *slog.Logger
	net Network

	list      *memberlist.Memberlist
	transport *transport
	self      atomic.Pointer[Node]
	meta      atomic.Pointer[[]byte] // self, encoded
	state     atomic.Pointer[[]byte] // the application's state, sent in exchanges
	states    chan []byte            // the states of others, received in exchanges
	view      atomic.Pointer[View]
	changed   chan struct{}
	apart     bool          // it joins nobody and takes in nobody
	again     chan struct{} // asks for a round of joins at once
	tried     atomic.Bool   // each address was tried once: joined, or not
	contact   atomic.Int64  // when another node was last met, whatever came of that: nanoseconds since 1970

	mu    sync.Mutex
	alive map[string]Node     // by name in the gossip, this node included
	known map[string]struct{} // gossip addresses ever seen

	joined map[string]struct{} // addresses that could be joined

	refusals map[string]refusal // by address: why the node there and this one cannot be in one cluster

	failures map[attempt]string // why addresses could last not be joined or looked up

	namesakes map[string]Node // earlier starts of this node's name, by start: met since Namesakes was last called

	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// New returns inert members.
func New(cfg Config, deps Deps) *Members {
	m := &Members{
		cfg: cfg, log: deps.Log, net: deps.Network,
		states: make(chan []byte, 64), changed: make(chan struct{}, 1), again: make(chan struct{}, 1),
		alive: map[string]Node{}, known: map[string]struct{}{}, joined: map[string]struct{}{}, refusals: map[string]refusal{}, failures: map[attempt]string{}, namesakes: map[string]Node{},
	}
	if m.cfg.RejoinEvery == 0 {
		m.cfg.RejoinEvery = DefaultRejoinEvery
	}
	m.view.Store(&View{})
	return m
}

// Listen opens the gossip port and returns its address. Nothing is sent before Start.
func (m *Members) Listen(ctx context.Context) (string, error) {
	t, err := listen(ctx, m.net, m.cfg.GossipAddr)
	if err != nil {
		return "", fmt.Errorf("listen for gossip on %s: %w", m.cfg.GossipAddr, err)
	}
	m.transport = t
	ips, err := m.net.LookupHost(ctx, m.cfg.AdvertiseHost)
	if err == nil && len(ips) == 0 {
		err = errors.New("no address")
	}
	if err != nil {
		return "", fmt.Errorf("resolve the advertised host %q: %w", m.cfg.AdvertiseHost, err)
	}
	t.advertise = net.ParseIP(ips[0])
	return net.JoinHostPort(m.cfg.AdvertiseHost, strconv.Itoa(t.port())), nil
}

// Advertised returns the address at which others reach this node's gossip, host:port with a literal host. Listen must have returned.
func (m *Members) Advertised() string {
	return net.JoinHostPort(m.transport.advertise.String(), strconv.Itoa(m.transport.port()))
}

// Know makes addresses, seen in earlier lives, ones that are joined when they are not in the view. It comes before Start.
func (m *Members) Know(addrs []string) {
	for _, addr := range addrs {
		m.remember(addr)
	}
}

// StayApart makes this node join nobody and take in nobody. It comes before Start.
func (m *Members) StayApart() { m.apart = true }

// Start joins the gossip as self, whose addresses are known by now, and begins to look for the other nodes. It does not wait for them.
func (m *Members) Start(self Node) error {
	if err := m.publish(self); err != nil {
		return err
	}
	list, err := memberlist.Create(m.config(self))
	if err != nil {
		return fmt.Errorf("start gossip: %w", err)
	}
	m.list = list
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	if !m.apart {
		m.wg.Go(func() { m.rejoinLoop(ctx) })
	}
	return nil
}

func (m *Members) config(self Node) *memberlist.Config {
	c := memberlist.DefaultLANConfig()
	c.Name = self.member()
	c.Transport = m.transport
	c.AdvertisePort = m.transport.port()
	c.Label = m.cfg.Label
	c.SecretKey = m.cfg.Key
	c.TCPTimeout = 3 * time.Second // an exchange is a few kB: what takes longer is better tried again
	c.PushPullInterval = 15 * time.Second
	d := delegate{m}
	c.Delegate, c.Events, c.Alive, c.Merge = d, d, d, d
	c.LogOutput = nil
	c.Logger = newLogger(m.log)
	return c
}

// publish makes self what others are told.
func (m *Members) publish(self Node) error {
	meta, err := self.encode()
	if err != nil {
		return err
	}
	m.self.Store(&self)
	m.meta.Store(&meta)
	return nil
}

// SetIdentity tells the others which store this node holds, and of which cluster, from now on.
func (m *Members) SetIdentity(store, cluster string) error {
	if changed, err := m.rename(store, cluster); !changed || err != nil {
		return err
	}
	const broadcast = time.Second // what it may take to send it to the first; gossip spreads it from there
	return m.list.UpdateNode(broadcast)
}

// rename publishes another store and cluster.
func (m *Members) rename(store, cluster string) (changed bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	self := *m.self.Load()
	if self.Store == store && self.Cluster == cluster {
		return false, nil
	}
	self.Store, self.Cluster = store, cluster
	return true, m.publish(self)
}

// Rejoin begins a round of joins soon. It does not block.
func (m *Members) Rejoin() {
	select {
	case m.again <- struct{}{}:
	default:
	}
}

// SetState sets the state that exchanges carry to other nodes; it is not modified afterwards.
func (m *Members) SetState(state []byte) { m.state.Store(&state) }

// States receives the states of other nodes. It must be drained; what does not fit is dropped, and comes again.
func (m *Members) States() <-chan []byte { return m.states }

// View returns the latest view. It never blocks.
func (m *Members) View() *View { return m.view.Load() }

// Changed receives after each change of the view; several changes may be one signal.
func (m *Members) Changed() <-chan struct{} { return m.changed }

// Namesakes returns the earlier starts of this node's name that were met since the last call. Most are dead, lives of this very node
// that the others still remember. One that lives is met again and again.
func (m *Members) Namesakes() []Node {
	m.mu.Lock()
	defer m.mu.Unlock()
	met := slices.Collect(maps.Values(m.namesakes))
	clear(m.namesakes)
	return met
}

// Leave tells the others that this node goes, so that they need not find out. It returns after the message was sent, or timeout.
func (m *Members) Leave(timeout time.Duration) error {
	if m.list == nil {
		return nil
	}
	return m.list.Leave(timeout)
}

// Stop ends the gossip. Without Leave before, the others notice by themselves.
func (m *Members) Stop() error {
	if m.cancel != nil {
		m.cancel()
	}
	var err error
	switch {
	case m.list != nil:
		err = m.list.Shutdown() // closes the transport, and with it a join under way
	case m.transport != nil:
		err = m.transport.Shutdown()
	}
	m.wg.Wait()
	return err
}

// update changes the map of live nodes and publishes the view that follows.
func (m *Members) update(change func(alive map[string]Node)) {
	m.mu.Lock()
	change(m.alive)
	m.view.Store(newView(m.alive))
	m.mu.Unlock()
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// Known returns the gossip addresses ever seen, sorted: what Config.Known of the next life may hold.
func (m *Members) Known() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.known))
}

// remember keeps an address for the rejoin loop.
func (m *Members) remember(addr string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[addr] = struct{}{}
}
