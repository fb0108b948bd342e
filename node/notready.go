package node

import (
	"context"
	"strings"
	"time"
)

const (
	unreadyFirst = 5 * time.Second  // after the start a node that is not ready says so
	unreadyEvery = 30 * time.Second // and again
)

// tellUnready logs why the node is not ready, and which addresses it could not reach, until it is ready for the first time.
func (n *Node) tellUnready(ctx context.Context) {
	for wait := unreadyFirst; ; wait = unreadyEvery {
		for end := time.Now().Add(wait); time.Now().Before(end); {
			select {
			case <-time.After(greetEvery):
			case <-ctx.Done():
				return
			}
			if n.Ready() == nil {
				return
			}
		}
		n.log.Warn("not ready", "reason", n.Ready(), "failed", strings.Join(n.members.Failures(), "; "))
	}
}
