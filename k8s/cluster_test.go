package k8s_test

import (
	"cmp"
	"fmt"
	"slices"
)

// clusterChecks hold the set of nodes against the promises.
func clusterChecks() []check {
	return []check{
		{"new nodes start together and wait for all of them", nodesMeet, map[string]func(*manifests){
			"one after another":         func(m *manifests) { m.Nodes.Spec.PodManagementPolicy = "OrderedReady" },
			"a start with some missing": func(m *manifests) { m.set("FLOWRING_BOOTSTRAP_EXPECT", "2") },
			"a wait for one too many":   func(m *manifests) { m.set("FLOWRING_BOOTSTRAP_EXPECT", "9") },
		}},
		{"there are as many nodes as copies and as a write needs", enoughNodes, map[string]func(*manifests){
			"fewer nodes than copies": func(m *manifests) { m.set("FLOWRING_REPLICATION_FACTOR", "4") },
			"fewer nodes than a write quorum": func(m *manifests) {
				m.container().Env = append(m.container().Env, variable{Name: "FLOWRING_WRITE_QUORUM", Value: "4"})
			},
			"no nodes": func(m *manifests) { m.Nodes.Spec.Replicas = 0 },
		}},
		{"an eviction leaves a write quorum where there are copies", evictionLeavesQuorum, map[string]func(*manifests){
			"two nodes of three evicted": func(m *manifests) { threeNodes(m); m.Budget.Spec.MaxUnavailable = 2 },
			"every copy needed by a write": func(m *manifests) {
				threeNodes(m)
				m.container().Env = append(m.container().Env, variable{Name: "FLOWRING_WRITE_QUORUM", Value: "3"})
			},
			"no eviction ever": func(m *manifests) { m.Budget.Spec.MaxUnavailable = 0 },
		}},
		{"an update restarts one node at a time and gives each time to return", updatesInTurn, map[string]func(*manifests){
			"all deleted by hand":  func(m *manifests) { m.Nodes.Spec.UpdateStrategy.Type = "OnDelete" },
			"no time in between":   func(m *manifests) { m.Nodes.Spec.MinReadySeconds = 0 },
			"less time than in P8": func(m *manifests) { m.Nodes.Spec.MinReadySeconds = 5 },
		}},
		{"copies are spread over machines and zones", copiesAreSpread, map[string]func(*manifests){
			"no preference":  func(m *manifests) { m.pod().TopologySpread = nil },
			"machines alone": func(m *manifests) { m.pod().TopologySpread = m.pod().TopologySpread[:1] },
			"others' pods": func(m *manifests) {
				m.pod().TopologySpread[0].LabelSelector.MatchLabels["app.kubernetes.io/name"] = "x"
			},
			"pods by the two": func(m *manifests) { m.pod().TopologySpread[0].MaxSkew = 2 },
			"a small cluster shut out": func(m *manifests) {
				m.pod().TopologySpread[0].WhenUnsatisfiable = "DoNotSchedule"
			},
		}},
	}
}

func threeNodes(m *manifests) {
	m.Nodes.Spec.Replicas = 3
	m.set("FLOWRING_REPLICATION_FACTOR", "3")
}

func nodesMeet(m *manifests) error {
	cfg, err := settings(m)
	return cmp.Or(err,
		differ("podManagementPolicy", m.Nodes.Spec.PodManagementPolicy, "Parallel"),
		differ("nodes expected", cfg.BootstrapExpect, m.Nodes.Spec.Replicas),
	)
}

func enoughNodes(m *manifests) error {
	cfg, err := settings(m)
	if err != nil {
		return err
	}
	if need := max(cfg.ReplicationFactor, cfg.WriteQuorum); m.Nodes.Spec.Replicas < need {
		return fmt.Errorf("%d nodes, want at least %d", m.Nodes.Spec.Replicas, need)
	}
	return nil
}

func evictionLeavesQuorum(m *manifests) error {
	cfg, err := settings(m)
	if err != nil {
		return err
	}
	away := m.Budget.Spec.MaxUnavailable
	if away < 1 {
		return fmt.Errorf("maxUnavailable = %d: no machine could ever be emptied", away)
	}
	if left := cfg.ReplicationFactor - away; cfg.ReplicationFactor > 1 && left < cfg.WriteQuorum {
		return fmt.Errorf("evictions leave %d copies, want a write quorum of %d", left, cfg.WriteQuorum)
	}
	return nil
}

func updatesInTurn(m *manifests) error {
	if s := m.Nodes.Spec.MinReadySeconds; s < 10 {
		return fmt.Errorf("minReadySeconds = %d, want at least 10 (P8)", s)
	}
	return differ("update strategy", m.Nodes.Spec.UpdateStrategy.Type, "RollingUpdate")
}

func copiesAreSpread(m *manifests) error {
	var keys []string
	for _, c := range m.pod().TopologySpread {
		err := cmp.Or(
			differ("maxSkew", c.MaxSkew, 1),
			differ("whenUnsatisfiable", c.WhenUnsatisfiable, "ScheduleAnyway"),
			selects(c.TopologyKey, c.LabelSelector.MatchLabels, m.labels()),
		)
		if err != nil {
			return err
		}
		keys = append(keys, c.TopologyKey)
	}
	if want := []string{"kubernetes.io/hostname", "topology.kubernetes.io/zone"}; !slices.Equal(keys, want) {
		return fmt.Errorf("spread over %v, want %v", keys, want)
	}
	return nil
}
