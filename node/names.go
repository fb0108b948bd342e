package node

import "fmt"

// keepNames returns the configuration with the names that the data folder knows. A folder that has a cluster's name keeps it, whatever the
// setting says, so that a new setting does not take a node away from its cluster; RenameCluster changes it. A folder
// without one takes the setting for this start; confirmName decides whether it keeps it.
func keepNames(cfg Config, m *membership) (Config, error) {
	cfg.Name = m.name
	value, err := m.journal.State(stateCluster)
	if err != nil {
		return cfg, fmt.Errorf("load the cluster's name: %w", err)
	}
	kept := string(value)
	m.named = kept != ""
	switch {
	case kept != "" && kept != cfg.Cluster && cfg.RenameCluster:
		m.log.Info("cluster named", "name", cfg.Cluster, "before", kept)
		return cfg, m.keepClusterName(cfg.Cluster)
	case kept != "" && kept != cfg.Cluster:
		m.log.Warn("the data folder keeps its cluster name", "name", kept, "setting", cfg.Cluster)
		cfg.Cluster = kept
	}
	return cfg, nil
}

// confirmName writes the cluster's name to the folder of an earlier version once the name is known to be right: an established store
// answered under it, or the roster has no other store. A wrong setting, under which no node answers, can therefore be corrected.
func (m *membership) confirmName(name string, heard answers) error {
	if m.named || !m.Self().Established {
		return nil
	}
	right := len(m.Roster().Stores()) == 1
	for id, said := range heard {
		_, known := m.Roster().Get(id)
		right = right || known && said.Store.Established
	}
	if !right {
		return nil
	}
	m.log.Info("cluster named", "name", name, "before", "")
	return m.keepClusterName(name)
}

// keepClusterName writes the cluster's name to the data folder.
func (m *membership) keepClusterName(name string) error {
	if err := m.journal.SetState(stateCluster, []byte(name)); err != nil {
		return fmt.Errorf("keep the cluster's name: %w", err)
	}
	m.named = true
	return nil
}
