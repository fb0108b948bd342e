package member

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
	"flowring/node/keyring"
)

// key returns a key of 16 bytes.
func key(b byte) []byte { return slices.Repeat([]byte{b}, 16) }

func keysOf(text string) (keys keyring.Keys) {
	for _, b := range []byte(text) {
		keys = append(keys, key(b))
	}
	return keys
}

func TestReplacedKeysAreHeldInOrder(t *testing.T) {
	for _, tt := range []struct{ before, after string }{
		{"a", "a"}, {"a", "ab"}, {"ab", "ba"}, {"ba", "b"}, {"a", "b"}, {"abc", "c"}, {"abc", "cb"}, {"abcd", "adx"},
		{"abc", "xyz"}, {"abc", "b"},
	} {
		t.Run(tt.before+" to "+tt.after, func(t *testing.T) {
			ring, err := newKeyring(keysOf(tt.before))
			if err != nil {
				t.Fatal(err)
			}
			if err := replaceKeys(ring, keysOf(tt.after)); err != nil {
				t.Fatal(err)
			}
			held := ""
			for _, key := range ring.GetKeys() {
				held += string(key[:1])
			}
			sorted := func(s string) string { b := []byte(s); slices.Sort(b); return string(b) }
			if held[0] != tt.after[0] || sorted(held) != sorted(tt.after) {
				t.Errorf("the keyring holds %s, want the keys %s, the first one first", held, tt.after)
			}
		})
	}
}

// A packet is decrypted with a slice of keys that a replacement must not change. The race detector sees it otherwise.
func TestKeysAreReplacedWhileTheyDecrypt(t *testing.T) {
	ring, err := newKeyring(keysOf("abc"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			seen := map[byte]bool{}
			for _, key := range ring.GetKeys() {
				if seen[key[0]] {
					t.Errorf("the key %c stands twice in one slice", key[0])
				}
				seen[key[0]] = true
			}
		}
	})
	for i := range 2000 {
		if err := replaceKeys(ring, keysOf([]string{"abc", "cb", "bdef", "f", "abc"}[i%5])); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	wg.Wait()
}

// startGossip starts a node that joins 10.0.0.1 to 10.0.0.3.
func startGossip(t *testing.T, host Network, addr string, self Node, keys string, verify keyring.Verify) *Members {
	t.Helper()
	m := New(Config{
		GossipAddr: addr + ":7946", AdvertiseHost: addr, Join: []string{"10.0.0.1:7946", "10.0.0.2:7946", "10.0.0.3:7946"},
		Keys: keysOf(keys), Verify: verify,
	}, Deps{Log: discard(), Network: host})
	if _, err := m.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Start(self); err != nil {
		t.Fatal(err)
	}
	return m
}

// The three steps with keys and verification of a cluster of three, each node after the other, while all stay in view.
func TestGossipKeysAreSwitchedOnAndRotatedWithoutALoss(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		network := memnet.New(memnet.Options{Seed: 1, Latency: time.Millisecond})
		var nodes [3]*Members
		starts := 0
		replace := func(i int, keys string, verify keyring.Verify) {
			starts++
			addr := fmt.Sprintf("10.0.0.%d", i+1)
			if nodes[i] != nil {
				nodes[i].Leave(time.Second)
				nodes[i].Stop()
			}
			m := startGossip(t, network.Host(addr), addr, node(string(rune('a'+i)), fmt.Sprint(starts), ""), keys, verify)
			nodes[i] = m
			for _, m := range nodes {
				if m != nil && nodes[2] != nil {
					sees(t, m, 20*time.Second, "a", "b", "c")
				}
			}
		}
		for _, step := range []struct {
			keys   string
			verify keyring.Verify
		}{{"", keyring.Require}, {"k", keyring.Accept}, {"k", keyring.Send}, {"k", keyring.Require}} {
			for i := range nodes {
				replace(i, step.keys, step.verify)
			}
		}
		for _, file := range []string{"kl", "lk", "l"} {
			for i, m := range nodes {
				if err := m.SetKeys(keysOf(file)); err != nil {
					t.Fatal(err)
				}
				for range 20 {
					time.Sleep(time.Second)
					for _, m := range nodes {
						if names := m.View().Names(); !slices.Equal(names, []string{"a", "b", "c"}) {
							t.Fatalf("%s after the file %q at %d nodes: sees %v", m.self.Load().Name, file, i+1, names)
						}
					}
				}
			}
		}
		// Negative control: a node with a key that the others have deleted is lost.
		if err := nodes[0].SetKeys(keysOf("k")); err != nil {
			t.Fatal(err)
		}
		sees(t, nodes[1], time.Minute, "b", "c")
		for _, m := range nodes {
			m.Stop()
		}
		time.Sleep(time.Minute)
	})
}

// A node sees no node that sends plain gossip once it requires keys, and reads plain gossip in the steps before (P17).
func TestPlainGossipIsRefusedOnceKeysAreRequired(t *testing.T) {
	for _, tt := range []struct {
		name   string
		verify keyring.Verify // of node a, which has the key
		keys   string         // of node b
		other  keyring.Verify // of node b
		want   []string       // the nodes that a sees
	}{
		{"require, and plain gossip of a node without keys", keyring.Require, "", keyring.Require, []string{"a"}},
		{"require, and plain gossip of a node with the key", keyring.Require, "k", keyring.Accept, []string{"a"}},
		{"require, and encrypted gossip", keyring.Require, "k", keyring.Send, []string{"a", "b"}},
		{"send, and plain gossip of a node with the key", keyring.Send, "k", keyring.Accept, []string{"a", "b"}},
		{"accept, and plain gossip of a node without keys", keyring.Accept, "", keyring.Require, []string{"a", "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				network := memnet.New(memnet.Options{Seed: 1, Latency: time.Millisecond})
				a := startGossip(t, network.Host("10.0.0.1"), "10.0.0.1", node("a", "1", ""), "k", tt.verify)
				b := startGossip(t, network.Host("10.0.0.2"), "10.0.0.2", node("b", "1", ""), tt.keys, tt.other)
				time.Sleep(time.Minute)
				if names := a.View().Names(); !slices.Equal(names, tt.want) {
					t.Errorf("a sees %v, want %v", names, tt.want)
				}
				a.Stop()
				b.Stop()
				time.Sleep(time.Minute)
			})
		})
	}
}

func TestANodeWithoutKeysTakesNone(t *testing.T) {
	m := New(Config{}, Deps{Log: discard()})
	if err := m.SetKeys(keysOf("a")); err == nil {
		t.Error("SetKeys at a node without keys = nil, want an error")
	}
	m.keys = new(memberlist.Keyring)
	if err := m.SetKeys(nil); err == nil {
		t.Error("SetKeys without keys = nil, want an error")
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
