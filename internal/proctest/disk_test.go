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

// TestFullDisk fills the small disk of the only node. No write may be acknowledged that is not there when the node has been given
// space and started again; those that were not acknowledged count once after a retry with their key (P13, P3, P2).
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

// TestOneFullDiskOfThree: the others go on, and the full one catches up when it has space (P13, P6).
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
	f.retry() // those that the full disk met on their way
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

// mustNotStart runs a node that is to give up soon, for the reason given in its last line.
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

// giveSpace makes a disk larger that must have been full.
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

// retry makes the requests that failed until each is acknowledged.
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

// post makes one request, and wants it to be acknowledged, or refused for now, or the node to be gone.
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

// ballast are flows that fill the disk, in hours that the ledger does not have.
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
