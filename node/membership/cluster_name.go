package membership

import (
	"fmt"

	"flowring/ring/roster"
)

// UseClusterName returns the name of the cluster for this start. A data folder with a name keeps it whatever the
// setting is, so a new setting does not take a node out of its cluster. With rename the folder takes the name of the
// setting. A folder without a name uses the setting for this start, and ConfirmClusterName decides later whether the
// folder keeps it.
func (s *State) UseClusterName(setting string, rename bool) (string, error) {
	value, err := s.deps.Journal.State(keyCluster)
	if err != nil {
		return "", fmt.Errorf("load the cluster's name: %w", err)
	}
	kept := string(value)
	s.named = kept != ""
	switch {
	case kept == "" || kept == setting:
		return setting, nil
	case rename:
		s.deps.Log.Info("cluster named", "name", setting, "before", kept)
		return setting, s.SaveClusterName(setting)
	}
	s.deps.Log.Warn("the data folder keeps its cluster name", "name", kept, "setting", setting)
	return kept, nil
}

// ConfirmClusterName writes the cluster's name to the data folder of an earlier version once the name is confirmed: an
// established store of the roster answered under it, or the roster has no other store. No node answers under a wrong
// name, so a wrong setting can be corrected.
func (s *State) ConfirmClusterName(name string, answered []roster.Store) error {
	if s.named || !s.Self().Established {
		return nil
	}
	right := len(s.Roster().Stores()) == 1
	for _, store := range answered {
		_, known := s.Roster().Get(store.ID)
		right = right || known && store.Established
	}
	if !right {
		return nil
	}
	s.deps.Log.Info("cluster named", "name", name, "before", "")
	return s.SaveClusterName(name)
}

// SaveClusterName writes the cluster's name to the data folder.
func (s *State) SaveClusterName(name string) error {
	if err := s.deps.Journal.SetState(keyCluster, []byte(name)); err != nil {
		return fmt.Errorf("keep the cluster's name: %w", err)
	}
	s.named = true
	return nil
}
