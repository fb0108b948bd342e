//go:build linux

package proctest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"flowring/flow"
	"flowring/flow/ingest"
	"flowring/internal/collect/spool"
	"flowring/internal/collect/tally"
)

// collector is a process of flowring collect, which posts to all nodes of a cluster.
type collector struct {
	*process
	c     *cluster
	spool string
}

// newCollector returns a collector on an address of the cluster's network. It does not run yet.
func newCollector(c *cluster, more ...string) *collector {
	c.t.Helper()
	return newCollectorAt(c, c.host(200), nil, more...)
}

// newCollectorAt returns a collector on a host. in is the command that runs a command there; nil: none.
func newCollectorAt(c *cluster, host string, in []string, more ...string) *collector {
	c.t.Helper()
	p := &process{t: c.t, name: "collector", host: host, in: in}
	p.log = filepath.Join(c.t.ArtifactDir(), p.name+".log")
	col := &collector{process: p, c: c, spool: filepath.Join(c.t.TempDir(), "spool")}
	p.command = "collect"
	p.args = append([]string{
		"--netflow", p.host + ":2055", "--sflow", p.host + ":6343", "--http", p.host + ":8082", "--spool", col.spool,
		"--target", strings.Join(urls(c.nodes), ","), "--flush", "100ms", "--grace", "3m",
	}, more...)
	c.t.Cleanup(func() {
		p.close()
		if c.t.Failed() {
			p.tail(30)
		}
	})
	return col
}

// begin runs the collector and waits until it listens.
func (col *collector) begin() {
	col.t.Helper()
	col.process.start()
	col.c.eventually(func() error { _, err := col.metrics(); return err })
}

// metrics returns the text of /metrics.
func (col *collector) metrics() (string, error) {
	a, err := col.c.ask(http.MethodGet, "http://"+col.host+":8082/metrics", nil, nil)
	return string(a.body), err
}

// onDisk returns the destinations of all records in the spool, as the disk has them.
func (col *collector) onDisk() (names []string) {
	col.t.Helper()
	folder := filepath.Join(col.t.TempDir(), "copy")
	if err := os.CopyFS(folder, os.DirFS(col.spool)); err != nil {
		col.t.Fatal(err)
	}
	s, err := spool.Open(spool.Config{Folder: folder, MaxBytes: 1 << 40, SegmentBytes: 1 << 20})
	if err != nil {
		col.t.Fatal(err)
	}
	defer s.Close()
	for range s.Stats().Payloads {
		f, err := s.Next(col.t.Context())
		if err != nil {
			col.t.Fatal(err)
		}
		requests, err := tally.Parse(f.Payload)
		if err != nil {
			col.t.Fatal(err)
		}
		for _, r := range requests {
			posting, err := flow.Decode(r.Body)
			if err != nil {
				col.t.Fatal(err)
			}
			for _, b := range posting.Batches {
				for i := range b.Len() {
					names = append(names, b.FlowKey(i).DestApp)
				}
			}
		}
	}
	return names
}

// perDatagram is the number of records of a datagram of the generator.
const perDatagram = 7

// destination returns the address that record i of datagram n has, and no other record.
func destination(n, i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), byte(i)})
}

// bytesOf returns the bytes of that record.
func bytesOf(n, i int) int64 { return int64(1000 + n%500*10 + i) }

// generated returns datagram n of NetFlow v5.
func generated(n int) []byte {
	b := binary.BigEndian.AppendUint16(nil, 5)
	b = binary.BigEndian.AppendUint16(b, perDatagram)
	b = binary.BigEndian.AppendUint32(b, 60_000)
	b = binary.BigEndian.AppendUint32(b, uint32(time.Now().Unix()))
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(n*perDatagram))
	b = append(b, 0, 0, 0, 0)
	for i := range perDatagram {
		r := make([]byte, 48)
		copy(r, []byte{192, 0, 2, 1})
		copy(r[4:], destination(n, i).AsSlice())
		binary.BigEndian.PutUint32(r[20:], uint32(bytesOf(n, i)))
		binary.BigEndian.PutUint32(r[24:], 60_000)
		binary.BigEndian.PutUint32(r[28:], 60_000)
		b = append(b, r...)
	}
	return b
}

