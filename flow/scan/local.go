package scan

// LocalNames replaces indices into a shared table of names by indices into the names of one batch. It serves one
// goroutine.
type LocalNames struct {
	global []string
	local  []uint32 // by global index: the index in the batch plus 1, or 0; all 0 between batches
	used   []uint32 // the global indices of the names of the batch, in order of first appearance
	names  []string // of the latest batch; those of the next one stand behind them if there is room
}

// mostNames is the largest number of names for which Localize allocates memory before batches need it.
const mostNames = 1024

// NewLocalNames returns the LocalNames of a table, which must not change.
func NewLocalNames(global []string) *LocalNames {
	return &LocalNames{global: global, local: make([]uint32, len(global))}
}

// Localize replaces the indices of a batch in its columns, and returns its names, in order of first appearance: source,
// destination, VPC, row by row. The names of several batches share memory.
func (l *LocalNames) Localize(src, dest, vpc []uint32) []string {
	for i := range src {
		src[i] = l.index(src[i])
		dest[i] = l.index(dest[i])
		vpc[i] = l.index(vpc[i])
	}
	if l.names = l.names[len(l.names):]; cap(l.names) < len(l.used) {
		l.names = make([]string, 0, max(len(l.used), min(len(l.global), mostNames)))
	}
	for _, global := range l.used {
		l.names = append(l.names, l.global[global])
		l.local[global] = 0
	}
	l.used = l.used[:0]
	return l.names[:len(l.names):len(l.names)]
}

func (l *LocalNames) index(global uint32) uint32 {
	if l.local[global] == 0 {
		l.used = append(l.used, global)
		l.local[global] = uint32(len(l.used))
	}
	return l.local[global] - 1
}
