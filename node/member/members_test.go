package member

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
)

// started returns members at an address of a network, with these join addresses.
func started(t *testing.T, network *memnet.Net, name, addr string, rejoin time.Duration, join ...string) *Members {
	t.Helper()
	m := New(Config{GossipAddr: addr + ":7946", AdvertiseHost: addr, Join: join, RejoinEvery: rejoin}, Deps{
		Log: slog.New(slog.DiscardHandler), Network: network.Host(addr),
	})
	if _, err := m.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Start(node(name, "1", "")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.Stop()
		time.Sleep(time.Minute) // the library's probes end by themselves
	})
	return m
}

// sees waits until m's view has these names, for a limited time of the bubble.
func sees(t *testing.T, m *Members, within time.Duration, names ...string) {
	t.Helper()
	for begun := time.Now(); !slices.Equal(m.View().Names(), names); time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > within {
			t.Fatalf("sees %v after %v, want %v", m.View().Names(), within, names)
		}
	}
}

func TestNodesFindEachOtherAndNoticeDeath(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		network := memnet.New(memnet.Options{Seed: 1, Latency: time.Millisecond})
		network.SetDNS("all.local", "10.0.0.1", "10.0.0.2", "10.0.0.3")
		a := started(t, network, "a", "10.0.0.1", 0, "all.local:7946")
		b := started(t, network, "b", "10.0.0.2", 0, "all.local:7946")
		c := started(t, network, "c", "10.0.0.3", 0, "all.local:7946")
		for _, m := range []*Members{a, b, c} {
			sees(t, m, 5*time.Second, "a", "b", "c")
		}
		if err := b.Leave(time.Second); err != nil {
			t.Error(err)
		}
		sees(t, a, time.Second, "a", "c") // by announcement
		network.Host("10.0.0.3").Crash()
		sees(t, a, 20*time.Second, "a") // by detection
	})
}

func TestIdentityAndStateReachTheOthers(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		network := memnet.New(memnet.Options{Seed: 1, Latency: time.Millisecond})
		a := started(t, network, "a", "10.0.0.1", 0)
		a.SetState([]byte("of a"))
		b := started(t, network, "b", "10.0.0.2", 0, "10.0.0.1:7946")
		if got := string(<-b.States()); got != "of a" {
			t.Errorf("state = %q, want a's", got)
		}
		sees(t, b, 5*time.Second, "a", "b")
		if err := a.SetIdentity(Node{Store: "new store"}); err != nil {
			t.Fatal(err)
		}
		for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
			if n, _ := b.View().Node("a"); n.Store == "new store" {
				break
			}
			if time.Since(begun) > 5*time.Second {
				t.Fatalf("b sees %+v, want the new store", b.View())
			}
		}
	})
}

// adopter returns members of a cluster, or of none ("") that adopt the offered cluster.
func adopter(t *testing.T, network *memnet.Net, name, addr, cluster string, join, known []string) *Members {
	t.Helper()
	var m *Members
	cfg := Config{GossipAddr: addr + ":7946", AdvertiseHost: addr, RejoinEvery: time.Second, Join: join}
	cfg.Adopt = func(cluster string) error { return m.SetIdentity(Node{Store: "store-1", Cluster: cluster}) }
	m = New(cfg, Deps{Log: slog.New(slog.DiscardHandler), Network: network.Host(addr)})
	if _, err := m.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.AddAddresses(known)
	self := node(name, "1", "")
	self.Cluster = cluster
	if err := m.Start(self); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.Stop()
		time.Sleep(time.Minute)
	})
	return m
}

// forward makes an address lead to another node's gossip, like a Service.
func forward(t *testing.T, network *memnet.Net, addr, to string) {
	t.Helper()
	l, err := network.Host(addr).Listen(t.Context(), "tcp", addr+":7946")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := network.Host(addr).DialContext(t.Context(), "tcp", to+":7946")
			if err != nil {
				in.Close()
				continue
			}
			go func() { io.Copy(out, in); out.Close() }()
			go func() { io.Copy(in, out); in.Close() }()
		}
	}()
}

