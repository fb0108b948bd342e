package clustertest

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"flowring/internal/certtest"
	"flowring/internal/racetest"
	"flowring/node"
	"flowring/node/peer/mtls"
	"flowring/node/peer/stream"
	"flowring/node/peer/wire"
)

// flood attacks a node from one address, for some time.
type flood struct {
	name  string
	conns int                              // opened again when the node closes them
	peer  bool                             // by TLS to the peer port, with a member's certificate; otherwise to the gossip port
	send  func(c net.Conn, rng *rand.Rand) // on each connection; it returns when the node closes the connection
}

const floodTime = 15 * time.Second

// drip writes a byte every 3 s, which is less than the idle time of any call.
func drip(c net.Conn) {
	for _, err := c.Write([]byte{'x'}); err == nil; _, err = c.Write([]byte{'x'}) {
		time.Sleep(3 * time.Second)
	}
}

// hang waits until the node closes the connection.
func hang(c net.Conn) { io.Copy(io.Discard, c) }

func garbage(c net.Conn, rng *rand.Rand) {
	data := make([]byte, 8<<10)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	c.Write(data)
	hang(c)
}

// beginStream asks for a stream of the peer port.
func beginStream(c net.Conn) {
	fmt.Fprintf(c, "POST /peer/v1/stream HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", stream.Protocol)
	c.Read(make([]byte, 4096))
}

// frameHead is the head of a frame of a stream.
func frameHead(size uint32) []byte {
	head := make([]byte, 13)
	binary.BigEndian.PutUint32(head, size)
	head[4] = byte(wire.KindApply)
	return head
}

// labelled is the begin of a gossip stream with the cluster's name.
func labelled(rest ...byte) []byte {
	return append(append([]byte{244, byte(len(node.DefaultCluster))}, node.DefaultCluster...), rest...)
}

func floods() []flood {
	return []flood{
		{"slow headers", 100, true, func(c net.Conn, _ *rand.Rand) { io.WriteString(c, "POST /peer/v1/hello HTT"); hang(c) }},
		{"slow bodies", 100, true, func(c net.Conn, _ *rand.Rand) {
			io.WriteString(c, "POST /peer/v1/give?slice=100/0 HTTP/1.1\r\nHost: b\r\nContent-Length: 1000000\r\n\r\n")
			drip(c)
		}},
		{"slow heartbeats", 100, true, func(c net.Conn, _ *rand.Rand) {
			io.WriteString(c, "POST /peer/v1/hello HTTP/1.1\r\nHost: b\r\nContent-Length: 1000000\r\n\r\n")
			drip(c)
		}},
		{"large headers", 40, true, func(c net.Conn, _ *rand.Rand) {
			io.WriteString(c, "GET /peer/v1/summary HTTP/1.1\r\nHost: b\r\n")
			line := "X-Header: " + strings.Repeat("y", 4000) + "\r\n"
			for range 400 {
				if _, err := io.WriteString(c, line); err != nil {
					return
				}
			}
			hang(c)
		}},
		{"connections without a byte", 2000, false, func(c net.Conn, _ *rand.Rand) { hang(c) }},
		{"frames that are too long", 30, true, func(c net.Conn, _ *rand.Rand) {
			beginStream(c)
			c.Write(frameHead(1 << 31))
			hang(c)
		}},
		{"long frames that stop", 60, true, func(c net.Conn, _ *rand.Rand) {
			beginStream(c)
			c.Write(frameHead(wire.MaxBatch))
			part := make([]byte, 64<<10)
			for range 16 * 8 { // 8 MiB
				if _, err := c.Write(part); err != nil {
					return
				}
			}
			drip(c)
		}},
		{"garbage as calls", 30, true, garbage},
		{"garbage as frames", 30, true, func(c net.Conn, rng *rand.Rand) { beginStream(c); garbage(c, rng) }},
		{"garbage as gossip", 200, false, garbage},
		{"gossip with a name and garbage", 200, false, func(c net.Conn, rng *rand.Rand) { c.Write(labelled()); garbage(c, rng) }},
		{"long gossip without the key", 100, false, func(c net.Conn, _ *rand.Rand) {
			const encrypted, size = 10, 20 << 20
			c.Write(labelled(encrypted, size>>24, size>>16&0xff, size>>8&0xff, size&0xff))
			part := make([]byte, 64<<10)
			for range 7 << 19 / len(part) { // as much as one stream may have
				if _, err := c.Write(part); err != nil {
					return
				}
			}
			hang(c)
		}},
	}
}

// run attacks a node until ctx ends.
func (f flood) run(ctx context.Context, c *Cluster, node string, pair *tls.Certificate) {
	host := c.Net.Host("10.9.9.9")
	var wg sync.WaitGroup
	for i := range f.conns {
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		wg.Go(func() {
			for ctx.Err() == nil {
				f.once(ctx, host.DialContext, c.Addr(node), pair, rng)
				pause(ctx, 5*time.Second)
			}
		})
	}
	wg.Wait()
}

// once attacks on one connection.
func (f flood) once(
	ctx context.Context, dial mtls.Dialer, addr string, pair *tls.Certificate, rng *rand.Rand,
) {
	port := GossipPort
	if f.peer {
		port = PeerPort
	}
	c, err := dial(ctx, "tcp", at(addr, port))
	if err != nil {
		return
	}
	defer context.AfterFunc(ctx, func() { c.Close() })()
	defer c.Close()
	if f.peer && pair != nil {
		secured := tls.Client(c, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{*pair}})
		if secured.HandshakeContext(ctx) != nil {
			return
		}
		f.send(secured, rng)
		return
	}
	f.send(c, rng)
}

// heap returns the bytes of live objects.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Floods of all kinds at the peer port, with the certificate of a member, and at the gossip port without the key, each
// from one address: no POST under light load fails, memory stays bounded, and all nodes go on (P16).
func TestFloodsOfThePeerAndGossipPorts(t *testing.T) {
	ca := certtest.New(t, "CA")
	nodes := []string{"a", "b", "c"}
	files := certificates{t: t, folder: t.TempDir()}
	files.issue(ca, nodes...)
	files.trust(nodes, ca)
	stolen := ca.Issue(certtest.Names{DNS: []string{"c"}}).TLS(t)
	key := keysFile{t, filepath.Join(t.TempDir(), "keys")}
	key.write("k")
	for _, f := range floods() {
		t.Run(f.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				r := newRollout(t, func(cfg *node.Config) {
					files.use(mtls.Required)(cfg)
					cfg.GossipKeysFile, cfg.MaxPeerBuffered = key.path, wire.MaxAsk
				})
				before, most := heap(), int64(0)
				ctx, cancel := context.WithTimeout(t.Context(), floodTime)
				defer cancel()
				var wg sync.WaitGroup
				wg.Go(func() { f.run(ctx, r.c, "b", &stolen) })
				for ctx.Err() == nil {
					pause(ctx, time.Second)
					most = max(most, heap()-before)
				}
				wg.Wait()
				if limit := int64(128 << 20); most > limit { // the attacker is part of this process
					t.Errorf("memory grows by %d MiB, want at most %d", most>>20, limit>>20)
				}
				t.Logf("memory grows by %d MiB, %d POSTs", most>>20, r.stored)
				r.all("flowring_members_alive", 3)
				r.settle()
			})
		})
	}
}
