package peer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/internal/memnet"
	"flowring/internal/racetest"
	"flowring/node/peer/stream"
	"flowring/node/peer/wire"
	"flowring/node/replica/late"
	"flowring/ring/roster"
	"flowring/store"
	"flowring/store/digest"
)

// double is a node behind the server. A call without a double panics, because the embedded Handler is nil.
type double struct {
	Handler
	self   roster.Store
	roster roster.Roster

	offer   compat.Offer
	err     error // of every call below
	wait    chan struct{}
	entered chan struct{} // receives when a call waits
	voice   DigestReply
	batches [][]byte // answered by Missing, in order; broken off by err
	text    string   // answered by Flows
	before  func()   // called before the flows are sent; nil: they are ready
	sums    map[flow.Slice][16]byte
	held    *store.Store // the store of Intake
	posting flow.ID      // of the last admit or check
	checked bool         // the argument of Admit, or known of AdmitByKey
	looks   []string     // the looks: their round, whether the roster is the same, and the identity
	byKey   int          // the batches of AdmitByKey
	panics  bool         // Check does
	server  *Server      // the last one in front of the double

	mu      sync.Mutex
	applied [][]byte
}

func (d *double) Self() roster.Store    { return d.self }
func (d *double) Roster() roster.Roster { return d.roster }
func (d *double) Offer() compat.Offer   { return d.offer }

func (d *double) Hello(_ context.Context, from Hello) (Hello, error) {
	return Hello{Store: d.self, Roster: d.roster}, d.err
}

func (d *double) Apply(_ context.Context, batches []flow.Written) error {
	if d.wait != nil {
		d.entered <- struct{}{}
		<-d.wait
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range batches {
		d.applied = append(d.applied, bytes.Clone(b.Bytes))
	}
	return d.err
}

func (d *double) Admit(_ context.Context, checked bool, batches []flow.Written) (bool, error) {
	d.checked, d.posting = checked, batches[0].Posting
	return true, d.err
}

func (d *double) AdmitByKey(_ context.Context, known bool, batches []flow.Written) (bool, error) {
	d.byKey, d.checked = len(batches), known
	return true, d.err
}

func (d *double) Check(_ context.Context, batches []flow.Written) (bool, error) {
	d.posting = batches[0].Posting
	if d.panics {
		panic("check")
	}
	return false, d.err
}

func (d *double) Look(round late.Round, roster string, batches []flow.Written) (bool, error) {
	d.looks = append(d.looks, fmt.Sprint(round, " ", roster == d.roster.Hash(), " ", batches[0].ID, batches[0].Posting))
	return round == late.Held, d.err
}

func (d *double) Secure(context.Context) error { return d.err }
func (d *double) Drain(context.Context) error  { return d.err }

func (d *double) Digest(_ context.Context, s flow.Slice, roster string) (DigestReply, error) {
	return d.voice, d.err
}

func (d *double) Missing(_ context.Context, _ flow.Slice, _ digest.Digest, fn func([]byte) error) error {
	for _, b := range d.batches {
		if err := fn(b); err != nil {
			return err
		}
	}
	return d.err
}

func (d *double) Intake(s flow.Slice) (*store.Intake, error) { return d.held.Intake(s), nil }

func (d *double) Summary(context.Context) (map[flow.Slice][16]byte, error) { return d.sums, d.err }

func (d *double) Flows(context.Context, flow.Slice, Wanted) (Answer, error) {
	if d.err != nil {
		return nil, d.err
	}
	return &textAnswer{d.text, d.before}, nil
}

func (d *double) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.applied)
}

// textAnswer is an answer of one part, whose only source is the text, without one if there is none; "broken" fails
// half-way.
type textAnswer struct {
	text   string
	before func()
}

func (a *textAnswer) Complete() contract.Completeness { return contract.Unproven }
func (a *textAnswer) Tag() contract.Tag               { return contract.Tag("t-" + a.text) }
func (a *textAnswer) Whole() bool                     { return false }
func (a *textAnswer) Ready() bool                     { return a.before == nil }
func (a *textAnswer) Close() error                    { return nil }

func (a *textAnswer) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, a.text)
	if a.text == "broken" {
		err = io.ErrClosedPipe
	}
	return int64(n), err
}

func (a *textAnswer) Parts() iter.Seq2[*flow.Batch, error] {
	return func(yield func(*flow.Batch, error) bool) {
		if a.before != nil {
			a.before()
		}
		if a.text != "" && yield(partOf(seven, a.text), nil) && a.text == "broken" {
			yield(nil, io.ErrClosedPipe)
		}
	}
}

// partOf returns a part with one flow.
func partOf(s flow.Slice, src string) *flow.Batch {
	p, err := flow.AddUp([]flow.Record{{Key: flow.Key{SrcApp: src, DestApp: "b", VPCID: "c"}, Hour: s.Hour}})
	if err != nil {
		panic(err)
	}
	p.Batches[0].Slice = s
	return p.Batches[0]
}

// sources returns the sources of all flows of an answer, up to an error.
func sources(a Answer) (all string, err error) {
	for part, err := range a.Parts() {
		if err != nil {
			return all, err
		}
		for i := range part.Len() {
			all += part.FlowKey(i).SrcApp
		}
	}
	return all, nil
}

// rosters is the caller's side of the rosters.
type rosters struct {
	mu     sync.Mutex
	roster roster.Roster
	offer  compat.Offer
	merges int
}