// A node of no cluster adopts a cluster when a member answers its own call to a join address, and not when a member
// calls it. Before that neither has the other in its view.
func TestANodeAdoptsTheClusterThatAnswersItsCall(t *testing.T) {
	for _, tt := range []struct {
		name  string
		join  []string
		known []string // saved addresses of the node of no cluster
		want  bool
	}{
		{"its list names a member", []string{"10.0.0.1:7946"}, nil, true},
		{"its list names a member by a name", []string{"all.local:7946"}, nil, true},
		{"its list leads to a member through something between", []string{"10.9.0.1:7946"}, nil, true},
		{"it has no list", nil, nil, false},
		{"its list names itself alone", []string{"10.0.0.2:7946"}, nil, false},
		{"its list names an address where nobody is", []string{"10.0.0.7:7946"}, nil, false},
		{"it remembers the address of a member", nil, []string{"10.0.0.1:7946"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				network := memnet.New(memnet.Options{Seed: 1, Latency: time.Millisecond})
				network.SetDNS("all.local", "10.0.0.1", "10.0.0.2")
				forward(t, network, "10.9.0.1", "10.0.0.1")
				a := adopter(t, network, "a", "10.0.0.1", "c1", nil, []string{"10.0.0.2:7946"}) // it calls b
				b := adopter(t, network, "b", "10.0.0.2", "", tt.join, tt.known)
				if tt.want {
					sees(t, a, 20*time.Second, "a", "b")
					sees(t, b, 20*time.Second, "a", "b")
					return
				}
				time.Sleep(2 * time.Minute)
				sees(t, a, 0, "a")
				sees(t, b, 0, "b")
				if err := errors.Join(a.Refusal(), b.Refusal()); err != nil {
					t.Errorf("the refusal %v is told: a node of no cluster at a remembered address is no news", err)
				}
			})
		})
	}
}

// An address without a node in view is joined. An address with a node in view is not, and this node's own is not.
func TestAddressesWithoutANodeInViewAreJoined(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		network := memnet.New(memnet.Options{})
		network.SetDNS("all.local", "10.0.0.1", "10.0.0.2", "10.0.0.3")
		m := New(Config{
			Join: []string{"all.local:7946", "10.0.0.9:1", "none.local:7946", "no port"},
		}, Deps{Log: slog.New(slog.DiscardHandler), Network: network.Host("10.0.0.1")})
		m.AddAddresses([]string{"10.0.0.4:7946", "10.0.0.2:7946"})
		m.update(func(alive map[string]Node) {
			alive["a-1"], alive["c-1"] = node("a", "1", "10.0.0.1:7946"), node("c", "1", "10.0.0.3:7946")
		})
		want := []string{"10.0.0.2:7946", "10.0.0.4:7946", "10.0.0.9:1"}
		if got := slices.Sorted(maps.Keys(m.missingAddrs(t.Context()))); !slices.Equal(got, want) {
			t.Errorf("missing = %v, want %v", got, want)
		}
		for i := range maxKnown + 1 {
			m.addAddress(fmt.Sprintf("10.1.%d.%d:7946", i/256, i%256))
		}
		m.missingAddrs(t.Context())
		if got := len(m.KnownAddresses()); got != 0 {
			t.Errorf("%d addresses are known after more than %d were, want a new beginning", got, maxKnown)
		}
	})
}

