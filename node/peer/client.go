package peer

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/semaphore"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/node/peer/stream"
	"flowring/ring/roster"
	"flowring/store/digest"
)

// Rosters is where the client gets the roster that it announces, and brings those that it is told.
type Rosters interface {
	Roster() roster.Roster
	// MergeRoster takes in a roster, durably; it fails for a roster of another cluster.
	MergeRoster(roster.Roster) error
}

// ClientDeps are the collaborators of the client.
type ClientDeps struct {
	Rosters Rosters
	Dial    func(ctx context.Context, network, addr string) (net.Conn, error)
	Idle    time.Duration // for tests alone: instead of idleTimeout; 0: that
}

// Client calls peers. It is safe for concurrent use. Every call is bounded by its ctx. A call that is no stream's ends too once the
// peer has sent and taken no byte for idleTimeout.
type Client struct {
	rosters   Rosters
	http      *http.Client
	transport *http.Transport
	dial      func(ctx context.Context, network, addr string) (net.Conn, error)
	streams   *stream.Client
	frames    *semaphore.Weighted // bytes of frames that are being read
	idle      time.Duration
	stalled   atomic.Uint64

	mu         sync.Mutex
	silent     map[string]time.Time // addresses whose last call was not heard, and since when none was
	identities map[string]identity  // the last one by a stream, by address
}

// NewClient returns a client that keeps connections open between calls.
func NewClient(deps ClientDeps) *Client {
	t := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, stream.DialTimeout)
			defer cancel()
			return deps.Dial(ctx, network, addr)
		},
		MaxIdleConnsPerHost: 64,
		MaxConnsPerHost:     512,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true,
		WriteBufferSize:     32 << 10,
		ReadBufferSize:      32 << 10,
	}
	c := &Client{
		rosters: deps.Rosters, transport: t, http: &http.Client{Transport: t}, dial: deps.Dial,
		idle: cmp.Or(deps.Idle, idleTimeout), frames: semaphore.NewWeighted(maxFrames),
		silent: map[string]time.Time{}, identities: map[string]identity{},
	}
	c.streams = stream.NewClient(stream.ClientDeps{
		Dial: deps.Dial,
		Request: func(ctx context.Context, addr string) (*http.Request, error) {
			return c.request(ctx, "POST", addr, "stream", nil)
		},
		Rejection: func(res *http.Response, addr string) error { return readError(res, addr, "stream") },
	})
	return c
}

// Close ends the streams, with the calls that are under way on them, and closes idle connections. Other calls end with their contexts.
func (c *Client) Close() {
	c.streams.Close()
	c.transport.CloseIdleConnections()
}

// Heard reports whether the last call to addr was heard, as one that was never called is assumed to be. It is the circuit
// breaker: callers leave out a peer that is not heard, until a greeting is.
func (c *Client) Heard(addr string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.silent[addr].IsZero()
}

// goneAfter is how long an address must have been silent to count as gone: a greeting has failed as well meanwhile.
const goneAfter = time.Second

// Gone reports whether no call to addr has been heard for so long that the next one would not be either.
func (c *Client) Gone(addr string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	since := c.silent[addr]
	return !since.IsZero() && time.Since(since) >= goneAfter
}

// Silence makes addr count as not heard until a call is: the node there is known to be gone.
func (c *Client) Silence(addr string) { c.mark(addr, false) }

func (c *Client) mark(addr string, heard bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case heard:
		delete(c.silent, addr)
	case c.silent[addr].IsZero():
		c.silent[addr] = time.Now()
	}
}

// Hello greets a peer and merges the roster that it answers with. With the error of a roster that is not taken in it returns the answer.
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

// Admit asks a peer to store batches of one posting, of that hash, as the write quorum asks. checked says that they are part of a posting that was checked as a
// whole, replayed that all of them were seen before. A peer goes on with what was begun when ctx is cancelled, until its deadline.
func (c *Client) Admit(ctx context.Context, addr string, checked bool, posting flow.ID, batches ...[]byte) (replayed bool, err error) {
	kind := kindAdmit
	if checked {
		kind = kindAdmitChecked
	}
	replayed, _, err = c.ask(ctx, addr, ask{kind: kind, posting: posting, batches: batches})
	return replayed, err
}

