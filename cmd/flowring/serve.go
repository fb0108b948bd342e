package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"flowring/cmd/flowring/about"
	"flowring/cmd/flowring/announce"
	"flowring/cmd/flowring/heap"
	"flowring/cmd/flowring/lifetime"
	"flowring/cmd/flowring/log"
	"flowring/cmd/flowring/profile"
	"flowring/cmd/flowring/settings"
	"flowring/node"
)

func newServe() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve [FLAGS]", Short: "Run a node", Long: about.Serve, Example: about.ServeExamples,
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
		announce.Addresses(stderr, logger, s, n.Addresses())
		// ends with the process at the latest
		go announce.WhenReady(ctx, n, func() { announce.Ready(stderr, logger, s, n.Addresses()) })
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
