package node

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// unused are the connections of a server on which no request has begun. A client that dials and then finds another connection free
// leaves one, and Server.Shutdown waits 5 s for its first request.
type unused struct {
	mu    sync.Mutex
	since map[net.Conn]time.Time
}

// unusedFor is how old a connection must be to be closed by a server that stops: a request that is on its way is there by then.
const unusedFor = 500 * time.Millisecond

// track is a Server.ConnState.
func (u *unused) track(c net.Conn, state http.ConnState) {
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

// closeOld closes those that are unusedFor old.
func (u *unused) closeOld() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for c, since := range u.since {
		if time.Since(since) >= unusedFor {
			c.Close()
		}
	}
}

// shutDown runs a server's Shutdown, and closes unused connections meanwhile.
func (u *unused) shutDown(shutdown func() error) error {
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