// Check asks a peer whether it would refuse to admit batches of one posting, of that hash.
func (c *Client) Check(ctx context.Context, addr string, posting flow.ID, batches ...[]byte) (replayed bool, err error) {
	replayed, _, err = c.ask(ctx, addr, ask{kind: kindCheck, posting: posting, batches: batches})
	return replayed, err
}

// Apply asks a peer to keep batches, and returns the store that now has all of them on disk. After an error it may have some.
func (c *Client) Apply(ctx context.Context, addr string, batches ...[]byte) (roster.Store, error) {
	_, from, err := c.ask(ctx, addr, ask{kind: kindApply, batches: batches})
	return from, err
}

// ask makes a call by a stream, having filled in who calls and how long the answer is waited for.
func (c *Client) ask(ctx context.Context, addr string, a ask) (replayed bool, from roster.Store, err error) {
	own := c.rosters.Roster()
	a.roster, a.cluster = own.Hash(), own.Cluster()
	size := a.size()
	if size > maxAsk {
		err := fmt.Errorf("%s at %s: batches of %d bytes, at most %d", callName(a.kind), addr, size, maxAsk)
		return false, roster.Store{}, &stream.UnsentError{Err: err}
	}
	if deadline, ok := ctx.Deadline(); ok {
		a.wait = max(time.Until(deadline), time.Millisecond)
	}
	answer, err := c.streams.Call(ctx, addr, stream.Request{Kind: a.kind, Size: size, Append: a.append})
	if err == nil {
		c.mark(addr, true)
		replayed, from, err = c.take(addr, answer)
	} else if !errors.Is(err, context.Canceled) { // the caller gave up: that says nothing about the peer
		c.mark(addr, errors.Is(err, stream.ErrRejected))
	}
	if err != nil {
		return false, roster.Store{}, fmt.Errorf("%s at %s: %w", callName(a.kind), addr, err)
	}
	return replayed, from, nil
}

// take decodes the answer to a call, and merges the roster that came with it.
func (c *Client) take(addr string, answer stream.Answer) (replayed bool, from roster.Store, err error) {
	defer answer.Release()
	r, err := parseReply(answer.Body)
	if err != nil {
		return false, roster.Store{}, err
	}
	if err := c.mergeFrom(r.roster); err != nil {
		return false, roster.Store{}, err
	}
	if r.outcome == outcomeRefused {
		return false, roster.Store{}, parseRefusal(r.refusal)
	}
	from, err = c.identify(addr, r.store)
	return r.outcome == outcomeReplayed, from, err
}

// identify returns the store that introduced itself in the reply from addr. Mostly it is the same store as in the reply before.
func (c *Client) identify(addr string, text []byte) (roster.Store, error) {
	c.mu.Lock()
	last, ok := c.identities[addr]
	c.mu.Unlock()
	if ok && last.text == string(text) {
		return last.store, nil
	}
	s, err := parseStore(string(text))
	if err == nil {
		c.mu.Lock()
		c.identities[addr] = identity{string(text), s}
		c.mu.Unlock()
	}
	return s, err
}

// Voice is what a peer says of a slice.
type Voice struct {
	From       roster.Store
	Digest     digest.Digest // of what it holds
	TakingOver bool          // it is new among the slice's replicas: what the former ones held may not be there yet
	Recovering bool          // it started lately: its disk may be older than it was
}

// Digest asks a peer what it holds of a slice. A roster hash that is not empty asks for it as a replica by that roster.
func (c *Client) Digest(ctx context.Context, addr string, s flow.Slice, roster string) (Voice, error) {
	a, err := c.call(ctx, "GET", addr, "digest"+query("slice", formatSlice(s), "roster", roster), nil)
	if err != nil {
		return Voice{}, err
	}
	d, err := digest.Parse(a.body)
	if err != nil {
		return Voice{}, fmt.Errorf("digest of %s from %s: %w", s, addr, err)
	}
	doubts := a.header.Values(headerDoubt)
	return Voice{a.from, d, slices.Contains(doubts, doubtTakingOver), slices.Contains(doubts, doubtRecovering)}, nil
}

// Missing calls fn with the frames of all that a peer holds of a slice and have lacks. What came before an error is whole.
func (c *Client) Missing(ctx context.Context, addr string, s flow.Slice, have digest.Digest, fn func(frame []byte) error) error {
	res, err := c.open(ctx, "POST", addr, "missing"+query("slice", formatSlice(s)), bytes.NewReader(have.Encode()))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	room := func(n int) (release func(), err error) {
		n = min(n, maxFrames)
		return func() { c.frames.Release(int64(n)) }, c.frames.Acquire(ctx, int64(n))
	}
	if err := readFrames(bufio.NewReaderSize(res.Body, 64<<10), room, fn); err != nil {
		return fmt.Errorf("batches of %s from %s: %w", s, addr, err)
	}
	return nil
}

