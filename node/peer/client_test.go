package peer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/node/peer/wire"
	"flowring/node/replica/late"
	"flowring/ring/roster"
	"flowring/store/digest"
)

// The roster of an answer is merged before the call returns, because a caller that counts the ack must know the
// roster of its store (P4).
func TestRosterOfAnAnswerIsMergedBeforeItCounts(t *testing.T) {
	for _, tt := range []struct {
		name string
		call func(c *Client, addr string) error
	}{
		{"an ack", func(c *Client, addr string) error {
			_, err := c.Apply(t.Context(), addr, newBatch(t).Encode())
			return err
		}},
		{"an admission", func(c *Client, addr string) error {
			_, err := c.Admit(t.Context(), addr, true, flow.ID{}, newBatch(t).Encode())
			return err
		}},
		{"a check", func(c *Client, addr string) error {
			_, err := c.Check(t.Context(), addr, flow.ID{}, newBatch(t).Encode())
			return err
		}},
		{"a digest", func(c *Client, addr string) error { _, err := c.Digest(t.Context(), addr, seven, ""); return err }},
		{"a summary", func(c *Client, addr string) error { _, _, err := c.Summary(t.Context(), addr); return err }},
		{"the batches that lack", func(c *Client, addr string) error {
			return c.Missing(t.Context(), addr, seven, digest.Digest{}, func([]byte) error { return nil })
		}},
		{"flows", func(c *Client, addr string) error {
			a, err := c.Flows(t.Context(), addr, seven, Wanted{})
			if err == nil {
				a.Close()
			}
			return err
		}},
		{"a heartbeat", func(c *Client, addr string) error { _, err := c.Hello(t.Context(), addr, Hello{}); return err }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDouble()
			other := roster.Store{ID: roster.NewStoreID(), Name: "c", Established: true}
			d.roster = d.roster.With(other)
			c, mine := newTestClient(t)
			addr := d.serve(t, ServerConfig{})
			if err := tt.call(c, addr); err != nil {
				t.Fatal(err)
			}
			for _, want := range []roster.Store{d.self, other} {
				if got, ok := mine.Roster().Get(want.ID); !ok || got != want {
					t.Errorf("the caller's roster has %v, %t, want %v", got, ok, want)
				}
			}
		})
	}
}

func TestRosterTravelsWithARefusalToo(t *testing.T) {
	d := newDouble()
	d.err = &Error{Code: contract.NotReplica.Code(), Detail: "no"}
	c, mine := newTestClient(t)
	if _, err := c.Digest(t.Context(), d.serve(t, ServerConfig{}), seven, "x"); err == nil {
		t.Fatal("digest = nil, want a refusal")
	}
	if _, ok := mine.Roster().Get(d.self.ID); !ok {
		t.Error("the roster of a refusal was not merged")
	}
}

func TestEqualRostersAreNotSent(t *testing.T) {
	d := newDouble()
	c, mine := newTestClient(t)
	mine.roster = d.roster
	if _, err := c.Apply(t.Context(), d.serve(t, ServerConfig{}), newBatch(t).Encode()); err != nil {
		t.Fatal(err)
	}
	if mine.merges != 0 {
		t.Errorf("%d rosters merged, want none: they are equal", mine.merges)
	}
}

// An ack is an error if its roster cannot be merged.
func TestAckUnderTheRosterOfAnotherClusterIsAnError(t *testing.T) {
	d := newDouble()
	c, mine := newTestClient(t)
	var errs [3]error
	d.roster, errs[0] = d.roster.WithCluster(roster.NewClusterID())
	mine.roster, errs[1] = mine.roster.WithCluster(roster.NewClusterID())
	r := wire.Reply{Store: []byte(wire.FormatStore(d.self))} // of a server without a check of its caller
	r.Roster, errs[2] = d.roster.MarshalJSON()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	_, err := c.Apply(t.Context(), serveStreams(t, answering(r)), newBatch(t).Encode())
	if err == nil || NotSent(err) || !strings.Contains(err.Error(), "cluster") {
		t.Errorf("apply = %v, NotSent %t, want an error about the cluster, of unknown effect", err, NotSent(err))
	}
}

