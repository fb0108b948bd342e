package port

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// unusedConns are the connections of a server on which no request has begun. A client leaves one when it dials and then
// finds another connection free.
type unusedConns struct {
	mu    sync.Mutex
	since map[net.Conn]time.Time
}

// unusedFor is the age from which a stopping server closes an unused connection. A request on its way has arrived by
// then.
const unusedFor = 500 * time.Millisecond

// track is a Server.ConnState.
func (u *unusedConns) track(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state != http.StateNew {
		delete(u.since, c)
		return
	}
	if u.since == nil {
		u.since = map[net.Conn]time.Time{}
	}
	u.since[c] = time.Now()
}

// closeOld closes the connections of age unusedFor.
func (u *unusedConns) closeOld() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for c, since := range u.since {
		if time.Since(since) >= unusedFor {
			c.Close()
		}
	}
}

// closeDuring runs a server's Shutdown, and closes unused connections until it returns.
func (u *unusedConns) closeDuring(shutdown func() error) error {
	done := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(done)
	wg.Go(func() {
		for {
			u.closeOld()
			select {
			case <-time.After(unusedFor / 5):
			case <-done:
				return
			}
		}
	})
	return shutdown()
}
