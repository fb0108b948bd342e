package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"flowring/cmd/flowring/access"

	"github.com/spf13/cobra"
)

// The exit codes. Scripts rely on them.
const (
	exitOK          = 0
	exitFailure     = 1 // failure that will last; refused records count zero times (P3)
	exitUsage       = 2 // wrong command line, environment or file; nothing was done
	exitUnavailable = 3 // no node could serve the request now; a retry of post uses the same --key (P2)
)

// usageError is a mistake in the call of a command.
type usageError struct{ error }

// Unwrap returns the mistake.
func (e usageError) Unwrap() error { return e.error }

// usage makes a usageError.
func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// arguments checks the number of arguments.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) > most:
			return usage("unexpected argument: %s", args[most])
		case len(args) < least:
			return usage("an argument is missing: %s", cmd.UseLine())
		}
		return nil
	}
}

// report prints the error of cmd and returns the exit code.
func report(ctx context.Context, stderr io.Writer, cmd *cobra.Command, err error) int {
	if err == nil {
		return exitOK
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	path := cmd.Root().Name() + ": "
	if cmd.HasParent() {
		path += strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ") + ": "
	}
	fmt.Fprintln(stderr, path+strings.ReplaceAll(err.Error(), "\n", "; ")) // joined errors have a line each
	if errors.As(err, new(usageError)) || errors.As(err, new(access.Error)) {
		fmt.Fprintf(stderr, "Run '%s --help' for usage.\n", cmd.CommandPath())
		return exitUsage
	}
	if access.Unavailable(err) {
		return exitUnavailable
	}
	return exitFailure
}
