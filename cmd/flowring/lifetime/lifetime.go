// Package lifetime runs a node from its start to its stop: until a signal or until it fails, and within bounded times.
// It starts no goroutine that outlives Run, except for a start or a stop that hangs, which ends with the process.
package lifetime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// A stop is graceful until cutShortAfter, then the rest is cut short, and the program ends after stopWithin in any
// case. That is earlier than the kill of a supervisor, which Kubernetes sends after 30 s by default. An interrupted
// start has startGrace to return.
const (
	startGrace    = 500 * time.Millisecond
	cutShortAfter = 23 * time.Second
	stopWithin    = 25 * time.Second
)

// Node is the part of node.Node for Run.
type Node interface {
	Start(context.Context) error
	Stop(context.Context) error
	Failed() <-chan error
}

// Run runs n until ctx ends, which is no error, or until n fails. It stops n in every case.
func Run(ctx context.Context, n Node, log *slog.Logger, started func()) error {
	err, returned := start(ctx, n)
	switch {
	case !returned: // a node that has not started cannot be stopped; its disk survives this like a crash
		log.Info("start broken off", "cause", context.Cause(ctx))
		return nil
	case err == nil:
		started()
		err = Wait(ctx, n)
	case ctx.Err() != nil:
		err = nil // a start that the signal interrupts is no failure
	default: // the caller reports the failed start
		return errors.Join(err, stop(context.WithoutCancel(ctx), n))
	}
	log.Info("stopping", "within", stopWithin, "cause", cmp.Or(err, context.Cause(ctx)))
	return errors.Join(err, stop(context.WithoutCancel(ctx), n))
}

// start starts n. If Start does not return soon after the end of ctx, for example because it waits for a disk, start
// does not wait for it.
func start(ctx context.Context, n Node) (err error, returned bool) {
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

// stop stops n, gracefully if there is time. It returns after stopWithin at the latest, even if Stop does not.
func stop(ctx context.Context, n Node) error {
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

// Wait returns nil once ctx ends, and the error if n fails before.
func Wait(ctx context.Context, n Node) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.Failed():
		return err
	}
}
