package k8s_test

import (
	"cmp"
	"fmt"
	"slices"
)

// securityChecks are the restricted Pod Security Standard (https://kubernetes.io/docs/concepts/security/pod-security-standards),
// rule by rule, and what this program adds to it.
func securityChecks() []check {
	return []check{
		{"host namespaces, ports and processes are left alone", hostLeftAlone, map[string]func(*manifests){
			"the host's network":      func(m *manifests) { m.pod().HostNetwork = true },
			"the host's processes":    func(m *manifests) { m.pod().HostPID = true },
			"the host's memory":       func(m *manifests) { m.pod().HostIPC = true },
			"a port of the host":      func(m *manifests) { m.container().Ports[0].HostPort = 8080 },
			"a probe of another host": func(m *manifests) { m.container().LivenessProbe.HTTPGet.Host = "10.0.0.9" },
			"a folder of the host": func(m *manifests) {
				m.pod().Volumes = []map[string]any{{"name": "x", "hostPath": object{"path": "/"}}}
			},
			"a host process": func(m *manifests) {
				m.pod().SecurityContext.WindowsOptions = map[string]any{"hostProcess": true}
			},
		}},
		{"the program is not root and cannot become it", notRoot, map[string]func(*manifests){
			"any user":              func(m *manifests) { m.pod().SecurityContext.RunAsNonRoot = nil },
			"root allowed":          func(m *manifests) { *m.pod().SecurityContext.RunAsNonRoot = false },
			"root":                  func(m *manifests) { *m.pod().SecurityContext.RunAsUser = 0 },
			"root's group":          func(m *manifests) { *m.pod().SecurityContext.RunAsGroup = 0 },
			"root in the container": func(m *manifests) { m.container().SecurityContext.RunAsUser = new(int) },
			"root allowed there":    func(m *manifests) { m.container().SecurityContext.RunAsNonRoot = new(bool) },
			"escalation":            func(m *manifests) { *m.container().SecurityContext.AllowPrivilegeEscalation = true },
			"escalation unsaid":     func(m *manifests) { m.container().SecurityContext.AllowPrivilegeEscalation = nil },
			"privileges":            func(m *manifests) { m.container().SecurityContext.Privileged = true },
			"a volume of root's":    func(m *manifests) { m.pod().SecurityContext.FSGroup = nil },
		}},
		{"it has no capability", noCapability, map[string]func(*manifests){
			"some kept": func(m *manifests) { m.container().SecurityContext.Capabilities.Drop = []string{"NET_RAW"} },
			"all kept":  func(m *manifests) { m.container().SecurityContext.Capabilities.Drop = nil },
			"one added": func(m *manifests) { m.container().SecurityContext.Capabilities.Add = []string{"NET_ADMIN"} },
		}},
		{"the kernel's protections are on", kernelProtects, map[string]func(*manifests){
			"no seccomp":         func(m *manifests) { m.pod().SecurityContext.SeccompProfile.Type = "" },
			"seccomp off":        func(m *manifests) { m.pod().SecurityContext.SeccompProfile.Type = "Unconfined" },
			"seccomp off inside": func(m *manifests) { m.container().SecurityContext.SeccompProfile.Type = "Unconfined" },
			"a bare /proc":       func(m *manifests) { m.container().SecurityContext.ProcMount = "Unmasked" },
			"kernel settings":    func(m *manifests) { m.pod().SecurityContext.Sysctls = []any{"kernel.msgmax"} },
			"SELinux options":    func(m *manifests) { m.pod().SecurityContext.SELinuxOptions = map[string]string{"user": "x"} },
			"AppArmor off": func(m *manifests) {
				m.pod().SecurityContext.AppArmorProfile = map[string]string{"type": "Unconfined"}
			},
			"a writable container": func(m *manifests) { m.container().SecurityContext.ReadOnlyRootFilesystem = false },
		}},
		{"it has no way into the Kubernetes API", noToken, map[string]func(*manifests){
			"a token in the pod":       func(m *manifests) { *m.pod().AutomountToken = true },
			"a token by default":       func(m *manifests) { m.pod().AutomountToken = nil },
			"a token from the account": func(m *manifests) { *m.Account.AutomountToken = true },
			"the account of all":       func(m *manifests) { m.pod().ServiceAccountName = "default" },
		}},
	}
}

func hostLeftAlone(m *manifests) error {
	pod, c := m.pod(), m.container()
	if pod.HostNetwork || pod.HostPID || pod.HostIPC || pod.SecurityContext.WindowsOptions != nil {
		return fmt.Errorf("a host namespace is shared")
	}
	if slices.ContainsFunc(c.Ports, func(p containerPort) bool { return p.HostPort != 0 }) {
		return fmt.Errorf("a host port is taken")
	}
	return cmp.Or(
		secretsAlone(pod.Volumes),
		differ("probed hosts", c.StartupProbe.HTTPGet.Host+c.LivenessProbe.HTTPGet.Host+c.ReadinessProbe.HTTPGet.Host, ""),
	)
}

// secretsAlone checks that the volumes besides the claim are Secrets.
func secretsAlone(volumes []map[string]any) error {
	for _, v := range volumes {
		if len(v) != 2 || v["name"] == nil || v["secret"] == nil {
			return fmt.Errorf("volume %v is not a Secret", v)
		}
	}
	return nil
}

func notRoot(m *manifests) error {
	pod, c := m.pod().SecurityContext, m.container().SecurityContext
	const user = 65532
	return cmp.Or(
		differ("runAsNonRoot", value(pod.RunAsNonRoot), true),
		differ("runAsUser", value(pod.RunAsUser), user),
		differ("runAsGroup", value(pod.RunAsGroup), user),
		differ("fsGroup", value(pod.FSGroup), user),
		differ("runAsUser of the container is set", c.RunAsUser != nil, false),
		differ("runAsNonRoot of the container is set", c.RunAsNonRoot != nil, false),
		differ("privileged", c.Privileged, false),
		differ("allowPrivilegeEscalation is unset", c.AllowPrivilegeEscalation == nil, false),
		differ("allowPrivilegeEscalation", value(c.AllowPrivilegeEscalation), false),
	)
}

func noCapability(m *manifests) error {
	capabilities := m.container().SecurityContext.Capabilities
	return cmp.Or(
		differ("capabilities dropped", fmt.Sprint(capabilities.Drop), "[ALL]"),
		differ("capabilities added", len(capabilities.Add), 0),
	)
}

func kernelProtects(m *manifests) error {
	pod, c := m.pod().SecurityContext, m.container().SecurityContext
	return cmp.Or(
		differ("seccomp profile", pod.SeccompProfile.Type, "RuntimeDefault"),
		differ("seccomp profile of the container", c.SeccompProfile.Type, ""),
		differ("procMount", c.ProcMount, ""),
		differ("sysctls", len(pod.Sysctls), 0),
		differ("SELinux options", len(pod.SELinuxOptions), 0),
		differ("AppArmor profile", len(pod.AppArmorProfile), 0),
		differ("readOnlyRootFilesystem", c.ReadOnlyRootFilesystem, true),
	)
}

func noToken(m *manifests) error {
	for what, automount := range map[string]*bool{"pod": m.pod().AutomountToken, "account": m.Account.AutomountToken} {
		if automount == nil || *automount {
			return fmt.Errorf("automountServiceAccountToken of the %s is not false", what)
		}
	}
	return differ("serviceAccountName", m.pod().ServiceAccountName, m.Account.Metadata.Name)
}

// value returns what p points at, or the zero value.
func value[T any](p *T) T {
	var zero T
	return *cmp.Or(p, &zero)
}
