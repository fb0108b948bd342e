package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"flowring/cmd/flowring/settings"
	"flowring/node"
	"flowring/router/client"
)

// Access holds the flags of a client command: targets, credentials and timeout.
type Access struct {
	Targets     []string
	Timeout     time.Duration // for one request
	Attempt     time.Duration // for one attempt at a node until its answer begins; 0: client.DefaultAttemptTimeout
	Credentials Credentials
	waiting     waiting
}

// Error is a mistake in the flags, the environment or a file of credentials. Nothing has been done.
type Error struct{ Err error }

func (e Error) Error() string { return e.Err.Error() }

// Unwrap returns the mistake.
func (e Error) Unwrap() error { return e.Err }

// AddFlags adds the flags to f.
func (a *Access) AddFlags(f *pflag.FlagSet, timeout time.Duration) {
	f.StringArrayVar(&a.Targets, "target", nil,
		"`URL` of a node; may be repeated, the next node is tried after a failure "+
			"(default: "+settings.TargetVariable+", or http://"+node.DefaultHTTPAddr+")")
	f.DurationVar(&a.Timeout, "timeout", timeout, "time to try until a node answers")
	a.Credentials.addFlags(f)
}

// Client returns a client of the nodes in the flags or in the environment. While a request of During waits, stderr gets
// the reason.
func (a *Access) Client(stderr io.Writer) (*client.Client, error) {
	targets, err := a.URLs(os.Getenv(settings.TargetVariable))
	if err != nil {
		return nil, Error{err}
	}
	return a.ClientOf(targets, stderr)
}

// ClientOf returns a client of the given nodes.
func (a *Access) ClientOf(targets []string, stderr io.Writer) (*client.Client, error) {
	header, roots, err := a.Credentials.Load()
	if err != nil {
		return nil, Error{err}
	}
	a.waiting.stderr = stderr
	c, err := client.New(client.Config{
		Targets: targets, Header: header, TLS: roots, Watch: a.waiting.attempt, AttemptTimeout: a.Attempt,
	})
	if err != nil {
		return nil, Error{err}
	}
	return c, nil
}

// URLs returns the targets; host:port is short for http://host:port.
func (a *Access) URLs(environment string) ([]string, error) {
	targets := strings.Join(a.Targets, ",")
	if targets == "" {
		targets = cmp.Or(environment, node.DefaultHTTPAddr)
	}
	var urls []string
	for target := range strings.SplitSeq(targets, ",") {
		target = strings.TrimSpace(target)
		switch {
		case target == "":
			continue
		case strings.Contains(target, "://"):
		case strings.Contains(target, "@"): // possibly the end of a password, which no error may show
			return nil, fmt.Errorf("target %d has a user but no scheme: want a URL like "+
				"https://user:password@host:8080, "+
				"a comma in the password written as %%2C", len(urls)+1)
		default:
			target = "http://" + target
		}
		urls = append(urls, target)
	}
	return urls, nil
}

// Bound returns a context for one request. It ends after the timeout unless the caller has called answered, because the
// time to read an answer depends on its length. The caller must call cancel at the end.
func (a *Access) Bound(parent context.Context) (ctx context.Context, answered func() bool, cancel func()) {
	ctx, end := context.WithCancelCause(parent)
	timer := time.AfterFunc(a.Timeout, func() { end(timeoutError{a.Timeout}) })
	return ctx, timer.Stop, func() { timer.Stop(); end(nil) }
}

// timeoutError is a missed deadline with a readable text.
type timeoutError struct{ after time.Duration }

func (e timeoutError) Error() string { return fmt.Sprintf("no node answered within %v", e.after) }

// Is makes it a context.DeadlineExceeded.
func (e timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// Unavailable reports whether no node could serve the request now, or none did in time.
func Unavailable(err error) bool {
	var p *client.Problem
	if errors.As(err, &p) && p.Status >= 500 {
		return true
	}
	return errors.As(err, new(*client.UnknownError)) || errors.Is(err, context.DeadlineExceeded)
}