func TestStrangersAreRefused(t *testing.T) {
	d := newDouble()
	c, mine := newTestClient(t)
	var errs [2]error
	d.roster, errs[0] = d.roster.WithCluster(roster.NewClusterID())
	mine.roster, errs[1] = mine.roster.WithCluster(roster.NewClusterID())
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	_, err := c.Apply(t.Context(), d.serve(t, ServerConfig{}), newBatch(t).Encode())
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Kind() != contract.Stranger || !NotSent(err) || d.count() != 0 {
		t.Errorf("apply by a stranger = %v, applied %d times, want refused as stranger, and nothing applied", err, d.count())
	}
}

// A panic of a handler fails the call, and neither the node nor the stream.
func TestAPanicFailsTheCallAlone(t *testing.T) {
	d := newDouble()
	d.panics = true
	addr := d.serve(t, ServerConfig{})
	c, _ := newTestClient(t)
	_, err := c.Check(t.Context(), addr, flow.ID{}, newBatch(t).Encode())
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Kind() != contract.Internal || refusal.Detail != "panic: check" { // without the stack, which stays in the log
		t.Errorf("a call whose handler panics = %v, want code %s", err, contract.Internal.Code())
	}
	if _, err := c.Apply(t.Context(), addr, newBatch(t).Encode()); err != nil {
		t.Errorf("the next call = %v", err)
	}
}

// A server without a free slot refuses at once. Heartbeats and routed calls have slots of their own (P12).
func TestABusyServerRefuses(t *testing.T) {
	d := newDouble()
	d.wait, d.entered = make(chan struct{}), make(chan struct{})
	addr := d.serve(t, ServerConfig{MaxCalls: 1})
	c, _ := newTestClient(t)
	batch := newBatch(t).Encode()
	first := make(chan error, 1)
	go func() { _, err := c.Apply(t.Context(), addr, batch); first <- err }()
	<-d.entered
	_, err := c.Digest(t.Context(), addr, seven, "")
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Kind() != contract.Busy || !NotSent(err) {
		t.Errorf("a second call = %v, want refused as busy", err)
	}
	if _, err := c.Check(t.Context(), addr, flow.ID{}, batch); !errors.As(err, &refusal) || refusal.Kind() != contract.Busy || d.server.Refused() != 2 {
		t.Errorf("a third call, by the stream = %v, want refused as busy; %d are counted, want 2", err, d.server.Refused())
	}
	if _, err := c.Hello(t.Context(), addr, Hello{}); err != nil {
		t.Errorf("a heartbeat to a busy server = %v, want nil", err)
	}
	if _, err := c.Admit(t.Context(), addr, false, flow.ID{}, batch); err != nil {
		t.Errorf("a routed call to a busy server = %v, want nil", err)
	}
	close(d.wait)
	if err := <-first; err != nil {
		t.Errorf("the first call = %v, want nil", err)
	}
	if _, err := c.Digest(t.Context(), addr, seven, ""); err != nil {
		t.Errorf("a call after the first one ended = %v, want nil", err)
	}
}

func TestSilenceLastsUntilACallIsHeard(t *testing.T) {
	d := newDouble()
	addr := d.serve(t, ServerConfig{})
	c, _ := newTestClient(t)
	if !c.Heard(addr) {
		t.Error("a peer that was never called is not heard, want it assumed")
	}
	c.MarkSilent(addr)
	if c.Heard(addr) {
		t.Error("a silenced peer is heard")
	}
	if c.Heard("other:1") != true {
		t.Error("silence spreads to other peers")
	}
	if _, err := c.Hello(t.Context(), addr, Hello{}); err != nil {
		t.Fatal(err)
	}
	if !c.Heard(addr) {
		t.Error("a peer that answered a heartbeat is not heard")
	}
}

