package roster

import (
	"slices"
	"strings"

	"flowring/internal/contract"
)

// Label returns the name of a store in messages. It is the name of the node, followed by the beginning of the store's
// ID if the roster has another store of the node, for example because its disk was replaced.
func (r Roster) Label(s Store) string {
	for _, other := range r.stores {
		if other.Name == s.Name && other.ID != s.ID && !other.Forgotten {
			return contract.StoreLabel(s.Name, string(s.ID))
		}
	}
	return s.Name
}

// Labels returns the labels of stores, sorted, each once.
func (r Roster) Labels(stores []Store) []string {
	var all []string
	for _, s := range stores {
		all = append(all, r.Label(s))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// LeavingNote returns the end of a sentence with the names of the nodes whose stores are leaving, because their acks do
// not count. It is empty if there are none.
func (r Roster) LeavingNote() string {
	var names []string
	for _, s := range r.Stores() {
		if s.Leaving {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	switch len(names) {
	case 0:
		return ""
	case 1:
		return "; the store of " + names[0] + " is leaving"
	}
	return "; the stores of " + strings.Join(names, ", ") + " are leaving"
}