// JoinList counts the nodes of the join addresses and finds the missing ones.
func TestJoinListFindsMissingNodes(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		network := memnet.New(memnet.Options{})
		network.SetDNS("all.local", "10.0.0.1", "10.0.0.2", "10.0.0.3")
		network.SetDNS("proxy.local", "10.9.0.1")
		for _, tt := range []struct {
			join   []string
			nodes  int
			unseen []string
		}{
			{[]string{"10.0.0.3:7946"}, 2, nil},
			{[]string{"all.local:7946"}, 3, []string{"10.0.0.2:7946"}},
			{[]string{"10.0.0.3:7946", "none.local:7946", "10.0.0.9:1"}, 4, []string{"10.0.0.9:1", "none.local:7946"}},
			{[]string{"10.0.0.3:7946", "proxy.local:7946"}, 3, nil},
		} {
			m := New(Config{Join: tt.join}, Deps{Log: slog.New(slog.DiscardHandler), Network: network.Host("10.0.0.1")})
			self := node("a", "1", "10.0.0.1:7946")
			m.self.Store(&self)
			m.joined["10.9.0.1:7946"], m.joined["10.0.0.2:7946"] = struct{}{}, struct{}{}
			m.addAddress("10.0.0.2:7946") // a node's own address: an earlier successful join does not mean that the node is there
			m.update(func(alive map[string]Node) { alive["a-1"], alive["c-1"] = self, node("c", "2", "10.0.0.3:7946") })
			if list := m.JoinList(t.Context()); list.Nodes != tt.nodes || !slices.Equal(list.Unseen, tt.unseen) {
				t.Errorf("JoinList() with %v = %d, %v, want %d, %v", tt.join, list.Nodes, list.Unseen, tt.nodes, tt.unseen)
			}
		}
	})
}

// Without a number a node expects itself and one node for each join address of another. Its own address counts once, in
// any spelling.
func TestTheOwnJoinAddressCountsOnce(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		network := memnet.New(memnet.Options{})
		network.SetDNS("a.local", "10.0.0.1")
		network.SetDNS("b.local", "10.0.0.2")
		network.SetDNS("all.local", "10.0.0.1", "10.0.0.2", "10.0.0.3")
		for _, tt := range []struct {
			name string
			join []string
			want int
		}{
			{"others alone", []string{"10.0.0.2:7946", "10.0.0.3:7946"}, 3},
			{"its own address among them", []string{"10.0.0.1:7946", "10.0.0.2:7946", "10.0.0.3:7946"}, 3},
			{"its own name among them", []string{"a.local:7946", "b.local:7946"}, 2},
			{"its own address and name", []string{"10.0.0.1:7946", "a.local:7946", "b.local:7946"}, 2},
			{"another one twice", []string{"b.local:7946", "10.0.0.2:7946", "b.local:7946"}, 2},
			{"a name that does not resolve", []string{"a.local:7946", "none.local:7946"}, 2},
			{"one name of all", []string{"all.local:7946"}, 2},
			{"its own address alone", []string{"10.0.0.1:7946"}, 1},
			{"a name that so far is its own alone", []string{"a.local:7946"}, 2},
			{"another port of its own host", []string{"10.0.0.1:7946", "10.0.0.1:7947"}, 2},
			{"nobody", nil, 1},
		} {
			m := New(Config{Join: tt.join}, Deps{Log: slog.New(slog.DiscardHandler), Network: network.Host("10.0.0.1")})
			self := node("a", "1", "10.0.0.1:7946")
			m.self.Store(&self)
			m.update(func(alive map[string]Node) { alive["a-1"] = self })
			if got := m.JoinList(t.Context()).Expect; got != tt.want {
				t.Errorf("%s: JoinList(%v).Expect = %d, want %d", tt.name, tt.join, got, tt.want)
			}
		}
	})
}

// While a node is alone, the reason is given in words for operators. Afterwards a failed join is not reported.
func TestRefusalsAreInWordsForOperators(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"failed to join x: EOF\n\n", "hangs up: it has another cluster name or another gossip key, or is stopping"},
		{"failed to join x: read: connection reset by peer", "hangs up"},
		{"failed to join x: no installed keys could decrypt the message", "another gossip key"},
		{"failed to join x: encryption is configured but remote state is not encrypted", "another gossip key"},
		{"failed to join x: connection refused", ""},
	} {
		m := inert(t, node("a", "1", ""))
		m.noteHangUp("10.0.0.2:7946", errors.New(tt.text))
		got := ""
		if err := m.Refusal(); err != nil {
			got = err.Error()
		}
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("refusal after %q = %q, want %q", tt.text, got, tt.want)
		}
		m = inert(t, node("a", "1", ""))
		m.update(func(alive map[string]Node) { alive["a-1"], alive["b-1"] = node("a", "1", ""), node("b", "1", "") })
		if m.noteHangUp("10.0.0.2:7946", errors.New(tt.text)); m.Refusal() != nil {
			t.Errorf("refusal after %q = %v though this node has others", tt.text, m.Refusal())
		}
	}
}