// generate sends datagrams until end is closed, and returns their number on the channel.
func (col *collector) generate(end <-chan struct{}, sent *atomic.Int64) {
	conn, err := net.Dial("udp", col.host+":2055")
	if err != nil {
		col.t.Error(err)
		return
	}
	defer conn.Close()
	for n := 0; n < 1<<16; n++ {
		select {
		case <-end:
			return
		case <-time.After(3 * time.Millisecond):
		}
		conn.Write(generated(n)) // fails while no process listens
		sent.Store(int64(n) + 1)
	}
}

// TestTheCollectorIsKilled kills the collector and nodes at random. Each datagram counts as a whole or not at all and
// never twice, and all that the spool had on disk when the collector was killed counts.
func TestTheCollectorIsKilled(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 3)
	c.start()
	col := newCollector(c)
	col.begin()
	first := ingest.HourOf(time.Now().UnixNano())
	var sent atomic.Int64
	end, ended := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); col.generate(end, &sent) }()
	promised, rounds := map[string]bool{}, 8
	if long() {
		rounds = 100
	}
	for round := range rounds {
		pause(between(100*time.Millisecond, 900*time.Millisecond))
		down := c.nodes[:round%4] // all of them in one of four rounds: requests fail, and the spool fills
		for _, p := range down {
			p.kill()
		}
		pause(between(0, 500*time.Millisecond))
		col.freeze()
		for _, name := range col.onDisk() {
			promised[name] = true
		}
		col.kill()
		col.begin()
		for _, p := range down {
			p.start()
		}
		c.waitReady(down...)
	}
	pause(300 * time.Millisecond)
	close(end)
	<-ended
	col.terminate() // delivers all that it has
	var flows []flow.Record
	for hour := first; hour <= ingest.HourOf(time.Now().UnixNano()); hour++ {
		flows = append(flows, c.flows(c.nodes[rand.IntN(3)], hour)...)
	}
	whole, faults := judge(flows, int(sent.Load()), promised)
	for _, fault := range faults {
		t.Error(fault)
	}
	t.Logf("%d of %d datagrams count, %d records were on disk at a kill", whole, sent.Load(), len(promised))
}

// judge returns the number of datagrams that count, and a fault for each one that counts in part or more than once and
// for each promised record that does not count.
func judge(flows []flow.Record, sent int, promised map[string]bool) (whole int, faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	got := map[string]int64{}
	for _, f := range flows {
		got[f.DestApp] += f.BytesTx
	}
	for name := range promised {
		if got[name] == 0 {
			fault("the record to %s was on disk and does not count", name)
		}
	}
	for n := range sent {
		there := 0
		for i := range perDatagram {
			switch bytes := got[destination(n, i).String()]; bytes {
			case 0:
			case bytesOf(n, i):
				there++
			default:
				fault("record %d of datagram %d counts %d bytes, want %d", i, n, bytes, bytesOf(n, i))
			}
		}
		if there == perDatagram {
			whole++
		} else if there > 0 {
			fault("datagram %d counts in part: %d of %d records", n, there, perDatagram)
		}
	}
	if whole == 0 || len(promised) == 0 {
		fault("%d datagrams count, %d records were on disk: the test shows nothing", whole, len(promised))
	}
	return whole, faults
}

