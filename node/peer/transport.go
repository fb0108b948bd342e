package peer

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"flowring/node/peer/stream"
)

// renewable is the transport of the calls by HTTP, with connections that can be replaced as a whole.
type renewable struct {
	current atomic.Pointer[http.Transport]
}

// RoundTrip implements http.RoundTripper.
func (r *renewable) RoundTrip(req *http.Request) (*http.Response, error) {
	return r.current.Load().RoundTrip(req)
}

// CloseIdleConnections closes the connections without a call.
func (r *renewable) CloseIdleConnections() { r.current.Load().CloseIdleConnections() }

// renew begins with new connections. A former connection closes when its call has ended, because its transport begins
// no call any more.
func (r *renewable) renew(dial func(ctx context.Context, network, addr string) (net.Conn, error)) {
	former := r.current.Swap(&http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, stream.DialTimeout)
			defer cancel()
			return dial(ctx, network, addr)
		},
		MaxIdleConnsPerHost: 64, MaxConnsPerHost: 512, IdleConnTimeout: 90 * time.Second,
		DisableCompression: true, WriteBufferSize: 32 << 10, ReadBufferSize: 32 << 10,
	})
	if former != nil {
		former.CloseIdleConnections()
	}
}
