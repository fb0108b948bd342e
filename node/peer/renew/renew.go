package renew

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"flowring/node/peer/stream"
)

// Dialer dials.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// Transport is an http.RoundTripper. New makes it.
type Transport struct {
	dial    Dialer
	current atomic.Pointer[http.Transport]
}

// New returns a transport without connections.
func New(dial Dialer) *Transport {
	t := &Transport{dial: dial}
	t.Renew()
	return t
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	return t.current.Load().RoundTrip(r)
}

// CloseIdleConnections closes the connections without a call.
func (t *Transport) CloseIdleConnections() { t.current.Load().CloseIdleConnections() }

// Renew makes further calls use new connections. Calls under way end on their own ones.
func (t *Transport) Renew() {
	former := t.current.Swap(&http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, stream.DialTimeout)
			defer cancel()
			return t.dial(ctx, network, addr)
		},
		MaxIdleConnsPerHost: 64, MaxConnsPerHost: 512, IdleConnTimeout: 90 * time.Second,
		DisableCompression: true, WriteBufferSize: 32 << 10, ReadBufferSize: 32 << 10,
	})
	if former != nil {
		former.CloseIdleConnections()
	}
}
