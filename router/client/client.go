package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
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
	AttemptTimeout time.Duration // for one attempt until its answer begins; a node answers within 4 s of having the body
	MinBackoff     time.Duration // for how long a target is left alone after its first failure, at most
	MaxBackoff     time.Duration // for how long after many failures, or whatever its Retry-After says
}

// Client is a Flowring cluster seen from outside.
type Client struct {
	cfg     Config
	targets []string
	next    atomic.Uint32 // of the call: the target to begin with, so that load is spread
}

// New returns a client. It fails when there is no target or one is no URL of a server.
func New(cfg Config) (*Client, error) {
	c := &Client{cfg: cfg.withDefaults()}
	for _, target := range cfg.Targets {
		u, err := url.Parse(target)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("target %q is not a URL like http://host:8080", target)
		}
		c.targets = append(c.targets, strings.TrimRight(target, "/"))
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
		// A redirect is shown, not followed: a POST would be repeated as a GET, and its 200 be taken for an acknowledgement.
		c.HTTP = &http.Client{Transport: transport, CheckRedirect: keepRedirect}
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
