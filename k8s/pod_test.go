package k8s_test

type podSpec struct {
	ServiceAccountName string             `yaml:"serviceAccountName"`
	AutomountToken     *bool              `yaml:"automountServiceAccountToken"`
	EnableServiceLinks *bool              `yaml:"enableServiceLinks"`
	GracePeriod        int                `yaml:"terminationGracePeriodSeconds"`
	HostNetwork        bool               `yaml:"hostNetwork"`
	HostPID            bool               `yaml:"hostPID"`
	HostIPC            bool               `yaml:"hostIPC"`
	SecurityContext    podSecurity        `yaml:"securityContext"`
	TopologySpread     []spreadConstraint `yaml:"topologySpreadConstraints"`
	Containers         []container        `yaml:"containers"`
	Volumes            []map[string]any   `yaml:"volumes"`
}

type spreadConstraint struct {
	MaxSkew           int           `yaml:"maxSkew"`
	TopologyKey       string        `yaml:"topologyKey"`
	WhenUnsatisfiable string        `yaml:"whenUnsatisfiable"`
	LabelSelector     labelSelector `yaml:"labelSelector"`
}

type container struct {
	Name            string            `yaml:"name"`
	Image           string            `yaml:"image"`
	ImagePullPolicy string            `yaml:"imagePullPolicy"`
	Args            []string          `yaml:"args"`
	Env             []variable        `yaml:"env"`
	Ports           []containerPort   `yaml:"ports"`
	StartupProbe    probe             `yaml:"startupProbe"`
	LivenessProbe   probe             `yaml:"livenessProbe"`
	ReadinessProbe  probe             `yaml:"readinessProbe"`
	Lifecycle       lifecycle         `yaml:"lifecycle"`
	Resources       resources         `yaml:"resources"`
	SecurityContext containerSecurity `yaml:"securityContext"`
	VolumeMounts    []volumeMount     `yaml:"volumeMounts"`
}

type variable struct {
	Name      string `yaml:"name"`
	Value     string `yaml:"value"`
	ValueFrom struct {
		FieldRef struct {
			FieldPath string `yaml:"fieldPath"`
		} `yaml:"fieldRef"`
	} `yaml:"valueFrom"`
}

type containerPort struct {
	Name          string `yaml:"name"`
	ContainerPort int    `yaml:"containerPort"`
	HostPort      int    `yaml:"hostPort"`
	Protocol      string `yaml:"protocol"`
}

type probe struct {
	HTTPGet struct {
		Path   string `yaml:"path"`
		Port   string `yaml:"port"`
		Host   string `yaml:"host"`
		Scheme string `yaml:"scheme"`
	} `yaml:"httpGet"`
	PeriodSeconds    int `yaml:"periodSeconds"`
	TimeoutSeconds   int `yaml:"timeoutSeconds"`
	FailureThreshold int `yaml:"failureThreshold"`
}

type lifecycle struct {
	PreStop struct {
		Sleep struct {
			Seconds int `yaml:"seconds"`
		} `yaml:"sleep"`
	} `yaml:"preStop"`
}

type volumeMount struct {
	Name      string `yaml:"name"`
	MountPath string `yaml:"mountPath"`
	ReadOnly  bool   `yaml:"readOnly"`
}

// The security contexts hold what the restricted Pod Security Standard asks for, and what it forbids.

type seccompProfile struct {
	Type string `yaml:"type"`
}

type podSecurity struct {
	RunAsNonRoot        *bool             `yaml:"runAsNonRoot"`
	RunAsUser           *int              `yaml:"runAsUser"`
	RunAsGroup          *int              `yaml:"runAsGroup"`
	FSGroup             *int              `yaml:"fsGroup"`
	FSGroupChangePolicy string            `yaml:"fsGroupChangePolicy"`
	SeccompProfile      seccompProfile    `yaml:"seccompProfile"`
	Sysctls             []any             `yaml:"sysctls"`
	SELinuxOptions      map[string]string `yaml:"seLinuxOptions"`
	AppArmorProfile     map[string]string `yaml:"appArmorProfile"`
	WindowsOptions      map[string]any    `yaml:"windowsOptions"`
}

type containerSecurity struct {
	Privileged               bool           `yaml:"privileged"`
	AllowPrivilegeEscalation *bool          `yaml:"allowPrivilegeEscalation"`
	ReadOnlyRootFilesystem   bool           `yaml:"readOnlyRootFilesystem"`
	RunAsUser                *int           `yaml:"runAsUser"`
	RunAsNonRoot             *bool          `yaml:"runAsNonRoot"`
	ProcMount                string         `yaml:"procMount"`
	SeccompProfile           seccompProfile `yaml:"seccompProfile"`
	Capabilities             struct {
		Add  []string `yaml:"add"`
		Drop []string `yaml:"drop"`
	} `yaml:"capabilities"`
}

// variable returns the environment variable of that name, one without a value where the container has none.
func (c *container) variable(name string) *variable {
	for i := range c.Env {
		if c.Env[i].Name == name {
			return &c.Env[i]
		}
	}
	return new(variable)
}

// port returns the container port of that name, or the zero port.
func (c *container) port(name string) containerPort {
	for _, p := range c.Ports {
		if p.Name == name {
			return p
		}
	}
	return containerPort{}
}

// mount returns where the volume of that name is mounted, or the zero mount.
func (c *container) mount(volume string) volumeMount {
	for _, m := range c.VolumeMounts {
		if m.Name == volume {
			return m
		}
	}
	return volumeMount{}
}
