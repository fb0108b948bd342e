package membership

import (
	"errors"

	"flowring/internal/compat"
	"flowring/ring/roster"
)

// ErrQuorumChanged is the error of SetQuorum after another change of the proven quorum.
var ErrQuorumChanged = errors.New("the proven quorum has changed meanwhile")

// SetQuorum replaces the proven quorum before, durably. Before its version is on it changes nothing.
func (s *State) SetQuorum(before roster.Quorum, stores int) error {
	return s.change(func(r roster.Roster) (roster.Roster, error) {
		switch {
		case !compat.Proven.On(r.Version()):
			return r, nil
		case r.Quorum() != before:
			return r, ErrQuorumChanged
		}
		return r.WithQuorum(stores), nil
	})
}
