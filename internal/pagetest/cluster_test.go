package pagetest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/nodetest"
	"flowring/node"
)

// cluster is a cluster of three nodes in this process.
type cluster struct {
	t     *testing.T
	nodes []*node.Node
	posts int
	token string // for posts; empty: the nodes ask for none
}

func startCluster(t *testing.T, changes ...func(*node.Config)) *cluster {
	t.Helper()
	return &cluster{t: t, nodes: nodetest.Start(t, 3, changes...)}
}

// url returns the address of a path at the first node.
func (c *cluster) url(path string) string { return "http://" + c.nodes[0].Addresses().HTTP + path }

// post stores records through the first node, once.
func (c *cluster) post(records ...flow.Record) {
	c.t.Helper()
	body := []byte("[")
	for i, r := range records {
		if i > 0 {
			body = append(body, ',')
		}
		body = flow.AppendRecord(body, r)
	}
	body = append(body, ']')
	c.posts++
	key := fmt.Sprint("post-", c.posts) // a busy machine may refuse a POST with a 503
	nodetest.Eventually(c.t, func() error {
		req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url("/flows"), bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
		if c.token != "" {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
			return fmt.Errorf("POST: %d %s", res.StatusCode, text)
		}
		return nil
	})
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