func TestCallsCarryTheirArguments(t *testing.T) {
	d := newDouble()
	d.voice = DigestReply{Digest: digest.Of(flow.Dot{Origin: 3, Seq: 4}), TakingOver: true, Recovering: true}
	d.batches = [][]byte{[]byte("one"), []byte("two")}
	d.text = "[]"
	d.sums = map[flow.Slice][16]byte{seven: {1, 2}, {Hour: -3, Index: 2}: {255}}
	addr := d.serve(t, ServerConfig{})
	c, _ := newTestClient(t)
	batch := newBatch(t).Encode()
	from, err := c.Apply(t.Context(), addr, batch)
	if err != nil || from != d.self || !bytes.Equal(d.applied[0], batch) {
		t.Errorf("apply of %x = %v, %v, want an ack of %v for %x", d.applied, from, err, d.self, batch)
	}
	if replayed, err := c.Admit(t.Context(), addr, false, flow.ID{}, batch); err != nil || !replayed {
		t.Errorf("admit = %t, %v, want a replay", replayed, err)
	}
	if d.checked {
		t.Error("a batch that was not checked is admitted as one that was")
	}
	if replayed, err := c.Admit(t.Context(), addr, true, flow.ID{}, batch); err != nil || !replayed || !d.checked {
		t.Errorf("admit a checked batch = %t, %v, checked %t, want a replay of a checked one", replayed, err, d.checked)
	}
	if !d.posting.IsZero() {
		t.Errorf("a batch without a key is admitted as one of the posting %s", d.posting)
	}
	if replayed, err := c.Check(t.Context(), addr, flow.ID{7}, batch); err != nil || replayed || d.posting != (flow.ID{7}) {
		t.Errorf("check = %t, %v, of the posting %s, want no replay and the posting that was given", replayed, err, d.posting)
	}
	if _, err := c.Admit(t.Context(), addr, false, flow.ID{8}, batch, batch); err != nil || d.posting != (flow.ID{8}) {
		t.Errorf("admit = %v, of the posting %s, want the posting that was given", err, d.posting)
	}
	for _, round := range []late.Round{late.UnderWay, late.Held} {
		from, yes, err := c.Look(t.Context(), addr, round, flow.ID{3}, batch)
		if err != nil || yes != (round == late.Held) || from.ID != d.self.ID {
			t.Errorf("Look(%d) = %v, %t, %v, want the store and the answer of the handler", round, from, yes, err)
		}
	}
	if len(d.looks) != 2 || !strings.HasSuffix(d.looks[0], fmt.Sprint(flow.ID{3})) || d.looks[0][:1] != "0" || d.looks[1][:1] != "1" {
		t.Errorf("the handler got the looks %q, want both rounds with the posting", d.looks)
	}
	for _, known := range []bool{true, false} {
		if replayed, err := c.AdmitByKey(t.Context(), addr, known, batch, batch); err != nil || !replayed || d.byKey != 2 || d.checked != known {
			t.Errorf("admit by key = %t, %v, of %d batches, known: %t, want a replay of 2, known: %t", replayed, err, d.byKey, d.checked, known)
		}
	}
	said, err := c.Digest(t.Context(), addr, seven, "")
	if err != nil || said.From != d.self || !said.Digest.Equal(d.voice.Digest) || !said.TakingOver || !said.Recovering {
		t.Errorf("digest = %+v, %v, want %+v from %v", said, err, d.voice, d.self)
	}
	var got []string
	err = c.Missing(t.Context(), addr, seven, digest.Digest{}, func(b []byte) error { got = append(got, string(b)); return nil })
	if err != nil || strings.Join(got, " ") != "one two" {
		t.Errorf("missing = %q, %v, want one two", got, err)
	}
	from, sums, err := c.Summary(t.Context(), addr)
	if err != nil || from != d.self || fmt.Sprint(sums) != fmt.Sprint(d.sums) {
		t.Errorf("summary = %v of %v, %v, want %v of %v", sums, from, err, d.sums, d.self)
	}
	a, err := c.Flows(t.Context(), addr, seven, Wanted{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if text, err := sources(a); err != nil || text != d.text || a.Complete() != contract.Unproven {
		t.Errorf("flows = %q, complete %q, %v, want %q, unproven", text, a.Complete(), err, d.text)
	}
}

func TestKnownFlowsAreOmitted(t *testing.T) {
	d := newDouble()
	d.text = "[]"
	addr := d.serve(t, ServerConfig{})
	c, _ := newTestClient(t)
	for _, tt := range []struct {
		name  string
		known []contract.Tag
		want  string // the bytes written; "": none
	}{
		{"no tags", nil, "[]"},
		{"other tags", []contract.Tag{"t-", "x"}, "[]"},
		{"the tag among others", []contract.Tag{"x", "t-[]"}, ""},
		{"any tag", []contract.Tag{contract.AnyTag}, ""},
	} {
		a, err := c.Flows(t.Context(), addr, seven, Wanted{Ask: contract.Ask{Need: contract.NeedComplete, Known: tt.known}})
		if err != nil {
			t.Fatal(err)
		}
		text, err := sources(a)
		if a.Tag() != "t-[]" || a.Complete() != contract.Unproven || text != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: flows = %q, %v, tag %s, complete %s, want %q, tag t-[], unproven", tt.name, text, err, a.Tag(),
				a.Complete(), tt.want)
		}
		a.Close()
		if a, err = c.Flows(t.Context(), addr, seven, Wanted{Ask: contract.Ask{Known: tt.known}, JSON: true}); err != nil {
			t.Fatal(err)
		}
		var passed strings.Builder
		if _, err := a.WriteTo(&passed); a.Tag() != "t-[]" || passed.String() != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: in JSON %q, %v, tag %s, want %q, tag t-[]", tt.name, passed.String(), err, a.Tag(), tt.want)
		}
		a.Close()
	}
}

