package pace

import "sync"

// Budget bounds extra work by a share of the regular work: each regular piece earns the share, each extra piece costs
// 1.
type Budget struct {
	mu    sync.Mutex
	share float64
	most  float64
	left  float64
}

// NewBudget returns a full budget: it has most, and never holds more.
func NewBudget(share, most float64) *Budget { return &Budget{share: share, most: most, left: most} }

// Earn counts a regular piece of work.
func (b *Budget) Earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.most, b.left+b.share)
}

// Spend reports whether an extra piece of work may begin, and counts it.
func (b *Budget) Spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