// Give gives a peer the frames of a slice that frames calls fn with, and returns the store that now has them on disk. After an
// error it may have some of them.
func (c *Client) Give(
	ctx context.Context, addr string, s flow.Slice, frames func(fn func(frame []byte) error) error,
) (roster.Store, error) {
	body, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		out := bufio.NewWriterSize(w, 64<<10)
		err := frames(func(frame []byte) error { return writeFrame(out, frame) })
		if err == nil {
			err = errors.Join(writeFrame(out, nil), out.Flush())
		}
		w.CloseWithError(err) // nil: the end
		done <- err
	}()
	a, err := c.call(ctx, "POST", addr, "give"+query("slice", formatSlice(s)), body)
	_ = body.Close() // frames ends, should the peer not have read all
	if failure := <-done; err == nil && failure != nil {
		err = fmt.Errorf("give %s to %s: %w", s, addr, failure)
	}
	return a.from, err
}

// Summary returns a hash of the digest of each slice that a peer holds, and whose they are.
func (c *Client) Summary(ctx context.Context, addr string) (roster.Store, map[flow.Slice][16]byte, error) {
	a, err := c.call(ctx, "GET", addr, "summary", nil)
	if err != nil {
		return roster.Store{}, nil, err
	}
	sums, err := parseSummary(a.body)
	if err != nil {
		return a.from, nil, fmt.Errorf("summary from %s: %w", addr, err)
	}
	return a.from, sums, nil
}

// Secure asks a peer to put all that it holds on as many established stores as the write quorum asks.
func (c *Client) Secure(ctx context.Context, addr string) (roster.Store, error) {
	a, err := c.call(ctx, "POST", addr, "secure", nil)
	return a.from, err
}

// Forget asks a peer to take a store off the roster; with force, without the guard against losing something.
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

// Flows opens a slice's flows at a peer. The caller closes the answer, which has no flows where it knows them.
func (c *Client) Flows(ctx context.Context, addr string, s flow.Slice, wanted Wanted) (Answer, error) {
	as := ""
	if wanted.JSON {
		as = asJSON
	}
	here := ""
	if wanted.Here {
		here = "true"
	}
	asked := query("slice", formatSlice(s), "need", wanted.Need.String(), "as", as, "here", here, "known", formatTags(wanted.Known))
	res, err := c.open(ctx, "GET", addr, "flows"+asked, nil)
	if err != nil {
		return nil, err
	}
	return &remoteAnswer{res, s}, nil
}

// remoteAnswer is a peer's answer as it comes.
type remoteAnswer struct {
	res   *http.Response
	slice flow.Slice
}

// Complete implements Answer. An unknown text is the weakest completeness.
func (a *remoteAnswer) Complete() contract.Completeness {
	c, _ := contract.ParseCompleteness(a.res.Header.Get(headerComplete))
	return c
}

func (a *remoteAnswer) Tag() contract.Tag { return contract.Tag(a.res.Header.Get(headerTag)) }
func (a *remoteAnswer) Ready() bool       { return true }
func (a *remoteAnswer) Close() error      { return a.res.Body.Close() }

// Parts implements Answer.
func (a *remoteAnswer) Parts() iter.Seq2[*flow.Batch, error] {
	return func(yield func(*flow.Batch, error) bool) {
		if a.res.StatusCode == http.StatusNoContent {
			yield(nil, errNoFlows)
			return
		}
		err := readFrames(bufio.NewReaderSize(a.res.Body, 64<<10), nil, func(frame []byte) error {
			part, err := a.parse(frame)
			if err == nil && !yield(part, nil) {
				err = errEnough
			}
			return err
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, fmt.Errorf("flows of %s: %w", a.slice, err))
		}
	}
}

// WriteTo implements Answer: what the peer writes is passed on as it comes.
func (a *remoteAnswer) WriteTo(w io.Writer) (int64, error) {
	if a.res.StatusCode == http.StatusNoContent {
		return 0, errNoFlows
	}
	return io.Copy(w, a.res.Body)
}

