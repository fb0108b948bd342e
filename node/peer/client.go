package peer

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/semaphore"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/internal/trace"
	"flowring/node/peer/denial"
	"flowring/node/peer/heard"
	"flowring/node/peer/idle"
	"flowring/node/peer/received"
	"flowring/node/peer/renew"
	"flowring/node/peer/stream"
	"flowring/node/peer/wire"
	"flowring/node/replica/late"
	"flowring/node/replica/owners"
	"flowring/node/replica/proof"
	"flowring/ring/roster"
	"flowring/store/digest"
)

// Rosters is the source of the roster that a client announces, and the destination of the rosters in answers.
type Rosters interface {
	Roster() roster.Roster
	Offer() compat.Offer
	// MergeRoster merges a roster durably. It fails for a roster of another cluster.
	MergeRoster(roster.Roster) error
}

// ClientDeps are the collaborators of the client.
type ClientDeps struct {
	Rosters Rosters
	Dial    func(ctx context.Context, network, addr string) (net.Conn, error)
	Caller  string        // name and advertised host of this node, with a space between; empty: no node
	Idle    time.Duration // for tests; 0: idle.Timeout
}

// Client calls peers. It is safe for concurrent use. A call ends with its ctx. A call by HTTP also ends after
// idle.Timeout without a byte from or to the peer.
type Client struct {
	heard.Book
	rosters    Rosters
	caller     string
	http       *http.Client
	transport  *renew.Transport
	streams    *stream.Client
	frameBytes *semaphore.Weighted // bytes of the frames being read
	idle       time.Duration
	stalled    atomic.Uint64

	mu         sync.Mutex
	identities map[string]identity // the last one of each address, by a stream
}

// NewClient returns a client. It keeps connections open between calls.
func NewClient(deps ClientDeps) *Client {
	c := &Client{
		rosters: deps.Rosters, caller: deps.Caller, transport: renew.New(deps.Dial),
		idle: cmp.Or(deps.Idle, idle.Timeout), frameBytes: semaphore.NewWeighted(wire.MaxFrames),
		identities: map[string]identity{},
	}
	c.http = &http.Client{Transport: c.transport}
	c.streams = stream.NewClient(stream.ClientDeps{
		Dial: deps.Dial,
		Request: func(ctx context.Context, addr string) (*http.Request, error) {
			return c.request(ctx, "POST", addr, "stream", nil)
		},
		Rejection: func(res *http.Response, addr string) error { return readError(res, addr, "stream") },
	})
	return c
}

// Close ends the streams with their calls, and closes idle connections. Calls by HTTP end with their contexts.
func (c *Client) Close() {
	c.streams.Close()
	c.transport.CloseIdleConnections()
}

// Renew makes further calls use new connections. Calls under way end on their own connections.
func (c *Client) Renew() {
	c.transport.Renew()
	c.streams.Renew()
}

// Hello sends a heartbeat to a peer, and merges the roster of its answer. If the merge fails, it returns the answer
// with the error.
func (c *Client) Hello(ctx context.Context, addr string, from Hello) (Hello, error) {
	body, err := json.Marshal(from)
	if err != nil {
		return Hello{}, fmt.Errorf("hello: %w", err)
	}
	a, err := c.call(ctx, "POST", addr, "hello", bytes.NewReader(body))
	if err != nil {
		return Hello{}, err
	}
	var to Hello
	if err := json.Unmarshal(a.body, &to); err != nil {
		return Hello{}, fmt.Errorf("hello from %s: %w", addr, err)
	}
	if err := c.rosters.MergeRoster(to.Roster); err != nil {
		return to, fmt.Errorf("hello from %s: %w", addr, err)
	}
	return to, nil
}

// Admit asks a peer to store batches of one posting on as many stores as the write quorum. posting is the hash of the
// posting. checked says that the posting was checked as a whole. replayed says that all batches were stored before.
// The peer continues after ctx is cancelled, until the deadline of ctx.
func (c *Client) Admit(
	ctx context.Context, addr string, checked bool, posting flow.ID, batches ...[]byte,
) (replayed bool, err error) {
	kind := wire.KindAdmit
	if checked {
		kind = wire.KindAdmitChecked
	}
	replayed, _, err = c.callByStream(ctx, addr, wire.Ask{Kind: kind, Posting: posting, Batches: batches})
	return replayed, err
}