// A truncated answer is never taken for a whole one (P5).
func TestTruncatedAnswersAreErrors(t *testing.T) {
	d := newDouble()
	d.batches, d.text, d.before = [][]byte{[]byte("one")}, "broken", func() {}
	addr := d.serve(t, ServerConfig{})
	c, _ := newTestClient(t)
	a, err := c.Flows(t.Context(), addr, seven, Wanted{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if text, err := sources(a); err == nil {
		t.Errorf("flows that broke off are %q without an error", text)
	}
	passed, err := c.Flows(t.Context(), addr, seven, Wanted{JSON: true})
	if err != nil {
		t.Fatal(err)
	}
	defer passed.Close()
	if n, err := passed.WriteTo(io.Discard); err == nil {
		t.Errorf("%d bytes that broke off are passed on without an error", n)
	}
	d.err = errors.New("disk")
	whole := 0
	if err := c.Missing(t.Context(), addr, seven, digest.Digest{}, func([]byte) error { whole++; return nil }); err == nil {
		t.Errorf("missing that broke off after %d batches has no error", whole)
	}
}

// A client accepts only flows of the slice (P5).
func TestOtherBytesThanFlowsAreErrors(t *testing.T) {
	frame := func(batches ...*flow.Batch) (frames []byte) {
		for _, b := range batches {
			frames = wire.AppendFrame(frames, b)
		}
		return frames
	}
	end := wire.AppendEnd(nil)
	twice := partOf(seven, "a")
	twice.Src, twice.Dest, twice.VPC = []uint32{0, 0}, []uint32{1, 1}, []uint32{2, 2}
	twice.Tx, twice.Rx = []int64{1, 2}, []int64{1, 2}
	for _, tt := range []struct {
		name   string
		frames []byte
		whole  bool
	}{
		{"a part", append(frame(partOf(seven, "a")), end...), true},
		{"none", end, true},
		{"no end", frame(partOf(seven, "a")), false},
		{"nothing", nil, false},
		{"JSON", []byte("[]\n"), false},
		{"a part of another slice", append(frame(partOf(flow.Slice{Hour: 8}, "a")), end...), false},
		{"a flow twice", append(frame(twice), end...), false},
		{"half a part", frame(partOf(seven, "a"))[:20], false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := serveHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(tt.frames) }))
			c, _ := newTestClient(t)
			a, err := c.Flows(t.Context(), addr, seven, Wanted{})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			if all, err := sources(a); (err == nil) != tt.whole {
				t.Errorf("flows = %q, %v, want them to be whole: %t", all, err, tt.whole)
			}
			for range a.Parts() { // a reader may stop early
				break
			}
		})
	}
}

