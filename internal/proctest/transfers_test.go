//go:build linux

package proctest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	servers   = 3
	clients   = 6
	transfers = 12 // of each client
)

// traffic is HTTP transfers of known size between servers .1 to .3 and clients .11 to .16 of a loopback network.
type traffic struct {
	t    *testing.T
	net  string
	sink net.PacketConn // receives filler packets
	fuel net.Conn

	mu   sync.Mutex
	sent map[route]*sent
}

// sent is the traffic of one direction: the bytes of bodies, and the connections.
type sent struct{ bytes, connections int64 }

// newTraffic starts the servers.
func newTraffic(t *testing.T) *traffic {
	t.Helper()
	tr := &traffic{t: t, net: freeNet(t), sent: map[route]*sent{}}
	for i := range servers {
		l, err := net.Listen("tcp", tr.server(i))
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(serveBytes), ReadHeaderTimeout: patience}
		go server.Serve(l)
		t.Cleanup(func() { server.Close() })
	}
	var err error
	if tr.sink, err = net.ListenPacket("udp4", tr.net+".9:4000"); err != nil {
		t.Fatal(err)
	}
	if tr.fuel, err = dialer(tr.net+".19", "udp").Dial("udp4", tr.net+".9:4000"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.sink.Close(); tr.fuel.Close() })
	return tr
}

// server returns an address with a port below the ports of clients.
func (tr *traffic) server(i int) string { return fmt.Sprintf("%s.%d:%d", tr.net, i+1, 5000+i) }

func dialer(from, network string) *net.Dialer {
	d := &net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	if network == "udp" {
		d.LocalAddr = &net.UDPAddr{IP: net.ParseIP(from)}
	}
	return d
}

// serveBytes reads a body and answers with the number of bytes in the path.
func serveBytes(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	n, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
	w.Write(make([]byte, n))
}

// make makes the transfers: all clients at the same time, each with its own connections.
func (tr *traffic) make(ctx context.Context) {
	tr.t.Helper()
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			from := fmt.Sprintf("%s.%d", tr.net, 11+i)
			for n := range transfers {
				up, down := rand.IntN(50_000), rand.IntN(200_000)
				if err := tr.transfer(ctx, from, tr.server((i+n)%servers), up, down); err != nil {
					tr.t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func (tr *traffic) transfer(ctx context.Context, from, to string, up, down int) error {
	transport := &http.Transport{DialContext: dialer(from, "tcp").DialContext, DisableKeepAlives: true}
	url := fmt.Sprintf("http://%s/%d", to, down)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(make([]byte, up)))
	if err != nil {
		return err
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); err != nil || n != int64(down) {
		return fmt.Errorf("%s: %d bytes, %w; want %d", url, n, err, down)
	}
	host, _, _ := net.SplitHostPort(to)
	tr.note(route{from, host}, up)
	tr.note(route{host, from}, down)
	return nil
}

func (tr *traffic) note(at route, bytes int) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.sent[at] == nil {
		tr.sent[at] = &sent{}
	}
	tr.sent[at].bytes += int64(bytes)
	tr.sent[at].connections++
}

// fill sends filler packets.
func (tr *traffic) fill(packets int) {
	for range packets {
		tr.fuel.Write([]byte("fill"))
	}
}

// check compares the sums of nfdump with the traffic: they must contain all of it, and little more for headers.
func (tr *traffic) check(dir string) {
	tr.t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, sumsFile))
	if err != nil {
		tr.t.Fatal(err)
	}
	sums, err := readSums(bytes.NewReader(text))
	if err != nil {
		tr.t.Fatal(err)
	}
	for at, s := range tr.sent {
		most := s.bytes + s.bytes/5 + 4000*s.connections
		if got := sums[at]; got < s.bytes || got > most {
			tr.t.Errorf("nfdump has %d bytes from %s to %s, want %d to %d", got, at.src, at.dst, s.bytes, most)
		}
	}
}
