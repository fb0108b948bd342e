package profile

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"

	"flowring/internal/browser"
)

// headerTimeout is the time for the headers of a request.
const headerTimeout = 5 * time.Second

// Check refuses an address that is not on loopback. Addr is host:port.
func Check(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("address %q: %w", addr, err)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.Unmap().IsLoopback()) {
		return notLoopback(addr)
	}
	return nil
}

func notLoopback(addr string) error {
	return fmt.Errorf("address %s: profiles are served on loopback alone, such as 127.0.0.1:6060", addr)
}

// Server serves profiles. A nil Server serves nothing.
type Server struct {
	http  *http.Server
	ended chan struct{}
}

// Open serves profiles at addr until Close; empty: it returns nil.
func Open(ctx context.Context, addr string, log *slog.Logger) (*Server, error) {
	if addr == "" {
		return nil, nil
	}
	if err := Check(addr); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if !browser.OnLoopback(listener.Addr()) { // localhost may have any meaning
		listener.Close()
		return nil, notLoopback(listener.Addr().String())
	}
	s := &Server{&http.Server{Handler: handler(), ReadHeaderTimeout: headerTimeout}, make(chan struct{})}
	log.Info("profiles are served", "url", "http://"+listener.Addr().String()+"/debug/pprof/")
	go func() {
		defer close(s.ended)
		if err := s.http.Serve(listener); err != http.ErrServerClosed {
			log.Warn("profiles are no longer served", "error", err)
		}
	}()
	return s, nil
}

// Close ends the server and its requests.
func (s *Server) Close() {
	if s == nil {
		return
	}
	s.http.Close() // fails only for a listener that is closed
	<-s.ended
}

// handler returns the handlers of net/http/pprof behind the guard against web pages.
func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol) // of go tool pprof
	guard, _ := browser.New(browser.Config{Loopback: true})  // fails only for an origin
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := guard.Check(r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
