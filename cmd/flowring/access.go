package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flowring/node"
	"flowring/router/client"
)

// access is what the commands that are clients are told: which nodes to ask, and how long to try.
type access struct {
	targets []string
	timeout time.Duration
}

// addFlags gives cmd the flags.
func (a *access) addFlags(cmd *cobra.Command, timeout time.Duration) {
	cmd.Flags().StringArrayVar(&a.targets, "target", nil,
		"a node's `URL`; may be repeated, the next is tried when one fails "+
			"(default: "+envTarget+", or http://"+node.DefaultHTTPAddr+")")
	cmd.Flags().DurationVar(&a.timeout, "timeout", timeout, "how long to try until a node answers")
	mustRegister(cmd, "target", cobra.NoFileCompletions)
	mustRegister(cmd, "timeout", cobra.NoFileCompletions)
}

// client returns a client of the nodes: those of the flags, or else of the environment.
func (a *access) client() (*client.Client, error) {
	c, err := client.New(client.Config{Targets: a.urls(os.Getenv(envTarget))})
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

// urls returns the nodes to ask; host:port is short for http://host:port.
func (a *access) urls(environment string) []string {
	targets := strings.Join(a.targets, ",")
	if targets == "" {
		targets = cmp.Or(environment, node.DefaultHTTPAddr)
	}
	var urls []string
	for target := range strings.SplitSeq(targets, ",") {
		if target = strings.TrimSpace(target); target == "" {
			continue
		}
		if !strings.Contains(target, "://") {
			target = "http://" + target
		}
		urls = append(urls, target)
	}
	return urls
}

// bound returns a context for one request, which ends after the timeout unless answered has been called by then: how long an
// answer takes to read depends on its length. The caller calls cancel in the end.
func (a *access) bound(parent context.Context) (ctx context.Context, answered func() bool, cancel func()) {
	ctx, end := context.WithCancelCause(parent)
	timer := time.AfterFunc(a.timeout, func() { end(timeoutError{a.timeout}) })
	return ctx, timer.Stop, func() { timer.Stop(); end(nil) }
}

// timeoutError is a deadline that was passed, in words for people.
type timeoutError struct{ after time.Duration }

func (e timeoutError) Error() string { return fmt.Sprintf("no node answered within %v", e.after) }

// Is makes it a context.DeadlineExceeded.
func (e timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// unavailable reports whether err says that no node could serve the request now, or that time ran out before one did.
func unavailable(err error) bool {
	var p *client.Problem
	if errors.As(err, &p) && p.Status >= 500 {
		return true
	}
	return errors.As(err, new(*client.UnknownError)) || errors.Is(err, context.DeadlineExceeded)
}
