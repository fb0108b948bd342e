package pagetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"flowring/flow"
	"flowring/node"
)

// cluster is a cluster of three nodes in this process.
type cluster struct {
	t     *testing.T
	nodes []*node.Node
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t}
	var join []string
	for i := range 3 {
		cfg := node.Default(fmt.Sprint("n", i+1))
		cfg.MinFree, cfg.ReplicationFactor, cfg.WriteQuorum, cfg.Join = 0, 3, 2, join
		cfg.HTTPAddr, cfg.PeerAddr, cfg.GossipAddr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
		cfg.DataDir = t.TempDir()
		n, err := node.New(cfg, node.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := n.Abort(); err != nil {
				t.Logf("stop: %v", err)
			}
		})
		if err := n.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.nodes, join = append(c.nodes, n), append(join, n.Addresses().Gossip)
	}
	for _, n := range c.nodes {
		eventually(t, n.Ready)
	}
	return c
}

// url returns the address of a path at the first node.
func (c *cluster) url(path string) string { return "http://" + c.nodes[0].Addresses().HTTP + path }

// post stores records through the first node.
func (c *cluster) post(records ...flow.Record) {
	c.t.Helper()
	body := []byte("[")
	for i, r := range records {
		if i > 0 {
			body = append(body, ',')
		}
		body = flow.AppendRecord(body, r)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url("/flows"), bytes.NewReader(append(body, ']')))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		c.t.Fatalf("POST: %d %s", res.StatusCode, text)
	}
}

// now is the current hour.
func now() flow.Hour { return flow.Hour(time.Now().Unix() / 3600) }

func record(hour flow.Hour, src, dest string, bytes int64) flow.Record {
	return flow.Record{
		Key: flow.Key{SrcApp: src, DestApp: dest, VPCID: "vpc-eu"}, Totals: flow.Totals{BytesTx: bytes, BytesRx: bytes / 4}, Hour: hour,
	}
}

// fill stores a day of the flows of a shop.
func (c *cluster) fill() {
	pairs := [][2]string{
		{"storefront", "catalog"}, {"storefront", "checkout"}, {"checkout", "payments"}, {"payments", "ledger"}, {"catalog", "search"},
		{"mail", "storefront"}, {"search", "index"}, {"checkout", "shipping"}, {"<script>alert(1)</script>", "ledger"},
	}
	var records []flow.Record
	for h := range flow.Hour(30) {
		for i, pair := range pairs {
			records = append(records, record(now()-h, pair[0], pair[1], int64(1+(h*7+flow.Hour(i)*5)%11)*int64(len(pairs)-i)*1e8))
		}
	}
	c.post(records...)
}

// eventually waits until check returns nil.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for err := check(); err != nil; err = check() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

// patience is the time for something that happens in the end, on a busy machine too.
const patience = 5 * time.Minute