// AdmitByKey is Admit for batches of which the key and the hour decide. known says that an earlier attempt stored a
// part of their posting. It needs compat.ByKey.
func (c *Client) AdmitByKey(
	ctx context.Context, addr string, known bool, batches ...[]byte,
) (replayed bool, err error) {
	kind := wire.KindAdmitByKey
	if known {
		kind = wire.KindAdmitKnownByKey
	}
	replayed, _, err = c.callByStream(ctx, addr, wire.Ask{Kind: kind, Batches: batches})
	return replayed, err
}

// Check asks a peer whether Admit would refuse batches of one posting. posting is the hash of the posting.
func (c *Client) Check(
	ctx context.Context, addr string, posting flow.ID, batches ...[]byte,
) (replayed bool, err error) {
	replayed, _, err = c.callByStream(ctx, addr, wire.Ask{Kind: wire.KindCheck, Posting: posting, Batches: batches})
	return replayed, err
}

// Apply asks a peer to keep batches, and returns its store, which has all of them on disk. After an error it may have
// some.
func (c *Client) Apply(ctx context.Context, addr string, batches ...[]byte) (roster.Store, error) {
	_, from, err := c.callByStream(ctx, addr, wire.Ask{Kind: wire.KindApply, Batches: batches})
	return from, err
}

// Look asks a peer about a request of a closed hour: package late has the questions. The batches need no flows.
func (c *Client) Look(
	ctx context.Context, addr string, round late.Round, posting flow.ID, batches ...[]byte,
) (from roster.Store, yes bool, err error) {
	kind := wire.KindUnderWay
	if round == late.Held {
		kind = wire.KindHeld
	}
	yes, from, err = c.callByStream(ctx, addr, wire.Ask{Kind: kind, Posting: posting, Batches: batches})
	return from, yes, err
}

// pendingAdmit is an Admit under way.
type pendingAdmit struct {
	client *Client
	addr   string
	kind   stream.Kind
	call   stream.Pending
}

// BeginAdmit begins an Admit. It returns nil, and does nothing, if the call would have to wait before it is sent, or
// is large.
func (c *Client) BeginAdmit(
	ctx context.Context, addr string, checked bool, posting flow.ID, batches ...[]byte,
) owners.Pending {
	a := wire.Ask{Kind: wire.KindAdmit, Posting: posting, Batches: batches}
	if checked {
		a.Kind = wire.KindAdmitChecked
	}
	r, err := c.prepare(ctx, addr, &a)
	if err != nil {
		return nil
	}
	call, ok := c.streams.Begin(addr, r)
	if !ok {
		return nil
	}
	return &pendingAdmit{c, addr, a.Kind, call}
}

// Arrived implements owners.Pending.
func (p *pendingAdmit) Arrived() <-chan struct{} { return p.call.Arrived() }

// Result implements owners.Pending.
func (p *pendingAdmit) Result() (replayed bool, err error) {
	answer, err := p.call.Answer()
	replayed, _, err = p.client.resultOf(p.addr, p.kind, answer, err)
	return replayed, err
}

// GiveUp implements owners.Pending.
func (p *pendingAdmit) GiveUp(cause error) {
	answer, err := p.call.GiveUp(cause)
	_, _, _ = p.client.resultOf(p.addr, p.kind, answer, err)
}

// callByStream makes a call by a stream. It adds the caller, the time left, and the requests of ctx to the ask.
func (c *Client) callByStream(
	ctx context.Context, addr string, a wire.Ask,
) (replayed bool, from roster.Store, err error) {
	r, err := c.prepare(ctx, addr, &a)
	if err != nil {
		return false, roster.Store{}, err
	}
	answer, err := c.streams.Call(ctx, addr, r)
	return c.resultOf(addr, a.Kind, answer, err)
}

// prepare adds the caller, the time left, and the requests of ctx to an ask, and returns the request of its call.
func (c *Client) prepare(ctx context.Context, addr string, a *wire.Ask) (stream.Request, error) {
	own := c.rosters.Roster()
	a.Roster, a.Cluster = own.Hash(), own.Cluster()
	if compat.RequestIDs.On(own.Version()) {
		a.Requests = trace.All(ctx)
	}
	size := a.Size()
	if size > wire.MaxAsk {
		err := fmt.Errorf("%s at %s: batches of %d bytes, at most %d", wire.CallName(a.Kind), addr, size, wire.MaxAsk)
		return stream.Request{}, &stream.UnsentError{Err: err}
	}
	if deadline, ok := ctx.Deadline(); ok {
		a.Wait = max(time.Until(deadline), time.Millisecond)
	}
	return stream.Request{Kind: a.FrameKind(), Size: size, Append: a.Append, Version: int(own.Version())}, nil
}

