package member

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
)

// node returns a live node in the form of the gossip.
func node(name, start, gossip string) Node {
	return Node{Name: name, Start: start, Store: "store-" + start, HTTP: "h", Peer: "p-" + start, Params: "v1", Gossip: gossip}
}

// wire returns a node in the form of the gossip library.
func wire(t *testing.T, n Node) *memberlist.Node {
	t.Helper()
	meta, err := n.encode()
	if err != nil {
		t.Fatal(err)
	}
	return &memberlist.Node{Name: n.member(), Addr: net.IPv4(10, 0, 0, 1), Port: 7946, Meta: meta}
}

// inert returns members without gossip, as self.
func inert(t *testing.T, self Node) *Members {
	t.Helper()
	m := New(Config{}, Deps{Log: slog.New(slog.DiscardHandler)})
	if err := m.publish(self); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMetadataRoundTrip(t *testing.T) {
	n := node("a", "1", "10.0.0.1:7946")
	n.Cluster = "c"
	got, err := decodeNode(wire(t, n))
	if err != nil || got != n {
		t.Errorf("decodeNode = %+v, %v, want %+v", got, err, n)
	}
}

func TestMetadataThatCannotBeUsed(t *testing.T) {
	big := node(strings.Repeat("n", 64), "1", "")
	big.HTTP, big.Peer = strings.Repeat("h", 250), strings.Repeat("p", 250)
	if _, err := big.encode(); err == nil || !strings.Contains(err.Error(), "shorten the node's name or its addresses") {
		t.Errorf("encode of %d bytes = %v, want advice", 564, err)
	}
	usual := node(strings.Repeat("n", 64), strings.Repeat("f", 24), "")
	usual.Store, usual.Cluster = strings.Repeat("0", 32), strings.Repeat("0", 32)
	usual.HTTP, usual.Peer = strings.Repeat("h", 60), strings.Repeat("p", 60)
	usual.Params = strings.Repeat("v", 100)
	if _, err := usual.encode(); err != nil {
		t.Errorf("encode of the longest usual names = %v, want nil", err)
	}
	other := wire(t, node("a", "1", ""))
	other.Name = "b-1"
	for name, n := range map[string]*memberlist.Node{
		"no JSON": {Name: "a-1", Meta: []byte("x")}, "none": {Name: "a-1"}, "of another name": other,
	} {
		if got, err := decodeNode(n); err == nil {
			t.Errorf("decodeNode(metadata: %s) = %+v, want an error", name, got)
		}
	}
}

// Of several starts of one name the latest is the node, whatever their order of arrival (P8).
func TestViewKeepsTheLatestStart(t *testing.T) {
	alive := map[string]Node{}
	for _, n := range []Node{node("b", "2", "y"), node("b", "3", "z"), node("b", "1", "x"), node("a", "9", "w")} {
		alive[n.member()] = n
	}
	v := newView(alive)
	if got := fmt.Sprint(v.Names()); got != "[a b]" {
		t.Errorf("names = %s, want [a b]", got)
	}
	if n, ok := v.Node("b"); !ok || n.Start != "3" {
		t.Errorf("b = %+v, %t, want start 3", n, ok)
	}
	if n, ok := v.Node("c"); ok {
		t.Errorf("c = %+v, want none", n)
	}
	delete(alive, "b-3")
	if n, _ := newView(alive).Node("b"); n.Start != "2" {
		t.Errorf("b after its latest start left = %+v, want start 2", n)
	}
}

func TestEventsBecomeViews(t *testing.T) {
	m := inert(t, node("a", "1", ""))
	d := delegate{m}
	before := m.View()
	b := wire(t, node("b", "1", ""))
	d.NotifyJoin(b)
	if got := fmt.Sprint(m.View().Names()); got != "[b]" || len(before.Nodes) != 0 {
		t.Errorf("names = %s, the view before has %d, want [b] and none", got, len(before.Nodes))
	}
	select {
	case <-m.Changed():
	default:
		t.Error("no signal after a change")
	}
	b.Meta = []byte("x")
	d.NotifyUpdate(b)
	if n, ok := m.View().Node("b"); !ok || n.HTTP != "h" {
		t.Errorf("b after unreadable metadata = %+v, %t, want what was known", n, ok)
	}
	for range 3 { // no receiver takes the signals, and no call blocks
		d.NotifyLeave(b)
	}
	if got := m.View().Names(); len(got) != 0 {
		t.Errorf("names after it left = %v, want none", got)
	}
	if got := fmt.Sprint(m.KnownAddresses()); got != "[10.0.0.1:7946]" {
		t.Errorf("known = %s, want its address still", got)
	}
}

// The gossip library calls under its locks. A state is dropped if the queue is full, and no call waits. The state
// belongs to the receiver.
func TestDelegateNeverBlocks(t *testing.T) {
	m := inert(t, node("a", "1", ""))
	d := delegate{m}
	buf := []byte("state")
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.MergeRemoteState(nil, true)
		for range 10 * cap(m.states) {
			d.MergeRemoteState(buf, false)
		}
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Minute):
		t.Fatal("the delegate waits for a reader of the states")
	}
	copy(buf, "other")
	for range cap(m.states) {
		if got := string(<-m.States()); got != "state" {
			t.Fatalf("state = %q, want what was sent", got)
		}
	}
	select {
	case s := <-m.States():
		t.Errorf("one more state %q than the queue holds", s)
	default:
	}
	if got := d.LocalState(true); got != nil {
		t.Errorf("local state = %q before it was set, want none", got)
	}
	m.SetState([]byte("mine"))
	if got := string(d.LocalState(false)); got != "mine" {
		t.Errorf("local state = %q, want mine", got)
	}
}