// Failures names each address whose last join or lookup failed, with a short reason.
func TestFailuresHaveShortReasons(t *testing.T) {
	m := inert(t, node("a", "1", ""))
	joining := func(text string) error {
		return errors.New("1 error occurred:\n\t* failed to join 10.0.0.2:7946: " + text + "\n\n")
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{joining("dial tcp 10.0.0.2:7946: connect: connection refused"), "connection refused"},
		{joining("dial tcp 10.0.0.2:7946: i/o timeout"), "no answer"},
		{joining("received invalid msgType (72), expected pushPullMsg (6)"), "not a gossip port"},
		{joining("EOF"), "it hangs up: another cluster name, another gossip key, or not a gossip port"},
		{joining("encryption is configured but remote state is not encrypted"), "another gossip key"},
		{joining("node b at 10.0.0.2:7946 belongs to cluster two, this node to cluster one"), "node b at 10.0.0.2:7946 belongs to cluster two, this node to cluster one"},
		{&net.DNSError{Err: "lookup failed", IsNotFound: true}, "no such host"},
		{nil, ""},
	} {
		m.noteOutcome(attempt{addr: "10.0.0.2:7946"}, tt.err)
		var want []string
		if tt.err != nil {
			want = []string{"10.0.0.2:7946: " + tt.want}
		}
		if got := m.Failures(); !slices.Equal(got, want) {
			t.Errorf("Failures after %v = %q, want %q", tt.err, got, want)
		}
	}
}

// listening returns a transport at an address.
func listening(t *testing.T, network *memnet.Net, addr string) *transport {
	t.Helper()
	tr, err := listen(t.Context(), network.Host(addr), addr+":7946", 0)
	if err != nil {
		t.Fatal(err)
	}
	tr.advertise = net.ParseIP(addr)
	return tr
}

func TestTransportCarriesPacketsAndStreams(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		network := memnet.New(memnet.Options{Latency: time.Millisecond})
		a, b := listening(t, network, "10.0.0.1"), listening(t, network, "10.0.0.2")
		defer a.Shutdown()
		defer b.Shutdown()
		if ip, port, err := a.FinalAdvertiseAddr("", 0); err != nil || ip.String() != "10.0.0.1" || port != 7946 {
			t.Errorf("FinalAdvertiseAddr = %v, %d, %v", ip, port, err)
		}
		if _, err := a.WriteTo([]byte("packet"), "10.0.0.2:7946"); err != nil {
			t.Fatal(err)
		}
		if p := <-b.PacketCh(); string(p.Buf) != "packet" || p.From.String() != "10.0.0.1:7946" {
			t.Errorf("packet %q from %v", p.Buf, p.From)
		}
		out, err := a.DialTimeout("10.0.0.2:7946", time.Second)
		if err != nil {
			t.Fatal(err)
		}
		in := <-b.StreamCh()
		go func() { out.Write([]byte("stream")); out.Close() }()
		if text, err := io.ReadAll(in); err != nil || string(text) != "stream" {
			t.Errorf("stream %q, %v", text, err)
		}
		in.Close()
		if len(a.conns)+len(b.conns) != 0 {
			t.Errorf("%d and %d streams are remembered after they were closed", len(a.conns), len(b.conns))
		}
		if _, err := a.DialTimeout("10.0.0.3:7946", time.Second); err == nil {
			t.Error("dialled where nobody is")
		}
	})
}

