package clustertest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"flowring/internal/certtest"
	"flowring/internal/racetest"
	"flowring/node"
	"flowring/node/keyring"
	"flowring/node/peer/mtls"
)

// rollout is a cluster of three nodes with R=3 and W=2 under keyed load, whose settings change by rolling restarts.
type rollout struct {
	caller
	t      *testing.T
	change func(*node.Config) // of the settings of the nodes that start next
	nodes  []string
	stop   func() // ends the load

	stored int      // POSTs
	failed []string // POSTs that a ready node did not store
}

// newRollout starts a cluster with changed settings, and its load.
func newRollout(t *testing.T, change func(*node.Config)) *rollout {
	r := &rollout{t: t, change: change, nodes: []string{"a", "b", "c"}}
	c := formed(t, 3, Options{Seed: 31, Copies: 3, Quorum: 2, Configure: func(cfg *node.Config) { r.change(cfg) }})
	r.caller = newCaller(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { r.load(ctx) })
	r.stop = func() { cancel(); wg.Wait() }
	time.Sleep(time.Second)
	return r
}

// load posts with keys at all ready nodes until ctx ends. Only a POST without a connection goes to the next node, as a
// balancer sends it; any other failure of an attempt counts.
func (r *rollout) load(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		name := r.nodes[i%len(r.nodes)]
		for range 2 * len(r.nodes) {
			n := r.c.Node(name)
			if n != nil && n.Ready() == nil && !r.refuses(name, i) {
				break
			}
			name = r.nodes[(slices.Index(r.nodes, name)+1)%len(r.nodes)]
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// refuses posts to a node, and reports whether the node makes no connection.
func (r *rollout) refuses(name string, i int) bool {
	body := fmt.Sprintf(`[{"src_app":"s","dest_app":"d","vpc_id":"v","bytes_tx":1,"bytes_rx":0,"hour":%d}]`, 100+i%5)
	req, _ := http.NewRequest(http.MethodPost, "http://"+at(r.c.Addr(name), HTTPPort)+"/flows", strings.NewReader(body))
	req.Header.Set("Idempotency-Key", fmt.Sprint(i))
	res, err := r.Do(req)
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	if err != nil {
		r.failed = append(r.failed, fmt.Sprintf("POST %d at %s: %v", i, name, err))
		return false
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		r.failed = append(r.failed, fmt.Sprintf("POST %d at %s: %s", i, name, text))
		return false
	}
	r.stored++
	return false
}

// roll restarts all nodes with changed settings, one after the other.
func (r *rollout) roll(change func(*node.Config)) {
	r.t.Helper()
	r.change = change
	for _, name := range r.nodes {
		if err := r.c.Stop(name, 25*time.Second); err != nil {
			r.t.Error(err)
		}
		r.c.Start(name)
		if err := r.c.WaitReady(time.Minute, name); err != nil {
			r.t.Fatal(err)
		}
	}
	time.Sleep(10 * time.Second)
}

// figure returns the values of a metric, by node.
func (r *rollout) figure(metric string) map[string]float64 {
	values := map[string]float64{}
	for _, name := range r.nodes {
		values[name] = r.value(name, metric)
	}
	return values
}

// all waits until a metric has a value at every node.
func (r *rollout) all(metric string, want float64) {
	r.t.Helper()
	for range 600 {
		equal := true
		for _, v := range r.figure(metric) {
			equal = equal && v == want
		}
		if equal {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.t.Fatalf("%s = %v, want %v at every node", metric, r.figure(metric), want)
}

// value returns a metric of a node; -1: it has none.
func (r *rollout) value(name, metric string) float64 {
	res, err := r.Get("http://" + at(r.c.Addr(name), HTTPPort) + "/metrics")
	if err != nil {
		return -1
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	for line := range strings.Lines(string(text)) {
		if figure, ok := strings.CutPrefix(line, metric+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(figure), 64)
			if err != nil {
				r.t.Error(err)
			}
			return v
		}
	}
	return -1
}

// settle ends the load, and checks that no POST failed and that all totals are exact.
func (r *rollout) settle() {
	r.t.Helper()
	r.stop()
	if len(r.failed) > 0 {
		r.t.Errorf("%d POSTs failed, the first ones: %.600q", len(r.failed), r.failed)
	}
	if r.stored < 500 {
		r.t.Errorf("%d POSTs were stored: the test shows nothing", r.stored)
	}
	for _, name := range r.nodes {
		sum := 0
		for hour := 100; hour < 105; hour++ {
			sum += r.total(name, hour)
		}
		if sum != r.stored {
			r.t.Errorf("the totals at %s are %d, want the %d POSTs that were stored", name, sum, r.stored)
		}
	}
}

// total returns the bytes of an hour, read completely at a node.
func (r *rollout) total(name string, hour int) int {
	r.t.Helper()
	res, err := r.Get(fmt.Sprintf("http://%s/flows?hour=%d&require=complete", at(r.c.Addr(name), HTTPPort), hour))
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	var records []struct {
		Bytes int `json:"bytes_tx"`
	}
	text, _ := io.ReadAll(res.Body)
	if err := json.Unmarshal(text, &records); err != nil || len(records) != 1 {
		r.t.Fatalf("hour %d at %s: %v in %.200s", hour, name, err, text)
	}
	return records[0].Bytes
}

// keysFile is a file of gossip keys.
type keysFile struct {
	t    *testing.T
	path string
}

func (f keysFile) write(keys string) {
	f.t.Helper()
	var text bytes.Buffer
	for _, k := range []byte(keys) {
		fmt.Fprintln(&text, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{k}, 32)))
	}
	if err := os.WriteFile(f.path, text.Bytes(), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// id is the ID of the keys.
func (f keysFile) id(keys string) float64 {
	var all keyring.Keys
	for _, k := range []byte(keys) {
		all = append(all, bytes.Repeat([]byte{k}, 32))
	}
	return float64(all.ID())
}

// Gossip keys are switched on in three rolling restarts and rotated in three edits of one file, each confirmed by a
// metric that is equal on all nodes. No POST fails, and the totals are exact (P1, P2, P17).
func TestGossipKeysAreSwitchedOnAndRotatedUnderLoad(t *testing.T) {
	file := keysFile{t, filepath.Join(t.TempDir(), "keys")}
	file.write("k")
	racetest.Bubble(t, func(t *testing.T) {
		r := newRollout(t, func(*node.Config) {})
		r.all("flowring_gossip_keys_id", 0)
		for _, verify := range []keyring.Verify{keyring.Accept, keyring.Send, keyring.Require} {
			r.roll(func(cfg *node.Config) { cfg.GossipKeysFile, cfg.GossipVerify = file.path, verify })
			r.all("flowring_gossip_keys_id", file.id("k"))
			r.all("flowring_members_alive", 3)
		}
		if err := os.WriteFile(file.path, []byte("no key\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r.all("flowring_files_broken", 1)
		r.all("flowring_gossip_keys_id", file.id("k"))
		for _, keys := range []string{"kl", "lk", "l"} {
			file.write(keys)
			r.all("flowring_gossip_keys_id", file.id(keys))
			r.all("flowring_files_broken", 0)
			time.Sleep(30 * time.Second)
			r.all("flowring_members_alive", 3)
		}
		r.settle()
	})
}

// certificates are the files of peer TLS of each node.
type certificates struct {
	t      *testing.T
	folder string
}

// file returns the name of a file of a node.
func (f certificates) file(node, name string) string { return filepath.Join(f.folder, node, name) }

// issue writes a new certificate for each node, signed by an authority.
func (f certificates) issue(ca *certtest.Authority, nodes ...string) {
	f.t.Helper()
	for _, name := range nodes {
		if err := os.MkdirAll(filepath.Join(f.folder, name), 0o700); err != nil {
			f.t.Fatal(err)
		}
		ca.Issue(certtest.Names{DNS: []string{name + ".flowring.example"}}).Write(f.t, filepath.Join(f.folder, name))
	}
}

// trust writes the file of authorities of each node.
func (f certificates) trust(nodes []string, authorities ...*certtest.Authority) {
	f.t.Helper()
	var text []byte
	for _, ca := range authorities {
		text = append(text, ca.PEM...)
	}
	for _, name := range nodes {
		certtest.Write(f.t, filepath.Join(f.folder, name), "ca.crt", text)
	}
}

// use returns the change of settings that makes a node use its files.
func (f certificates) use(mode mtls.Mode) func(*node.Config) {
	return func(cfg *node.Config) {
		cfg.PeerTLSCert, cfg.PeerTLSKey = f.file(cfg.Name, "tls.crt"), f.file(cfg.Name, "tls.key")
		cfg.PeerTLSCA, cfg.PeerTLSMode = f.file(cfg.Name, "ca.crt"), mode
	}
}

// Peer TLS is switched on in two rolling restarts; then every certificate is replaced, and the authority by a file with
// two of them. No POST fails, and the totals are exact (P1, P2, P17).
func TestPeerTLSIsSwitchedOnAndRotatedUnderLoad(t *testing.T) {
	old, next := certtest.New(t, "old"), certtest.New(t, "next")
	nodes := []string{"a", "b", "c"}
	files := certificates{t: t, folder: t.TempDir()}
	files.issue(old, nodes...)
	files.trust(nodes, old)
	racetest.Bubble(t, func(t *testing.T) {
		r := newRollout(t, func(*node.Config) {})
		r.all("flowring_peer_tls_unverified_members", 2)
		r.roll(files.use(mtls.Permissive))
		r.all("flowring_peer_tls_unverified_members", 0)
		plain := r.figure("flowring_peer_tls_plain_total")
		time.Sleep(time.Minute)
		if after := r.figure("flowring_peer_tls_plain_total"); !maps.Equal(plain, after) {
			t.Errorf("plain connections went on: %v, then %v", plain, after)
		}
		r.roll(files.use(mtls.Required))
		r.all("flowring_peer_tls_unverified_members", 0)
		r.all("flowring_peer_tls_plain_total", 0)

		files.issue(old, nodes...)
		r.all("flowring_files_reloaded_total", 1)
		time.Sleep(10 * time.Second)
		files.trust(nodes, old, next)
		r.all("flowring_files_reloaded_total", 2)
		time.Sleep(10 * time.Second)
		for _, name := range nodes { // one node after the other
			files.issue(next, name)
			time.Sleep(10 * time.Second)
		}
		r.all("flowring_files_reloaded_total", 3)
		files.trust(nodes, next)
		r.all("flowring_files_reloaded_total", 4)
		time.Sleep(10 * time.Second)
		r.all("flowring_peer_tls_unverified_members", 0)
		r.all("flowring_peer_tls_refused_total", 0)
		r.all("flowring_files_failed_total", 0)
		r.settle()
	})
}
