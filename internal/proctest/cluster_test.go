//go:build linux

package proctest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// cluster is a set of nodes. Methods that only read are safe for concurrent use; the others are for the goroutine of
// the test.
type cluster struct {
	t       *testing.T
	copies  int    // R; W is the default
	founded int    // number of founders
	net     string // first three bytes of the nodes' addresses
	http    *http.Client
	nodes   []*process
	loads   int64 // number of loads so far
}

// newCluster returns a cluster on loopback. start runs it.
func newCluster(t *testing.T, copies, size int) *cluster {
	t.Helper()
	skipShort(t)
	c := &cluster{t: t, copies: copies, founded: size, net: freeNet(t), http: newHTTP((&net.Dialer{}).DialContext)}
	for range size {
		c.add()
	}
	t.Cleanup(c.close)
	return c
}

func skipShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("processes are not for -short")
	}
}

// newHTTP returns a client with a limit for the answers of a frozen node.
func newHTTP(dial func(ctx context.Context, network, addr string) (net.Conn, error)) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 32, IdleConnTimeout: 5 * time.Second}}
}

// freeNet returns the first three bytes of a loopback network without a node.
func freeNet(t *testing.T) string {
	t.Helper()
	for range 100 {
		network := fmt.Sprintf("127.%d.%d", 1+rand.IntN(254), rand.IntN(256))
		l, err := net.Listen("tcp", network+".1:8080")
		if err == nil {
			l.Close()
			return network
		}
	}
	t.Skip("cannot listen in 127.0.0.0/8")
	return ""
}

// add adds a node to the description: n1, n2 and so on.
func (c *cluster) add() *process {
	c.t.Helper()
	i := len(c.nodes) + 1
	p := &process{t: c.t, name: "n" + strconv.Itoa(i), host: c.host(i), data: c.t.TempDir()}
	p.log = filepath.Join(c.t.ArtifactDir(), p.name+".log")
	p.args = []string{
		"--name", p.name, "--data-dir", p.data, "--replication-factor", strconv.Itoa(c.copies),
		"--http-addr", p.host + ":8080", "--peer-addr", p.host + ":8081", "--gossip-addr", p.host + ":7946",
		"--bootstrap-expect", strconv.Itoa(c.founded),
	}
	for j := 1; j <= c.founded; j++ {
		if j != i {
			p.args = append(p.args, "--join", c.host(j)+":7946")
		}
	}
	c.nodes = append(c.nodes, p)
	return p
}

func (c *cluster) host(i int) string { return c.net + "." + strconv.Itoa(i) }

// start runs every node and waits until all are ready.
func (c *cluster) start() {
	c.t.Helper()
	for _, p := range c.nodes {
		p.start()
	}
	c.waitReady(c.nodes...)
}

// restart runs a node that has ended, and waits until it is ready.
func (c *cluster) restart(p *process) {
	c.t.Helper()
	p.start()
	c.waitReady(p)
}

// waitReady waits until the nodes are ready.
func (c *cluster) waitReady(nodes ...*process) {
	c.t.Helper()
	for _, p := range nodes {
		c.eventually(func() error {
			a, err := c.get(p, "/readyz")
			if err == nil && a.status != http.StatusOK {
				err = fmt.Errorf("%s is not ready: %d %s", p, a.status, a.body)
			}
			return err
		})
	}
}

// close ends every node, and shows the logs if the test has failed. No method may be called after it.
func (c *cluster) close() {
	for _, p := range c.nodes {
		p.close()
	}
	c.http.CloseIdleConnections()
	if c.t.Failed() {
		for _, p := range c.nodes {
			p.tail(30)
		}
	}
}

// patience is the limit for an event, the end of a process, and a request with all its retries. It is no bar, because a
// busy machine may be slow. Tests in virtual time (internal/clustertest) and benchmarks have bars for time.
const patience = 5 * time.Minute

// eventually repeats check until it returns nil. It returns the time until then.
func (c *cluster) eventually(check func() error) time.Duration {
	c.t.Helper()
	begun := time.Now()
	for {
		err := check()
		if err == nil {
			return time.Since(begun)
		}
		if time.Since(begun) > patience {
			c.t.Fatalf("after %v: %v", patience, err)
		}
		pause(50 * time.Millisecond)
	}
}

// pause lets real time pass for the processes.
func pause(d time.Duration) { <-time.After(d) }

// between draws a duration.
func between(least, most time.Duration) time.Duration { return least + rand.N(most-least) }