// resultOf returns the result of a call by a stream.
func (c *Client) resultOf(
	addr string, kind stream.Kind, answer stream.Answer, err error,
) (replayed bool, from roster.Store, _ error) {
	if err == nil {
		replayed, from, err = c.decodeReply(addr, answer.Body, c.noteReply(addr))
		answer.Release()
	} else if !errors.Is(err, context.Canceled) { // the caller gave up, which says nothing about the peer
		c.SetHeard(addr, errors.Is(err, stream.ErrRejected))
	}
	if err != nil {
		return false, roster.Store{}, fmt.Errorf("%s at %s: %w", wire.CallName(kind), addr, err)
	}
	return replayed, from, nil
}

// noteReply marks addr as heard, and returns the identity of the last reply from addr.
func (c *Client) noteReply(addr string) identity {
	c.SetHeard(addr, true)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.identities[addr]
}

// decodeReply decodes a reply, and merges its roster. last is the identity of the reply before.
func (c *Client) decodeReply(
	addr string, body []byte, last identity,
) (replayed bool, from roster.Store, err error) {
	r, err := wire.ParseReply(body)
	if err != nil {
		return false, roster.Store{}, err
	}
	if err := c.mergeFrom(r.Roster); err != nil {
		return false, roster.Store{}, err
	}
	if r.Outcome == wire.Refused {
		return false, roster.Store{}, denial.Parse(r.Refusal)
	}
	from = last.store
	if last.text != string(r.Store) || last.text == "" {
		from, err = c.identify(addr, string(r.Store))
	}
	return r.Outcome == wire.Replayed, from, err
}

// identify returns the store in a reply from addr, and keeps it for the next reply, which mostly has the same text.
func (c *Client) identify(addr, text string) (roster.Store, error) {
	s, err := wire.ParseStore(text)
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.identities[addr] = identity{text, s}
	}
	return s, err
}

// DigestReply is the answer of a peer about a slice.
type DigestReply = proof.DigestReply

// Digest asks a peer for the digest of a slice. With a roster hash, only a replica by this roster answers.
func (c *Client) Digest(ctx context.Context, addr string, s flow.Slice, roster string) (DigestReply, error) {
	a, err := c.call(ctx, "GET", addr, "digest"+query("slice", wire.FormatSlice(s), "roster", roster), nil)
	if err != nil {
		return DigestReply{}, err
	}
	d, err := digest.Parse(a.body)
	if err != nil {
		return DigestReply{}, fmt.Errorf("digest of %s from %s: %w", s, addr, err)
	}
	doubts := a.header.Values(headerDoubt)
	takingOver, recovering := slices.Contains(doubts, doubtTakingOver), slices.Contains(doubts, doubtRecovering)
	return DigestReply{From: a.from, Digest: d, TakingOver: takingOver, Recovering: recovering}, nil
}

// Missing calls fn with the frames of all batches and snapshots of a slice that a peer has and that have lacks. Every
// frame is whole, even before an error.
func (c *Client) Missing(
	ctx context.Context, addr string, s flow.Slice, have digest.Digest, fn func(frame []byte) error,
) error {
	res, err := c.open(ctx, "POST", addr, "missing"+query("slice", wire.FormatSlice(s)), bytes.NewReader(have.Encode()))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	room := func(n int) (release func(), err error) {
		n = min(n, wire.MaxFrames)
		return func() { c.frameBytes.Release(int64(n)) }, c.frameBytes.Acquire(ctx, int64(n))
	}
	if err := wire.ReadFrames(bufio.NewReaderSize(res.Body, 64<<10), room, fn); err != nil {
		return fmt.Errorf("batches of %s from %s: %w", s, addr, err)
	}
	return nil
}

