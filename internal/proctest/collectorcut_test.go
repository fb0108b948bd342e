//go:build linux

package proctest

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"flowring/flow"
	"flowring/flow/ingest"
)

// cutNet has three nodes, a collector and an exporter, each with a cable to a switch. The exporter sees traffic from the
// switch to the addresses of its host, so that each address is a flow, and a record.
type cutNet struct {
	t         *testing.T
	l         *lan
	c         *cluster
	first     flow.Hour
	col       *collector
	collector *space     // place 4
	exporter  *space     // place 5
	probe     *capturing // softflowd

	sent map[string]int64 // bytes by address
	want map[string]int64 // bytes of the addresses that count
	next int              // last byte of the next address
}

const firstAddress, lastAddress = 100, 200 // their last bytes

func newCutNet(t *testing.T, tools ...string) *cutNet {
	t.Helper()
	needTools(t, append(tools, "ip", "iptables")...)
	l := newLAN(t, 5)
	n := &cutNet{t: t, l: l, collector: l.nodes[3], exporter: l.nodes[4], sent: map[string]int64{}, want: map[string]int64{}, next: firstAddress}
	n.c = newClusterOn(t, &lan{l.hub, l.nodes[:3]}, 2)
	n.c.start()
	n.first = ingest.HourOf(time.Now().UnixNano())
	n.col = newCollectorAt(n.c, n.c.host(4), n.collector.enter())
	n.col.begin()
	for last := firstAddress; last <= lastAddress; last++ {
		n.exporter.must(fmt.Sprintf("ip addr add %s/24 dev eth0", n.c.host(last)))
	}
	return n
}

// source is the filter of the traffic.
func (n *cutNet) source() string { return "udp and src host " + n.c.host(254) }

// softflowd starts the exporter softflowd.
func (n *cutNet) softflowd(version string) {
	n.t.Helper()
	n.probe = &capturing{t: n.t, dir: n.t.TempDir(), ctx: n.t.Context()}
	n.probe.control = filepath.Join(n.probe.dir, "ctl")
	line := append(n.exporter.enter(), "softflowd", "-d", "-i", "eth0", "-v", version, "-n", n.col.host+":2055",
		"-p", filepath.Join(n.probe.dir, "pid"), "-c", n.probe.control, n.source())
	n.probe.run(line[0], line[1:]...)
	n.probe.until("softflowd captures", func() bool { return n.probe.statistic("Packets received by libpcap") >= 0 })
}

