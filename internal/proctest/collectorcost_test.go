//go:build linux

package proctest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

const costRecords = 28 // of a datagram

// costDatagram returns datagram n of v9, with the fields that softflowd sends. Each tenth has the template.
func costDatagram(n int) []byte {
	fields := [...][2]uint16{{8, 4}, {12, 4}, {7, 2}, {11, 2}, {4, 1}, {5, 1}, {6, 1}, {61, 1}, {1, 4}, {2, 4}, {22, 4}, {21, 4}, {10, 4}, {14, 4}}
	b := []byte{0, 9, 0, costRecords}
	b = binary.BigEndian.AppendUint32(b, 60_000)
	b = binary.BigEndian.AppendUint32(b, uint32(time.Now().Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	b = append(b, 0, 0, 0, 1)
	if n%10 == 0 {
		b = append(b, 0, 0, 0, byte(8+4*len(fields)), 1, 0, 0, byte(len(fields)))
		for _, f := range fields {
			b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, f[0]), f[1])
		}
	}
	b = binary.BigEndian.AppendUint16(append(b, 1, 0), 4+40*costRecords)
	for i := range costRecords {
		pair := n*costRecords + i
		r := make([]byte, 40)
		copy(r, []byte{10, 0, byte(pair % 7), byte(pair % 31), 10, 1, byte(pair % 3), byte(pair % 11)})
		binary.BigEndian.PutUint32(r[16:], uint32(1000+pair%500))
		binary.BigEndian.PutUint32(r[20:], 3)
		binary.BigEndian.PutUint32(r[24:], 59_000)
		binary.BigEndian.PutUint32(r[28:], 60_000)
		b = append(b, r...)
	}
	return b
}

// sendCost sends datagrams at a rate that no program has to drop.
func sendCost(t *testing.T, addr string, datagrams int) {
	t.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for n := range datagrams {
		if n%10 == 0 {
			pause(3 * time.Millisecond)
		}
		if _, err := conn.Write(costDatagram(n)); err != nil {
			t.Fatal(err)
		}
	}
}

// cpuOf returns the CPU time of a process.
func cpuOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	columns, ticks := strings.Fields(rest), 0
	for _, c := range columns[11:13] { // user and system, in 1/100 s
		n, err := strconv.Atoi(c)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// datagramsIn returns the sum of a counter at an address.
func datagramsIn(url, pattern string) (sum int, err error) {
	r, err := http.Get(url)
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(text, -1) {
		n, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			return 0, err
		}
		sum += int(n)
	}
	return sum, err
}

// TestTheCollectorCostsNoMoreThanGoflow2 compares the CPU time of the collector, which names, adds up, fsyncs and posts,
// with that of goflow2, which writes JSON to /dev/null.
func TestTheCollectorCostsNoMoreThanGoflow2(t *testing.T) {
	_, err := exec.LookPath("goflow2")
	if err != nil {
		t.Skip("goflow2 is not installed (go install github.com/netsampler/goflow2/v2/cmd/goflow2@v2.2.6)")
	}
	c := newCluster(t, 1, 1)
	c.start()
	col := newCollector(c, "--flush", "5s")
	col.begin()
	run := &capturing{t: t, dir: t.TempDir(), ctx: t.Context()}
	host := c.host(201)
	other := run.run("goflow2", "-listen", "netflow://"+host+":2055?count=1&workers=1", "-transport", "file", "-transport.file", "/dev/null",
		"-format", "json", "-addr", host+":8080", "-templates.path", "/templates")
	perSecond := func(name, addr, url, pattern string, pid, datagrams int) float64 {
		c.eventually(func() error { _, err := datagramsIn(url, pattern); return err })
		before := cpuOf(t, pid)
		sendCost(t, addr, datagrams)
		read := 0
		for last := -1; read != last; pause(6 * time.Second) { // a program may lose datagrams; it writes what it has
			last = read
			if read, err = datagramsIn(url, pattern); err != nil {
				t.Fatal(err)
			}
		}
		cpu := cpuOf(t, pid) - before
		rate := float64(read*costRecords) / cpu.Seconds()
		t.Logf("%s: %.0f records per CPU second (%v), %d of %d datagrams read", name, rate, cpu, read, datagrams)
		return rate
	}
	ours := perSecond("flowring collect", col.host+":2055", "http://"+col.host+":8082/metrics",
		`datagrams_total\{form="netflow9"\} (\S+)`, col.cmd.Process.Pid, 20_000)
	theirs := perSecond("goflow2", host+":2055", "http://"+host+":8080/metrics", costOfGoflow2, other.Process.Pid, 4000)
	if ours < theirs {
		t.Errorf("%.0f records per CPU second, fewer than the %.0f of goflow2", ours, theirs)
	}
}

const costOfGoflow2 = `(?m)^goflow2_flow_process_nf_total\{.*\} (\S+)$`
