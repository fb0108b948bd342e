package k8s_test

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// The types below are the part of the Kubernetes API that the manifests use, and what the Pod Security Standard forbids.
// They are decoded strictly, so a field that is misspelt or stands in the wrong place is an error.

type header struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
}

type metadata struct {
	Name      string            `yaml:"name"`
	Namespace string            `yaml:"namespace"`
	Labels    map[string]string `yaml:"labels"`
}

type labelSelector struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
}

type serviceAccount struct {
	header         `yaml:",inline"`
	AutomountToken *bool `yaml:"automountServiceAccountToken"`
}

type service struct {
	header `yaml:",inline"`
	Spec   struct {
		Type                     string            `yaml:"type"`
		ClusterIP                string            `yaml:"clusterIP"`
		PublishNotReadyAddresses bool              `yaml:"publishNotReadyAddresses"`
		Selector                 map[string]string `yaml:"selector"`
		Ports                    []servicePort     `yaml:"ports"`
	} `yaml:"spec"`
}

type servicePort struct {
	Name       string `yaml:"name"`
	Port       int    `yaml:"port"`
	TargetPort string `yaml:"targetPort"`
	Protocol   string `yaml:"protocol"`
}

type disruptionBudget struct {
	header `yaml:",inline"`
	Spec   struct {
		MaxUnavailable int           `yaml:"maxUnavailable"`
		Selector       labelSelector `yaml:"selector"`
	} `yaml:"spec"`
}

type networkPolicy struct {
	header `yaml:",inline"`
	Spec   struct {
		PodSelector labelSelector `yaml:"podSelector"`
		PolicyTypes []string      `yaml:"policyTypes"`
		Ingress     []ingressRule `yaml:"ingress"`
	} `yaml:"spec"`
}

type ingressRule struct {
	From []struct {
		PodSelector labelSelector `yaml:"podSelector"`
	} `yaml:"from"`
	Ports []struct {
		Port     int    `yaml:"port"`
		Protocol string `yaml:"protocol"`
	} `yaml:"ports"`
}

type statefulSet struct {
	header `yaml:",inline"`
	Spec   struct {
		ServiceName         string `yaml:"serviceName"`
		Replicas            int    `yaml:"replicas"`
		PodManagementPolicy string `yaml:"podManagementPolicy"`
		MinReadySeconds     int    `yaml:"minReadySeconds"`
		UpdateStrategy      struct {
			Type string `yaml:"type"`
		} `yaml:"updateStrategy"`
		VolumeRetention struct {
			WhenDeleted string `yaml:"whenDeleted"`
			WhenScaled  string `yaml:"whenScaled"`
		} `yaml:"persistentVolumeClaimRetentionPolicy"`
		Selector labelSelector `yaml:"selector"`
		Template struct {
			Metadata metadata `yaml:"metadata"`
			Spec     podSpec  `yaml:"spec"`
		} `yaml:"template"`
		VolumeClaimTemplates []volumeClaim `yaml:"volumeClaimTemplates"`
	} `yaml:"spec"`
}

type volumeClaim struct {
	Metadata metadata `yaml:"metadata"`
	Spec     struct {
		AccessModes  []string  `yaml:"accessModes"`
		Resources    resources `yaml:"resources"`
		StorageClass string    `yaml:"storageClassName"`
	} `yaml:"spec"`
}

type secret struct {
	header `yaml:",inline"`
	Type   string            `yaml:"type"`
	Data   map[string]string `yaml:"data"`
}

type resources struct {
	Requests map[string]string `yaml:"requests"`
	Limits   map[string]string `yaml:"limits"`
}

// manifests is a rendered kustomization: at most one object of each kind but for the two Services.
type manifests struct {
	Account serviceAccount
	Client  service // spec.clusterIP is not None
	Gossip  service // headless
	Nodes   statefulSet
	Budget  disruptionBudget
	Policy  networkPolicy
	Key     secret
}

func (m *manifests) pod() *podSpec              { return &m.Nodes.Spec.Template.Spec }
func (m *manifests) container() *container      { return &m.pod().Containers[0] }
func (m *manifests) labels() map[string]string  { return m.Nodes.Spec.Template.Metadata.Labels }
func (m *manifests) set(variable, value string) { m.container().variable(variable).Value = value }

// scheme is the scheme of the public port.
func (m *manifests) scheme() string {
	if m.container().variable("FLOWRING_TLS_CERT").Value != "" {
		return "HTTPS"
	}
	return "HTTP"
}

// secretAt returns the name of the Secret that is mounted at a folder, or "".
func (m *manifests) secretAt(folder string) string {
	for _, mount := range m.container().VolumeMounts {
		for _, v := range m.pod().Volumes {
			if mount.MountPath == folder && mount.ReadOnly && v["name"] == mount.Name {
				source, _ := v["secret"].(object)
				name, _ := source["secretName"].(string)
				return name
			}
		}
	}
	return ""
}

// parse decodes rendered objects, each strictly as its kind says.
func parse(objects []object) (*manifests, error) {
	m := new(manifests)
	for _, o := range objects {
		data, err := yaml.Marshal(o)
		if err != nil {
			return nil, err
		}
		into, err := m.field(o)
		if err != nil {
			return nil, err
		}
		if err := decodeStrictly(data, into); err != nil {
			return nil, fmt.Errorf("%s: %w", identity(o), err)
		}
	}
	if n := len(m.pod().Containers); n != 1 {
		return nil, fmt.Errorf("%d containers, want 1", n)
	}
	return m, nil
}

func (m *manifests) field(o object) (any, error) {
	switch o["kind"] {
	case "ServiceAccount":
		return &m.Account, nil
	case "Service":
		if spec, _ := o["spec"].(object); spec["clusterIP"] == "None" {
			return &m.Gossip, nil
		}
		return &m.Client, nil
	case "StatefulSet":
		return &m.Nodes, nil
	case "PodDisruptionBudget":
		return &m.Budget, nil
	case "NetworkPolicy":
		return &m.Policy, nil
	case "Secret":
		return &m.Key, nil
	}
	return nil, fmt.Errorf("%s: a kind that no check knows", identity(o))
}