// Negative control of TestTheCollectorIsKilled.
func TestTheJudgeOfDatagramsFindsFaults(t *testing.T) {
	counting := func(datagrams ...int) (all []flow.Record) {
		for _, n := range datagrams {
			for i := range perDatagram {
				key := flow.Key{DestApp: destination(n, i).String()}
				all = append(all, flow.Record{Key: key, Totals: flow.Totals{BytesTx: bytesOf(n, i)}})
			}
		}
		return all
	}
	for _, tt := range []struct {
		name     string
		flows    []flow.Record
		promised int // datagram of the promised record
		want     string
	}{
		{"two of three datagrams count", counting(0, 2), 2, ""},
		{"a promised record does not count", counting(0, 2), 1, "was on disk and does not count"},
		{"a record counts twice", append(counting(0, 2), counting(2)[3]), 2, "record 3 of datagram 2 counts"},
		{"a record is missing", counting(0, 2)[1:], 2, "datagram 0 counts in part"},
		{"nothing counts", nil, 2, "the test shows nothing"},
	} {
		_, faults := judge(tt.flows, 3, map[string]bool{destination(tt.promised, 0).String(): true})
		if (tt.want == "") != (len(faults) == 0) || !strings.Contains(strings.Join(faults, "; "), tt.want) {
			t.Errorf("%s: the faults are %q, want %q", tt.name, faults, tt.want)
		}
	}
}

// wire is a cable between this machine and a namespace with its own network.
type wire struct {
	t         *testing.T
	name, net string // first three bytes of its addresses; .1 is here, all others are there
}

// newWire makes a namespace and a cable to it for the tools of a test, or skips the test.
func newWire(t *testing.T, tools ...string) *wire {
	t.Helper()
	needTools(t, append(tools, "ip")...)
	id := rand.IntN(1 << 16)
	w := &wire{t, fmt.Sprintf("frw%04x", id), fmt.Sprintf("10.%d.%d", 240+id>>12, id&255)}
	if out, err := exec.Command("ip", "netns", "add", w.name).CombinedOutput(); err != nil {
		t.Skipf("no namespaces: ip netns add: %v: %s", err, out)
	}
	t.Cleanup(func() {
		exec.Command("ip", "link", "del", w.name).Run()
		exec.Command("ip", "netns", "del", w.name).Run()
	})
	for _, line := range []string{
		"link add " + w.name + " type veth peer name there netns " + w.name, "addr add " + w.net + ".1/24 dev " + w.name,
		"link set " + w.name + " up", "-n " + w.name + " link set there up", "-n " + w.name + " addr add " + w.net + ".2/24 dev there",
		"-n " + w.name + " addr add " + w.net + ".3/24 dev there",
	} {
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", line, err, out)
		}
	}
	return w
}

// send sends n UDP packets, several of each flow, and returns the IP bytes of them. Some are sent in fragments.
func (w *wire) send(host string, n int) (bytes int64) {
	w.t.Helper()
	const mtu, head = 1500, 20
	for flows := range (n + 4) / 5 {
		conn, err := net.Dial("udp", net.JoinHostPort(host, strconv.Itoa(4000+flows%50)))
		if err != nil {
			w.t.Fatal(err)
		}
		for i := range min(5, n-flows*5) {
			size := 30 + (flows*37+i*501)%3900
			if (size+8)%(mtu-head) < 16 {
				size += 16 // pmacctd's nfprobe leaves out fragments of less than 8 bytes
			}
			for tries := 0; ; tries++ { // a port that is closed is an error now and then, and sends nothing
				if _, err = conn.Write(make([]byte, size)); err == nil {
					break
				} else if tries > 100 {
					w.t.Fatal(err)
				}
			}
			fragments := (size + 8 + mtu - head - 1) / (mtu - head)
			bytes += int64(size + 8 + fragments*head)
		}
		conn.Close()
	}
	return bytes
}

// TestSoftflowdAndTheCollector exports real traffic by softflowd in each form, while nodes are killed. The bytes of each
// pair equal the bytes that were sent.
func TestSoftflowdAndTheCollector(t *testing.T) {
	t.Parallel()
	skipShort(t)
	w := newWire(t, "softflowd", "softflowctl")
	c := newCluster(t, 2, 3)
	c.start()
	col := newCollector(c)
	col.begin()
	first := ingest.HourOf(time.Now().UnixNano())
	want := int64(0)
	for _, version := range []string{"5", "9", "10"} {
		down := c.nodes[rand.IntN(3)]
		down.kill()
		want += w.softflowd(col, version)
		c.restart(down)
		if text, err := col.metrics(); err != nil || lossIn(text) {
			t.Errorf("v%s: a loss is reported, or no metrics: %v\n%s", version, err, text)
		}
	}
	col.terminate()
	for _, p := range c.nodes {
		var got int64
		for hour := first; hour <= ingest.HourOf(time.Now().UnixNano()); hour++ {
			for _, f := range c.flows(p, hour) {
				if f.SrcApp == w.net+".1" && f.DestApp == w.net+".2" {
					got += f.BytesTx
				}
			}
		}
		if got != want {
			t.Errorf("%d bytes at %s, want %d", got, p, want)
		}
	}
}