// Shutdown closes every stream, dialled and accepted, and ends a dial under way, so no exchange outlives the transport
// (P18).
func TestTransportShutdownEndsEverything(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		network := memnet.New(memnet.Options{Latency: time.Millisecond})
		a, b := listening(t, network, "10.0.0.1"), listening(t, network, "10.0.0.2")
		defer b.Shutdown()
		var conns []net.Conn
		for range 2 {
			out, err := a.DialTimeout("10.0.0.2:7946", time.Second)
			if err != nil {
				t.Fatal(err)
			}
			<-b.StreamCh()
			if _, err := b.DialTimeout("10.0.0.1:7946", time.Second); err != nil {
				t.Fatal(err)
			}
			conns = append(conns, out, <-a.StreamCh())
		}
		network.Cut("10.0.0.1", "10.0.0.2")
		ended := make(chan error, 10)
		go func() { _, err := a.DialTimeout("10.0.0.2:7946", time.Hour); ended <- err }()
		for _, c := range conns {
			go func() { _, err := c.Read(make([]byte, 1)); ended <- err }()
		}
		synctest.Wait()
		begun := time.Now()
		a.Shutdown()
		for range len(conns) + 1 {
			if err := <-ended; err == nil {
				t.Error("a read or a dial succeeded after Shutdown")
			}
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("Shutdown took %v to end everything", took)
		}
		late, _ := net.Pipe()
		if _, err := a.track(late); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a stream that comes after Shutdown: %v, want closed", err)
		}
	})
}

// Port 0 becomes one port for packets and streams.
func TestTransportOnAnyPort(t *testing.T) {
	network := &machine{}
	tr, err := listen(t.Context(), network, "127.0.0.1:0", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Shutdown()
	if got, want := tr.packets.LocalAddr().String(), tr.streams.Addr().String(); got != want || tr.port() == 0 {
		t.Errorf("packets at %s, streams at %s, want one port", got, want)
	}
	if _, err := listen(t.Context(), network, tr.streams.Addr().String(), 0); err == nil {
		t.Error("listening where another listens = nil, want an error")
	}
}

// machine is the network of this machine.
type machine struct {
	net.ListenConfig
	net.Dialer
}

func (*machine) LookupHost(_ context.Context, host string) ([]string, error) {
	return []string{host}, nil
}

// Of two nodes, one of which does not speak the version that is on, each refuses the other with both versions.
func TestNodesOfOtherVersionsAreRefused(t *testing.T) {
	older, newer := node("a", "1", "10.0.0.1:7946"), node("b", "1", "10.0.0.2:7946")
	newer.Offer = "2/1-2"
	for _, tt := range []struct {
		self, other Node
		want        string
	}{
		{older, newer, "version 2 is on there, and this node speaks version 1"},
		{newer, older, "version 2 is on here, and the other node speaks version 1"},
		{newer, newer, ""},
	} {
		m := inert(t, tt.self)
		other := tt.other
		other.Start = "2"
		got := ""
		if err := m.admit(wire(t, other)); err != nil {
			got = err.Error()
		}
		if !strings.HasSuffix(got, tt.want) || (got == "") != (tt.want == "") || (m.Refusal() == nil) != (tt.want == "") {
			t.Errorf("admit(%q at %q) = %q, Refusal %v, want %q", other.Offer, tt.self.Offer, got, m.Refusal(), tt.want)
		}
	}
	unreadable := newer
	unreadable.Start, unreadable.Offer = "2", "x"
	if err := inert(t, older).admit(wire(t, unreadable)); err == nil {
		t.Error("admit(a node with an unreadable offer) = nil, want an error")
	}
}

// Other nodes remember the last run of a node for a while. It must not keep a node of the new version out.
func TestADeadRunOfAnOldProgramRefusesNoExchange(t *testing.T) {
	self, old := node("a", "1", "10.0.0.1:7946"), node("b", "1", "10.0.0.2:7946")
	self.Offer = "2/1-2"
	m := inert(t, self)
	run := wire(t, old)
	for state, want := range map[memberlist.NodeStateType]bool{
		memberlist.StateAlive: false, memberlist.StateSuspect: false, memberlist.StateDead: true, memberlist.StateLeft: true,
	} {
		run.State = state
		if err := (delegate{m}).NotifyMerge([]*memberlist.Node{run}); (err == nil) != want {
			t.Errorf("NotifyMerge(a node of the old version in state %d) = %v, want it taken: %t", state, err, want)
		}
	}
}
