package table

import (
	"math"
	"strings"
	"sync"
)

// names numbers the names of a slice, from 0 in order of arrival. A name keeps its number.
type names struct {
	mu    sync.RWMutex
	ids   map[string]uint32 // list[ids[name]] == name
	list  []string
	bytes int // the sum of the lengths of the names
}

// unknown is the number of a name without a number.
const unknown = math.MaxUint32

// find returns the number of each name, unknown for a name without one, and whether any number is unknown.
func (n *names) find(wanted []string) (ids []uint32, missing bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	ids = make([]uint32, len(wanted))
	for i, name := range wanted {
		id, ok := n.ids[name]
		if !ok {
			id, missing = unknown, true
		}
		ids[i] = id
	}
	return ids, missing
}

// intern returns the number of each name, and numbers new names. Most batches bring no new name and only share the
// lock.
func (n *names) intern(wanted []string) []uint32 {
	ids, missing := n.find(wanted)
	if !missing {
		return ids
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, id := range ids {
		if id == unknown {
			ids[i] = n.add(wanted[i])
		}
	}
	return ids
}

// add numbers name unless another batch has numbered it meanwhile. It keeps a copy, because the names of a batch
// share one string, which would stay in memory as a whole.
func (n *names) add(name string) uint32 {
	if id, ok := n.ids[name]; ok {
		return id
	}
	if n.ids == nil {
		n.ids = make(map[string]uint32)
	}
	id := uint32(len(n.list))
	name = strings.Clone(name)
	n.ids[name] = id
	n.list = append(n.list, name)
	n.bytes += len(name)
	return id
}

// all returns the names by number. The list may grow beyond the end of the returned slice; its elements do not change.
func (n *names) all() []string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.list[:len(n.list):len(n.list)]
}

func (n *names) count() int {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.list)
}

// size estimates the memory of the names in bytes.
func (n *names) size() int64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return int64(n.bytes) + nameCost*int64(len(n.list))
}

// nameCost is the size of a string header in the list and of one with a number in the map, with the unused capacity
// of both.
const nameCost = 60