// Give sends a peer frames of a slice, and returns its store, which has them on disk. frames calls fn with each
// frame. After an error the store may have some of them.
func (c *Client) Give(
	ctx context.Context, addr string, s flow.Slice, frames func(fn func(frame []byte) error) error,
) (roster.Store, error) {
	body, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		out := bufio.NewWriterSize(w, 64<<10)
		err := frames(func(frame []byte) error { return wire.WriteFrame(out, frame) })
		if err == nil {
			err = errors.Join(wire.WriteFrame(out, nil), out.Flush())
		}
		w.CloseWithError(err) // nil: the end
		done <- err
	}()
	a, err := c.call(ctx, "POST", addr, "give"+query("slice", wire.FormatSlice(s)), body)
	_ = body.Close() // ends frames if the peer has not read all
	if failure := <-done; err == nil && failure != nil {
		err = fmt.Errorf("give %s to %s: %w", s, addr, failure)
	}
	return a.from, err
}

// Summary returns the store of a peer, and a hash of the digest of each of its slices.
func (c *Client) Summary(ctx context.Context, addr string) (roster.Store, map[flow.Slice][16]byte, error) {
	a, err := c.call(ctx, "GET", addr, "summary", nil)
	if err != nil {
		return roster.Store{}, nil, err
	}
	sums, err := wire.ParseSummary(a.body)
	if err != nil {
		return a.from, nil, fmt.Errorf("summary from %s: %w", addr, err)
	}
	return a.from, sums, nil
}

// Digests returns the store of a peer, and its digests of the slices of the hours from <= hour < to.
func (c *Client) Digests(ctx context.Context, addr string, from, to flow.Hour) (roster.Store, wire.Digests, error) {
	hours := query("from", strconv.FormatInt(int64(from), 10), "to", strconv.FormatInt(int64(to), 10))
	a, err := c.call(ctx, "GET", addr, "digests"+hours, nil)
	if err != nil {
		return roster.Store{}, wire.Digests{}, err
	}
	d, err := wire.ParseDigests(a.body)
	if err != nil {
		return a.from, wire.Digests{}, fmt.Errorf("digests from %s: %w", addr, err)
	}
	return a.from, d, nil
}

// Query asks a peer for the groups of a query, and returns the frames of its answer, which begins after the peer has
// added up all slices. The caller closes the frames.
func (c *Client) Query(ctx context.Context, addr string, call *wire.QueryCall) (frames io.ReadCloser, err error) {
	res, err := c.open(ctx, "POST", addr, "query", bytes.NewReader(call.Append(nil)))
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// Secure asks a peer to copy all its batches until the write quorum of established stores has them.
func (c *Client) Secure(ctx context.Context, addr string) (roster.Store, error) {
	a, err := c.call(ctx, "POST", addr, "secure", nil)
	return a.from, err
}

// Forget asks a peer to take a store off the roster. With force, the peer skips the guard against lost data.
func (c *Client) Forget(ctx context.Context, addr string, id roster.StoreID, force bool) error {
	forced := ""
	if force {
		forced = "true"
	}
	_, err := c.call(ctx, "POST", addr, "forget"+query("store", string(id), "force", forced), nil)
	return err
}

// Drain asks a peer to take itself off the roster.
func (c *Client) Drain(ctx context.Context, addr string) error {
	_, err := c.call(ctx, "POST", addr, "drain", nil)
	return err
}

// Flows opens the flows of a slice at a peer. The caller closes the answer. The answer has no flows if the caller
// knows its tag.
func (c *Client) Flows(ctx context.Context, addr string, s flow.Slice, wanted Wanted) (Answer, error) {
	as := ""
	switch {
	case wanted.JSON:
		as = asJSON
	case wanted.Columns:
		as = asColumns
	}
	here := ""
	if wanted.Here {
		here = "true"
	}
	asked := query("slice", wire.FormatSlice(s), "need", wanted.Need.String(), "as", as, "here", here,
		"known", wire.FormatTags(wanted.Known))
	res, err := c.open(ctx, "GET", addr, "flows"+asked, nil)
	if err != nil {
		return nil, err
	}
	return received.New(res, s, wanted.Columns, received.Facts{
		Complete: res.Header.Get(headerComplete), Tag: res.Header.Get(headerTag),
		Whole: res.Header.Get(headerNames) == namesOfSlice,
	}), nil
}

// answer is the complete answer to a call.
type answer struct {
	from   roster.Store
	header http.Header
	body   []byte
}

// Stalled returns the number of calls ended because the peer sent and took no byte.
func (c *Client) Stalled() uint64 { return c.stalled.Load() }

// call makes one call and reads the complete answer.
func (c *Client) call(ctx context.Context, method, addr, name string, body io.Reader) (answer, error) {
	res, err := c.open(ctx, method, addr, name, body)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, wire.MaxBatch))
	if err != nil {
		c.SetHeard(addr, errors.Is(err, context.Canceled))
		return answer{}, fmt.Errorf("%s at %s: %w", name, addr, err)
	}
	from, err := wire.ParseStore(res.Header.Get(headerStore))
	if err != nil {
		return answer{}, fmt.Errorf("%s at %s: %w", name, addr, err)
	}
	return answer{from, res.Header, data}, nil
}

