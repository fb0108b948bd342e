//go:build linux

package proctest

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"flowring/flow"
	"flowring/internal/ledger"
)

// TestFullDisk fills the small disk of the only node. After the disk has grown and the node has restarted, every
// acknowledged write is there, and the other writes count once after a retry with their keys (P13, P3, P2).
func TestFullDisk(t *testing.T) {
	t.Parallel()
	mounts := newSpace(t, "mnt")
	c := newCluster(t, 1, 1)
	p := c.nodes[0]
	p.in = mounts.enter()
	mounts.must("mount -t tmpfs -o size=6m none " + p.data)
	c.start()
	f := &filler{c: c, p: p, book: newBook(firstHour)}
	f.fill(100)
	if len(f.failed) == 0 || f.acked == 0 {
		t.Fatalf("%d writes were acknowledged, %d failed: the disk was to fill up on the way", f.acked, len(f.failed))
	}
	t.Logf("%d writes were acknowledged before the disk was full, %d failed", f.acked, len(f.failed))
	if _, err := p.wait(5 * time.Second); err != nil {
		t.Logf("%s goes on with a full disk", p)
		p.kill()
	}
	mustNotStart(t, p, "no room on the disk")
	giveSpace(t, mounts, p)
	c.restart(p)
	f.check("after the restart")
	f.retry()
	f.check("after the retries")
}

// TestOneFullDiskOfThree fills one disk of three: the other nodes go on, and the full node catches up once its disk has
// space (P13, P6).
func TestOneFullDiskOfThree(t *testing.T) {
	t.Parallel()
	mounts := newSpace(t, "mnt")
	c := newCluster(t, 3, 3)
	full := c.nodes[2]
	full.in = mounts.enter()
	mounts.must("mount -t tmpfs -o size=6m none " + full.data)
	c.start()
	f := &filler{c: c, p: c.nodes[0], book: newBook(firstHour)}
	f.fill(100)
	f.retry() // requests that the full disk interrupted
	if _, err := full.wait(5 * time.Second); err != nil {
		t.Logf("%s goes on with a full disk", full)
		full.kill()
	}
	f.check("on the others")
	giveSpace(t, mounts, full)
	c.restart(full)
	f.p = full
	f.check("on the node that was full")
	c.sameStores(c.nodes...)
}

// mustNotStart fails the test unless the start of a node fails with the reason in its last line.
func mustNotStart(t *testing.T, p *process, why string) {
	t.Helper()
	p.start()
	status, err := p.wait(patience)
	if err != nil {
		p.kill()
		t.Fatal(err)
	}
	text, _ := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	last := lines[len(lines)-1]
	if code := exitCode(status); code != 1 || !strings.HasPrefix(last, "flowring: serve: ") || !strings.Contains(last, why) {
		t.Errorf("%s ended with code %d, and %q, want 1 and %q", p, code, last, why)
	}
}

// giveSpace makes a full disk larger.
func giveSpace(t *testing.T, mounts *space, p *process) {
	t.Helper()
	if free := mounts.free(p.data); free > 256<<10 {
		t.Errorf("the disk of %s has %d bytes free: it was to be full", p, free)
	}
	mounts.must("mount -o remount,size=256m " + p.data)
}

// filler writes large requests to one node, one after the other.
type filler struct {
	c      *cluster
	p      *process
	book   book
	acked  int
	failed []*ledger.Batch
}

// fill makes requests of about 300 kB.
func (f *filler) fill(requests int) {
	for i := range requests {
		b := f.book.enter(fmt.Sprintf("b%d-%s", i, strings.Repeat("x", 100)))
		if f.post(b) {
			f.acked++
		} else {
			f.failed = append(f.failed, b)
		}
	}
}

// retry repeats the failed requests until each is acknowledged.
func (f *filler) retry() {
	f.c.t.Helper()
	for _, b := range f.failed {
		f.c.eventually(func() error {
			if !f.post(b) {
				return fmt.Errorf("%s is not acknowledged", b.Name[:5])
			}
			return nil
		})
	}
	f.failed = nil
}

// post makes one request. It fails the test for a 4xx: a 200, a 5xx and a lost connection are expected.
func (f *filler) post(b *ledger.Batch) bool {
	f.c.t.Helper()
	body, _ := json.Marshal(append(b.Records(), ballast(b)...))
	a, err := f.c.ask(http.MethodPost, f.p.url()+"/flows", http.Header{"Idempotency-Key": {b.Name}}, body)
	switch {
	case err != nil:
		return false
	case a.status == http.StatusOK:
		f.book.Acknowledge(b)
		return true
	case a.status < 500:
		f.c.t.Errorf("answer on a full disk = %d %s, want 200 or 5xx", a.status, a.body)
	}
	return false
}

// ballast returns flows that fill the disk, in hours without an entry in the ledger.
func ballast(b *ledger.Batch) []flow.Record {
	var all []flow.Record
	for i := range 1000 {
		key := flow.Key{SrcApp: fmt.Sprintf("%s-%d-%d", b.Name, b.Weight, i), DestApp: "ballast", VPCID: "vpc-0"}
		all = append(all, flow.Record{Key: key, Totals: flow.Totals{BytesTx: 1, BytesRx: 1}, Hour: flow.Hour(-1 - b.Weight)})
	}
	return all
}

// check reads every hour at the node.
func (f *filler) check(when string) {
	f.c.t.Helper()
	for _, hour := range f.book.Hours() {
		document := f.c.completeDocument(f.p, hour)
		if err := f.book.judge(hour, f.book.Owed(hour), document); err != nil {
			f.c.t.Errorf("%s: %v", when, err)
		}
	}
}
