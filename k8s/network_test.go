package k8s_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"flowring/node"
)

// networkChecks hold who can reach what.
func networkChecks() []check {
	other := map[string]string{"app.kubernetes.io/name": "other"}
	return []check{
		{"nodes find each other before they are ready", nodesAreFound, map[string]func(*manifests){
			"ready pods alone":              func(m *manifests) { m.Gossip.Spec.PublishNotReadyAddresses = false },
			"another headless Service":      func(m *manifests) { m.Gossip.Metadata.Name = "gossip" },
			"a StatefulSet without Service": func(m *manifests) { m.Nodes.Spec.ServiceName = "" },
			"one address for all":           func(m *manifests) { m.Gossip.Spec.ClusterIP = "" },
			"nobody to join":                func(m *manifests) { m.set("FLOWRING_JOIN", "") },
			"another installation to join":  func(m *manifests) { m.set("FLOWRING_JOIN", "other-gossip:7946") },
			"the join at another port":      func(m *manifests) { m.set("FLOWRING_JOIN", "flowring-gossip:8081") },
			"no UDP":                        func(m *manifests) { m.Gossip.Spec.Ports[1].Protocol = "" },
			"no peer port":                  func(m *manifests) { m.Gossip.Spec.Ports = m.Gossip.Spec.Ports[:2] },
		}},
		{"clients reach the public port and nothing else", clientsReachHTTP, map[string]func(*manifests){
			"another port":       func(m *manifests) { m.Client.Spec.Ports[0].Port = 8080 },
			"the peer port":      func(m *manifests) { m.Client.Spec.Ports[0].TargetPort = "peer" },
			"nodes not ready":    func(m *manifests) { m.Client.Spec.PublishNotReadyAddresses = true },
			"more than one port": func(m *manifests) { m.Client.Spec.Ports = append(m.Client.Spec.Ports, servicePort{}) },
		}},
		{"every object says to which installation it belongs", objectsAreLabelled, map[string]func(*manifests){
			"a Service without a label": func(m *manifests) { m.Client.Metadata.Labels = nil },
			"a policy without an instance": func(m *manifests) {
				delete(m.Policy.Metadata.Labels, "app.kubernetes.io/instance")
			},
			"a budget without a component": func(m *manifests) {
				delete(m.Budget.Metadata.Labels, "app.kubernetes.io/component")
			},
			"volumes of another instance": func(m *manifests) {
				m.Nodes.Spec.VolumeClaimTemplates[0].Metadata.Labels["app.kubernetes.io/instance"] = "other"
			},
		}},
		{"every selector selects the nodes' pods and no pod of another installation", selectorsSelect, map[string]func(*manifests){
			"a StatefulSet of every instance": func(m *manifests) { everyInstance(m.Nodes.Spec.Selector.MatchLabels) },
			"a gossip of every instance":      func(m *manifests) { everyInstance(m.Gossip.Spec.Selector) },
			"clients of every instance":       func(m *manifests) { everyInstance(m.Client.Spec.Selector) },
			"a budget of every instance":      func(m *manifests) { everyInstance(m.Budget.Spec.Selector.MatchLabels) },
			"a policy of every instance":      func(m *manifests) { everyInstance(m.Policy.Spec.PodSelector.MatchLabels) },
			"a selector of one component": func(m *manifests) {
				m.Gossip.Spec.Selector["app.kubernetes.io/component"] = "node"
			},
			"a StatefulSet of others": func(m *manifests) { m.Nodes.Spec.Selector.MatchLabels = other },
			"a gossip of others":      func(m *manifests) { m.Gossip.Spec.Selector = other },
			"clients of others":       func(m *manifests) { m.Client.Spec.Selector = other },
			"a budget of others":      func(m *manifests) { m.Budget.Spec.Selector.MatchLabels = other },
			"a policy of others":      func(m *manifests) { m.Policy.Spec.PodSelector.MatchLabels = other },
			"a selector of everybody": func(m *manifests) { m.Client.Spec.Selector = nil },
			"pods without labels":     func(m *manifests) { m.Nodes.Spec.Template.Metadata.Labels = nil },
		}},
		{"gossip and the peer port are the nodes' own", policyHolds, map[string]func(*manifests){
			"a policy that is not in force": func(m *manifests) { m.Policy.Spec.PolicyTypes = []string{"Egress"} },
			"the peer port for everybody":   func(m *manifests) { m.Policy.Spec.Ingress[1].From = nil },
			"the peer port in the public rule": func(m *manifests) {
				m.Policy.Spec.Ingress[0].Ports = append(m.Policy.Spec.Ingress[0].Ports, m.Policy.Spec.Ingress[1].Ports...)
			},
			"a public port for nobody": func(m *manifests) { m.Policy.Spec.Ingress[0].Ports[0].Port = 80 },
			"all ports for everybody":  func(m *manifests) { m.Policy.Spec.Ingress[0].Ports = nil },
			"gossip by TCP alone":      func(m *manifests) { m.Policy.Spec.Ingress[1].Ports[1].Protocol = "TCP" },
			"nodes of another application": func(m *manifests) {
				m.Policy.Spec.Ingress[1].From[0].PodSelector.MatchLabels = other
			},
			"nodes of another installation": func(m *manifests) {
				everyInstance(m.Policy.Spec.Ingress[1].From[0].PodSelector.MatchLabels)
			},
		}},
	}
}