// send sends a packet to an address of the exporter's host.
func (n *cutNet) send(address string, size int) {
	n.t.Helper()
	conn, err := n.l.hub.dial(n.t.Context(), "udp", address+":4000")
	if err != nil {
		n.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(make([]byte, size)); err != nil {
		n.t.Fatal(err)
	}
}

// traffic sends a packet to each of some new addresses.
func (n *cutNet) traffic(addresses int) map[string]int64 {
	n.t.Helper()
	traffic := map[string]int64{}
	for range addresses {
		if n.next > lastAddress {
			n.t.Fatal("the exporter loses nearly all packets")
		}
		size := 100 + 7*n.next
		address := n.c.host(n.next)
		n.next++
		n.send(address, size)
		traffic[address] = int64(size + 28)
	}
	maps.Copy(n.sent, traffic)
	return traffic
}

// fill sends packets that do not count, because an exporter reads blocks of packets.
func (n *cutNet) fill() {
	n.t.Helper()
	filler, err := n.l.hub.dial(n.t.Context(), "udp", n.c.host(5)+":4000")
	if err != nil {
		n.t.Fatal(err)
	}
	defer filler.Close()
	for range 50 {
		filler.Write(make([]byte, 1000)) // fails now and then, because the port is closed
	}
}

// export sends traffic to new addresses, and has softflowd export it. It returns the bytes by address, and the number of
// records, with these of the filler.
func (n *cutNet) export(addresses int) (traffic map[string]int64, records int) {
	n.t.Helper()
	traffic = n.traffic(addresses)
	n.probe.until("softflowd has seen all packets", func() bool {
		n.fill()
		out, _ := exec.Command("softflowctl", "-c", n.probe.control, "dump-flows").Output()
		for address := range traffic {
			if !strings.Contains(string(out), "["+address+"]") {
				return false
			}
		}
		return true
	})
	out, err := exec.Command("softflowctl", "-c", n.probe.control, "expire-all").CombinedOutput()
	match := regexp.MustCompile(`Expired (\d+) flows`).FindSubmatch(out)
	if err != nil || match == nil {
		n.t.Fatalf("softflowctl expire-all: %v: %s", err, out)
	}
	records, _ = strconv.Atoi(string(match[1]))
	return traffic, records
}

// counted returns the bytes of each address at a node.
func (n *cutNet) counted(p *process) map[string]int64 {
	n.t.Helper()
	got := map[string]int64{}
	for hour := n.first; hour <= ingest.HourOf(time.Now().UnixNano()); hour++ {
		for _, f := range n.c.flows(p, hour) {
			if f.DestApp != n.c.host(5) {
				got[f.DestApp] += f.BytesTx
			}
		}
	}
	return got
}

// arrives waits until traffic counts.
func (n *cutNet) arrives(traffic map[string]int64) {
	n.t.Helper()
	n.c.eventually(func() error {
		got := n.counted(n.c.nodes[0])
		for address := range traffic {
			if got[address] == 0 {
				return fmt.Errorf("the traffic to %s does not count", address)
			}
		}
		return nil
	})
	for address, bytes := range traffic {
		n.want[address] = bytes
	}
}

// reachesDisk waits until the spool has traffic on disk.
func (n *cutNet) reachesDisk(traffic map[string]int64) {
	n.t.Helper()
	n.c.eventually(func() error {
		n.col.freeze()
		names := n.col.onDisk()
		n.col.thaw()
		for address := range traffic {
			if !slices.Contains(names, address) {
				return fmt.Errorf("the spool does not have %s", address)
			}
		}
		return nil
	})
}

// missing returns the units that the collector reports as missing.
func (n *cutNet) missing() (sum int, err error) {
	text, err := n.col.metrics()
	for _, m := range regexp.MustCompile(`(?m)^flowring_collect_sequence_missing_total\S* (\d+)$`).FindAllStringSubmatch(text, -1) {
		units, _ := strconv.Atoi(m[1])
		sum += units
	}
	return sum, err
}

// TestCutsAroundTheCollector cuts the collector off from the nodes, and the exporter off from the collector. Traffic of
// the first cut counts, also if the collector is killed meanwhile. Traffic of the second cut is lost at the exporter: the
// metrics report exactly that, in the unit of the version, and nothing else is missing or counts twice.
func TestCutsAroundTheCollector(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		version   string
		killed    bool // a collector that starts anew waits for the templates of versions 9 and 10
		datagrams bool // the sequence numbers count datagrams and not records
	}{{"5", true, false}, {"9", false, true}, {"10", false, false}} {
		t.Run("v"+tt.version, func(t *testing.T) {
			t.Parallel()
			n := newCutNet(t, "softflowd", "softflowctl")
			n.softflowd(tt.version)
			traffic, _ := n.export(10)
			n.arrives(traffic)

			n.cut("OUTPUT -p tcp --dport 8080")
			traffic, _ = n.export(20)
			n.reachesDisk(traffic)
			pause(3 * time.Second)
			if tt.killed {
				n.col.kill()
				n.col.begin()
			}
			n.heal()
			n.arrives(traffic)

			traffic, _ = n.export(10)
			n.arrives(traffic)
			n.cut("INPUT -p udp --dport 2055")
			_, lost := n.export(20)
			pause(time.Second)
			dropped, err := n.dropped()
			if err != nil || dropped == 0 {
				t.Fatalf("%d datagrams are lost: %v", dropped, err)
			}
			n.heal()
			if tt.datagrams {
				lost = dropped
			}
			traffic, _ = n.export(10)
			n.arrives(traffic)
			n.c.eventually(func() error {
				missing, err := n.missing()
				if err == nil && missing != lost {
					err = fmt.Errorf("%d units are reported as missing, and %d are lost", missing, lost)
				}
				return err
			})
			n.col.terminate()
			for _, p := range n.c.nodes {
				if got := n.counted(p); fmt.Sprint(got) != fmt.Sprint(n.want) {
					t.Errorf("bytes at %s = %v, want %v", p, got, n.want)
				}
			}
		})
	}
}

