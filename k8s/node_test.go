package k8s_test

import (
	"cmp"
	"fmt"
	"slices"
)

// nodeChecks hold how one pod lives and dies.
func nodeChecks() []check {
	return []check{
		{"probes ask for routes that the program has, on the public port", probesFit, map[string]func(*manifests){
			"liveness by a route that is none": func(m *manifests) { m.container().LivenessProbe.HTTPGet.Path = "/alive" },
			"liveness by readiness":            func(m *manifests) { m.container().LivenessProbe.HTTPGet.Path = "/readyz" },
			"readiness by liveness":            func(m *manifests) { m.container().ReadinessProbe.HTTPGet.Path = "/livez" },
			"start-up by readiness":            func(m *manifests) { m.container().StartupProbe.HTTPGet.Path = "/readyz" },
			"a port without that name":         func(m *manifests) { m.container().ReadinessProbe.HTTPGet.Port = "web" },
			"a probe by another scheme": func(m *manifests) {
				m.container().ReadinessProbe.HTTPGet.Scheme = map[string]string{"HTTP": "HTTPS", "HTTPS": ""}[m.scheme()]
			},
			"a probe of the node-to-node port":   func(m *manifests) { m.container().StartupProbe.HTTPGet.Port = "peer" },
			"a restart at the first late answer": func(m *manifests) { m.container().LivenessProbe.FailureThreshold = 1 },
		}},
		{"a start may wait until the process of the replaced pod has released the folder", timeToStart, map[string]func(*manifests){
			"30 seconds":        func(m *manifests) { m.container().StartupProbe.FailureThreshold = 15 },
			"the wait alone":    func(m *manifests) { m.container().StartupProbe.FailureThreshold = 30 },
			"probes by default": func(m *manifests) { m.container().StartupProbe.FailureThreshold = 0 },
		}},
		{"there is time to drain after the Services have stopped sending", timeToDrain, map[string]func(*manifests){
			"a grace period of the drain alone": func(m *manifests) { m.pod().GracePeriod = drainSeconds },
			"SIGTERM while requests come in":    func(m *manifests) { m.container().Lifecycle.PreStop.Sleep.Seconds = 0 },
			"a sleep that leaves no time":       func(m *manifests) { m.container().Lifecycle.PreStop.Sleep.Seconds = 40 },
		}},
		{"memory is bounded and all of it reserved", memoryIsReserved, map[string]func(*manifests){
			"no limit":         func(m *manifests) { delete(m.container().Resources.Limits, "memory") },
			"less requested":   func(m *manifests) { m.container().Resources.Requests["memory"] = "64Mi" },
			"nothing required": func(m *manifests) { m.container().Resources = resources{} },
		}},
	}
}

func probesFit(m *manifests) error {
	c := m.container()
	if c.LivenessProbe.FailureThreshold < 3 {
		return fmt.Errorf("liveness fails after %d late answers", c.LivenessProbe.FailureThreshold)
	}
	tests := []struct {
		name, path string
		probe      probe
	}{
		{"start-up", "/livez", c.StartupProbe},
		{"liveness", "/livez", c.LivenessProbe}, // a node without a quorum is alive: a restart would not help it
		{"readiness", "/readyz", c.ReadinessProbe},
	}
	for _, tt := range tests {
		err := cmp.Or(
			differ(tt.name+" path", tt.probe.HTTPGet.Path, tt.path),
			differ(tt.name+" port", tt.probe.HTTPGet.Port, "http"),
			differ(tt.name+" scheme", cmp.Or(tt.probe.HTTPGet.Scheme, "HTTP"), m.scheme()),
			routed(tt.probe.HTTPGet.Path),
		)
		if err != nil {
			return err
		}
	}
	return differ("container has port http", slices.ContainsFunc(c.Ports, isHTTP), true)
}

func isHTTP(p containerPort) bool { return p.Name == "http" }

// A node waits folderSeconds until its data folder is free. Then it opens the journal, for which openSeconds are many times
// the longest that was measured.
const (
	folderSeconds = 60
	openSeconds   = 120
)

func timeToStart(m *manifests) error {
	p := m.container().StartupProbe
	if given := p.PeriodSeconds * p.FailureThreshold; given < folderSeconds+openSeconds {
		return fmt.Errorf("start-up fails after %d s, want %d s or more", given, folderSeconds+openSeconds)
	}
	return nil
}

func timeToDrain(m *manifests) error {
	wait := m.container().Lifecycle.PreStop.Sleep.Seconds
	if wait < 1 {
		return fmt.Errorf("preStop sleeps %d s", wait)
	}
	if grace := m.pod().GracePeriod; grace <= wait+drainSeconds {
		return fmt.Errorf("grace period of %d s, want more than %d s + %d s", grace, wait, drainSeconds)
	}
	return nil
}

func memoryIsReserved(m *manifests) error {
	r := m.container().Resources
	if r.Limits["memory"] == "" {
		return fmt.Errorf("no memory limit")
	}
	return differ("memory requested", r.Requests["memory"], r.Limits["memory"])
}
