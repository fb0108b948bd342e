package views

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"flowring/router"
)

// Views are the views of the running nodes by name.
type Views map[string]router.MembersView

// Agree returns nil when every node sees all nodes alive, and has the same placement.
func (v Views) Agree() error {
	names := slices.Sorted(maps.Keys(v))
	for _, name := range names {
		if v[name].Ring.Version != v[names[0]].Ring.Version {
			return fmt.Errorf("%s places otherwise than %s", name, names[0])
		}
		alive := map[string]bool{}
		for _, m := range v[name].Members {
			alive[m.Name] = alive[m.Name] || m.State == "alive"
		}
		for _, other := range names {
			if !alive[other] {
				return fmt.Errorf("%s does not see %s", name, other)
			}
		}
	}
	return nil
}

// Picture returns the views in short. ready says why a node is not ready; nil: it is.
func (v Views) Picture(ready func(name string) error) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(v)) {
		fmt.Fprintf(&b, " [%s (%v):", name, ready(name))
		for _, m := range v[name].Members {
			fmt.Fprintf(&b, " %s.%.4s %s", m.Name, m.Store, m.State)
			flags := map[string]bool{"joining": !m.Established, "leaving": m.Leaving, "recovering": m.Recovering}
			for _, flag := range slices.Sorted(maps.Keys(flags)) {
				if flags[flag] {
					b.WriteString(" " + flag)
				}
			}
			b.WriteString(",")
		}
		b.WriteString("]")
	}
	return b.String()
}
