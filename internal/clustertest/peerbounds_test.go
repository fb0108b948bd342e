package clustertest

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"flowring/internal/certtest"
	"flowring/internal/racetest"
	"flowring/node"
	"flowring/node/keyring"
	"flowring/node/peer/mtls"
)

// keepOpen holds connections to the peer port of b, each after a call with the pair or without a byte, and opens closed
// ones again, until ctx ends.
func keepOpen(ctx context.Context, c *Cluster, conns int, pair *tls.Certificate) {
	hold := flood{peer: true, send: func(c net.Conn, _ *rand.Rand) {
		if pair != nil {
			io.WriteString(c, "GET /peer/v1/nothing HTTP/1.1\r\nHost: b\r\n\r\n")
		}
		hang(c)
	}}
	var wg sync.WaitGroup
	for range conns {
		wg.Go(func() {
			for ctx.Err() == nil {
				hold.once(ctx, c.Net.Host("10.9.9.9").DialContext, c.Addr("b"), pair, nil)
				pause(ctx, time.Second)
			}
		})
	}
	wg.Wait()
}

// One address opens connections to the peer port without end, with the certificate of a member and without one. It has
// most of them and not the last ones: a node that starts meanwhile reaches the port, and no POST fails (P16). Negative
// control: below the limit all connections are open.
func TestAFloodOfConnectionsToThePeerPortLeavesRoom(t *testing.T) {
	ca := certtest.New(t, "CA")
	nodes := []string{"a", "b", "c"}
	files := certificates{t: t, folder: t.TempDir()}
	files.issue(ca, nodes...)
	files.trust(nodes, ca)
	stolen := ca.Issue(certtest.Names{DNS: []string{"c"}}).TLS(t)
	for _, limit := range []int{60, 10_000} {
		t.Run(fmt.Sprint("limit ", limit), func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				r := newRollout(t, func(cfg *node.Config) {
					files.use(mtls.Required)(cfg)
					cfg.MaxPeerConnections = limit
				})
				ctx, cancel := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				wg.Go(func() { keepOpen(ctx, r.c, 200, &stolen) })
				wg.Go(func() { keepOpen(ctx, r.c, 100, nil) })
				time.Sleep(3 * time.Second)
				open, refused := r.value("b", "flowring_peer_connections"), r.value("b", "flowring_peer_connections_refused_total")
				if flooded := open > 200 && refused == 0; flooded != (limit > 60) || !flooded && (open > 60 || refused < 200) {
					t.Errorf("limit %d: %g connections are open and %g refused", limit, open, refused)
				}
				if err := r.c.Stop("c", 25*time.Second); err != nil {
					t.Error(err)
				}
				time.Sleep(5 * time.Second) // the flood takes the places of c
				r.c.Start("c")
				if err := r.c.WaitReady(time.Minute, "c"); err != nil {
					t.Errorf("a node that starts during the flood: %v", err)
				}
				time.Sleep(10 * time.Second)
				if n := r.value("c", "flowring_peer_tls_unverified_members"); n != 0 {
					t.Errorf("the node that started during the flood has not reached %g members, want it to reach all", n)
				}
				cancel()
				wg.Wait()
				r.settle()
			})
		})
	}
}

// slowCaller is a connection to the peer port that does not go on.
type slowCaller struct {
	name   string
	plain  bool   // no handshake
	send   string // then nothing
	drip   bool   // then a byte every 3 s
	within time.Duration
	answer string // the begin of the answer; empty: none
}

func slowCallers() []slowCaller {
	post := func(call, headers string) string {
		return "POST /peer/v1/" + call + " HTTP/1.1\r\nHost: b\r\n" + headers + "\r\n"
	}
	large := "X-Large: " + strings.Repeat("x", 1000) + "\r\n"
	return []slowCaller{
		{name: "no byte", plain: true, within: 5 * time.Second},
		{name: "a part of a handshake", plain: true, send: "\x16\x03\x01", within: 3 * time.Second},
		{name: "a handshake alone", within: 5 * time.Second},
		{name: "a part of the headers", send: "POST /peer/v1/hello HTT", within: 5 * time.Second, answer: "HTTP/1.1 400 "},
		{name: "headers of 24 KiB", send: post("hello", strings.Repeat(large, 24)), within: time.Second, answer: "HTTP/1.1 431 "},
		{name: "headers of 8 KiB", send: post("nothing", strings.Repeat(large, 8)), within: 2 * time.Minute, answer: "HTTP/1.1 404 "},
		{name: "an idle connection", send: post("nothing", ""), within: 2 * time.Minute, answer: "HTTP/1.1 404 "},
		{name: "a body without a byte", send: post("hello", "Content-Length: 9\r\n"), within: 4 * time.Second, answer: "HTTP/1.1 "},
		{name: "a slow body", send: post("query", "Content-Length: 9000\r\n"), drip: true, within: 10 * time.Second, answer: "HTTP/1.1 "},
		{name: "a slow body that is no heartbeat", send: post("hello", "Content-Length: 9000\r\n"), drip: true, within: 4 * time.Second, answer: "HTTP/1.1 400 "},
		{
			name: "a body that the call does not read", send: "GET /peer/v1/summary HTTP/1.1\r\nHost: b\r\nContent-Length: 9000\r\n\r\n",
			drip: true, within: 4 * time.Second, answer: "HTTP/1.1 200 ",
		},
		{
			name: "the body of a refused call", send: post("hello", "Flowring-Node: a 10.0.0.1\r\nContent-Length: 9000\r\n"),
			drip: true, within: 4 * time.Second, answer: "HTTP/1.1 4",
		},
		{
			name: "the body of a web page", send: post("drain", "Origin: http://evil.example\r\nContent-Length: 9000\r\n"),
			drip: true, within: 4 * time.Second, answer: "HTTP/1.1 403 ",
		},
	}
}