func nodesAreFound(m *manifests) error {
	cfg, err := settings(m)
	if err != nil {
		return err
	}
	name, spec := m.Gossip.Metadata.Name, m.Gossip.Spec
	return cmp.Or(
		differ("clusterIP", spec.ClusterIP, "None"),
		differ("publishNotReadyAddresses", spec.PublishNotReadyAddresses, true),
		differ("serviceName", m.Nodes.Spec.ServiceName, name),
		differ("FLOWRING_JOIN", fmt.Sprint(cfg.Join), fmt.Sprintf("[%s:%d]", name, portOf(node.DefaultGossipAddr))),
		differ("ports", fmt.Sprint(openings(spec.Ports)), fmt.Sprint(nodePorts())),
		leadToContainer(m, spec.Ports),
	)
}

// nodePorts are what nodes reach each other at, sorted.
func nodePorts() []string {
	gossip, peer := portOf(node.DefaultGossipAddr), portOf(node.DefaultPeerAddr)
	return []string{fmt.Sprint("TCP/", gossip), fmt.Sprint("TCP/", peer), fmt.Sprint("UDP/", gossip)}
}

func openings(ports []servicePort) []string {
	var all []string
	for _, p := range ports {
		all = append(all, fmt.Sprintf("%s/%d", protocol(p.Protocol), p.Port))
	}
	slices.Sort(all)
	return all
}

// leadToContainer checks that each port of a Service leads to a port of the container, by its name and with its protocol.
func leadToContainer(m *manifests, ports []servicePort) error {
	for _, p := range ports {
		to := m.container().port(p.TargetPort)
		if to.Name == "" || protocol(to.Protocol) != protocol(p.Protocol) {
			return fmt.Errorf("service port %s leads to %q", p.Name, p.TargetPort)
		}
	}
	return nil
}

func clientsReachHTTP(m *manifests) error {
	spec, want := m.Client.Spec, servicePort{Name: "http", Port: 80, TargetPort: "http"}
	if m.scheme() == "HTTPS" {
		want.Name, want.Port = "https", 443
	}
	return cmp.Or(
		differ("client ports", fmt.Sprint(spec.Ports), fmt.Sprint([]servicePort{want})),
		differ("publishNotReadyAddresses", spec.PublishNotReadyAddresses, false),
		leadToContainer(m, spec.Ports),
	)
}

// everyInstance makes a selector select the pods of every installation.
func everyInstance(selector map[string]string) { delete(selector, "app.kubernetes.io/instance") }

func objectsAreLabelled(m *manifests) error {
	all := map[string]map[string]string{
		"pods": m.labels(), "StatefulSet": m.Nodes.Metadata.Labels, "volumes": m.Nodes.Spec.VolumeClaimTemplates[0].Metadata.Labels,
		"ServiceAccount": m.Account.Metadata.Labels, "client Service": m.Client.Metadata.Labels,
		"gossip Service": m.Gossip.Metadata.Labels, "PodDisruptionBudget": m.Budget.Metadata.Labels,
		"NetworkPolicy": m.Policy.Metadata.Labels,
	}
	want := map[string]string{
		"app.kubernetes.io/name": "flowring", "app.kubernetes.io/instance": m.Nodes.Metadata.Name, "app.kubernetes.io/component": "node",
	}
	for what, labels := range all {
		if !maps.Equal(labels, want) {
			return fmt.Errorf("%s: labels %v, want %v", what, labels, want)
		}
	}
	return nil
}

func selectorsSelect(m *manifests) error {
	return cmp.Or(
		selects("StatefulSet", m.Nodes.Spec.Selector.MatchLabels, m.labels()),
		selects("gossip Service", m.Gossip.Spec.Selector, m.labels()),
		selects("client Service", m.Client.Spec.Selector, m.labels()),
		selects("PodDisruptionBudget", m.Budget.Spec.Selector.MatchLabels, m.labels()),
		selects("NetworkPolicy", m.Policy.Spec.PodSelector.MatchLabels, m.labels()),
	)
}

// selects checks that a selector is made of the name and the instance of the labels.
func selects(what string, selector, labels map[string]string) error {
	want := maps.Clone(labels)
	delete(want, "app.kubernetes.io/component")
	if len(want) != 2 || !maps.Equal(selector, want) {
		return fmt.Errorf("%s: selector %v, want %v", what, selector, want)
	}
	return nil
}

func policyHolds(m *manifests) error {
	spec := m.Policy.Spec
	if len(spec.Ingress) != 2 || len(spec.Ingress[1].From) != 1 {
		return fmt.Errorf("ingress = %v, want a rule for all and one for nodes", spec.Ingress)
	}
	public, nodes := spec.Ingress[0], spec.Ingress[1]
	return cmp.Or(
		differ("policyTypes", fmt.Sprint(spec.PolicyTypes), "[Ingress]"),
		differ("who may use the public port", len(public.From), 0),
		differ("open to all", fmt.Sprint(admitted(public)), fmt.Sprintf("[TCP/%d]", portOf(node.DefaultHTTPAddr))),
		differ("open to nodes", fmt.Sprint(admitted(nodes)), fmt.Sprint(nodePorts())),
		selects("the nodes' rule", nodes.From[0].PodSelector.MatchLabels, m.labels()),
	)
}

func admitted(rule ingressRule) []string {
	var all []string
	for _, p := range rule.Ports {
		all = append(all, fmt.Sprintf("%s/%d", protocol(p.Protocol), p.Port))
	}
	slices.Sort(all)
	return all
}