// The caller gets the headers at once from a store that still sorts the flows.
func TestFlowsThatAreNotReadyAreAnnounced(t *testing.T) {
	d := newDouble()
	d.text = "slow"
	sort := make(chan struct{})
	d.before = func() { <-sort }
	addr := d.serve(t, ServerConfig{})
	c, _ := newTestClient(t)
	a, err := c.Flows(t.Context(), addr, seven, Wanted{}) // hangs if nothing is sent
	close(sort)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if text, err := sources(a); err != nil || text != "slow" {
		t.Errorf("flows = %q, %v, want slow", text, err)
	}
}

func TestAnswersThatCannotBeReadAreErrors(t *testing.T) {
	self := wire.FormatStore(roster.Store{ID: roster.NewStoreID(), Name: "b"})
	for _, tt := range []struct{ name, text string }{
		{"a line without a sum", "7/0\n"},
		{"a slice without an index", "7 " + strings.Repeat("0", 32) + "\n"},
		{"a short sum", "7/0 00\n"},
		{"a long sum", "7/0 " + strings.Repeat("0", 34) + "\n"},
		{"a sum that is not hexadecimal", "7/0 " + strings.Repeat("x", 32) + "\n"},
		{"an empty line", "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := serveHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set(headerStore, self)
				fmt.Fprint(w, tt.text)
			}))
			c, _ := newTestClient(t)
			if _, sums, err := c.Summary(t.Context(), addr); err == nil {
				t.Errorf("summary of %q = %v, want an error", tt.text, sums)
			}
			if said, err := c.Digest(t.Context(), addr, seven, ""); err == nil {
				t.Errorf("digest of %q = %v, want an error", tt.text, said)
			}
		})
	}
}

func TestCallsThatCannotBeReadAreMalformed(t *testing.T) {
	d := newDouble()
	addr := d.serve(t, ServerConfig{})
	c, _ := newTestClient(t)
	for _, tt := range []struct{ method, call, body string }{
		{"POST", "stream", ""},
		{"GET", "digest?slice=x", ""},
		{"GET", "flows", ""},
		{"POST", "missing?slice=7", ""},
		{"POST", "missing?slice=7/0", "no digest"},
		{"POST", "hello", "{"},
		{"POST", "forget?store=x", ""},
	} {
		_, err := c.open(t.Context(), tt.method, addr, tt.call, strings.NewReader(tt.body))
		var refusal *Error
		if !errors.As(err, &refusal) || refusal.Kind() != contract.Malformed {
			t.Errorf("%s %s with %q = %v, want refused as malformed", tt.method, tt.call, tt.body, err)
		}
	}
	good := newBatch(t).Encode()
	for name, batches := range map[string][][]byte{
		"no batch":         nil,
		"an empty batch":   {{}},
		"a broken batch":   {[]byte("no batch")},
		"one of two":       {good, good[:len(good)-1]},
		"one that is long": {good, append(good[:len(good):len(good)], 0)},
	} {
		for call, err := range map[string]error{
			"apply": second(c.Apply(t.Context(), addr, batches...)),
			"admit": second(c.Admit(t.Context(), addr, false, flow.ID{}, batches...)),
			"check": second(c.Check(t.Context(), addr, flow.ID{}, batches...)),
		} {
			var refusal *Error
			if !errors.As(err, &refusal) || refusal.Kind() != contract.Malformed {
				t.Errorf("%s of %s = %v, want refused as malformed", call, name, err)
			}
		}
	}
	if d.count() != 0 {
		t.Errorf("%d batches applied, want none", d.count())
	}
}

func second[T any](_ T, err error) error { return err }
