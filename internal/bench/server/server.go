package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"flowring/flow"
)

// Kind is a kind of server: a yardstick, or a cluster of Flowring.
type Kind struct {
	Name      string
	Yardstick string // argument of `bench serve`; empty: a cluster of Flowring
	Nodes     int    // of the cluster
	Copies    int    // of each batch
	Slices    int    // of each hour
	PeerTLS   bool   // between the nodes
	TLS       bool   // on the public port
}

// firstHour is the hour of the first run. It is near the present, as the hours of agents are.
const firstHour flow.Hour = 493_000

// NodeArgument is the argument of `bench serve` for a node, which can write a CPU profile.
const NodeArgument = "node"

// Launcher starts servers.
type Launcher struct {
	Self     string // the benchmark program, which serves the yardsticks
	Flowring string // the program under measurement
	Dir      string // parent of the data folders
	// prefix of the files for CPU profiles; empty: none. With it the benchmark program serves the nodes, too
	Profile string
}

// ProfileOf returns the file for the CPU profile of a node.
func (l Launcher) ProfileOf(node int) string { return fmt.Sprintf("%s-%d.prof", l.Profile, node) }

// Server is a server under measurement.
type Server struct {
	Kind     Kind
	Hour     flow.Hour // of the records that the measurement posts
	Flags    []string  // additional flags of `flowring serve` for the next Launch
	launcher Launcher

	credentials []string // flags of the certificates

	nodes []*process
	dir   string
}

// Start starts a server with additional environment variables, and waits until it is ready.
func (l Launcher) Start(ctx context.Context, k Kind, env ...string) (*Server, error) {
	dir, err := os.MkdirTemp(l.Dir, "bench-")
	if err != nil {
		return nil, err
	}
	s := &Server{Kind: k, Hour: firstHour, launcher: l, dir: dir}
	if k.PeerTLS || k.TLS {
		cert, key, err := certificate(dir)
		if err != nil {
			return nil, errors.Join(err, s.End())
		}
		if k.PeerTLS {
			s.credentials = append(s.credentials, "--peer-tls-cert", cert, "--peer-tls-key", key, "--peer-tls-ca", cert,
				"--peer-tls-any-name")
		}
		if k.TLS {
			s.credentials = append(s.credentials, "--tls-cert", cert, "--tls-key", key)
		}
	}
	if err := s.Launch(ctx, env...); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", k.Name, err), s.End())
	}
	return s, nil
}

// At returns a server whose processes already serve at these HTTP addresses. It is for tests, which must not call End.
func At(k Kind, addrs ...string) *Server {
	s := &Server{Kind: k, Hour: firstHour}
	for _, addr := range addrs {
		s.nodes = append(s.nodes, &process{ports: ports{HTTP: addr}})
	}
	return s
}

// Processes returns the process IDs.
func (s *Server) Processes() []int {
	var all []int
	for _, p := range s.nodes {
		all = append(all, p.cmd.Process.Pid)
	}
	return all
}

// Launch starts the processes that do not run, and waits until all are ready.
func (s *Server) Launch(ctx context.Context, env ...string) error {
	for i := len(s.nodes); i < max(1, s.Kind.Nodes); i++ {
		p, err := startProcess(ctx, s.command(i), env, s.launcher.Profile != "")
		if err != nil {
			return err
		}
		s.nodes = append(s.nodes, p)
	}
	if s.Kind.Nodes == 0 {
		return nil
	}
	return s.waitReady(ctx)
}

// command returns the command of process i. The first node makes the cluster; the other nodes join it.
func (s *Server) command(i int) []string {
	l := s.launcher
	var command []string
	switch {
	case s.Kind.Yardstick != "":
		return []string{l.Self, "serve", s.Kind.Yardstick}
	case l.Profile != "":
		command = []string{l.Self, "serve", NodeArgument, "--cpuprofile", l.ProfileOf(i)}
	default:
		command = []string{l.Flowring, "serve", "--log-format", "json", "--min-free", "0", "--max-flows-per-hour", "0",
			"--http-addr", "127.0.0.1:0", "--peer-addr", "127.0.0.1:0", "--gossip-addr", "127.0.0.1:0"}
		command = append(command, s.Flags...)
	}
	command = append(command, s.credentials...)
	command = append(command, "--data-dir", s.data(i), "--name", fmt.Sprint("n", i), "--cluster", filepath.Base(s.dir),
		"--replication-factor", strconv.Itoa(s.Kind.Copies), "--hour-slices", strconv.Itoa(s.Kind.Slices))
	if i > 0 {
		command = append(command, "--join", s.nodes[0].ports.Gossip)
	}
	return command
}

// data returns the data folder of a node.
func (s *Server) data(node int) string { return filepath.Join(s.dir, strconv.Itoa(node)) }

// Kill ends the nodes from the given one on, as kill -9 does. Launch starts them again.
func (s *Server) Kill(from int) {
	for _, p := range s.nodes[from:] {
		p.end()
	}
	s.nodes = s.nodes[:from]
}

// LoseDisk kills the last node and removes its data folder.
func (s *Server) LoseDisk() error {
	last := len(s.nodes) - 1
	s.Kill(last)
	return os.RemoveAll(s.data(last))
}

// End ends the processes and removes their folders.
func (s *Server) End() error {
	for _, p := range s.nodes {
		p.end()
	}
	return os.RemoveAll(s.dir)
}

// Addresses returns the HTTP address of each process, behind https:// if it speaks TLS.
func (s *Server) Addresses() []string {
	var all []string
	for _, p := range s.nodes {
		addr := p.ports.HTTP
		if s.Kind.TLS {
			addr = "https://" + addr
		}
		all = append(all, addr)
	}
	return all
}

// baseOf returns the base URL of an address of Addresses.
func baseOf(addr string) string {
	if strings.HasPrefix(addr, "https://") {
		return addr
	}
	return "http://" + addr
}

// URLs returns the base URL of each process.
func (s *Server) URLs() []string {
	var all []string
	for _, addr := range s.Addresses() {
		all = append(all, baseOf(addr))
	}
	return all
}

// waitReady waits until every node is ready and knows all other nodes as established.
func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for _, addr := range s.Addresses() {
		for err := s.readyAt(ctx, addr); err != nil; err = s.readyAt(ctx, addr) {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("wait until it is ready: %w", err)
			}
		}
	}
	return nil
}

// readyAt returns the reason why a node is not ready; nil when it is.
func (s *Server) readyAt(ctx context.Context, addr string) error {
	if _, err := get(ctx, addr, "/readyz"); err != nil {
		return err
	}
	view, err := Members(ctx, addr)
	if err != nil {
		return err
	}
	established := 0
	for _, m := range view.Members {
		if m.Established {
			established++
		}
	}
	if established < len(s.nodes) {
		return fmt.Errorf("%s knows %d established stores of %d", addr, established, len(s.nodes))
	}
	return nil
}