// lossIn reports whether metrics report a gap of sequence numbers, or a set without a template, or lack these figures.
func lossIn(text string) bool {
	figures := regexp.MustCompile(`(?m)^flowring_collect_(sequence_missing|sets_without_template)_total\S* (\S+)$`)
	seen := map[string]bool{}
	for _, m := range figures.FindAllStringSubmatch(text, -1) {
		if seen[m[1]] = true; m[2] != "0" {
			return true
		}
	}
	return len(seen) < 2
}

// Negative control of the tests that look for a loss.
func TestALossIsSeenInMetrics(t *testing.T) {
	const gap, gaps, sets = "flowring_collect_sequence_missing_total", `{form="netflow9"} `, "flowring_collect_sets_without_template_total "
	for text, want := range map[string]bool{
		"": true, sets + "0\n": true, gap + gaps + "0\n": true,
		gap + gaps + "0\n" + sets + "0\n": false, gap + gaps + "3\n" + sets + "0\n": true, gap + gaps + "0\n" + sets + "1\n": true,
	} {
		if got := lossIn(text); got != want {
			t.Errorf("lossIn(%q) = %t, want %t", text, got, want)
		}
	}
}

// softflowd exports some traffic in a version, and returns its bytes.
func (w *wire) softflowd(col *collector, version string) (bytes int64) {
	w.t.Helper()
	c := &capturing{t: w.t, dir: w.t.TempDir(), ctx: w.t.Context()}
	c.control = filepath.Join(c.dir, "ctl")
	probe := c.run("softflowd", "-d", "-i", w.name, "-v", version, "-n", col.host+":2055",
		"-p", filepath.Join(c.dir, "pid"), "-c", c.control, "ip and udp")
	ended := make(chan error, 1)
	go func() { ended <- probe.Wait() }()
	c.until("softflowd captures", func() bool { return c.statistic("Packets received by libpcap") >= 0 })
	bytes = w.send(w.net+".2", 1000)
	made := c.statistic("Packets received by libpcap")
	c.until("softflowd has seen all packets", func() bool {
		w.send(w.net+".3", 300)
		return c.statistic("Packets processed") >= made
	})
	for _, command := range []string{"expire-all", "shutdown"} {
		if out, err := exec.Command("softflowctl", "-c", c.control, command).CombinedOutput(); err != nil {
			w.t.Fatalf("softflowctl %s: %v: %s", command, err, out)
		}
	}
	<-ended
	return bytes
}

