package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"flowring/cmd/flowring/about"
	"flowring/cmd/flowring/lifetime"
	"flowring/cmd/flowring/log"
	"flowring/node"
)

const (
	demoNodes   = 3
	demoCopies  = 2
	demoPort    = 8080             // of the first node, if it is free
	demoStart   = 30 * time.Second // limit for the start of the three nodes
	demoRefresh = 20 * time.Millisecond
)

func newDemo() *cobra.Command {
	var length time.Duration
	cmd := &cobra.Command{
		Use: "demo [--for DURATION]", Short: "Run three nodes in this terminal, to try things out", Long: about.Demo,
		Example: "  flowring demo\n  flowring demo --for 1m",
		Args:    arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), length, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().DurationVar(&length, "for", 0, "stop after this time (default: at Ctrl-C)")
	return cmd
}

// runDemo runs the three nodes until ctx ends, or one of them fails. A length above 0 is the longest time after the
// start of all three.
func runDemo(ctx context.Context, length time.Duration, stdout, stderr io.Writer) (err error) {
	folder, err := os.MkdirTemp("", "flowring-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()

	d := &demo{folder: folder, log: log.New(stderr, "text", slog.LevelWarn)}
	defer func() { err = errors.Join(err, d.stop()) }()
	if err := d.start(ctx); err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return nil // the signal came before the start
		}
		return err
	}
	d.announce(stdout)
	if length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, length)
		defer cancel()
	}
	return d.wait(ctx)
}

// demo is a cluster in one process.
type demo struct {
	folder string
	log    *slog.Logger
	nodes  []*node.Node // all nodes, started or not
}

// start starts the nodes and waits until all are ready.
func (d *demo) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, demoStart)
	defer cancel()
	port := demoPort
	for i := range demoNodes {
		var address string
		address, port = freeAddress(port)
		if err := d.startNode(ctx, fmt.Sprint("n", i+1), address); err != nil {
			return err
		}
	}
	return d.ready(ctx)
}

// startNode starts the next node. The first node has no join address and founds the cluster; the others join it.
func (d *demo) startNode(ctx context.Context, name, httpAddr string) error {
	cfg := node.Default(name)
	cfg.HTTPAddr, cfg.PeerAddr, cfg.GossipAddr = httpAddr, "127.0.0.1:0", "127.0.0.1:0"
	cfg.DataDir, cfg.ReplicationFactor = filepath.Join(d.folder, name), demoCopies
	cfg.MinFree = 0                       // the data is removed at the end
	cfg.Cluster = filepath.Base(d.folder) // keeps two demonstrations apart
	if len(d.nodes) > 0 {
		cfg.Join = []string{d.nodes[0].Addresses().Gossip}
	}
	n, err := node.New(cfg, node.Deps{Log: d.log.With("node", name)})
	if err != nil {
		return err
	}
	d.nodes = append(d.nodes, n)
	if err := n.Start(ctx); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	return nil
}

// ready waits until every node is ready.
func (d *demo) ready(ctx context.Context) error {
	tick := time.NewTicker(demoRefresh)
	defer tick.Stop()
	for _, n := range d.nodes {
		for reason := n.Ready(); reason != nil; reason = n.Ready() {
			select {
			case <-ctx.Done():
				return fmt.Errorf("wait for the nodes to be ready: %w (%w)", reason, ctx.Err())
			case err := <-n.Failed():
				return err
			case <-tick.C:
			}
		}
	}
	return nil
}

// wait returns when ctx ends, or with the error of the first node that fails.
func (d *demo) wait(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, n := range d.nodes {
		g.Go(func() error { return lifetime.Wait(ctx, n) })
	}
	return g.Wait()
}

// stop stops all nodes at once. The context has already ended, so that no node hands its data over.
func (d *demo) stop() error {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	var g errgroup.Group
	for _, n := range d.nodes {
		g.Go(func() error { return n.Stop(ended) })
	}
	return g.Wait()
}

// announce prints commands for another terminal.
func (d *demo) announce(stdout io.Writer) {
	at := func(i int) string { return "http://" + d.nodes[i].Addresses().HTTP }
	fmt.Fprintf(stdout, "Three nodes, each batch on two of them, data in %s. Try in another terminal:\n\n", d.folder)
	fmt.Fprintf(stdout, "  curl -d '[%s]' %s/flows\n", demoRecord, at(0))
	fmt.Fprintf(stdout, "  curl '%s/flows?hour=20'\n", at(1))
	fmt.Fprintf(stdout, "  flowring members --target %s\n\nCtrl-C ends it and removes the data.\n", at(2))
}

const demoRecord = `{"src_app":"foo","dest_app":"bar","vpc_id":"vpc-0","bytes_tx":100,"bytes_rx":500,"hour":20}`

// freeAddress returns a loopback address with the first free port from port on, and the next port. After a hundred used
// ports it returns any free port. If another process takes the port before the node does, the start of the node fails.
func freeAddress(port int) (address string, next int) {
	for p := port; p < port+100; p++ {
		address = net.JoinHostPort("127.0.0.1", strconv.Itoa(p))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address, p + 1
		}
	}
	return "127.0.0.1:0", port
}
