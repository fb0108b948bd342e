package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"flowring/router"
)

// The defaults.
const (
	DefaultAttemptTimeout = 15 * time.Second
	DefaultMinBackoff     = 100 * time.Millisecond
	DefaultMaxBackoff     = 5 * time.Second
)

// maxAnswer is how many bytes of an answer other than an hour are read.
const maxAnswer = 32 << 20

// Config says where the cluster is and how patient to be with it. A zero field means its default; Targets has none.
type Config struct {
	Targets        []string      // base URLs, "http://host:port"; any subset of the nodes, or a load balancer
	HTTP           *http.Client  // default: one of the client's own, with connections kept for each target
	Header         http.Header   // more headers for each request of the client's own HTTP, such as Authorization
	TLS            *tls.Config   // for https targets, of the client's own HTTP; default: the roots of the system
	Watch          Watch         // is told of each attempt; default: nobody is
	AttemptTimeout time.Duration // for one attempt until its answer begins; a node answers within 4 s of having the body
	MinBackoff     time.Duration // for how long a target is left alone after its first failure, at most
	MaxBackoff     time.Duration // for how long after many failures, or whatever its Retry-After says
}

// Watch is called with a nil error when an attempt at a target begins, and with the error of an attempt that will be repeated.
// The target is its URL without user and password.
type Watch func(target string, err error)

// Client is a Flowring cluster seen from outside.
type Client struct {
	cfg     Config
	targets []target
	next    atomic.Uint32 // of the call: the target to begin with, so that load is spread
}

// New returns a client. It fails when there is no target or one is no URL of a server.
func New(cfg Config) (*Client, error) {
	c := &Client{cfg: cfg.withDefaults()}
	for i, text := range cfg.Targets {
		t, err := parseTarget(i, text)
		if err != nil {
			return nil, err
		}
		c.targets = append(c.targets, t)
	}
	if len(c.targets) == 0 {
		return nil, errors.New("no targets")
	}
	return c, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.cfg.HTTP.CloseIdleConnections() }

// Members describes the cluster as the node that answers sees it.
func (c *Client) Members(ctx context.Context) (router.MembersView, error) {
	var view router.MembersView
	_, err := c.retry(ctx, func(ctx context.Context, target string) error {
		_, err := c.call(ctx, http.MethodGet, target+"/members", nil, nil, &view)
		return err
	})
	if err != nil {
		return router.MembersView{}, fmt.Errorf("get members: %w", err)
	}
	return view, nil
}

func keepRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (c Config) withDefaults() Config {
	if c.HTTP == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = 256
		transport.TLSClientConfig = c.TLS
		// A redirect is shown, not followed: a POST would be repeated as a GET, and its 200 be taken for an acknowledgement.
		c.HTTP = &http.Client{Transport: WithHeader(transport, c.Header), CheckRedirect: keepRedirect}
	}
	if c.Watch == nil {
		c.Watch = func(string, error) {}
	}
	for _, d := range []struct {
		field *time.Duration
		def   time.Duration
	}{
		{&c.AttemptTimeout, DefaultAttemptTimeout}, {&c.MinBackoff, DefaultMinBackoff}, {&c.MaxBackoff, DefaultMaxBackoff},
	} {
		if *d.field <= 0 {
			*d.field = d.def
		}
	}
	return c
}
