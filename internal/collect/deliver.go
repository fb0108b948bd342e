package collect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"flowring/internal/collect/spool"
	"flowring/internal/collect/tally"
	"flowring/router/client"
)

// Post sends a request with its key to any node, until it is answered or ctx ends.
type Post func(ctx context.Context, body []byte, key string) (replayed bool, err error)

// delivered are the figures of the delivery.
type delivered struct {
	requests, flows atomic.Uint64 // stored
	replayed        atomic.Uint64 // requests that an earlier attempt had stored
	refused         atomic.Uint64 // requests that a node refused for good
	refusedFlows    atomic.Uint64
	failures        atomic.Uint64 // calls without an outcome, which are repeated
	damaged         atomic.Uint64 // payloads of the spool that cannot be read
}

// deliver sends the payloads of the spool in their order until ctx ends.
func (a *Agent) deliver(ctx context.Context) {
	for {
		f, err := a.spool.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && !a.send(ctx, f):
			return // it stays in the spool
		case err != nil:
			a.delivered.damaged.Add(1)
			a.log.Error("payload of the spool cannot be read, its records are lost", "error", err)
		}
		a.spool.Done(f)
	}
}

// send sends the requests of a payload. It reports whether each has its outcome.
func (a *Agent) send(ctx context.Context, f spool.Frame) bool {
	requests, err := tally.Parse(f.Payload)
	if err != nil {
		a.delivered.damaged.Add(1)
		a.log.Error("payload of the spool cannot be read, its records are lost", "error", err)
		return true
	}
	for i, r := range requests {
		if !a.request(ctx, r, fmt.Sprintf("collect-%s/%d", f.Key, i)) {
			return false
		}
	}
	return true
}

// request sends a request until it is stored or refused for good. It reports false once ctx ends.
func (a *Agent) request(ctx context.Context, r tally.Request, key string) bool {
	for failing := false; ; {
		replayed, err := a.post(ctx, r.Body, key)
		if err == nil {
			a.delivered.requests.Add(1)
			a.delivered.flows.Add(uint64(r.Records))
			if replayed {
				a.delivered.replayed.Add(1)
			}
			if failing {
				a.log.Info("delivery goes on")
			}
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if final(err) {
			a.delivered.refused.Add(1)
			a.delivered.refusedFlows.Add(uint64(r.Records))
			a.log.Error("request refused for good, its records are lost", "hour", r.Hour, "records", r.Records, "key", key,
				"error", err)
			return true
		}
		a.delivered.failures.Add(1)
		if !failing {
			a.log.Warn("delivery fails, the spool keeps the records", "error", err)
		}
		failing = true
		select {
		case <-time.After(a.cfg.Retry):
		case <-ctx.Done():
			return false
		}
	}
}

// post makes one call.
func (a *Agent) post(ctx context.Context, body []byte, key string) (replayed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Timeout)
	defer cancel()
	return a.deps.Post(ctx, body, key)
}

// final reports whether a node refused the content of a request, so that no repetition can succeed. An error of
// credentials, of the address or of the load is none: it ends with the setting that causes it.
func final(err error) bool {
	var p *client.Problem
	if !errors.As(err, &p) || errors.As(err, new(*client.UnknownError)) {
		return false
	}
	switch p.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusGone, http.StatusRequestEntityTooLarge,
		http.StatusUnprocessableEntity:
		return true
	}
	return false
}
