package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"flowring/internal/bench/server"
	"flowring/internal/bench/yardstick"
	"flowring/node"
)

// The servers that `bench serve` knows.
const (
	servePlain    = "plain"
	serveReadOnly = "read-only"
	serveMemory   = "memory"
	serveNode     = server.NodeArgument // a node as `flowring serve` runs it, for profiles
)

// serve runs one of the servers until a signal ends it.
func serve(ctx context.Context, name string, args []string) (err error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	profile := flags.String("cpuprofile", "", "file for a CPU profile of the whole run")
	cfg := nodeFlags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *profile != "" {
		file, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	switch name {
	case servePlain:
		return serveHandler(ctx, log, yardstick.Plain())
	case serveReadOnly:
		return serveHandler(ctx, log, yardstick.ReadOnly())
	case serveMemory:
		return serveHandler(ctx, log, yardstick.Memory())
	case serveNode:
		return runNode(ctx, log, *cfg)
	}
	return fmt.Errorf("serve %q: there is no such server", name)
}

// nodeFlags adds the flags of a node, with the names of those of `flowring serve`, and returns its configuration.
func nodeFlags(flags *flag.FlagSet) *node.Config {
	cfg := node.Default("n1")
	flags.StringVar(&cfg.DataDir, "data-dir", "", "folder of a node's journal")
	flags.StringVar(&cfg.Name, "name", cfg.Name, "name of a node")
	flags.StringVar(&cfg.Cluster, "cluster", cfg.Cluster, "name of its cluster")
	flags.IntVar(&cfg.ReplicationFactor, "replication-factor", cfg.ReplicationFactor, "copies of each batch")
	flags.IntVar(&cfg.HourSlices, "hour-slices", cfg.HourSlices, "slices of an hour")
	flags.StringVar(&cfg.TLSCert, "tls-cert", "", "certificate of the public port")
	flags.StringVar(&cfg.TLSKey, "tls-key", "", "key of this certificate")
	flags.StringVar(&cfg.PeerTLSCert, "peer-tls-cert", "", "certificate of calls between nodes")
	flags.StringVar(&cfg.PeerTLSKey, "peer-tls-key", "", "key of this certificate")
	flags.StringVar(&cfg.PeerTLSCA, "peer-tls-ca", "", "authorities of nodes")
	flags.BoolVar(&cfg.PeerTLSAnyName, "peer-tls-any-name", false, "one certificate is of all nodes")
	join := func(addr string) error { cfg.Join = []string{addr}; return nil }
	flags.Func("join", "gossip address of another node", join)
	return &cfg
}

// serveHandler serves a yardstick, and at /metrics the metrics of the Go runtime.
func serveHandler(ctx context.Context, log *slog.Logger, h http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector())
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			metrics.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})}
	defer context.AfterFunc(ctx, func() { s.Close() })()
	log.Info(server.ServingMessage, "http", l.Addr().String())
	if err := s.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// runNode runs a node.
func runNode(ctx context.Context, log *slog.Logger, cfg node.Config) error {
	cfg.MinFree = 0
	cfg.HTTPAddr, cfg.PeerAddr, cfg.GossipAddr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	n, err := node.New(cfg, node.Deps{Log: log})
	if err != nil {
		return err
	}
	if err := n.Start(ctx); err != nil {
		return errors.Join(err, n.Abort())
	}
	log.Info(server.ServingMessage, "http", n.Addresses().HTTP, "gossip", n.Addresses().Gossip)
	select {
	case <-ctx.Done():
		return n.Abort()
	case err := <-n.Failed():
		return errors.Join(err, n.Abort())
	}
}
