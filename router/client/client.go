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

// maxAnswer limits the bytes of an answer other than an hour.
const maxAnswer = 32 << 20

// Config holds the targets, the transport and the delays of a Client. A zero field means its default; Targets has none.
type Config struct {
	Targets        []string      // base URLs, "http://host:port"; any subset of the nodes, or a load balancer
	HTTP           *http.Client  // default: an own one, which keeps connections to each target
	Header         http.Header   // additional headers of each request of the default HTTP, such as Authorization
	TLS            *tls.Config   // for https targets of the default HTTP; default: the roots of the system
	Watch          Watch         // observes each attempt; default: none
	AttemptTimeout time.Duration // of one attempt until its answer begins; a node answers within 4 s after the body
	MinBackoff     time.Duration // the longest delay of a target after its first failure
	MaxBackoff     time.Duration // the longest delay of a target, also for its Retry-After
}

// Watch is called with a nil error when an attempt at a target begins, and with the error of an attempt before its
// repetition. The target is its URL without user and password.
type Watch func(target string, err error)

// Client calls a Flowring cluster.
type Client struct {
	cfg     Config
	targets []target
	next    atomic.Uint32 // the first target of the next call, to spread the load
}

// New returns a client. It fails without targets, and for a target other than the URL of a server.
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

// Members describes the cluster as the answering node sees it.
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
		// Redirects are not followed: the client would repeat a POST as a GET, and take its 200 for an acknowledgement.
		c.HTTP = &http.Client{Transport: WithHeader(transport, c.Header), CheckRedirect: keepRedirect}
	}
	if c.Watch == nil {
		c.Watch = func(string, error) {}
	}
	for _, d := range []struct {
		field *time.Duration
		def   time.Duration
	}{
		{&c.AttemptTimeout, DefaultAttemptTimeout},
		{&c.MinBackoff, DefaultMinBackoff},
		{&c.MaxBackoff, DefaultMaxBackoff},
	} {
		if *d.field <= 0 {
			*d.field = d.def
		}
	}
	return c
}
