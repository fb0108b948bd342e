package membership

import (
	"fmt"
	"strconv"
	"sync"
)

const keyQuorum = "quorum" // proven quorum, in decimal

// Quorum keeps the proven quorum in the data folder: each acknowledged batch of the cluster is on so many stores at
// least. It is W as long as W never changes. It falls with W, and rises only after a proof, because a batch of a smaller
// W is on fewer stores (decision 0021). A Quorum is safe for concurrent use.
type Quorum struct {
	journal Journal
	write   int // W

	mu      sync.Mutex
	kept    int  // proven quorum in the folder; above W until Lower
	assumed bool // the store is new, and no established store told it the proven quorum
	proved  bool // this process proved W, so the word of another store cannot lower it
}

// OpenQuorum loads the proven quorum, and refuses a W of more than one above it. It must be called before Open. A store
// on an empty disk counts as one below W until it hears of the others. The folder of an earlier program counts as one
// that always had W.
func OpenQuorum(journal Journal, write int, unguarded bool) (*Quorum, error) {
	q := &Quorum{journal: journal, write: write, kept: write}
	value, err := journal.State(keyQuorum)
	if err != nil {
		return nil, fmt.Errorf("load the proven quorum: %w", err)
	}
	if value == nil {
		identity, err := journal.State(keyIdentity)
		if err != nil {
			return nil, fmt.Errorf("load identity: %w", err)
		}
		if q.assumed = identity == nil; q.assumed {
			q.kept = max(write-1, 1)
		}
		return q, q.keep(q.kept)
	}
	if q.kept, err = strconv.Atoi(string(value)); err != nil || q.kept < 1 {
		return nil, fmt.Errorf("load the proven quorum: %q is no number of stores", value)
	}
	if write > q.kept+1 && !unguarded {
		return nil, fmt.Errorf("the write quorum is %d, and batches in this cluster may be on %d stores only: start all nodes"+
			" with a write quorum of %d, wait until flowring_write_quorum_proven is %d on all of them, and raise it by one"+
			" again", write, q.kept, q.kept+1, q.kept+1)
	}
	return q, nil
}

// keep makes a proven quorum durable. The caller holds mu, or has not published q yet.
func (q *Quorum) keep(proven int) error {
	if err := q.journal.SetState(keyQuorum, []byte(strconv.Itoa(proven))); err != nil {
		return fmt.Errorf("save the proven quorum: %w", err)
	}
	q.kept = proven
	return nil
}

// Proven returns the proven quorum, W at most.
func (q *Quorum) Proven() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return min(q.kept, q.write)
}

// Lowered reports whether the folder has at most W. Until then the store must acknowledge nothing.
func (q *Quorum) Lowered() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.kept <= q.write
}

// Lower keeps a W below the proven quorum. It is not called before the node is ready: the value of a node with a wrong
// setting, which the others refuse, must not change.
func (q *Quorum) Lower() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.kept <= q.write {
		return nil
	}
	return q.keep(q.write)
}

// Prove keeps W as proven: the cluster is new, or each batch is on W stores.
func (q *Quorum) Prove() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.proved = true
	if q.kept == q.write {
		return nil
	}
	return q.keep(q.write)
}

// Hear takes over the lowest proven quorum that established stores told in one round: a new store has it from them, and
// an older store may have been away while W was lower. 0 says nothing.
func (q *Quorum) Hear(lowest int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	lowest = min(lowest, q.write)
	if lowest < 1 || q.proved {
		return nil
	}
	known := q.assumed && lowest > q.kept
	q.assumed = false
	if known || lowest < q.kept {
		return q.keep(lowest)
	}
	return nil
}
