package collect

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"flowring/flow"
	"flowring/router"
	"flowring/router/client"
)

// cluster is a double that stores each key once.
type cluster struct {
	t       *testing.T
	mu      sync.Mutex
	bodies  map[string]string // by key
	calls   int
	outcome func(call int, body string) (stored bool, err error) // nil: each call is stored
}

func (c *cluster) post(_ context.Context, body []byte, key string) (replayed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	stored := true
	if c.outcome != nil {
		stored, err = c.outcome(c.calls, string(body))
	}
	if !stored {
		return false, err
	}
	before, replayed := c.bodies[key]
	if replayed && before != string(body) {
		c.t.Errorf("key %s has two bodies", key)
	}
	if c.bodies == nil {
		c.bodies = map[string]string{}
	}
	c.bodies[key] = string(body)
	return replayed, err
}

// sums returns the bytes by source and destination.
func (c *cluster) sums() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]int64{}
	for _, body := range c.bodies {
		p, err := flow.Decode([]byte(body))
		if err != nil {
			c.t.Fatal(err)
		}
		for _, b := range p.Batches {
			for i := range b.Len() {
				k := b.FlowKey(i)
				all[k.SrcApp+" "+k.DestApp+" "+k.VPCID] += b.Totals(i).BytesTx
			}
		}
	}
	return all
}

// config has sockets of any port and short times.
func config(t *testing.T) Config {
	t.Helper()
	cfg := Default()
	cfg.NetFlow, cfg.SFlow, cfg.HTTP = "127.0.0.1:0", "", "127.0.0.1:0"
	cfg.Spool = filepath.Join(t.TempDir(), "spool")
	cfg.Flush, cfg.Retry = 5*time.Millisecond, time.Millisecond
	return cfg
}

