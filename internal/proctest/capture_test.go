//go:build linux

package proctest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// capturing is a running softflowd on loopback, which exports to nfcapd.
type capturing struct {
	t       *testing.T
	dir     string
	ctx     context.Context // limit of the capture
	port    int             // UDP port of nfcapd
	nfcapd  *exec.Cmd
	control string // socket of softflowd
	exited  chan error
}

// capture makes traffic on loopback, captures it, and returns the folder with its flows and sums.
func capture(t *testing.T) string {
	t.Helper()
	needTools(t, "softflowd", "softflowctl", "nfcapd", "nfdump")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	traffic := newTraffic(t)
	c := &capturing{t: t, dir: t.TempDir(), ctx: ctx, port: freePort(t)}
	c.startCollector()
	c.startProbe(traffic.net)
	traffic.make(ctx)
	c.flush(traffic)
	c.stop()
	dir := t.TempDir()
	if sample := os.Getenv(envSample); sample != "" {
		dir = sample
	}
	c.print(filepath.Join(dir, flowsFile), "-o", "csv")
	c.print(filepath.Join(dir, sumsFile), "-q", "-N", "-A", "srcip,dstip", "-o", "fmt:%sa,%da,%byt")
	traffic.check(dir)
	return dir
}

// needTools skips the test if a tool for capturing is missing, as needPrograms does, or if it may not capture.
func needTools(t *testing.T, tools ...string) {
	t.Helper()
	needPrograms(t, tools...)
	if os.Geteuid() != 0 {
		t.Skip("capturing needs root")
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).Port
}

// run starts a tool, which dies with the test. A failure of the test shows its output.
func (c *capturing) run(name string, args ...string) *exec.Cmd {
	c.t.Helper()
	log, err := os.Create(filepath.Join(c.t.ArtifactDir(), name+".log"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.CommandContext(c.ctx, name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		cmd.Process.Kill()
		if c.t.Failed() {
			text, _ := os.ReadFile(log.Name())
			c.t.Logf("%s: %s", name, text)
		}
	})
	return cmd
}

// startCollector starts nfcapd and waits until its socket is open.
func (c *capturing) startCollector() {
	c.t.Helper()
	flows := filepath.Join(c.dir, "flows")
	if err := os.Mkdir(flows, 0o700); err != nil {
		c.t.Fatal(err)
	}
	c.nfcapd = c.run("nfcapd", "-4", "-b", "127.0.0.1", "-p", strconv.Itoa(c.port), "-w", flows, "-t", "3600")
	c.until("nfcapd listens", func() bool { _, open := c.queue(); return open })
}

// startProbe starts softflowd and waits until it captures.
func (c *capturing) startProbe(network string) {
	c.t.Helper()
	c.control = filepath.Join(c.dir, "softflowd.ctl")
	probe := c.run("softflowd", "-d", "-i", "lo", "-v", "9", "-n", "127.0.0.1:"+strconv.Itoa(c.port),
		"-p", filepath.Join(c.dir, "softflowd.pid"), "-c", c.control, "net "+network+".0/24")
	c.exited = make(chan error, 1)
	go func() { c.exited <- probe.Wait() }()
	c.until("softflowd captures", func() bool { return c.statistic("Packets received by libpcap") >= 0 })
}

// statistic returns a statistic of softflowd; -1 without an answer.
func (c *capturing) statistic(name string) int {
	out, err := exec.CommandContext(c.ctx, "softflowctl", "-c", c.control, "statistics").Output()
	match := regexp.MustCompile(regexp.QuoteMeta(name) + `: (\d+)`).FindSubmatch(out)
	if err != nil || match == nil {
		return -1
	}
	n, _ := strconv.Atoi(string(match[1]))
	return n
}

// flush makes softflowd read every packet of the traffic. softflowd reads packets in blocks, and does not see a block
// before it is full (github.com/irino/softflowd/pull/71). flush therefore sends filler packets to a separate host,
// until the blocks of the traffic are full. No test counts the packets in the last block.
func (c *capturing) flush(traffic *traffic) {
	c.t.Helper()
	made := c.statistic("Packets received by libpcap")
	c.until("softflowd has seen all packets", func() bool {
		traffic.fill(500)
		return c.statistic("Packets processed") >= made
	})
	if dropped := c.statistic("Packets dropped by libpcap"); dropped != 0 {
		c.t.Errorf("%d packets were lost while capturing", dropped)
	}
}

// stop makes softflowd export its flows, and nfcapd write them.
func (c *capturing) stop() {
	c.t.Helper()
	for _, command := range []string{"expire-all", "shutdown"} {
		if out, err := exec.CommandContext(c.ctx, "softflowctl", "-c", c.control, command).CombinedOutput(); err != nil {
			c.t.Fatalf("softflowctl %s: %v: %s", command, err, out)
		}
	}
	<-c.exited
	c.until("nfcapd has read all exported flows", func() bool { waiting, _ := c.queue(); return waiting == 0 })
	c.nfcapd.Process.Signal(syscall.SIGTERM)
	if err := c.nfcapd.Wait(); err != nil {
		c.t.Fatalf("nfcapd: %v", err)
	}
}

// queue returns the number of bytes in the socket of nfcapd, and whether the socket exists.
func (c *capturing) queue() (waiting int64, open bool) {
	text, _ := os.ReadFile("/proc/net/udp")
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) > 4 && fields[1] == fmt.Sprintf("0100007F:%04X", c.port) {
			_, received, _ := strings.Cut(fields[4], ":")
			waiting, _ = strconv.ParseInt(received, 16, 64)
			return waiting, true
		}
	}
	return 0, false
}

// print writes the output of nfdump to a file.
func (c *capturing) print(file string, args ...string) {
	c.t.Helper()
	cmd := exec.CommandContext(c.ctx, "nfdump", append([]string{"-R", filepath.Join(c.dir, "flows")}, args...)...)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.Output()
	if err == nil {
		err = os.WriteFile(file, out, 0o600)
	}
	if err != nil {
		c.t.Fatalf("nfdump %q: %v", args, err)
	}
}

// until waits until a condition holds, within the limit of the capture.
func (c *capturing) until(what string, happened func() bool) {
	c.t.Helper()
	for !happened() {
		if c.ctx.Err() != nil {
			c.t.Fatalf("it did not happen in time that %s", what)
		}
		pause(20 * time.Millisecond)
	}
}
