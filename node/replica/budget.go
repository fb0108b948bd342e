package replica

import "sync"

// budget bounds extra work to a share of the regular work: each regular piece earns a fraction, each extra piece costs one.
type budget struct {
	mu    sync.Mutex
	share float64
	most  float64
	left  float64
}

func newBudget(share, most float64) *budget { return &budget{share: share, most: most, left: most} }

func (b *budget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.most, b.left+b.share)
}

func (b *budget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
