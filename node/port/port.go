package port

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"flowring/internal/browser"
	"flowring/internal/fairshare"
	"flowring/internal/lograte"
)

// Config describes a port.
type Config struct {
	Setting        string   // the flag of Addr, for errors
	Addr           string   // host:port to listen on
	AdvertiseHost  string   // host of the node for other nodes
	TrustedOrigins []string // origins of web pages with the right to write
	AllowedHosts   []string // Host headers allowed on a port of loopback, beside names of loopback
	MaxConns       int      // open connections, shared fairly by address, with small buffers for HTTP/2; 0: no limit
	MaxHeader      int      // bytes of the headers of a request; 0: 1 MiB

	// BodyTimeout is the time for the first bytes of a body whose handler sets no deadline. A refusal without it would
	// wait for a body that never comes. 0: no limit.
	BodyTimeout time.Duration

	Secure      func(net.Listener) net.Listener                       // adds TLS to the connections; nil: none
	ConnContext func(ctx context.Context, c net.Conn) context.Context // see http.Server; nil: none
}

// Deps are the collaborators of a Server.
type Deps struct {
	Network interface {
		Listen(ctx context.Context, network, addr string) (net.Listener, error)
	}
	Log     *slog.Logger
	Handler func(*browser.Guard) http.Handler // makes the handler for the guard of the port
	Fail    func(error)                       // called when the server ends before Stop
}

// Server is an HTTP server on one port.
type Server struct {
	listener net.Listener
	server   *http.Server
	addr     string
	setting  string
	fail     func(error)
	unused   unusedConns
	conns    fairshare.Counter
	refusals lograte.Limiter // of connections
	serving  sync.WaitGroup
}

// Open listens on the port. Its error names the setting. Stop must follow if there is none.
func Open(ctx context.Context, cfg Config, deps Deps) (*Server, error) {
	l, err := deps.Network.Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Setting, err)
	}
	guard, err := guard(cfg, l)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	_, number, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s := &Server{addr: net.JoinHostPort(cfg.AdvertiseHost, number), setting: cfg.Setting, fail: deps.Fail}
	s.listener = s.wrap(l, cfg, deps.Log)
	s.server = &http.Server{
		ConnState: s.unused.track, ConnContext: cfg.ConnContext,
		Handler:           beginBodies(deps.Handler(guard), cfg.BodyTimeout),
		ErrorLog:          slog.NewLogLogger(deps.Log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: cmp.Or(cfg.MaxHeader, 1<<20),
	}
	if cfg.MaxConns > 0 {
		s.server.HTTP2 = http2Limits()
	}
	return s, nil
}

// beginBodies gives each request with a body a read deadline. The handler may set another one.
func beginBodies(handler http.Handler, timeout time.Duration) http.Handler {
	if timeout == 0 {
		return handler
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(timeout)) // fails on connections that are gone
		}
		handler.ServeHTTP(w, r)
	})
}

// http2Limits are for a port with a limit on connections. A connection of HTTP/2 has many requests at once. The limits
// keep its memory in the order of some connections of HTTP/1.1, and bound the time for which a client that reads
// nothing or is gone holds it (P12, P16).
func http2Limits() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams: 64, MaxReceiveBufferPerConnection: 128 << 10, MaxReceiveBufferPerStream: 64 << 10,
		WriteByteTimeout: 30 * time.Second, SendPingTimeout: time.Minute, PingTimeout: 15 * time.Second,
	}
}

// wrap adds the limit on connections and TLS to a listener.
func (s *Server) wrap(l net.Listener, cfg Config, log *slog.Logger) net.Listener {
	if cfg.MaxConns > 0 {
		s.conns.Max = cfg.MaxConns
		l = fairshare.Listener{Listener: l, Conns: &s.conns, Refused: func(from net.Addr) {
			if times := s.refusals.Allow(time.Now()); times > 0 {
				log.Warn("connections refused", "port", s.addr, "client", from.String(), "refused", times, "limit", cfg.MaxConns)
			}
		}}
	}
	if cfg.Secure != nil {
		l = cfg.Secure(l)
	}
	return l
}

// Connections returns the number of open connections, and the number of those refused, if there is a limit.
func (s *Server) Connections() (open int, refused uint64) { return s.conns.Stats() }

// guard returns the guard of a port. It allows AllowedHosts and the host names in the node's address settings. The
// machine's own name is not among them, because it is often a name of loopback.
func guard(cfg Config, l net.Listener) (*browser.Guard, error) {
	hosts := slices.Clone(cfg.AllowedHosts)
	listens, _, _ := net.SplitHostPort(cfg.Addr) // checked with the settings
	for _, name := range []string{listens, cfg.AdvertiseHost} {
		if host, err := browser.Host(name); err == nil {
			hosts = append(hosts, host)
		}
	}
	return browser.New(browser.Config{
		TrustedOrigins: cfg.TrustedOrigins, AllowedHosts: hosts, Loopback: browser.OnLoopback(l.Addr()),
	})
}

// Addr returns host:port at which others reach the port.
func (s *Server) Addr() string { return s.addr }

// Serve begins to answer requests, and returns.
func (s *Server) Serve() {
	s.serving.Go(func() {
		if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			s.fail(fmt.Errorf("%s: %w", s.setting, err))
		}
	})
}

// Stop accepts no more connections and finishes the requests under way; requests beyond the end of ctx are cut off. It
// may be called more than once.
func (s *Server) Stop(ctx context.Context) {
	shutdown := func() error { return s.server.Shutdown(ctx) }
	if s.unused.closeDuring(shutdown) != nil {
		s.server.Close()
	}
	s.listener.Close() // http.Server knows its listener only after Serve
}

// Wait waits until Serve's goroutine has ended, after Stop.
func (s *Server) Wait() { s.serving.Wait() }
