package merge

// sink restores a binary heap after its element at i has become later in the order. before reports whether the element
// of one index comes before that of another, and so belongs above it.
func sink[T any](heap []T, i int, before func(i, k int) bool) {
	for {
		first := i
		for _, child := range [...]int{2*i + 1, 2*i + 2} {
			if child < len(heap) && before(child, first) {
				first = child
			}
		}
		if first == i {
			return
		}
		heap[i], heap[first] = heap[first], heap[i]
		i = first
	}
}