// cut drops packets at the collector. heal ends that.
func (n *cutNet) cut(rule string) { n.collector.must("iptables -w -A " + rule + " -j DROP") }
func (n *cutNet) heal()           { n.collector.must("iptables -w -F") }

// pmacctd starts the exporter pmacctd, which exports by itself.
func (n *cutNet) pmacctd() {
	n.t.Helper()
	file := write(n.t, "pmacctd.conf", fmt.Sprintf("daemonize: false\npcap_interface: eth0\npcap_filter: %s\nplugins: nfprobe\n"+
		"aggregate: src_host,dst_host,src_port,dst_port,proto,tos\nnfprobe_version: 10\nnfprobe_receiver: %s:2055\n"+
		"nfprobe_timeouts: tcp=1:udp=1:icmp=1:general=1:maxlife=1:expint=1\n", n.source(), n.col.host))
	line := append(n.exporter.enter(), "pmacctd", "-f", file)
	background(n.t, line[0], line[1:]...)
}

// until sends traffic, with new addresses now and then, until the condition holds for 10 addresses of this call: a busy
// pmacctd loses packets.
func (n *cutNet) until(what string, holds func() (names []string)) (of map[string]int64) {
	n.t.Helper()
	sent := n.traffic(10)
	tries := 0
	n.c.eventually(func() error {
		n.fill()
		if tries++; tries%50 == 0 {
			maps.Copy(sent, n.traffic(10))
		}
		of = map[string]int64{}
		for _, name := range holds() {
			if bytes, ok := sent[name]; ok {
				of[name] = bytes
			}
		}
		if len(of) < 10 {
			return fmt.Errorf("%d of %d addresses are %s, want 10", len(of), len(sent), what)
		}
		return nil
	})
	return of
}

// dropped returns the number of packets that the rules of cut have dropped.
func (n *cutNet) dropped() (sum int, err error) {
	line := append(n.collector.enter(), "iptables", "-w", "-nvxL")
	out, err := exec.Command(line[0], line[1:]...).Output()
	for _, m := range regexp.MustCompile(`(?m)^ *(\d+) +\d+ +DROP `).FindAllSubmatch(out, -1) {
		packets, _ := strconv.Atoi(string(m[1]))
		sum += packets
	}
	return sum, err
}

// TestCutsAroundTheCollectorOfPmacctd is TestCutsAroundTheCollector with an exporter that exports by itself, and that may
// lose packets before it counts them: each packet counts as a whole or not at all, and not at all only outside of the
// spool.
func TestCutsAroundTheCollectorOfPmacctd(t *testing.T) {
	t.Parallel()
	n := newCutNet(t, "pmacctd")
	n.pmacctd()
	counted := func() []string { return slices.Collect(maps.Keys(n.counted(n.c.nodes[0]))) }
	n.until("counted", counted)
	n.cut("OUTPUT -p tcp --dport 8080")
	promised := n.until("on disk", func() []string {
		n.col.freeze()
		defer n.col.thaw()
		return n.col.onDisk()
	})
	pause(3 * time.Second)
	n.heal()
	n.arrives(promised)
	n.cut("INPUT -p udp --dport 2055")
	n.traffic(10)
	n.c.eventually(func() error {
		n.fill()
		packets, err := n.dropped()
		if err == nil && packets == 0 {
			err = fmt.Errorf("pmacctd exports nothing")
		}
		return err
	})
	n.heal()
	n.until("counted", counted)
	n.c.eventually(func() error {
		missing, err := n.missing()
		if err == nil && missing == 0 {
			n.fill()
			err = fmt.Errorf("no unit is reported as missing")
		}
		return err
	})
	n.col.terminate()
	for _, p := range n.c.nodes {
		got := n.counted(p)
		for address, bytes := range n.sent {
			if got[address] != bytes && (got[address] != 0 || n.want[address] > 0) {
				t.Errorf("%s has %d bytes at %s, want %d", address, got[address], p, bytes)
			}
			delete(got, address)
		}
		if len(got) > 0 {
			t.Errorf("there are other flows at %s: %v", p, got)
		}
	}
}
