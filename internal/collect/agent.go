package collect

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"flowring/flow/ingest/names"
	"flowring/internal/collect/decode"
	"flowring/internal/collect/spool"
	"flowring/internal/reload"
)

// Agent collects datagrams and sends records. New returns one.
type Agent struct {
	cfg   Config
	deps  Deps
	log   *slog.Logger
	names *reload.Value[*names.Table] // nil: no file
	files *reload.Set
	spool *spool.Spool
	seed  maphash.Seed

	counts     decode.Counts
	delivered  delivered
	queued     atomic.Int64  // bytes that no worker has taken
	lostQueue  atomic.Uint64 // datagrams that had no room in the queue
	notAllowed atomic.Uint64 // datagrams of addresses outside Config.Exporters

	workers  []*worker
	sockets  []*socket
	server   *http.Server
	listener net.Listener
	readers  sync.WaitGroup // of sockets
	working  sync.WaitGroup // workers
	rest     sync.WaitGroup // of the other goroutines
	endRest  context.CancelFunc
}

// New returns an agent that does nothing yet.
func New(cfg Config, deps Deps) *Agent {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	a := &Agent{cfg: cfg, deps: deps, log: deps.Log, files: reload.NewSet(deps.Log), seed: maphash.MakeSeed()}
	for range cfg.Workers {
		a.workers = append(a.workers, &worker{
			agent: a, queue: make(chan datagram, 65536/cfg.Workers), decoder: decode.NewDecoder(cfg.Decode, &a.counts),
		})
	}
	return a
}

// Start reads the files, opens the spool and the sockets, and begins to collect. After an error nothing runs.
func (a *Agent) Start(ctx context.Context) (err error) {
	if a.cfg.Names != "" {
		if a.names, err = reload.Add(a.files, names.Source(a.cfg.Names, a.cfg.MaxNamesRows)); err != nil {
			return fmt.Errorf("--names: %w", err)
		}
	}
	size := a.cfg.SpoolBytes
	a.spool, err = spool.Open(spool.Config{Folder: a.cfg.Spool, MaxBytes: size, SegmentBytes: min(16<<20, size/8)})
	if err != nil {
		return fmt.Errorf("--spool: %w", err)
	}
	if err := a.listen(ctx); err != nil {
		a.close()
		return errors.Join(err, a.spool.Close())
	}
	if s := a.spool.Stats(); s.Payloads > 0 || s.Torn > 0 {
		a.log.Info("spool opened with payloads of an earlier run", "payloads", s.Payloads, "torn_bytes", s.Torn)
	}
	background, end := context.WithCancel(context.WithoutCancel(ctx))
	a.endRest = end
	a.rest.Go(func() { a.files.Watch(background) })
	a.rest.Go(func() { a.deliver(background) })
	for _, w := range a.workers {
		a.working.Go(w.run)
	}
	for _, s := range a.sockets {
		a.readers.Go(func() { a.read(s) })
	}
	if a.server != nil {
		a.rest.Go(func() { _ = a.server.Serve(a.listener) }) // ends with close
	}
	return nil
}

// listen opens the sockets.
func (a *Agent) listen(ctx context.Context) error {
	for _, s := range []struct {
		flag, addr string
		sflow      bool
	}{{"--netflow", a.cfg.NetFlow, false}, {"--sflow", a.cfg.SFlow, true}} {
		if s.addr == "" {
			continue
		}
		socket, err := openSocket(ctx, s.addr, s.sflow, a.cfg.SocketBuffer)
		if err != nil {
			return fmt.Errorf("%s: %w", s.flag, err)
		}
		a.sockets = append(a.sockets, socket)
	}
	if a.cfg.HTTP == "" {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", a.cfg.HTTP)
	if err != nil {
		return fmt.Errorf("--http: %w", err)
	}
	a.listener = l
	a.server = &http.Server{Handler: a.handler(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute,
		WriteTimeout: time.Minute}
	return nil
}

// close closes the sockets.
func (a *Agent) close() {
	for _, s := range a.sockets {
		_ = s.conn.Close()
	}
	if a.server != nil {
		a.server.Close()
		a.listener.Close()
	}
}

// Addresses are those on which an Agent listens. A zero value means none.
type Addresses struct{ NetFlow, SFlow, HTTP string }

// Addresses returns the addresses of a started agent.
func (a *Agent) Addresses() (all Addresses) {
	for _, s := range a.sockets {
		if s.sflow {
			all.SFlow = s.conn.LocalAddr().String()
		} else {
			all.NetFlow = s.conn.LocalAddr().String()
		}
	}
	if a.listener != nil {
		all.HTTP = a.listener.Addr().String()
	}
	return all
}

// Stop ends the agent: see the package comment. It returns the number of payloads that stay in the spool.
func (a *Agent) Stop() (left int) {
	for _, s := range a.sockets {
		_ = s.conn.SetReadDeadline(time.Now().Add(lastReads))
	}
	a.readers.Wait()
	for _, w := range a.workers {
		close(w.queue)
	}
	a.working.Wait()
	for end := time.Now().Add(a.cfg.Grace); a.spool.Stats().Payloads > 0 && time.Now().Before(end); {
		<-time.After(20 * time.Millisecond)
	}
	a.endRest()
	a.close()
	a.rest.Wait()
	left = a.spool.Stats().Payloads
	if err := a.spool.Close(); err != nil {
		a.log.Warn("spool not closed", "error", err)
	}
	return left
}

// table returns the names of the file, or nil.
func (a *Agent) table() *names.Table {
	if a.names == nil {
		return nil
	}
	return a.names.Get()
}

// workerOf returns the worker of an exporter.
func (a *Agent) workerOf(addr netip.Addr) *worker {
	if len(a.workers) == 1 {
		return a.workers[0]
	}
	return a.workers[maphash.Comparable(a.seed, addr)%uint64(len(a.workers))]
}
