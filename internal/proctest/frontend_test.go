//go:build linux

package proctest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowring/flow"
)

// front is a proxy in front of three nodes, whose answers a test loses on the way to the proxy.
type front struct {
	*way
	url string
}

// newFront starts three nodes and a proxy. serve starts the proxy at an address that the configuration gets.
func newFront(t *testing.T, serve func(listen string, nodes []string)) *front {
	t.Helper()
	c := newCluster(t, 3, 3)
	c.start()
	w := newWay(c)
	var nodes []string
	for i := range c.nodes {
		nodes = append(nodes, w.addr(i))
	}
	listen := c.host(100) + ":8080"
	serve(listen, nodes)
	f := &front{way: w, url: "http://" + listen}
	c.eventually(func() error {
		a, err := c.ask(http.MethodGet, f.url+"/readyz", nil, nil)
		if err == nil && a.status != http.StatusOK {
			err = fmt.Errorf("the proxy answers %d: %s", a.status, a.body)
		}
		return err
	})
	return f
}

// nginx starts nginx with the configuration of its guide, in which changes replaces texts.
func nginx(t *testing.T, changes ...string) *front {
	t.Helper()
	needPrograms(t, "nginx")
	return newFront(t, func(listen string, nodes []string) {
		block := guide(t, "nginx.md", "upstream flowring", append([]string{"listen 80;", "listen " + listen + ";",
			"n1.example:8080", nodes[0], "n2.example:8080", nodes[1], "n3.example:8080", nodes[2]}, changes...)...)
		dir := t.TempDir()
		temporary := ""
		for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			temporary += kind + "_temp_path " + dir + "/" + kind + "; "
		}
		file := write(t, "nginx.conf", "daemon off; user root; worker_processes 1; pid "+dir+"/pid; error_log stderr;\n"+
			"events {}\nhttp {\naccess_log off; "+temporary+"\n"+block+"}\n")
		background(t, "nginx", "-p", dir, "-e", "stderr", "-c", file)
	})
}

// haproxy starts haproxy with the configuration of its guide, in which changes replaces texts.
func haproxy(t *testing.T, changes ...string) *front {
	t.Helper()
	needPrograms(t, "haproxy")
	return newFront(t, func(listen string, nodes []string) {
		block := guide(t, "haproxy.md", "defaults", append([]string{"bind :80", "bind " + listen,
			"n1.example:8080", nodes[0], "n2.example:8080", nodes[1], "n3.example:8080", nodes[2]}, changes...)...)
		background(t, "haproxy", "-db", "-f", write(t, "haproxy.cfg", block))
	})
}

// requests of senders behind a proxy. A body of form has one record, of 100 bytes.
const (
	flowsForm  = `[{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":100,"bytes_rx":0,"hour":%d}]`
	goflowForm = `{"src_addr":"192.0.2.1","dst_addr":"198.51.100.2","bytes":100,"sampling_rate":1,` +
		`"time_flow_start_ns":%[1]d000000000,"time_flow_end_ns":%[1]d000000000}`
)

// closed is the status of a request whose connection ends without an answer.
const closed = 0

// try makes one request through the proxy, on a connection of its own.
func (f *front) try(path, key, body string) int {
	f.t.Helper()
	return f.tryOn(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, path, key, body)
}

