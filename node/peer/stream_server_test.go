package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/internal/trace"
	"flowring/node/peer/refused"
	"flowring/node/peer/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a double with the calls of the write path from the test.
type scripted struct {
	*double
	admit func(ctx context.Context, batches []flow.Written) (bool, error)
	check func(ctx context.Context, batches []flow.Written) (bool, error)
	apply func(ctx context.Context, batches []flow.Written) error
}

func (s scripted) Admit(ctx context.Context, _ bool, batches []flow.Written) (bool, error) {
	return s.admit(ctx, batches)
}

func (s scripted) Check(ctx context.Context, batches []flow.Written) (bool, error) {
	return s.check(ctx, batches)
}

func (s scripted) Apply(ctx context.Context, batches []flow.Written) error {
	return s.apply(ctx, batches)
}

// counted serves a server, and counts the requests for streams.
func counted(t *testing.T, server *Server) (addr string, streams *atomic.Int64) {
	streams = new(atomic.Int64)
	return serveHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == prefix+"stream" {
			streams.Add(1)
		}
		server.ServeHTTP(w, r)
	})), streams
}

// numbered returns an encoded batch of one flow with a seq.
func numbered(t testing.TB, seq uint64) []byte {
	b := newBatch(t)
	b.Dot.Seq = seq
	return b.Encode()
}

// largeBatch returns a batch of more than 64 KiB, which goes by the stream of large calls.
func largeBatch(t testing.TB) []byte {
	t.Helper()
	var records []flow.Record
	for i := range int64(5000) {
		key := flow.Key{SrcApp: fmt.Sprintf("source-application-%d", i), DestApp: "d", VPCID: "v"}
		records = append(records, flow.Record{Key: key, Totals: flow.Totals{BytesTx: i}, Hour: 7})
	}
	p, err := flow.AddUp(records)
	if err != nil {
		t.Fatal(err)
	}
	p.Batches[0].Dot = flow.Dot{Origin: 9, Seq: 1}
	encoded := p.Batches[0].Encode()
	if len(encoded) <= 64<<10 {
		t.Fatalf("the large batch has %d bytes", len(encoded))
	}
	return encoded
}

func TestManyCallsAtOnceGetTheirOwnAnswers(t *testing.T) {
	even := func(_ context.Context, batches []flow.Written) (bool, error) {
		seq := batches[0].Dot.Seq
		if seq%3 == 0 {
			return false, &Error{Code: contract.Unavailable.Code(), Detail: fmt.Sprint(seq)}
		}
		return seq%2 == 0, nil
	}
	d := newDouble()
	server := newTestServer(t, ServerConfig{}, scripted{double: d, admit: even, check: even, apply: d.Apply})
	addr, streams := counted(t, server)
	c, _ := newTestClient(t)
	var wg sync.WaitGroup
	for i := range uint64(64) {
		wg.Go(func() {
			for k := range uint64(50) {
				seq := 1000*i + k
				call := c.Check
				if k%2 == 0 {
					call = func(ctx context.Context, addr string, _ flow.ID, batches ...[]byte) (bool, error) {
						return c.Admit(ctx, addr, false, flow.ID{}, batches...)
					}
				}
				replayed, err := call(t.Context(), addr, flow.ID{}, numbered(t, seq))
				var refusal *Error
				switch {
				case seq%3 == 0 && (!errors.As(err, &refusal) || refusal.Detail != fmt.Sprint(seq)):
					t.Errorf("call %d = %v, want its own refusal", seq, err)
				case seq%3 != 0 && (err != nil || replayed != (seq%2 == 0)):
					t.Errorf("call %d = %t, %v, want %t", seq, replayed, err, seq%2 == 0)
				}
			}
		})
	}
	wg.Wait()
	if n := streams.Load(); n != 1 {
		t.Errorf("%d streams were made, want 1", n)
	}
}

func TestCallsUnderWayFailWithTheirStream(t *testing.T) {
	var asked atomic.Int64
	d := newDouble()
	willing := newTestServer(t, ServerConfig{}, d)
	addr := serveHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 1 {
			willing.ServeHTTP(w, r)
			return
		}
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		conn.Write([]byte(switching))
		for range 3 {
			readAsk(buffered.Reader)
		}
	}))
	c, _ := newTestClient(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, err := c.Apply(t.Context(), addr, numbered(t, 1)); err == nil || NotSent(err) {
				t.Errorf("apply = %v, NotSent %t, want an error of unknown effect", err, NotSent(err))
			}
		})
	}
	wg.Wait()
	if c.Heard(addr) {
		t.Error("a peer whose stream broke is heard")
	}
	if _, err := c.Apply(t.Context(), addr, numbered(t, 1)); err != nil || !c.Heard(addr) || asked.Load() != 2 {
		t.Errorf("the next call = %v, heard %t, by stream %d, want it answered by the second one", err, c.Heard(addr), asked.Load())
	}
}

