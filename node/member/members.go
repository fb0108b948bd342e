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
	"flowring/node/keyring"
)

// Network opens the gossip's listeners and dials.
type Network interface {
	Listen(ctx context.Context, network, addr string) (net.Listener, error)
	ListenPacket(ctx context.Context, network, addr string) (net.PacketConn, error)
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	LookupHost(ctx context.Context, host string) ([]string, error)
}

// Config describes this node and the nodes to join.
type Config struct {
	Self          Node         // Name, Store, Start, Peer, HTTP, Cluster and Params
	GossipAddr    string       // host:port to listen on, TCP and UDP
	AdvertiseHost string       // host of the gossip for other nodes
	Join          []string     // host:port of other nodes' gossip; a DNS name stands for all its addresses
	Label         string       // cluster name; gossip under another label is dropped
	Keys          keyring.Keys // keys of the gossip, the encrypting one first; none: plain gossip
	Verify        keyring.Verify
	MaxStreams    int           // streams of other hosts open at once, shared fairly by address; 0: no limit
	RejoinEvery   time.Duration // 0: DefaultRejoinEvery

	// Adopt makes this node of no cluster a member of a cluster, after a member answered its own call to a join
	// address.
	Adopt    func(cluster string) error
	Disabled safeguard.Set // safeguards switched off, in tests
}

// DefaultMaxStreams is the default of Config.MaxStreams in a node.
const DefaultMaxStreams = 128

// DefaultRejoinEvery is the pause between two rounds of joins to addresses without a node in view.
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
	keys      *memberlist.Keyring // nil: plain gossip
	transport *transport
	self      atomic.Pointer[Node]
	meta      atomic.Pointer[[]byte] // self, encoded
	state     atomic.Pointer[[]byte] // the application's state, sent in exchanges
	states    chan []byte            // the states of others, received in exchanges
	view      atomic.Pointer[View]
	changed   chan struct{}
	apart     bool          // join no other node, admit no other node
	rejoinNow chan struct{} // asks for a round of joins
	tried     atomic.Bool   // one round of joins has ended
	contact   atomic.Int64  // when another node last answered, refused or hung up: nanoseconds since 1970

	mu    sync.Mutex
	alive map[string]Node     // by name in the gossip, this node included
	known map[string]struct{} // gossip addresses ever seen

	joined map[string]struct{} // addresses with a successful join

	refusals map[string]refusal // by address: why the node there and this one cannot be in one cluster

	failures map[attempt]string // reasons of failed attempts

	namesakes map[string]Node // earlier starts of this node's name, by start, since the last call of Namesakes

	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// New returns inert members.
func New(cfg Config, deps Deps) *Members {
	m := &Members{
		cfg: cfg, log: deps.Log, net: deps.Network,
		states: make(chan []byte, 64), changed: make(chan struct{}, 1), rejoinNow: make(chan struct{}, 1),
		alive: map[string]Node{}, known: map[string]struct{}{}, joined: map[string]struct{}{},
		refusals: map[string]refusal{}, failures: map[attempt]string{}, namesakes: map[string]Node{},
	}
	if m.cfg.RejoinEvery == 0 {
		m.cfg.RejoinEvery = DefaultRejoinEvery
	}
	m.view.Store(&View{})
	return m
}