func (a *remoteAnswer) parse(frame []byte) (*flow.Batch, error) {
	part, err := flow.ParseSorted(frame)
	if err == nil && part.Slice != a.slice {
		err = fmt.Errorf("a part is of %s", part.Slice)
	}
	return part, err
}

// errEnough says that nobody wants more frames.
var errEnough = errors.New("enough")

// errNoFlows says that flows were left out which the caller said it knows.
var errNoFlows = errors.New("the answer has no flows, for the caller knows them")

// answer is the whole answer to a call.
type answer struct {
	from   roster.Store
	header http.Header
	body   []byte
}

// Stalled returns how many calls were given up because the peer sent and took no byte.
func (c *Client) Stalled() uint64 { return c.stalled.Load() }

// call makes one call and reads its whole answer.
func (c *Client) call(ctx context.Context, method, addr, name string, body io.Reader) (answer, error) {
	res, err := c.open(ctx, method, addr, name, body)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, MaxBatch))
	if err != nil {
		c.mark(addr, errors.Is(err, context.Canceled))
		return answer{}, fmt.Errorf("%s at %s: %w", name, addr, err)
	}
	from, err := parseStore(res.Header.Get(headerStore))
	if err != nil {
		return answer{}, fmt.Errorf("%s at %s: %w", name, addr, err)
	}
	return answer{from, res.Header, data}, nil
}

// request returns the request of a call, which tells who calls.
func (c *Client) request(ctx context.Context, method, addr, name string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+addr+prefix+name, body)
	if err != nil {
		return nil, err
	}
	roster := c.rosters.Roster()
	req.Header.Set(headerRoster, roster.Hash())
	if id := roster.Cluster(); id != "" {
		req.Header.Set(headerCluster, id)
	}
	return req, nil
}

// open makes one call, and returns its answer as it comes. The caller closes the body.
func (c *Client) open(ctx context.Context, method, addr, name string, body io.Reader) (*http.Response, error) {
	ctx, idle := c.limitIdle(ctx, addr)
	if pipe, ok := body.(*io.PipeReader); ok {
		body = sending{pipe, idle}
	}
	res, err := c.send(ctx, method, addr, name, body)
	idle.answer()
	if err != nil {
		idle.close()
		return nil, err
	}
	res.Body = receiving{res.Body, ctx, idle}
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

// send sends a call, and waits for the beginning of the answer.
func (c *Client) send(ctx context.Context, method, addr, name string, body io.Reader) (*http.Response, error) {
	req, err := c.request(ctx, method, addr, name, body)
	if err != nil {
		return nil, &stream.UnsentError{Err: err}
	}
	res, err := c.http.Do(req)
	if err != nil {
		err = idleCause(ctx, err)
		if !errors.Is(err, context.Canceled) { // the caller gave up: that says nothing about the peer
			c.mark(addr, false)
		}
		return nil, sendError(addr, name, err)
	}
	c.mark(addr, true)
	return res, nil
}

// sendError tells calls that never left from those that may have had an effect.
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
	if err != nil || !errors.As(parseRefusal(data), &refusal) {
		return fmt.Errorf("%s at %s: answered %s", name, addr, res.Status)
	}
	return fmt.Errorf("%s at %s: %w", name, addr, refusal)
}

// parseRefusal returns the *Error that data is in JSON, or another error.
func parseRefusal(data []byte) error {
	refusal := &Error{}
	if err := json.Unmarshal(data, refusal); err != nil {
		return fmt.Errorf("refusal: %w", err)
	}
	if refusal.Code == "" {
		return errors.New("refusal without a code")
	}
	return refusal
}

// mergeFrom merges the roster that an answer came with; empty: the caller has it.
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

// formatStore writes who speaks as one header value.
func formatStore(s roster.Store) string {
	return fmt.Sprintf("%s %s %t", s.ID, s.Name, s.Established)
}

// parseStore reads what formatStore writes.
func parseStore(value string) (roster.Store, error) {
	id, rest, _ := strings.Cut(value, " ")
	name, established, _ := strings.Cut(rest, " ")
	s := roster.Store{ID: roster.StoreID(id), Name: name, Established: established == "true"}
	err := s.Valid()
	if err == nil && established != "true" && established != "false" {
		err = errors.New("neither established nor not")
	}
	if err != nil {
		return roster.Store{}, fmt.Errorf("answerer %q: %w", value, err)
	}
	return s, nil
}