// TestPmacctdAndTheCollector exports real traffic by pmacctd as v9, IPFIX and sFlow.
func TestPmacctdAndTheCollector(t *testing.T) {
	t.Parallel()
	skipShort(t)
	w := newWire(t, "pmacctd")
	c := newCluster(t, 1, 1)
	c.start()
	col := newCollector(c)
	col.begin()
	for plugin, lines := range map[string]string{
		"nfprobe, v9":    "nfprobe_version: 9\nnfprobe_receiver: " + col.host + ":2055\n",
		"nfprobe, IPFIX": "nfprobe_version: 10\nnfprobe_receiver: " + col.host + ":2055\n",
		"sfprobe":        "sampling_rate: 1\nsfprobe_receiver: " + col.host + ":6343\n",
	} {
		before, others := w.total(c), w.totalOf(c, ".3")
		name, _, _ := strings.Cut(plugin, ",")
		text := fmt.Sprintf("daemonize: false\npcap_interface: %s\npcap_filter: ip and udp\nplugins: %s\n"+
			"aggregate: src_host,dst_host,src_port,dst_port,proto,tos\nnfprobe_timeouts: tcp=1:udp=1:icmp=1:general=1:maxlife=1:expint=1\n%s",
			w.name, name, lines)
		file := filepath.Join(t.TempDir(), "pmacctd.conf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		run := &capturing{t: t, dir: t.TempDir(), ctx: t.Context()}
		cmd := run.run("pmacctd", "-f", file)
		c.eventually(func() error { // the capture has begun
			w.send(w.net+".3", 20)
			if w.totalOf(c, ".3") == others {
				return fmt.Errorf("%s exports nothing", plugin)
			}
			return nil
		})
		want, after, later := before+w.send(w.net+".2", 500), w.totalOf(c, ".3"), 0
		c.eventually(func() error {
			w.send(w.net+".3", 20)
			got := w.total(c)
			if got == want {
				return nil
			}
			if got > want {
				t.Fatalf("%s: %d bytes, want %d", plugin, got-before, want-before)
			}
			if sum := w.totalOf(c, ".3"); sum > after {
				after, later = sum, later+1
			}
			if later == 30 { // a busy pmacctd loses packets before it counts them
				t.Logf("%s lost %d bytes; it gets others", plugin, want-got)
				before, later = got, 0
				want = before + w.send(w.net+".2", 500)
			}
			return fmt.Errorf("%s: %d bytes, want %d", plugin, got-before, want-before)
		})
		cmd.Process.Signal(syscall.SIGINT)
		cmd.Wait()
	}
	col.terminate()
}

// total returns the bytes from here to host .2 in all recent hours.
func (w *wire) total(c *cluster) int64 { return w.totalOf(c, ".2") }

func (w *wire) totalOf(c *cluster, host string) (sum int64) {
	w.t.Helper()
	now := ingest.HourOf(time.Now().UnixNano())
	for hour := now - 1; hour <= now; hour++ {
		for _, f := range c.flows(c.nodes[0], hour) {
			if f.SrcApp == w.net+".1" && f.DestApp == w.net+host {
				sum += f.BytesTx
			}
		}
	}
	return sum
}

// The agent forgets templates when it ends. Data that comes before the next template is counted as lost after --hold,
// and counts if the template comes in time.
func TestTemplatesAfterARestartOfTheCollector(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, 1)
	c.start()
	col := newCollector(c, "--hold", "100ms")
	col.begin()
	first := ingest.HourOf(time.Now().UnixNano())
	conn, err := net.Dial("udp", col.host+":2055")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send := func(n int) (bytes int64) {
		if _, err := conn.Write(costDatagram(n)); err != nil {
			t.Fatal(err)
		}
		for i := range costRecords {
			bytes += int64(1000 + (n*costRecords+i)%500)
		}
		return bytes
	}
	counts := func(want int64) {
		t.Helper()
		c.eventually(func() error {
			var got int64
			for hour := first; hour <= ingest.HourOf(time.Now().UnixNano()); hour++ {
				for _, f := range c.flows(c.nodes[0], hour) {
					got += f.BytesTx
				}
			}
			if got != want {
				return fmt.Errorf("%d bytes count, want %d", got, want)
			}
			return nil
		})
	}
	lost := func(want int) {
		t.Helper()
		c.eventually(func() error {
			got, err := datagramsIn("http://"+col.host+":8082/metrics", `(?m)^flowring_collect_sets_without_template_total (\d+)$`)
			if err == nil && got != want {
				err = fmt.Errorf("%d sets are lost without a template, want %d", got, want)
			}
			return err
		})
	}
	want := send(0) // with the template
	counts(want)
	col.kill()
	col.begin()
	send(1)
	lost(1)
	col.terminate()
	col.args = append(col.args, "--hold", "10m")
	col.begin()
	want += send(2) + send(10) // the second one has the template
	counts(want)
	lost(0)
	col.terminate()
	counts(want)
}
