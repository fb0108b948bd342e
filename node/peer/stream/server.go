package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"flowring/internal/workers"
)

const (
	// MaxStreams is the limit of the streams of all clients.
	MaxStreams = 1024

	upgraded = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + Protocol + "\r\n\r\n"
)

// Reasons for which a server begins no stream or no call.
var (
	ErrStopping       = errors.New("the server is stopping")
	ErrTooManyStreams = fmt.Errorf("there are %d streams", MaxStreams)
	ErrTooManyCalls   = errors.New("too many calls")
	ErrNoRoom         = errors.New("the bodies of calls take all their memory")
)

// Handler answers calls.
type Handler interface {
	// Serve answers a call with Reply, once. ctx ends with the call's stream.
	Serve(ctx context.Context, c *Call)
	// Refuse answers a call without running it, because of ErrStopping, ErrTooManyCalls or ErrNoRoom. Body has at most
	// maxRefusedBytes of the call's body.
	Refuse(c *Call, reason error)
}

// Method is one kind of call.
type Method struct {
	// Slots limits the calls under way by its capacity. Several methods may share it.
	Slots chan struct{}
	// KeepsBody allows the handler to retain the body after Serve has returned. Otherwise the server reuses the buffer.
	KeepsBody bool
}

// ServerConfig lists the calls of a server.
type ServerConfig struct {
	Methods map[Kind]Method
	MaxBody int // bytes of one call; a larger one ends its stream
	// Room limits the bytes of all bodies above 256 KiB. nil: as many as one body may have.
	Room *semaphore.Weighted
}

// Server serves streams.
type Server struct {
	methods [256]Method // by kind; without Slots: no call
	maxBody int
	room    *semaphore.Weighted // for large bodies
	handler Handler
	ctx     context.Context // ends the idle workers
	cancel  context.CancelFunc
	workers *workers.Workers // run the calls
	free    sync.Pool        // of *Call

	mu       sync.Mutex
	stopping bool // no stream and no call begins any more
	streams  map[*serverStream]struct{}
	wg       sync.WaitGroup // of the streams
}

// NewServer returns a server without streams.
func NewServer(cfg ServerConfig, handler Handler) *Server {
	s := &Server{maxBody: cfg.MaxBody, handler: handler, streams: map[*serverStream]struct{}{}}
	if s.room = cfg.Room; s.room == nil {
		s.room = semaphore.NewWeighted(int64(cfg.MaxBody))
	}
	for kind, method := range cfg.Methods {
		s.methods[kind] = method
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.workers = workers.New(s.ctx)
	s.free.New = func() any {
		c := &Call{server: s}
		c.run = c.serve
		return c
	}
	return s
}

// Accepts returns nil if the server would begin another stream, and ErrStopping or ErrTooManyStreams otherwise.
func (s *Server) Accepts() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepts()
}

// accepts is Accepts. The caller holds s.mu.
func (s *Server) accepts() error {
	switch {
	case s.stopping:
		return ErrStopping
	case len(s.streams) >= MaxStreams:
		return ErrTooManyStreams
	}
	return nil
}

// Serve answers the request for a stream on conn with 101, and serves the stream until it ends. The caller closes conn.
func (s *Server) Serve(conn net.Conn) error {
	ctx, cancel := context.WithCancel(context.Background()) // of the calls
	defer cancel()
	st := &serverStream{server: s, ctx: ctx, ended: make(chan struct{}), idle: make(chan struct{})}
	st.in = newFrameReader(conn, st.unused)
	st.out.conn, st.out.stall = conn, stallTimeout
	err := conn.SetDeadline(time.Now().Add(stallTimeout))
	if err != nil {
		return err
	}
	_, err = io.WriteString(conn, upgraded)
	if err != nil {
		return err
	}
	if err := s.add(st); err != nil {
		return err
	}
	defer s.remove(st)
	return st.serve()
}

func (s *Server) add(st *serverStream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.accepts()
	if err == nil {
		s.streams[st] = struct{}{}
		s.wg.Add(1)
	}
	return err
}

func (s *Server) remove(st *serverStream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, st)
	close(st.ended)
	s.wg.Done()
}

// Shutdown sends a farewell to the clients, waits for the calls under way and for the clients to close their streams,
// and closes the remaining ones. The end of ctx closes all streams at once. Every goroutine of the server has ended
// when Shutdown returns.
func (s *Server) Shutdown(ctx context.Context) {
	s.mu.Lock()
	s.stopping = true
	for st := range s.streams {
		s.workers.Run(func() { st.shutdown(ctx) })
	}
	s.mu.Unlock()
	s.wg.Wait()
	s.cancel()
	s.workers.Wait()
}
