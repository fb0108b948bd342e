package access

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"flowring/router/client"
)

// A request without an answer prints a line with the reason after firstNotice, and again each nextNotice.
const (
	firstNotice = time.Second
	nextNotice  = 10 * time.Second
)

// waiting prints on stderr why a request has no answer yet, because an absent node must not look like a program that
// hangs.
type waiting struct {
	stderr io.Writer

	mu    sync.Mutex
	tried []triedTarget // in the order of their first attempts
}

// triedTarget is a target with the failure of its last attempt, or "no answer yet".
type triedTarget struct{ target, reason string }

// attempt is a client.Watch.
func (w *waiting) attempt(target string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.tried, func(t triedTarget) bool { return t.target == target })
	if i < 0 {
		i = len(w.tried)
		w.tried = append(w.tried, triedTarget{target, "no answer yet"})
	}
	if err != nil {
		w.tried[i].reason = reason(err)
	}
}

// during runs ask, which makes requests, and prints the lines.
func (w *waiting) during(ask func() error) error {
	w.mu.Lock()
	w.tried = nil
	w.mu.Unlock()
	answered := make(chan struct{})
	var told sync.WaitGroup
	told.Go(func() { w.tell(answered) })
	defer func() { close(answered); told.Wait() }()
	return ask()
}

// tell prints lines until there is an answer.
func (w *waiting) tell(answered <-chan struct{}) {
	timer := time.NewTimer(firstNotice)
	defer timer.Stop()
	for {
		select {
		case <-answered:
			return
		case <-timer.C:
			fmt.Fprintf(w.stderr, "flowring: waiting for %s\n", w)
			timer.Reset(nextNotice)
		}
	}
}

// String returns the targets with their reasons.
func (w *waiting) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, t := range w.tried {
		all = append(all, t.target+": "+t.reason)
	}
	return strings.Join(all, "; ")
}

// reason returns the innermost text of an error, such as "connection refused", or the whole problem of a node.
func reason(err error) string {
	if p := (*client.Problem)(nil); errors.As(err, &p) {
		return p.Error()
	}
	if name := (*net.DNSError)(nil); errors.As(err, &name) {
		return name.Err
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}
