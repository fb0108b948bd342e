package node_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"flowring/node"
)

// askAs sends a request to a port with the name of a host, and with an Origin if there is one.
func (c *cluster) askAs(method, url, host, origin string) int {
	c.t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Host = host
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// The worst request of a page goes to the peer port: it would drain the node.
func TestWebPagesReachNeitherPortOfANodeOnLoopback(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, func(cfg *node.Config) { cfg.TrustedOrigin = []string{"https://flows.example"} })
	c.formed("a")
	peers := "http://" + c.nodes["a"].Addresses().Peer + "/peer/v1/"
	for _, tt := range []struct {
		method, url, host, origin string
		want                      int
	}{
		{"POST", peers + "drain", "evil.example:8081", "", 421},
		{"POST", peers + "drain", "evil.example:8081", "http://evil.example:8081", 421},
		{"GET", peers + "summary", "evil.example:8081", "", 421},
		{"POST", peers + "drain", "localhost:8081", "https://evil.example", 403},
		{"POST", peers + "drain", "localhost:8081", "https://flows.example", 403}, // trusted to post flows, not to drain
		{"GET", c.url("a") + "/flows?hour=1", "evil.example:8080", "", 421},
		{"POST", c.url("a") + "/flows", "localhost:8080", "https://evil.example", 403},
		{"GET", c.url("a") + "/readyz", "localhost:8080", "", 200},
	} {
		if got := c.askAs(tt.method, tt.url, tt.host, tt.origin); got != tt.want {
			t.Errorf("%s %s with Host %s, Origin %q = %d, want %d", tt.method, tt.url, tt.host, tt.origin, got, tt.want)
		}
	}
	if log := c.nodes["a"].log.String(); strings.Count(log, "peer call of a web page refused") != 1 {
		t.Errorf("5 calls within 10 s are logged other than once:\n%s", log)
	}
	if err := c.nodes["a"].Ready(); err != nil {
		t.Errorf("the node is not ready: %v", err)
	}
}

// A port on every interface has names that the node cannot know.
func TestAPortThatIsNotOnLoopbackTakesEveryName(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, nil)
	cfg := c.config("a")
	cfg.Join, cfg.HTTPAddr, cfg.PeerAddr, cfg.GossipAddr = nil, "0.0.0.0:0", "0.0.0.0:0", "127.0.0.1:0"
	cfg.Insecure = true
	cfg.AdvertiseHost = "127.0.0.1"
	c.startWith(cfg)
	c.waitReady() // a node takes no call of others before its store is established
	for _, url := range []string{"http://" + c.nodes["a"].Addresses().HTTP + "/livez", "http://" + c.nodes["a"].Addresses().Peer + "/peer/v1/summary"} {
		if got := c.askAs("GET", url, "flows.example", ""); got != 200 {
			t.Errorf("GET %s with Host flows.example = %d, want 200", url, got)
		}
	}
	if got := c.askAs("POST", "http://"+c.nodes["a"].Addresses().HTTP+"/flows", "flows.example", "https://evil.example"); got != 403 {
		t.Errorf("POST of another origin = %d, want 403 on every interface", got)
	}
}

func TestOriginsAndHostsOfNoBrowserAreRefusedAsSettings(t *testing.T) {
	for _, change := range []func(*node.Config){
		func(c *node.Config) { c.TrustedOrigin = []string{"flows.example"} },
		func(c *node.Config) { c.TrustedOrigin = []string{"https://flows.example/"} },
		func(c *node.Config) { c.ReadOrigin = []string{"*"} },
		func(c *node.Config) { c.ReadOrigin = []string{"https://Flows.example"} }, // no browser sends this form
		func(c *node.Config) { c.AllowedHost = []string{"flows.example:8080"} },
	} {
		cfg := node.Default("a")
		change(&cfg)
		if _, err := node.New(cfg, node.Deps{}); err == nil {
			t.Errorf("New accepts %v", fmt.Sprint(cfg.TrustedOrigin, cfg.ReadOrigin, cfg.AllowedHost))
		}
	}
}

// Clients and readers of pages ask the same queries, and one metric counts both.
func TestQueriesOfPagesAndOfClientsAreCountedTogether(t *testing.T) {
	c := newCluster(t, 1, copies(1, 1))
	c.formed("a")
	c.answersQueries()
	const metric = `flowring_http_query_seconds_count{kind="hours"}`
	before := c.metric("a", metric)
	for i, path := range []string{"/hours?from=-24h", "/"} {
		req, err := http.NewRequest(http.MethodGet, c.url("a")+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "text/html, */*;q=0.1")
		res, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("GET %s = %d, want 200", path, res.StatusCode)
		}
		c.eventually(func() error { // the node counts a query after its answer
			if n := c.metric("a", metric) - before; n != float64(i+1) {
				return fmt.Errorf("%v queries are counted after GET %s, want %d", n, path, i+1)
			}
			return nil
		})
	}
}