// call makes the connection with the certificate of member c, and returns the answer and the time until the end.
func (s slowCaller) call(t *testing.T, c *Cluster, pair tls.Certificate) (answer string, took time.Duration) {
	t.Helper()
	raw, err := c.Net.Host("10.9.9.9").DialContext(t.Context(), "tcp", at(c.Addr("b"), PeerPort))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	raw.SetDeadline(time.Now().Add(5 * time.Minute))
	begun, conn := time.Now(), raw
	if !s.plain {
		secured := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}})
		if err := secured.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		conn = secured
	}
	io.WriteString(conn, s.send)
	if s.drip {
		go drip(conn)
	}
	text, _ := io.ReadAll(conn)
	return string(text), time.Since(begun)
}

// A connection to the peer port that does not go on ends after a bounded time, also with the certificate of a member
// (P16).
func TestSlowCallersOfThePeerPortAreCutOff(t *testing.T) {
	ca := certtest.New(t, "CA")
	nodes := []string{"a", "b", "c"}
	files := certificates{t: t, folder: t.TempDir()}
	files.issue(ca, nodes...)
	files.trust(nodes, ca)
	pair := ca.Issue(certtest.Names{DNS: []string{"c"}}).TLS(t)
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Seed: 33, Copies: 3, Quorum: 2, Configure: files.use(mtls.Required)})
		for _, s := range slowCallers() {
			answer, took := s.call(t, c, pair)
			if !strings.HasPrefix(answer, s.answer) || s.answer == "" && answer != "" {
				t.Errorf("%s = %.200q, want %q", s.name, answer, s.answer)
			}
			if most := s.within + 100*time.Millisecond; took > most {
				t.Errorf("%s: the connection ends after %v, want at most %v", s.name, took, most)
			}
			synctest.Wait()
		}
	})
}

// plainPing is a packet of the gossip without a key, which a node answers if it takes plain packets.
func plainPing() []byte {
	return labelled([]byte("\x00\x82\xa5SeqNo\x01\xa4Node\xa0")...)
}

// packets are the packets of a flood without the key.
func packets() [][]byte {
	garbage := make([]byte, 1400)
	for i := range garbage {
		garbage[i] = byte(i * i)
	}
	const encrypted, compressed, compound = 10, 9, 7
	return [][]byte{
		plainPing(), garbage, labelled(garbage...), labelled(append([]byte{1}, garbage...)...),
		labelled(append([]byte{encrypted}, garbage...)...), labelled(append([]byte{compressed}, garbage...)...),
		labelled(append([]byte{compound, 255}, garbage...)...), {}, {244}, {244, 255},
	}
}

// floodPackets sends packets to a gossip port until ctx ends, and returns the number of answers.
func floodPackets(ctx context.Context, t *testing.T, c *Cluster, node string) (answers int) {
	socket, err := c.Net.Host("10.9.9.9").ListenPacket(ctx, "udp", ":0")
	if err != nil {
		t.Error(err)
		return 0
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for buf := make([]byte, 1<<16); ; answers++ {
			if _, _, err := socket.ReadFrom(buf); err != nil {
				return
			}
		}
	})
	to, err := net.ResolveUDPAddr("udp", at(c.Addr(node), GossipPort))
	if err != nil {
		t.Error(err)
	}
	for all := packets(); ctx.Err() == nil; pause(ctx, 50*time.Millisecond) {
		for i := range 300 {
			socket.WriteTo(all[i%len(all)], to)
		}
	}
	socket.Close()
	wg.Wait()
	return answers
}

// A flood of packets without the key gets no answer, costs bounded memory, and keeps all members in view (P16). Negative
// control: a node that takes plain gossip answers.
func TestAFloodOfGossipPacketsWithoutTheKey(t *testing.T) {
	key := keysFile{t, filepath.Join(t.TempDir(), "keys")}
	key.write("k")
	for _, verify := range []keyring.Verify{keyring.Require, keyring.Send} {
		t.Run(string(verify), func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				r := newRollout(t, func(cfg *node.Config) { cfg.GossipKeysFile, cfg.GossipVerify = key.path, verify })
				before, most := heap(), int64(0)
				ctx, cancel := context.WithTimeout(t.Context(), floodTime)
				defer cancel()
				answers := make(chan int, 1)
				go func() { answers <- floodPackets(ctx, t, r.c, "b") }()
				for ctx.Err() == nil {
					pause(ctx, 3*time.Second)
					most = max(most, heap()-before)
				}
				if n := <-answers; (n > 0) != (verify == keyring.Send) {
					t.Errorf("verify %s: %d answers to packets without the key", verify, n)
				}
				if limit := int64(64 << 20); most > limit {
					t.Errorf("memory grows by %d MiB, want at most %d", most>>20, limit>>20)
				}
				r.all("flowring_members_alive", 3)
				r.settle()
			})
		})
	}
}
