package room

import "math/bits"

// Kept is the number of bytes of one kind of memory that a Room keeps for the next call.
const Kept = 256 << 10

// Room is the memory of parsed batches. The zero value is empty.
type Room struct {
	names   []string
	indices []uint32
	sums    []int64
	slots   []uint32
}

// Reset ends the use of all that the Room has given out.
func (r *Room) Reset() {
	clear(r.names) // names share the memory of the call
	r.names, r.indices, r.sums = kept(r.names, 16), kept(r.indices, 4), kept(r.sums, 8)
	r.slots = kept(r.slots, 4)
}

// kept returns a buffer without content, if it is small enough for the next call.
func kept[T any](buf []T, size int) []T {
	if cap(buf)*size > Kept {
		return nil
	}
	return buf[:0]
}

// Names returns room for n names.
func (r *Room) Names(n int) []string {
	if r == nil {
		return make([]string, n)
	}
	return take(&r.names, n)
}

// Indices returns room for n indices, with any content.
func (r *Room) Indices(n int) []uint32 {
	if r == nil {
		return make([]uint32, n)
	}
	return take(&r.indices, n)
}

// Sums returns room for n sums, with any content.
func (r *Room) Sums(n int) []int64 {
	if r == nil {
		return make([]int64, n)
	}
	return take(&r.sums, n)
}

// take takes n elements from the rest of a buffer, or from a larger one. Batches that have elements of the former
// buffer keep it alive.
func take[T any](buf *[]T, n int) []T {
	if cap(*buf)-len(*buf) < n {
		*buf = make([]T, 0, max(n, 2*cap(*buf)))
	}
	begin := len(*buf)
	*buf = (*buf)[:begin+n]
	return (*buf)[begin : begin+n : begin+n]
}

// AllDistinct reports whether no two of n elements are the same. Its hash table is like that of scan.Table, and the
// next call uses it again.
func (r *Room) AllDistinct(n int, hash func(i int) uint64, same func(i, k int) bool) bool {
	var slots []uint32
	if size := 1 << bits.Len(uint(2*n)); r != nil && size <= cap(r.slots) {
		slots = r.slots[:size]
		clear(slots)
	} else {
		slots = make([]uint32, size)
		if r != nil {
			r.slots = slots
		}
	}
	for i := range n {
		at := hash(i)
		for ; slots[at&uint64(len(slots)-1)] != 0; at++ {
			if same(i, int(slots[at&uint64(len(slots)-1)])-1) {
				return false
			}
		}
		slots[at&uint64(len(slots)-1)] = uint32(i) + 1
	}
	return true
}