func TestWhoIsAdmitted(t *testing.T) {
	self := node("a", "5", "")
	self.Cluster = "one"
	for _, tt := range []struct {
		name   string
		change func(*Node)
		want   string // part of the refusal; "": admitted
	}{
		{"one alike", func(*Node) {}, ""},
		{"one of another cluster", func(n *Node) { n.Cluster = "two" }, "belongs to cluster two, this node to cluster one"},
		{"one with other parameters", func(n *Node) { n.Params = "v2" }, "other cluster parameters (v2) than this node (v1)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := inert(t, self)
			b := node("b", "1", "")
			b.Cluster = "one"
			tt.change(&b)
			d := delegate{m}
			for call, err := range map[string]error{
				"alive": d.NotifyAlive(wire(t, b)), "merge": d.NotifyMerge([]*memberlist.Node{wire(t, self), wire(t, b)}),
			} {
				if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s = %v, want %q", call, err, tt.want)
				}
			}
			if err := m.Refusal(); (err == nil) != (tt.want == "") {
				t.Errorf("Refusal = %v, want %q", err, tt.want)
			}
		})
	}
}

// A node in view no longer refuses this one, whatever happened at its address before. It is not joined again, and only
// a join would clear the refusal otherwise.
func TestANodeInViewRefusesNoLonger(t *testing.T) {
	m := inert(t, node("a", "1", ""))
	b := wire(t, node("b", "1", ""))
	m.addRefusal(b.Address(), errors.New("hangs up"))
	m.addRefusal("10.0.0.9:7946", errors.New("hangs up too"))
	delegate{m}.NotifyJoin(b)
	if err := m.Refusal(); err == nil || err.Error() != "hangs up too" {
		t.Errorf("Refusal = %v, want that of the other address alone", err)
	}
}

// A node of no cluster and a member of one do not admit each other. At a member, a node of no cluster in the caller's
// view does not refuse the whole exchange.
func TestANodeOfNoClusterIsNotAdmitted(t *testing.T) {
	member, b := node("a", "5", ""), node("b", "1", "")
	member.Cluster = "one"
	m := delegate{inert(t, member)}
	if err := m.NotifyAlive(wire(t, b)); !errors.Is(err, errNoMember) {
		t.Errorf("NotifyAlive(a node of no cluster) at a member = %v, want %v", err, errNoMember)
	}
	if err := m.NotifyMerge([]*memberlist.Node{wire(t, b)}); err != nil {
		t.Errorf("NotifyMerge(a node of no cluster) at a member = %v, want nil", err)
	}
	d := delegate{inert(t, b)}
	for call, err := range map[string]error{
		"alive": d.NotifyAlive(wire(t, member)), "merge": d.NotifyMerge([]*memberlist.Node{wire(t, b), wire(t, member)}),
	} {
		if err == nil || offeredCluster(errors.New("failed to join x: "+err.Error()+"\n\n")) != "one" {
			t.Errorf("%s of a member at a node of no cluster = %v, want the offer of its cluster", call, err)
		}
	}
	if err := errors.Join(m.m.Refusal(), d.m.Refusal()); err != nil {
		t.Errorf("Refusal = %v, want none", err)
	}
}

// Earlier starts of this node's name are reported once for each time they are met. Later starts and other names are
// not.
func TestNamesakes(t *testing.T) {
	m := inert(t, node("a", "5", ""))
	d := delegate{m}
	met := []*memberlist.Node{
		wire(t, node("a", "4", "")), wire(t, node("a", "5", "")), wire(t, node("a", "6", "")), wire(t, node("b", "1", "")),
	}
	for range 2 {
		if err := d.NotifyMerge(met); err != nil {
			t.Fatal(err)
		}
		if got := m.Namesakes(); len(got) != 1 || got[0].Start != "4" || got[0].Peer != "p-4" {
			t.Errorf("Namesakes = %+v, want the start 4", got)
		}
		if got := m.Namesakes(); len(got) != 0 {
			t.Errorf("Namesakes = %+v when asked again, want none", got)
		}
	}
	if err := d.NotifyAlive(met[0]); err != nil || len(m.Namesakes()) != 1 {
		t.Errorf("one that is said to be alive is not told: %v", err)
	}
}

func TestConcurrentEvents(t *testing.T) {
	m := inert(t, node("a", "1", ""))
	d := delegate{m}
	var wg sync.WaitGroup
	for i := range 8 {
		n := wire(t, node(fmt.Sprint("n", i), "1", ""))
		wg.Go(func() {
			for range 100 {
				d.NotifyJoin(n)
				d.NotifyLeave(n)
				d.NotifyJoin(n)
				m.View().Names()
			}
		})
	}
	wg.Wait()
	if got := len(m.View().Nodes); got != 8 {
		t.Errorf("%d nodes, want 8", got)
	}
}
