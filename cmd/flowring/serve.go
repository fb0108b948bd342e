package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"flowring/cmd/flowring/heap"
	"flowring/cmd/flowring/settings"
	"flowring/internal/buildinfo"
	"flowring/node"
	"flowring/router"
)

// A stop is graceful for as long as cutShortAfter, then what is left is cut short, and the program ends after stopWithin in any
// case: before whoever asked for it loses patience and kills, for Kubernetes by default after 30 s. A start that is broken off has
// startGrace to come back.
const (
	startGrace    = 500 * time.Millisecond
	cutShortAfter = 23 * time.Second
	stopWithin    = 25 * time.Second
)

const aboutServe = `Run a node until it is told to stop.

Without any flag it is a cluster of one, on loopback, with its data in ./flowring-data.
SIGTERM and SIGINT stop it gracefully, within 25 seconds; a second signal ends it at once.

Every setting can also come from the environment, as FLOWRING_HTTP_ADDR for --http-addr,
or from a YAML file named by --config, as "http-addr: ..."; a flag wins over the
environment, the environment over the file. 'flowring help settings' writes such a file.`

const examplesServe = `  flowring serve
  flowring serve --config /etc/flowring.yaml --log-format json

  On each of three machines, n1 to n3, which make a cluster once all can see each other:
  flowring serve --name n1 --advertise-host n1 --http-addr :8080 --peer-addr :8081 --gossip-addr :7946 \
      --join n1:7946,n2:7946,n3:7946 --bootstrap-expect 3 --replication-factor 3`

func newServe() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve [FLAGS]", Short: "Run a node", Long: aboutServe, Example: examplesServe,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runServe(cmd.Context(), cmd.Flags(), cmd.ErrOrStderr())
		},
	}
	settings.AddFlags(cmd.Flags())
	cmd.SetUsageFunc(serveUsage)
	completeSettings(cmd)
	return cmd
}

// runServe runs the node that the settings describe.
func runServe(ctx context.Context, flags *pflag.FlagSet, stderr io.Writer) error {
	s, unknown, err := settings.Load(flags, os.Environ())
	if err != nil {
		return usageError{err}
	}
	log := newLog(stderr, s)
	for _, name := range unknown {
		log.Warn("unknown environment variable ignored", "variable", name)
	}
	log.Info("settings", s.Changed()...)
	s.LimitMemory()
	go heap.KeepFloor(ctx, heap.Floor(s.MemoryLimit)) // it ends with the process at the latest
	n, err := node.New(s.Config, node.Deps{Log: log, NameIsDefault: s.NameIsDefault})
	if err != nil {
		return usageError{err}
	}
	return serve(ctx, n, log, func() {
		s.Name = n.Name()
		announce(stderr, log, s, n.Addresses())
		go invite(ctx, n, func() { suggest(stderr, log, s, n.Addresses()) }) // it ends with the process at the latest
	})
}

// newLog returns the logger that the settings ask for.
func newLog(w io.Writer, s settings.Settings) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		panic(err) // the table admits only what slog knows
	}
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// member is the part of a node.Node that serve needs.
type member interface {
	Start(context.Context) error
	Stop(context.Context) error
	Failed() <-chan error
}

// serve runs n from start to stop: until ctx ends, which is not an error, or n fails, which is. It stops n in every case.
func serve(ctx context.Context, n member, log *slog.Logger, started func()) error {
	err, returned := start(ctx, n)
	switch {
	case !returned: // what has not started cannot be stopped, and what is on disk survives this as it does a crash
		log.Info("start broken off", "cause", context.Cause(ctx))
		return nil
	case err == nil:
		started()
		err = wait(ctx, n)
	case ctx.Err() != nil:
		err = nil // a start broken off by the signal to stop is no failure
	default: // the caller says why it did not start
		return errors.Join(err, stop(context.WithoutCancel(ctx), n))
	}
	log.Info("stopping", "within", stopWithin, "cause", cmp.Or(err, context.Cause(ctx)))
	return errors.Join(err, stop(context.WithoutCancel(ctx), n))
}

// start starts n. Where it does not return soon after ctx has ended, for it may wait for a disk, it is left to itself.
func start(ctx context.Context, n member) (err error, returned bool) {
	done := make(chan error, 1)
	go func() { done <- n.Start(ctx) }()
	select {
	case err := <-done:
		return err, true
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err, true
	case <-time.After(startGrace):
		return nil, false
	}
}

// stop stops n, gracefully if that is possible in time. It returns after stopWithin at the latest, even when Stop does not.
func stop(ctx context.Context, n member) error {
	ctx, cancel := context.WithTimeout(ctx, cutShortAfter)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- n.Stop(ctx) }()
	select {
	case err := <-stopped:
		return err
	case <-time.After(stopWithin):
		return fmt.Errorf("not stopped after %v", stopWithin)
	}
}

// wait returns nil once ctx ends, and the error if n fails before.
func wait(ctx context.Context, n member) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.Failed():
		return err
	}
}

// announce says where the node is. People read the text format; in JSON it is one more record.
func announce(stderr io.Writer, log *slog.Logger, s settings.Settings, at router.Addresses) {
	if s.LogFormat == "json" {
		log.Info("serving", "name", s.Name, "http", at.HTTP, "peer", at.Peer, "gossip", at.Gossip)
		return
	}
	fmt.Fprintf(stderr, "flowring %s: node %s serves http %s, peer %s, gossip %s\n",
		buildinfo.Read().Version, s.Name, at.HTTP, at.Peer, at.Gossip)
}

// suggest says that the node is ready, and what to try.
func suggest(stderr io.Writer, log *slog.Logger, s settings.Settings, at router.Addresses) {
	try := fmt.Sprintf("curl 'http://%s/flows?hour=20'", reachable(at.HTTP))
	if s.LogFormat == "json" {
		log.Info("ready", "try", try)
		return
	}
	fmt.Fprintln(stderr, "Try:", try)
}

// invite waits until the node is ready, and says so: whoever tries before is refused.
func invite(ctx context.Context, n interface{ Ready() error }, ready func()) {
	const every = 50 * time.Millisecond
	for n.Ready() != nil {
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return
		}
	}
	ready()
}

// reachable turns an address to listen on into one to call: all interfaces includes loopback.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}