// request returns the request of a call, with the roster hash and the cluster of this node.
func (c *Client) request(ctx context.Context, method, addr, name string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+addr+prefix+name, body)
	if err != nil {
		return nil, err
	}
	roster := c.rosters.Roster()
	setOffer(req.Header, c.rosters.Offer())
	req.Header.Set(headerRoster, roster.Hash())
	trace.Of(ctx).Set(req.Header)
	if c.caller != "" {
		req.Header.Set(headerNode, c.caller)
	}
	if id := roster.Cluster(); id != "" {
		req.Header.Set(headerCluster, id)
	}
	return req, nil
}

// open makes one call, and returns the answer before its body. The caller closes the body.
func (c *Client) open(ctx context.Context, method, addr, name string, body io.Reader) (*http.Response, error) {
	ctx, limit := idle.Start(ctx, c.idle, func() {
		c.stalled.Add(1)
		c.SetHeard(addr, false)
	})
	if pipe, ok := body.(*io.PipeReader); ok {
		body = limit.RequestBody(pipe)
	}
	res, err := c.send(ctx, method, addr, name, body)
	limit.Answered()
	if err != nil {
		limit.Close()
		return nil, err
	}
	res.Body = limit.AnswerBody(ctx, res.Body)
	if refusal := checkOffer(res.Header, c.rosters.Offer()); refusal != nil {
		res.Body.Close()
		return nil, fmt.Errorf("%s at %s: %w", name, addr, refusal)
	}
	if err := c.mergeFrom([]byte(res.Header.Get(headerRosterValue))); err != nil {
		res.Body.Close()
		return nil, fmt.Errorf("%s at %s: %w", name, addr, err)
	}
	if res.StatusCode >= 300 {
		defer res.Body.Close()
		return nil, readError(res, addr, name)
	}
	return res, nil
}

// send sends a request, and waits for the headers of the answer.
func (c *Client) send(ctx context.Context, method, addr, name string, body io.Reader) (*http.Response, error) {
	req, err := c.request(ctx, method, addr, name, body)
	if err != nil {
		return nil, &stream.UnsentError{Err: err}
	}
	res, err := c.http.Do(req)
	if err != nil {
		err = idle.Cause(ctx, err)
		if !errors.Is(err, context.Canceled) { // the caller gave up, which says nothing about the peer
			c.SetHeard(addr, false)
		}
		return nil, sendError(addr, name, err)
	}
	c.SetHeard(addr, true)
	return res, nil
}

// sendError marks a failed call as unsent if no connection was made. Any other failed call may have had an effect.
func sendError(addr, name string, err error) error {
	wrapped := fmt.Errorf("%s at %s: %w", name, addr, err)
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return &stream.UnsentError{Err: wrapped}
	}
	return wrapped
}

func readError(res *http.Response, addr, name string) error {
	data, err := io.ReadAll(io.LimitReader(res.Body, maxError))
	var refusal *Error
	if err != nil || !errors.As(denial.Parse(data), &refusal) {
		return fmt.Errorf("%s at %s: answered %s", name, addr, res.Status)
	}
	return fmt.Errorf("%s at %s: %w", name, addr, refusal)
}

// mergeFrom merges the roster of an answer. It is empty if the caller has the same roster.
func (c *Client) mergeFrom(value []byte) error {
	if len(value) == 0 {
		return nil
	}
	roster, err := roster.Parse(value)
	if err != nil {
		return fmt.Errorf("roster: %w", err)
	}
	return c.rosters.MergeRoster(roster)
}
