package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"flowring/internal/bench"
	"flowring/router"
)

// kind is one column of the comparison: a yardstick, or a cluster of Flowring.
type kind struct {
	name      string
	yardstick string // what `run serve` calls it; empty: Flowring
	nodes     int    // of Flowring
	copies    int
	slices    int // of an hour
}

var (
	readOnly  = kind{name: "HTTP read only", yardstick: serveReadOnly}
	plainGo   = kind{name: "plain Go", yardstick: servePlain}
	memory    = kind{name: "flowring, no journal", yardstick: serveMemory}
	single    = kind{name: "flowring R=1", nodes: 1, copies: 1, slices: 1}
	triple    = kind{name: "flowring R=3 W=2", nodes: 3, copies: 3, slices: 1}
	cut       = kind{name: "flowring R=1, 16 slices", nodes: 1, copies: 1, slices: 16}
	fewSlices = kind{name: "4 nodes, R=1, 4 slices", nodes: 4, copies: 1, slices: 4}
	sliced    = kind{name: "4 nodes, R=1, 16 slices", nodes: 4, copies: 1, slices: 16}
)

// launcher starts servers.
type launcher struct {
	self     string // this program
	flowring string // the program that is measured
	dir      string // for the folders of nodes
	profile  string // what the files for CPU profiles begin with; then nodes run in this program
}

// profileOf returns the file for the CPU profile of a node.
func (l launcher) profileOf(node int) string { return fmt.Sprintf("%s-%d.prof", l.profile, node) }

// server is what is measured: its processes, of which each answers for all.
type server struct {
	kind  kind
	hour  int64 // that it is sent records of
	nodes []*process
	dir   string
	flags []string // of nodes that are started from now on
}

// start starts a server and waits until it is ready. end must follow unless it fails.
func (l launcher) start(ctx context.Context, k kind, env ...string) (*server, error) {
	dir, err := os.MkdirTemp(l.dir, "bench-")
	if err != nil {
		return nil, err
	}
	s := &server{kind: k, hour: bench.Hour, dir: dir}
	if err := s.launch(ctx, l, env); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", k.name, err), s.end())
	}
	return s, nil
}

// launch starts the processes that do not run.
func (s *server) launch(ctx context.Context, l launcher, env []string) error {
	for i := len(s.nodes); i < max(1, s.kind.nodes); i++ {
		p, err := startProcess(ctx, s.command(l, i), env, l.profile != "")
		if err != nil {
			return err
		}
		s.nodes = append(s.nodes, p)
	}
	if s.kind.nodes == 0 {
		return nil
	}
	return s.ready(ctx)
}

// command returns how process i is run. The first node makes the cluster, the others join it.
func (s *server) command(l launcher, i int) []string {
	var command []string
	switch {
	case s.kind.yardstick != "":
		return []string{l.self, "serve", s.kind.yardstick}
	case l.profile != "":
		command = []string{l.self, "serve", serveNode, "--cpuprofile", l.profileOf(i)}
	default:
		command = []string{l.flowring, "serve", "--log-format", "json", "--min-free", "0", "--max-flows-per-hour", "0",
			"--http-addr", "127.0.0.1:0", "--peer-addr", "127.0.0.1:0", "--gossip-addr", "127.0.0.1:0"}
		command = append(command, s.flags...)
	}
	command = append(command, "--data-dir", s.data(i), "--name", fmt.Sprint("n", i), "--cluster", filepath.Base(s.dir),
		"--replication-factor", strconv.Itoa(s.kind.copies), "--hour-slices", strconv.Itoa(s.kind.slices))
	if i > 0 {
		command = append(command, "--join", s.nodes[0].served.Gossip)
	}
	return command
}

// data returns the folder of a node.
func (s *server) data(node int) string { return filepath.Join(s.dir, strconv.Itoa(node)) }

// kill ends all nodes from that one on as kill -9 does.
func (s *server) kill(from int) {
	for _, p := range s.nodes[from:] {
		p.end()
	}
	s.nodes = s.nodes[:from]
}

// ready waits until every node is ready and knows all others as established.
func (s *server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for _, addr := range s.addresses() {
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

// readyAt says why a node is not ready.
func (s *server) readyAt(ctx context.Context, addr string) error {
	if _, err := get(ctx, addr, "/readyz"); err != nil {
		return err
	}
	view, err := members(ctx, addr)
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

// members returns what a node says of its cluster.
func members(ctx context.Context, addr string) (view router.MembersView, err error) {
	text, err := get(ctx, addr, "/members")
	if err == nil {
		err = json.Unmarshal([]byte(text), &view)
	}
	return view, err
}

// get returns the body of a 200.
func get(ctx context.Context, addr, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %.300s", path, res.Status, text)
	}
	return string(text), err
}

func (s *server) addresses() []string {
	var all []string
	for _, p := range s.nodes {
		all = append(all, p.served.HTTP)
	}
	return all
}

// end ends the processes and removes their folders.
func (s *server) end() error {
	for _, p := range s.nodes {
		p.end()
	}
	return os.RemoveAll(s.dir)
}

// cpu returns the CPU time that each of the server's processes has used since its start.
func (s *server) cpu() ([]time.Duration, error) {
	var all []time.Duration
	for _, p := range s.nodes {
		used, err := cpuTime(p.cmd.Process.Pid)
		if err != nil {
			return nil, err
		}
		all = append(all, used)
	}
	return all, nil
}

// resident returns how many bytes of memory the server's processes have in RAM.
func (s *server) resident() (int64, error) {
	var sum int64
	for _, p := range s.nodes {
		bytes, err := residentBytes(p.cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		sum += bytes
	}
	return sum, nil
}

// allocations returns how many objects the server's processes have allocated since their start.
func (s *server) allocations(ctx context.Context) (float64, error) {
	sum := 0.0
	for _, addr := range s.addresses() {
		objects, err := allocations(ctx, addr)
		if err != nil {
			return 0, err
		}
		sum += objects
	}
	return sum, nil
}

// allocations returns how many objects a Go process says that it has allocated.
func allocations(ctx context.Context, addr string) (float64, error) {
	return metric(ctx, addr, "go_memstats_mallocs_total")
}

// metric returns a metric of a process, one without labels.
func metric(ctx context.Context, addr, name string) (float64, error) {
	text, err := get(ctx, addr, "/metrics")
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		if number, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(number, 64)
		}
	}
	return 0, fmt.Errorf("/metrics does not tell %s", name)
}