// Listen opens the gossip port and returns its address. Nothing is sent before Start.
func (m *Members) Listen(ctx context.Context) (string, error) {
	t, err := listen(ctx, m.net, m.cfg.GossipAddr, m.cfg.MaxStreams)
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

// Advertised returns the gossip address for other nodes, host:port with a literal host. Listen must have returned.
func (m *Members) Advertised() string {
	return net.JoinHostPort(m.transport.advertise.String(), strconv.Itoa(m.transport.port()))
}

// AddAddresses adds addresses of an earlier run to the addresses to join. It must be called before Start.
func (m *Members) AddAddresses(addrs []string) {
	for _, addr := range addrs {
		m.addAddress(addr)
	}
}

// StayApart makes this node join and admit no other node. It must be called before Start.
func (m *Members) StayApart() { m.apart = true }

// Start joins the gossip as self, with its final addresses, and begins to look for other nodes. It does not wait for
// them.
func (m *Members) Start(self Node) error {
	if err := m.publish(self); err != nil {
		return err
	}
	var err error
	if m.keys, err = newKeyring(m.cfg.Keys); err != nil {
		return fmt.Errorf("keys of the gossip: %w", err)
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
	c.Keyring = m.keys
	c.GossipVerifyIncoming, c.GossipVerifyOutgoing = m.cfg.Verify.RefusesPlain(), m.cfg.Verify.Encrypts()
	c.TCPTimeout = 3 * time.Second // an exchange is a few kB: if it takes longer, a new one is better
	c.PushPullInterval = 15 * time.Second
	d := delegate{m}
	c.Delegate, c.Events, c.Alive, c.Merge = d, d, d, d
	c.LogOutput = nil
	c.Logger = newLogger(m.log)
	return c
}

// Refused returns the number of gossip streams refused or cut for a limit. Listen must have returned.
func (m *Members) Refused() uint64 { return m.transport.refused() }

// publish makes self the identity for other nodes.
func (m *Members) publish(self Node) error {
	meta, err := self.encode()
	if err != nil {
		return err
	}
	m.self.Store(&self)
	m.meta.Store(&meta)
	return nil
}

// SetIdentity publishes the store, the cluster and the offer of self as those of this node from now on.
func (m *Members) SetIdentity(self Node) error {
	if changed, err := m.rename(self); !changed || err != nil {
		return err
	}
	const broadcast = time.Second // time to send it to the first node; gossip spreads it from there
	return m.list.UpdateNode(broadcast)
}

// rename replaces the published store, cluster and offer.
func (m *Members) rename(to Node) (changed bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	self := *m.self.Load()
	before := self
	if self.Store, self.Cluster, self.Offer = to.Store, to.Cluster, to.Offer; self == before {
		return false, nil
	}
	return true, m.publish(self)
}

// Rejoin begins a round of joins soon. It does not block.
func (m *Members) Rejoin() {
	select {
	case m.rejoinNow <- struct{}{}:
	default:
	}
}

// SetState sets the state for exchanges with other nodes. The caller must not modify it afterwards.
func (m *Members) SetState(state []byte) { m.state.Store(&state) }

// States receives the states of other nodes. The caller must drain it: further states are dropped, and come again.
func (m *Members) States() <-chan []byte { return m.states }

// View returns the latest view. It never blocks.
func (m *Members) View() *View { return m.view.Load() }

// Changed receives after each change of the view; several changes may be one signal.
func (m *Members) Changed() <-chan struct{} { return m.changed }

// Namesakes returns the earlier starts of this node's name met since the last call. Most of them are dead runs of this
// very node, still known to others. A live one is met again and again.
func (m *Members) Namesakes() []Node {
	m.mu.Lock()
	defer m.mu.Unlock()
	met := slices.Collect(maps.Values(m.namesakes))
	clear(m.namesakes)
	return met
}

// Leave announces this node's departure, so the others need not detect it. It returns after the message was sent, or
// timeout.
func (m *Members) Leave(timeout time.Duration) error {
	if m.list == nil {
		return nil
	}
	return m.list.Leave(timeout)
}

// Stop ends the gossip. Without Leave before, the others detect the end by themselves.
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

// update changes the map of live nodes and publishes the new view.
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

// KnownAddresses returns the gossip addresses ever seen, sorted, for AddAddresses of the next run.
func (m *Members) KnownAddresses() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.known))
}

// addAddress adds an address to the addresses to join.
func (m *Members) addAddress(addr string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[addr] = struct{}{}
}