func start(t *testing.T, cfg Config, c *cluster) *Agent {
	t.Helper()
	a := New(cfg, Deps{Post: c.post, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// v5 returns a datagram of NetFlow v5 with records from 10.0.0.1, one for each number of bytes: datagram n is that to
// the destination 10.1.n.i.
func v5(n int, bytes ...uint32) []byte {
	b := binary.BigEndian.AppendUint16(nil, 5)
	b = binary.BigEndian.AppendUint16(b, uint16(len(bytes)))
	b = binary.BigEndian.AppendUint32(b, 1000)
	b = binary.BigEndian.AppendUint32(b, uint32(time.Now().Unix()))
	b = append(b, make([]byte, 12)...)
	for i, count := range bytes {
		r := append([]byte{10, 0, 0, 1, 10, 1, byte(n), byte(i)}, make([]byte, 40)...)
		binary.BigEndian.PutUint32(r[20:], count)
		binary.BigEndian.PutUint32(r[24:], 1000)
		binary.BigEndian.PutUint32(r[28:], 1000)
		b = append(b, r...)
	}
	return b
}

// send sends datagrams to an agent.
func send(t *testing.T, a *Agent, datagrams ...[]byte) {
	t.Helper()
	conn, err := net.Dial("udp", a.Addresses().NetFlow)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, d := range datagrams {
		if _, err := conn.Write(d); err != nil {
			t.Fatal(err)
		}
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begun := time.Now(); !holds(); <-time.After(2 * time.Millisecond) {
		if time.Since(begun) > 5*time.Minute {
			t.Fatalf("not within 5 minutes: %s", what)
		}
	}
}

func metrics(t *testing.T, a *Agent) string {
	t.Helper()
	r, err := http.Get("http://" + a.Addresses().HTTP + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func wantMetrics(t *testing.T, a *Agent, lines ...string) {
	t.Helper()
	text := metrics(t, a)
	for _, line := range lines {
		if !strings.Contains(text, "flowring_collect_"+line+"\n") {
			t.Errorf("no metric %s in\n%s", line, text)
		}
	}
}

func wantSums(t *testing.T, c *cluster, want map[string]int64) {
	t.Helper()
	got := c.sums()
	if len(got) != len(want) {
		t.Errorf("sums = %v, want %v", got, want)
	}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("sum of %s = %d, want %d", k, got[k], n)
		}
	}
}

func TestDatagramsBecomeRecordsWithNames(t *testing.T) {
	cfg := config(t)
	cfg.Names = filepath.Join(t.TempDir(), "names.csv")
	if err := os.WriteFile(cfg.Names, []byte("cidr,app,vpc\n10.0.0.0/24,web,prod\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t}
	a := start(t, cfg, c)
	send(t, a, v5(0, 100, 7), v5(0, 100), []byte("noise"))
	eventually(t, "three datagrams are read", func() bool {
		return a.counts.Datagrams[0].Load() == 2 && a.counts.Unknown.Load() == 1
	})
	eventually(t, "all is delivered", func() bool { return a.delivered.flows.Load() > 0 && a.spool.Stats().Payloads == 0 })
	wantMetrics(t, a, `datagrams_total{form="netflow5"} 2`, `datagrams_refused_total{reason="version"} 1`, "names_ranges 1",
		`records_total{outcome="kept"} 3`, `record_bytes_total{outcome="kept"} 207`)
	if left := a.Stop(); left != 0 {
		t.Errorf("%d payloads left", left)
	}
	wantSums(t, c, map[string]int64{"web 10.1.0.0 prod": 200, "web 10.1.0.1 prod": 7})
}

// Answers get lost, and nodes refuse for a while. Each record counts once.
func TestRecordsCountOnceWhateverTheAnswersAre(t *testing.T) {
	c := &cluster{t: t, outcome: func(call int, _ string) (bool, error) {
		switch call % 4 {
		case 1:
			return false, errors.New("no node")
		case 2:
			return true, &client.UnknownError{Err: errors.New("the answer is lost")}
		case 3:
			return false, &client.Problem{Problem: router.Problem{Status: 503}}
		}
		return true, nil
	}}
	a := start(t, config(t), c)
	want := map[string]int64{}
	for n := range 30 {
		send(t, a, v5(n, uint32(n)+1))
		want[fmt.Sprintf("10.0.0.1 10.1.%d.0 default", n)] = int64(n) + 1
		eventually(t, "the datagram is in the spool", func() bool { return a.counts.Datagrams[0].Load() == uint64(n+1) })
	}
	if left := a.Stop(); left != 0 {
		t.Fatalf("%d payloads left", left)
	}
	wantSums(t, c, want)
}

// An agent that stops without a cluster keeps its payloads for the next run, and their keys.
func TestTheSpoolOutlivesTheAgent(t *testing.T) {
	cfg := config(t)
	cfg.Grace = 0
	c := &cluster{t: t, outcome: func(int, string) (bool, error) { return true, errors.New("the answer is lost") }}
	a := start(t, cfg, c)
	send(t, a, v5(0, 5), v5(1, 6))
	eventually(t, "both are read", func() bool { return a.counts.Datagrams[0].Load() == 2 })
	if left := a.Stop(); left == 0 {
		t.Fatal("no payload left")
	}
	c.outcome = nil
	a = start(t, cfg, c)
	eventually(t, "all is delivered", func() bool { return a.spool.Stats().Payloads == 0 })
	a.Stop()
	wantSums(t, c, map[string]int64{"10.0.0.1 10.1.0.0 default": 5, "10.0.0.1 10.1.1.0 default": 6})
}

// A request that no node will ever take, such as that of a closed hour, does not block those behind it.
func TestARefusalForGoodIsCountedAndBlocksNothing(t *testing.T) {
	c := &cluster{t: t, outcome: func(_ int, body string) (bool, error) {
		if strings.Contains(body, "10.1.0.0") {
			return false, &client.Problem{Problem: router.Problem{Status: 409}}
		}
		return true, nil
	}}
	a := start(t, config(t), c)
	send(t, a, v5(0, 5, 6))
	eventually(t, "the refusal is counted", func() bool { return a.delivered.refused.Load() == 1 })
	send(t, a, v5(1, 7))
	eventually(t, "the next one is delivered", func() bool { return a.delivered.requests.Load() == 1 })
	wantMetrics(t, a, "requests_refused_total 1", "flows_refused_total 2", "flows_stored_total 1")
	a.Stop()
	wantSums(t, c, map[string]int64{"10.0.0.1 10.1.1.0 default": 7})
}

// A missing credential is a matter of settings. The spool keeps the records until it is there.
func TestAMissingCredentialLosesNothing(t *testing.T) {
	for status, want := range map[int]bool{400: true, 401: false, 403: false, 404: false, 409: true, 413: true, 421: false, 422: true, 429: false, 500: false, 503: false} {
		if got := final(&client.Problem{Problem: router.Problem{Status: status}}); got != want {
			t.Errorf("final(%d) = %v, want %v", status, got, want)
		}
	}
	if final(&client.UnknownError{Err: &client.Problem{Problem: router.Problem{Status: 409}}}) {
		t.Error("an unknown outcome is final")
	}
}

// While the spool is full, datagrams are lost as a whole and counted. Datagrams kept before count once.
func TestAFullSpoolLosesWholeDatagramsAndCountsThem(t *testing.T) {
	cfg := config(t)
	cfg.SpoolBytes, cfg.MaxFlows, cfg.Workers = 2000, 6, 1
	var block sync.Mutex
	down := true
	c := &cluster{t: t, outcome: func(int, string) (bool, error) {
		block.Lock()
		defer block.Unlock()
		if down {
			return false, errors.New("no node")
		}
		return true, nil
	}}
	a := start(t, cfg, c)
	const n = 40
	for i := range n {
		send(t, a, v5(i, 1, 10, 100))
		eventually(t, "the datagram is read", func() bool { return a.counts.Datagrams[0].Load() == uint64(i+1) })
	}
	eventually(t, "datagrams are lost", func() bool { return strings.Contains(metrics(t, a), `records_total{outcome="lost-spool"}`) })
	r, err := http.Get("http://" + a.Addresses().HTTP + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/healthz = %d with a full spool, want 503", r.StatusCode)
	}
	block.Lock()
	down = false
	block.Unlock()
	eventually(t, "the rest is delivered", func() bool { return a.spool.Stats().Payloads == 0 && a.queued.Load() == 0 })
	a.Stop()
	w := a.workers[0]
	kept, lost := w.counts.Kept, w.lost
	if kept.Records+lost.Records != 3*n || kept.Bytes+lost.Bytes != 111*n || w.losses == 0 || lost.Records != 3*w.losses {
		t.Errorf("kept %+v, lost %+v in %d datagrams, want %d records in all", kept, lost, w.losses, 3*n)
	}
	sums := c.sums()
	if uint64(len(sums)) != kept.Records {
		t.Errorf("%d flows stored, want %d", len(sums), kept.Records)
	}
	for i := range n {
		var whole int64
		for j := range 3 {
			whole += sums[fmt.Sprintf("10.0.0.1 10.1.%d.%d default", i, j)]
		}
		if whole != 0 && whole != 111 {
			t.Errorf("datagram %d counts %d of 111 bytes", i, whole)
		}
	}
}

func TestDatagramsOfOthersAndOfAFullQueueAreCounted(t *testing.T) {
	cfg := config(t)
	cfg.Exporters = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	c := &cluster{t: t}
	a := start(t, cfg, c)
	send(t, a, v5(0, 1))
	eventually(t, "it is refused", func() bool { return a.notAllowed.Load() == 1 })
	a.Stop()
	a = New(config(t), Deps{Post: c.post}) // its workers do not run
	a.cfg.Queue = 100
	for range 3 {
		a.pass(&socket{}, netip.MustParseAddrPort("192.0.2.1:1"), make([]byte, 60))
	}
	if a.lostQueue.Load() != 2 || a.queued.Load() != 60 {
		t.Errorf("%d lost, %d bytes wait, want 2 and 60", a.lostQueue.Load(), a.queued.Load())
	}
}

// TestTheDatagramsOfAnExporterStayInOrder: data right behind its template is decoded behind it, because one worker has
// the datagrams of an address, whatever its port. Other exporters have other workers.
func TestTheDatagramsOfAnExporterStayInOrder(t *testing.T) {
	cfg := config(t)
	cfg.Workers = 8
	a := New(cfg, Deps{Post: (&cluster{t: t}).post}) // its workers do not run
	used := map[*worker]bool{}
	for host := range byte(100) {
		addr := netip.AddrFrom4([4]byte{192, 0, 2, host})
		mine := a.workerOf(addr)
		used[mine] = true
		for port := range uint16(4) {
			a.pass(&socket{}, netip.AddrPortFrom(addr, 1000+port), []byte{byte(port)})
		}
		if len(mine.queue) != 4 {
			t.Fatalf("the worker of %s has %d datagrams, want 4", addr, len(mine.queue))
		}
		for port := range byte(4) {
			if g := <-mine.queue; g.Data[0] != port {
				t.Errorf("datagram %d of %s comes at place %d", g.Data[0], addr, port)
			}
		}
	}
	if len(used) < 2 {
		t.Errorf("%d of 8 workers have exporters, want several", len(used))
	}
}

func TestTheKernelsDropsAreFound(t *testing.T) {
	table := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n" +
		"  100: 0100007F:0807 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 000 17\n"
	if n, ok := dropsOf([]byte(table), "4711"); n != 17 || !ok {
		t.Errorf("drops = %d, %v, want 17", n, ok)
	}
	if _, ok := dropsOf([]byte(table), "17"); ok {
		t.Error("an inode that the table lacks is found")
	}
	a := start(t, config(t), &cluster{t: t})
	defer a.Stop()
	if _, err := os.Stat("/proc/net/udp"); err == nil {
		wantMetrics(t, a, `datagrams_lost_total{place="kernel"} 0`)
	}
}

// A socket that nobody reads loses datagrams in the kernel, and the kernel tells their number.
func TestDropsOfTheKernelAreCounted(t *testing.T) {
	if _, err := os.Stat("/proc/net/udp"); err != nil {
		t.Skip("the kernel has no /proc/net/udp")
	}
	s, err := openSocket(t.Context(), "127.0.0.1:0", false, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.conn.Close()
	conn, err := net.Dial("udp", s.conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	eventually(t, "the kernel drops datagrams", func() bool {
		if _, err := conn.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		drops, ok := s.kernelDrops()
		return ok && drops > 0
	})
}

// Everything that an agent exports stands in the guide, and the guide has nothing else.
func TestTheGuideHasEveryMetricAndLogMessage(t *testing.T) {
	guide, err := os.ReadFile("../../docs/integrations/netflow.md")
	if err != nil {
		t.Fatal(err)
	}
	a := start(t, config(t), &cluster{t: t})
	exported := matches(metrics(t, a), `(?m)^# TYPE (flowring_collect_[a-z0-9_]+) `)
	a.Stop()
	compare(t, "metrics", exported, matches(string(guide), "`(flowring_collect_[a-z0-9_]+)"))
	var source bytes.Buffer
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	_, log, _ := strings.Cut(string(guide), "\n## Log\n")
	log, _, _ = strings.Cut(log, "\n## ")
	compare(t, "log messages", matches(source.String(), `log\.(?:Info|Warn|Error)\("([^"]+)"`), matches(log, "(?m)^\\| `([^`]+)` \\|"))
}