// An admitted batch is still sent to other stores when the call has returned.
func TestAdmittedBatchesDoNotChange(t *testing.T) {
	d := newDouble()
	var mu sync.Mutex
	var kept []flow.Written
	admit := func(_ context.Context, batches []flow.Written) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		kept = append(kept, batches...)
		return false, nil
	}
	addr := serveHandler(t, newTestServer(t, ServerConfig{}, scripted{double: d, admit: admit, apply: d.Apply}))
	c, _ := newTestClient(t)
	for seq := range uint64(200) {
		_, err := c.Apply(t.Context(), addr, numbered(t, 1000+seq))
		if err == nil {
			_, err = c.Admit(t.Context(), addr, false, flow.ID{}, numbered(t, seq))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for seq, b := range kept {
		if want := numbered(t, uint64(seq)); !bytes.Equal(b.Bytes, want) || b.Dot.Seq != uint64(seq) {
			t.Fatalf("batch %d is %x by now, want %x", seq, b.Bytes, want)
		}
	}
}

func TestTheDeadlineOfTheCallerTravels(t *testing.T) {
	left := make(chan time.Duration, 1)
	d := newDouble()
	admit := func(ctx context.Context, _ []flow.Written) (bool, error) {
		by, ok := ctx.Deadline()
		if !ok {
			by = time.Now().Add(-time.Second)
		}
		left <- time.Until(by)
		return false, nil
	}
	addr := serveHandler(t, newTestServer(t, ServerConfig{}, scripted{double: d, admit: admit}))
	c, _ := newTestClient(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for _, tt := range []struct {
		ctx  context.Context
		want time.Duration
	}{{ctx, time.Hour}, {t.Context(), -time.Second}} {
		if _, err := c.Admit(tt.ctx, addr, false, flow.ID{}, numbered(t, 1)); err != nil {
			t.Fatal(err)
		}
		if got := <-left; got > tt.want || got < tt.want-time.Minute {
			t.Errorf("an admission has %v left, want %v", got, tt.want)
		}
	}
}

// A call carries the IDs of its requests once version 3 is on, because a node of an older version ends a stream with a
// kind of call that it does not know.
func TestCallsOnStreamsCarryTheirRequests(t *testing.T) {
	ids := trace.IDs{15: 1, 31: 2}
	for _, tt := range []struct {
		version compat.Version
		want    trace.IDs
	}{{1, nil}, {2, nil}, {3, ids}, {4, ids}} {
		got := make(chan trace.IDs, 2)
		d := newDouble()
		admit := func(ctx context.Context, _ []flow.Written) (bool, error) {
			got <- trace.All(ctx)
			return false, contract.Busy.Errorf("full")
		}
		var log bytes.Buffer
		server := newTestServer(t, ServerConfig{}, scripted{double: d, admit: admit})
		server.refusals = refused.New(slog.New(trace.Handler(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		c, mine := newTestClient(t)
		mine.roster = mine.roster.WithVersion(tt.version)
		d.offer = compat.Offer{On: tt.version, Speaks: compat.Range{Oldest: 1, Newest: 4}}
		mine.offer = d.offer
		_, err := c.Admit(trace.WithAll(t.Context(), ids), serveHandler(t, server), false, flow.ID{}, numbered(t, 1))
		if !errors.Is(err, contract.Busy) {
			t.Fatalf("Admit = %v, want busy", err)
		}
		if got := <-got; got.String() != tt.want.String() {
			t.Errorf("version %d: a call has the requests %q, want %q", tt.version, got, tt.want)
		}
		line := `msg="peer call refused" call=admit error=full`
		if text := log.String(); strings.Count(text, line) != 1 || strings.Contains(text, " request="+ids.String()) != (tt.want != nil) {
			t.Errorf("version %d: the log is\n%s", tt.version, text)
		}
	}
}

// The server refuses a call without a free slot, skips its body of any size, and serves the next call (P12).
func TestABusyServerReadsPastLargeCalls(t *testing.T) {
	d := newDouble()
	d.wait, d.entered = make(chan struct{}), make(chan struct{})
	addr, streams := counted(t, newTestServer(t, ServerConfig{MaxCalls: 1}, d))
	c, mine := newTestClient(t)
	first := make(chan error, 1)
	large := largeBatch(t)
	go func() { _, err := c.Apply(t.Context(), addr, large); first <- err }()
	<-d.entered
	for range 3 {
		_, err := c.Apply(t.Context(), addr, large)
		var refusal *Error
		if !errors.As(err, &refusal) || refusal.Kind() != contract.Busy || !NotSent(err) {
			t.Errorf("a second call = %v, want refused as busy", err)
		}
	}
	if _, ok := mine.Roster().Get(d.self.ID); !ok {
		t.Error("the roster of a busy server was not merged")
	}
	close(d.wait)
	go func() { <-d.entered }()
	if err := <-first; err != nil {
		t.Errorf("the first call = %v, want nil", err)
	}
	if _, err := c.Apply(t.Context(), addr, large); err != nil || streams.Load() != 1 {
		t.Errorf("a call after the first one ended = %v, %d streams, want nil by the same one", err, streams.Load())
	}
}

func TestShutdownFinishesCallsUnderWay(t *testing.T) {
	d := newDouble()
	d.wait, d.entered = make(chan struct{}), make(chan struct{})
	server := newTestServer(t, ServerConfig{}, d)
	addr, streams := counted(t, server)
	c, _ := newTestClient(t)
	under := make(chan error, 1)
	go func() { _, err := c.Apply(t.Context(), addr, numbered(t, 1)); under <- err }()
	<-d.entered
	stopped := make(chan struct{})
	go func() { server.Shutdown(t.Context()); close(stopped) }()
	for {
		_, err := c.Check(t.Context(), addr, flow.ID{}, numbered(t, 2))
		var refusal *Error
		if err == nil {
			continue // the farewell is not there yet
		}
		if !errors.As(err, &refusal) || refusal.Kind() != contract.Busy || !NotSent(err) || !c.Heard(addr) {
			t.Errorf("a call to a server that stops = %v, heard %t, want refused as busy, and heard", err, c.Heard(addr))
		}
		break
	}
	select {
	case <-stopped:
		t.Error("Shutdown returned while a call was under way")
	default:
	}
	close(d.wait)
	if err := <-under; err != nil {
		t.Errorf("the call under way = %v, want nil", err)
	}
	<-stopped
	server.Shutdown(t.Context()) // again: there is nothing to do
	if d.count() != 1 {
		t.Errorf("%d batches applied, want 1, by %d streams", d.count(), streams.Load())
	}
}

// A client does not send a call beyond the limit of the peer.
func TestCallsThatAreTooLargeAreNotSent(t *testing.T) {
	d := newDouble()
	addr, streams := counted(t, newTestServer(t, ServerConfig{}, d))
	c, _ := newTestClient(t)
	batches := make([][]byte, wire.MaxBatch>>20+1)
	part := make([]byte, 1<<20)
	for i := range batches {
		batches[i] = part
	}
	if _, err := c.Apply(t.Context(), addr, batches...); !NotSent(err) || streams.Load() != 0 {
		t.Errorf("a call of %d MiB = %v, by %d streams, want not sent", len(batches), err, streams.Load())
	}
}

// A stream beyond the share of an address, four fifths of all streams, is counted as refused, and the peer counts as
// heard.
func TestStreamsAreBounded(t *testing.T) {
	inPair(t, newDouble(), func(t *testing.T, p pair) {
		for range 820 {
			conn, status := p.raw(t)
			defer conn.Close()
			if status != http.StatusSwitchingProtocols {
				t.Fatalf("a request for a stream is answered %d", status)
			}
		}
		_, err := p.client.Apply(t.Context(), portB, numbered(t, 1))
		var refusal *Error
		if !errors.As(err, &refusal) || refusal.Kind() != contract.Busy || !NotSent(err) || !p.client.Heard(portB) || p.server.Refused() != 1 {
			t.Errorf("one stream more = %v, %d refused, want refused as busy, and counted", err, p.server.Refused())
		}
	})
}

// The circuit breaker closes with the first answer after a partition.
func TestHeardFollowsTheStreams(t *testing.T) {
	inPair(t, newDouble(), func(t *testing.T, p pair) {
		for _, tt := range []struct {
			partition, heard bool
		}{{false, true}, {true, false}, {true, false}, {false, true}} {
			p.net.HealAll()
			if tt.partition {
				p.swallow()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			_, err := p.client.Apply(ctx, portB, numbered(t, 1))
			cancel()
			if got := p.client.Heard(portB); got != tt.heard || (err == nil) != tt.heard {
				t.Errorf("heard %t after %v, want %t; partition: %t", got, err, tt.heard, tt.partition)
			}
		}
	})
}
