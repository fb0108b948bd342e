//go:build linux

package proctest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestProgramsAreNotTakenForBrowsers: a request of each client program reaches a node on loopback, and the same request
// of a web page is refused.
func TestProgramsAreNotTakenForBrowsers(t *testing.T) {
	t.Parallel()
	needPrograms(t, "curl")
	c := newCluster(t, 1, 1)
	c.nodes[0].args = append(c.nodes[0].args, "--trusted-origin", "https://flows.example", "--allowed-host", "flows.example")
	c.start()
	node := c.nodes[0]
	to := strings.TrimPrefix(node.url(), "http://")
	for name, args := range map[string][]string{
		"curl -d":                       {"-d", sample},
		"curl, HTTP/1.0 without a host": {"-0", "-H", "Host:", "-d", sample},
		"curl, HTTP/1.0":                {"-0", "-d", sample},
		"curl, localhost":               {"--connect-to", "localhost:80:" + to, "-H", "Host: LOCALHOST.:8080", "-d", sample},
		"curl, a name that is allowed":  {"--resolve", "flows.example:8080:" + node.host, "-d", sample, "http://flows.example:8080/flows"},
		"curl, IPv6":                    {"-H", "Host: [::1]:8080", "-d", sample},
		"curl, Upgrade as Java's":       {"-H", "Connection: Upgrade, HTTP2-Settings", "-H", "Upgrade: h2c", "-H", "HTTP2-Settings: AAEAAEAAAAIAAAAA", "-d", sample},
		"a page of a trusted origin":    {"-H", "Sec-Fetch-Site: cross-site", "-H", "Origin: https://flows.example", "-d", sample},
	} {
		if !strings.Contains(args[len(args)-1], "://") {
			args = append(args, node.url()+"/flows")
		}
		if got := curl(t, args...); !strings.Contains(got, `"records":5`) {
			t.Errorf("%s = %s, want the receipt", name, got)
		}
	}
	flows, _ := readCapture(t, "testdata")
	c.postTo(node, "capture", []agentRecord{flows[0].record()}, false)
	file := filepath.Join(t.TempDir(), "records.json")
	if err := os.WriteFile(file, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"post", file}, {"get", "1"}, {"members"}, {"bench", "--duration", "100ms", "--connections", "1", "--records", "5"},
	} {
		out, err := exec.Command(os.Getenv(envBinary), append(args, "--target", node.url())...).CombinedOutput()
		if err != nil {
			t.Errorf("flowring %s: %v: %s", args[0], err, out)
		}
	}
	c.wantRefusals(node, "0", "0")
	for _, header := range []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Host: evil.example"} {
		for _, url := range []string{node.url() + "/flows", node.peer() + "drain"} {
			if out, err := exec.Command("curl", "-sS", "-f", "-H", header, "-d", sample, url).CombinedOutput(); err == nil {
				t.Errorf("POST %s with %q = %s, want a refusal", url, header, out)
			}
		}
	}
	c.wantRefusals(node, "2", "1")
}

// wantRefusals compares the counts of refused requests of a node: cross-origin requests, and requests with an unknown
// host.
func (c *cluster) wantRefusals(p *process, origins, hosts string) {
	c.t.Helper()
	a, err := c.get(p, "/metrics")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, line := range []string{
		`flowring_http_refusals_total{reason="cross-origin"} ` + origins, `flowring_http_refusals_total{reason="host"} ` + hosts,
	} {
		if !strings.Contains(string(a.body), "\n"+line+"\n") {
			c.t.Errorf("/metrics lacks %q", line)
		}
	}
}