func (r *rosters) Roster() roster.Roster {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.roster
}

func (r *rosters) Offer() compat.Offer { return r.offer }

func (r *rosters) MergeRoster(o roster.Roster) (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.merges++
	merged, err := r.roster.Merge(o)
	if err == nil {
		r.roster = merged
	}
	return err
}

// newDouble returns the node b with a roster of itself alone.
func newDouble() *double {
	self := roster.Store{ID: roster.NewStoreID(), Name: "b", Established: true}
	return &double{self: self, roster: roster.Roster{}.With(self)}
}

// serveHandler serves on loopback and returns the address.
func serveHandler(t testing.TB, h http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// serve serves a double with the places given.
func (d *double) serve(t *testing.T, cfg ServerConfig) string {
	t.Helper()
	d.server = newTestServer(t, cfg, d)
	return serveHandler(t, d.server)
}

// newTestClient returns a client with a roster of its own store alone.
func newTestClient(t testing.TB) (*Client, *rosters) {
	t.Helper()
	r := &rosters{roster: roster.Roster{}.With(roster.Store{ID: roster.NewStoreID(), Name: "a", Established: true})}
	var d net.Dialer
	c := NewClient(ClientDeps{Rosters: r, Dial: d.DialContext})
	t.Cleanup(c.Close)
	return c, r
}

// newBatch returns a batch of hour 7.
func newBatch(t testing.TB) *flow.Batch {
	t.Helper()
	record := flow.Record{Key: flow.Key{SrcApp: "s", DestApp: "d", VPCID: "v"}, Totals: flow.Totals{BytesTx: 1}, Hour: 7}
	p, err := flow.AddUp([]flow.Record{record})
	if err != nil {
		t.Fatal(err)
	}
	b := p.Batches[0]
	b.Dot = flow.Dot{Origin: 9, Seq: 1}
	return b
}

// seven is the slice of newBatch.
var seven = flow.Slice{Hour: 7}

// newTestServer returns a server whose streams end with the test, at once.
func newTestServer(t testing.TB, cfg ServerConfig, h Handler) *Server {
	t.Helper()
	s := NewServer(cfg, ServerDeps{Handler: h, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Shutdown(ctx)
	})
	return s
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + stream.Protocol + "\r\n\r\n"

// serveStreams serves each stream with fn, and then closes the connection.
func serveStreams(t testing.TB, fn func(conn net.Conn, in *bufio.Reader)) string {
	t.Helper()
	return serveHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, switching)
		fn(conn, buffered.Reader)
	}))
}

// frame returns a frame of a stream; package stream draws it.
func frame(kind stream.Kind, call uint64, body []byte) []byte {
	head := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), byte(kind))
	return append(binary.BigEndian.AppendUint64(head, call), body...)
}

// kindAnswer is the kind of the frame of an answer.
const kindAnswer stream.Kind = 5

// readAsk reads the frame of one call, and returns nil at the end of the stream.
func readAsk(in *bufio.Reader) (uint64, *wire.Ask) {
	var head [13]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, nil
	}
	body := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(in, body); err != nil {
		return 0, nil
	}
	a, err := wire.ParseAsk(stream.Kind(head[4]), body)
	if err != nil {
		return 0, nil
	}
	return binary.BigEndian.Uint64(head[5:]), &a
}

// answering answers every ask of a stream with the same reply.
func answering(r wire.Reply) func(conn net.Conn, in *bufio.Reader) {
	return func(conn net.Conn, in *bufio.Reader) {
		for {
			call, a := readAsk(in)
			if a == nil {
				return
			}
			conn.Write(frame(kindAnswer, call, r.Append(nil)))
		}
	}
}

const (
	hostA, hostB = "10.0.0.1", "10.0.0.2"
	portB        = hostB + ":8081"
)

// pair is a client on one host and a server on another, in virtual time.
type pair struct {
	net    *memnet.Net
	client *Client
	server *Server
}

// inPair runs a test with a pair, in a bubble.
func inPair(t *testing.T, h Handler, fn func(t *testing.T, p pair)) {
	racetest.Bubble(t, func(t *testing.T) {
		n := memnet.New(memnet.Options{})
		p := pair{net: n, server: NewServer(ServerConfig{}, ServerDeps{Handler: h, Log: slog.New(slog.DiscardHandler)})}
		l, err := n.Host(hostB).Listen(t.Context(), "tcp", portB)
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: p.server}
		var wg sync.WaitGroup
		wg.Go(func() { server.Serve(l) })
		p.client = NewClient(ClientDeps{Rosters: &rosters{}, Dial: n.Host(hostA).DialContext})
		defer func() {
			p.client.Close()
			n.HealAll()
			p.server.Shutdown(t.Context())
			server.Close()
			wg.Wait()
		}()
		fn(t, p)
	})
}

// raw requests a stream, and returns its connection and the status of the answer.
func (p pair) raw(t *testing.T) (net.Conn, int) {
	t.Helper()
	conn, err := p.net.Host(hostA).DialContext(t.Context(), "tcp", portB)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "POST /peer/v1/stream HTTP/1.1\r\nHost: b\r\n"+
		"Connection: Upgrade\r\nUpgrade: "+stream.Protocol+"\r\nContent-Length: 0\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return conn, res.StatusCode
}