func (f *front) tryOn(sender *http.Client, path, key, body string) int {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := sender.Do(req)
	if errors.Is(err, io.EOF) {
		return closed
	}
	if err != nil {
		f.t.Fatalf("POST %s through the proxy: %v", path, err)
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// want posts a body until the answer is a 200, after so many answers were lost. It compares the statuses, the number of
// POSTs that came to nodes, and the bytes of the hour.
func (f *front) want(name, path, key, body string, hour flow.Hour, lost int, want outcome) {
	f.t.Helper()
	f.loseAnswers(lost)
	var got outcome
	for len(got.statuses) < len(want.statuses) {
		got.statuses = append(got.statuses, f.try(path, key, body))
	}
	got.arrivals = len(f.arrived())
	got.bytes = f.bytes(hour)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		f.t.Errorf("%s: %+v, want %+v", name, got, want)
	}
	for _, a := range f.arrived() {
		if a.key != key || string(a.body) != body {
			f.t.Errorf("%s: a POST came with the key %q and %d bytes, want %q and %d", name, a.key, len(a.body), key, len(body))
		}
	}
}

// outcome is the result of attempts of a sender.
type outcome struct {
	statuses []int // one of each attempt
	arrivals int   // POSTs that came to nodes
	bytes    int64 // that count
}

// bytes returns the bytes of all flows of an hour.
func (w *way) bytes(hour flow.Hour) (sum int64) {
	w.t.Helper()
	for _, f := range w.c.flows(w.c.nodes[0], hour) {
		sum += f.BytesTx + f.BytesRx
	}
	return sum
}

// goflowHour is the hour of bodies of goflowForm.
func goflowHour(seconds int) flow.Hour { return flow.Hour(seconds / 3600) }

// large returns a body of one record and white space, of so many bytes.
func large(hour, size int) string {
	body := fmt.Sprintf(flowsForm, hour)
	return body + strings.Repeat(" ", size-len(body))
}

// TestLostAnswersBehindNginx: the configuration of docs/integrations/nginx.md.
func TestLostAnswersBehindNginx(t *testing.T) {
	t.Parallel()
	f := nginx(t)
	day := int(time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC).Unix())
	f.want("a POST with a key, whose sender repeats it", "/flows", "a", fmt.Sprintf(flowsForm, 1), 1, 1,
		outcome{[]int{502, 200}, 2, 100})
	f.want("three answers in a row are lost: no node is shut out", "/flows", "b", fmt.Sprintf(flowsForm, 2), 2, 3,
		outcome{[]int{502, 502, 502, 200}, 4, 100})
	f.want("a POST without a key is not repeated", "/flows", "", fmt.Sprintf(flowsForm, 3), 3, 1,
		outcome{[]int{502}, 1, 100})
	f.want("a body of a preset is its key, so that nginx repeats it", "/ingest/goflow2", "", fmt.Sprintf(goflowForm, day),
		goflowHour(day), 1, outcome{[]int{200}, 2, 100})
	f.want("a body of 2 MB", "/flows", "c", large(4, 2_000_000), 4, 1, outcome{[]int{502, 200}, 2, 100})
	if status := f.try("/admin/drain?node=n1", "", ""); status != http.StatusForbidden {
		t.Errorf("POST /admin/drain through nginx = %d, want 403", status)
	}
}

// TestNginxWithOtherSettings: the texts of docs/integrations/nginx.md about settings to avoid. It is the negative
// control of TestLostAnswersBehindNginx.
func TestNginxWithOtherSettings(t *testing.T) {
	t.Parallel()
	f := nginx(t, "client_max_body_size 32m;", "", "location / {", "location / { proxy_next_upstream error timeout non_idempotent;")
	f.want("non_idempotent repeats a POST without a key", "/flows", "", fmt.Sprintf(flowsForm, 1), 1, 1,
		outcome{[]int{200}, 2, 200})
	f.want("nginx refuses a body of 2 MB", "/flows", "c", large(4, 2_000_000), 4, 0, outcome{[]int{413}, 0, 0})
}

// TestLostAnswersBehindHaproxy: the configuration of docs/integrations/haproxy.md.
func TestLostAnswersBehindHaproxy(t *testing.T) {
	t.Parallel()
	f := haproxy(t)
	day := int(time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC).Unix())
	f.want("haproxy repeats a POST with a key", "/flows", "a", fmt.Sprintf(flowsForm, 1), 1, 1,
		outcome{[]int{200}, 2, 100})
	f.want("a POST without a key is not repeated", "/flows", "", fmt.Sprintf(flowsForm, 2), 2, 1,
		outcome{[]int{502}, 1, 100})
	f.want("haproxy does not repeat a POST of more than its buffer, its sender does", "/flows", "b", large(3, 40_000), 3, 1,
		outcome{[]int{502, 200}, 2, 100})
	f.want("a body of a preset is its key", "/ingest/goflow2", "", fmt.Sprintf(goflowForm, day), goflowHour(day), 1,
		outcome{[]int{200}, 2, 100})
	f.want("a body of 2 MB", "/flows", "c", large(4, 2_000_000), 4, 0, outcome{[]int{200}, 1, 100})
	sender := &http.Client{Transport: &http.Transport{}}
	defer sender.CloseIdleConnections()
	f.loseAnswers(0)
	first := f.tryOn(sender, "/flows", "", fmt.Sprintf(flowsForm, 5))
	f.loseAnswers(1)
	second := f.tryOn(sender, "/flows", "", fmt.Sprintf(flowsForm, 5))
	if n := len(f.arrived()); first != 200 || second != closed || n != 1 {
		t.Errorf("two POSTs on one connection = %d, %d, the second came %d times; want 200, a closed connection and 1", first, second, n)
	}
	if status := f.try("/admin/drain?node=n1", "", ""); status != http.StatusForbidden {
		t.Errorf("POST /admin/drain through haproxy = %d, want 403", status)
	}
}

// TestHaproxyWithOtherSettings: without the line about the key, haproxy repeats each POST. It is the negative control
// of TestLostAnswersBehindHaproxy.
func TestHaproxyWithOtherSettings(t *testing.T) {
	t.Parallel()
	f := haproxy(t, "http-request disable-l7-retry", "# http-request disable-l7-retry")
	f.want("a POST without a key counts twice", "/flows", "", fmt.Sprintf(flowsForm, 2), 2, 1,
		outcome{[]int{200}, 2, 200})
}
