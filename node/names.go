package node

import "fmt"

// keepNames returns the configuration with the names that the data folder knows. A folder that has a cluster's name keeps it, whatever the
// setting says, so that a new setting does not take a node away from its cluster; RenameCluster changes it. An established store of a
// folder without one, of an earlier version, takes the setting.
func keepNames(cfg Config, m *membership) (Config, error) {
	cfg.Name = m.name
	value, err := m.journal.State(stateCluster)
	if err != nil {
		return cfg, fmt.Errorf("load the cluster's name: %w", err)
	}
	switch kept := string(value); {
	case kept == "" && m.Self().Established, kept != "" && kept != cfg.Cluster && cfg.RenameCluster:
		m.log.Info("cluster named", "name", cfg.Cluster, "before", kept)
		return cfg, m.keepClusterName(cfg.Cluster)
	case kept != "" && kept != cfg.Cluster:
		m.log.Warn("the data folder keeps its cluster name", "name", kept, "setting", cfg.Cluster)
		cfg.Cluster = kept
	}
	return cfg, nil
}

// keepClusterName writes the cluster's name to the data folder.
func (m *membership) keepClusterName(name string) error {
	if err := m.journal.SetState(stateCluster, []byte(name)); err != nil {
		return fmt.Errorf("keep the cluster's name: %w", err)
	}
	return nil
}
