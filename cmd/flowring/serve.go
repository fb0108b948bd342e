package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"flowring/cmd/flowring/heap"
	"flowring/cmd/flowring/lifetime"
	"flowring/cmd/flowring/log"
	"flowring/cmd/flowring/profile"
	"flowring/cmd/flowring/settings"
	"flowring/internal/buildinfo"
	"flowring/node"
	"flowring/router"
)

const aboutServe = `Run a node until a signal stops it.

Without flags the node is a cluster of one, on loopback, with its data in ./flowring-data.
SIGTERM and SIGINT stop it gracefully, within 25 seconds; a second signal ends it at once.

Every setting can also come from the environment, such as FLOWRING_HTTP_ADDR for --http-addr,
or from the YAML file of --config, such as "http-addr: ..."; a flag overrides the
environment, and the environment overrides the file. 'flowring help settings' writes such a file.`

const examplesServe = `  flowring serve
  flowring serve --config /etc/flowring.yaml --log-format json

  On each of three machines, n1 to n3, which form a cluster once all see each other. In place of
  --insecure, which is for a private network, give each port its credentials:
  flowring serve --name n1 --advertise-host n1 --http-addr :8080 --peer-addr :8081 --gossip-addr :7946 \
      --insecure \
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
	logger := newLog(stderr, s)
	for _, name := range unknown {
		logger.Warn("unknown environment variable ignored", "variable", name)
	}
	logger.Info("settings", s.Changed()...)
	s.LimitMemory()
	go heap.KeepFloor(ctx, heap.Floor(s.MemoryLimit)) // ends with the process at the latest
	profiles, err := profile.Open(ctx, s.DebugAddr, logger)
	if err != nil {
		return fmt.Errorf("--debug-addr: %w", err)
	}
	defer profiles.Close()
	n, err := node.New(s.Config, node.Deps{Log: logger, NameIsDefault: s.NameIsDefault})
	if err != nil {
		return usageError{err}
	}
	return lifetime.Run(ctx, n, logger, func() {
		s.Name = n.Name()
		announce(stderr, logger, s, n.Addresses())
		go invite(ctx, n, func() { suggest(stderr, logger, s, n.Addresses()) }) // ends with the process at the latest
	})
}

// newLog returns a logger with the level and format of the settings.
func newLog(w io.Writer, s settings.Settings) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		panic(err) // the table of settings admits only levels of slog
	}
	return log.New(w, s.LogFormat, level)
}

// announce prints the addresses of the node: a line in the text format, a log record in JSON.
func announce(stderr io.Writer, log *slog.Logger, s settings.Settings, at router.Addresses) {
	if s.LogFormat == "json" {
		log.Info("serving", "name", s.Name, "http", at.HTTP, "peer", at.Peer, "gossip", at.Gossip)
		return
	}
	fmt.Fprintf(stderr, "flowring %s: node %s serves http %s, peer %s, gossip %s\n",
		buildinfo.Read().Version, s.Name, at.HTTP, at.Peer, at.Gossip)
}

// suggest reports that the node is ready, with a command to try.
func suggest(stderr io.Writer, log *slog.Logger, s settings.Settings, at router.Addresses) {
	scheme := "http"
	if s.TLSCert != "" {
		scheme = "https"
	}
	try := fmt.Sprintf("curl '%s://%s/flows?hour=20'", scheme, reachable(at.HTTP))
	if s.LogFormat == "json" {
		log.Info("ready", "try", try)
		return
	}
	fmt.Fprintln(stderr, "Try:", try)
}

// invite waits until the node is ready and then calls ready, because the node refuses earlier requests.
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

// reachable returns an address for clients: loopback, if the node listens on all interfaces.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}
