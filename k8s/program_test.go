package k8s_test

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"flowring/node"
)

// drainSeconds is how long `flowring serve` takes at most to stop after SIGTERM.
const drainSeconds = 25

func TestDrainTimeIsThePrograms(t *testing.T) {
	source, err := os.ReadFile("../cmd/flowring/lifetime/lifetime.go")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Join(strings.Fields(string(source)), " ") // gofmt aligns
	if want := fmt.Sprintf("stopWithin = %d * time.Second", drainSeconds); !strings.Contains(words, want) {
		t.Errorf("cmd/flowring/lifetime/lifetime.go does not have %q", want)
	}
}

// programChecks hold the container against the program that it runs.
func programChecks() []check {
	return []check{
		{"the container runs flowring serve", runsServe, map[string]func(*manifests){
			"no command":       func(m *manifests) { m.container().Args = nil },
			"another command":  func(m *manifests) { m.container().Args = []string{"post"} },
			"a tag that moves": func(m *manifests) { m.container().Image = "localhost/flowring:latest" },
			"a name that docker and buildah complete in different ways": func(m *manifests) {
				m.container().Image = "flowring:dev"
			},
		}},
		{"every variable is a setting of the program and its value fits", settingsFit, map[string]func(*manifests){
			"a setting that is not one": func(m *manifests) {
				m.container().Env = append(m.container().Env, variable{Name: "FLOWRING_REPLICAS", Value: "3"})
			},
			"a number that is none": func(m *manifests) { m.set("FLOWRING_REPLICATION_FACTOR", "three") },
			"a variable twice": func(m *manifests) {
				m.container().Env = append(m.container().Env, m.container().Env[0])
			},
		}},
		{"the ports are the program's default ports, open to other pods", portsMatch, map[string]func(*manifests){
			"another public port":  func(m *manifests) { m.set("FLOWRING_HTTP_ADDR", "0.0.0.0:80") },
			"the peer on loopback": func(m *manifests) { m.set("FLOWRING_PEER_ADDR", "127.0.0.1:8081") },
			"another gossip port":  func(m *manifests) { m.set("FLOWRING_GOSSIP_ADDR", "0.0.0.0:7947") },
			"no UDP":               func(m *manifests) { m.container().Ports[3].Protocol = "TCP" },
			"a container port off": func(m *manifests) { m.container().Ports[0].ContainerPort = 80 },
		}},
		{"a node keeps its name and is reached at its pod's address", identityIsThePods, map[string]func(*manifests){
			"a name for all": func(m *manifests) { *m.container().variable("FLOWRING_NAME") = variable{Value: "n"} },
			"the name as address": func(m *manifests) {
				m.container().variable("FLOWRING_ADVERTISE_HOST").ValueFrom.FieldRef.FieldPath = "metadata.name"
			},
			"no address to others": func(m *manifests) { m.container().variable("FLOWRING_ADVERTISE_HOST").Name = "HOST" },
		}},
		{"the cluster is named after its namespace and instance (P17)", clusterIsTheInstallation, map[string]func(*manifests){
			"the default name":   func(m *manifests) { m.container().variable("FLOWRING_CLUSTER").Name = "CLUSTER" },
			"one name for all":   func(m *manifests) { m.set("FLOWRING_CLUSTER", "flowring") },
			"no namespace":       func(m *manifests) { m.set("FLOWRING_CLUSTER", "$(POD_INSTANCE)") },
			"no instance":        func(m *manifests) { m.set("FLOWRING_CLUSTER", "$(POD_NAMESPACE)") },
			"no such variable":   func(m *manifests) { m.set("FLOWRING_CLUSTER", "$(NAMESPACE).$(POD_INSTANCE)") },
			"another instance":   func(m *manifests) { m.labels()["app.kubernetes.io/instance"] = "other" },
			"variables too late": func(m *manifests) { slices.Reverse(m.container().Env) },
		}},
		{"no Service puts variables into the environment", linksOff, map[string]func(*manifests){
			"service links on":         func(m *manifests) { *m.pod().EnableServiceLinks = true },
			"service links by default": func(m *manifests) { m.pod().EnableServiceLinks = nil },
		}},
		{"data is on a volume that stays, below its root", dataIsKept, map[string]func(*manifests){
			"data at the volume's root":   func(m *manifests) { m.set("FLOWRING_DATA_DIR", "/data") },
			"data beside the volume":      func(m *manifests) { m.set("FLOWRING_DATA_DIR", "/database") },
			"a mount of no volume":        func(m *manifests) { m.container().VolumeMounts[0].Name = "cache" },
			"volumes deleted with it":     func(m *manifests) { m.Nodes.Spec.VolumeRetention.WhenDeleted = "Delete" },
			"volumes deleted on scaling":  func(m *manifests) { m.Nodes.Spec.VolumeRetention.WhenScaled = "Delete" },
			"volumes of unsaid retention": func(m *manifests) { m.Nodes.Spec.VolumeRetention.WhenScaled = "" },
		}},
	}
}

func runsServe(m *manifests) error {
	c := m.container()
	if !slices.Equal(c.Args, []string{"serve"}) {
		return fmt.Errorf("args = %v, want [serve]", c.Args)
	}
	made, err := madeImage()
	return cmp.Or(err, differ("image", c.Image, made))
}

// madeImage returns the name that `make image` gives to the image. Buildah completes a name without a registry to
// localhost/NAME, Kubernetes and docker complete it to docker.io/library/NAME.
func madeImage() (string, error) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		return "", err
	}
	name := regexp.MustCompile(`(?m)^IMAGE +\?= (\S+)$`).FindSubmatch(makefile)
	if name == nil {
		return "", fmt.Errorf("the Makefile does not set IMAGE")
	}
	if registry, _, ok := strings.Cut(string(name[1]), "/"); !ok || registry != "localhost" && !strings.ContainsAny(registry, ".:") {
		return "", fmt.Errorf("IMAGE = %s names no registry", name[1])
	}
	return string(name[1]), nil
}

func settingsFit(m *manifests) error {
	seen := map[string]bool{}
	for _, v := range m.container().Env {
		if seen[v.Name] {
			return fmt.Errorf("%s is set twice", v.Name)
		}
		seen[v.Name] = true
	}
	_, err := settings(m)
	return err
}

func portsMatch(m *manifests) error {
	cfg, err := settings(m)
	if err != nil {
		return err
	}
	tests := []struct{ name, protocol, addr, standard string }{
		{"http", "TCP", cfg.HTTPAddr, node.DefaultHTTPAddr},
		{"peer", "TCP", cfg.PeerAddr, node.DefaultPeerAddr},
		{"gossip-tcp", "TCP", cfg.GossipAddr, node.DefaultGossipAddr},
		{"gossip-udp", "UDP", cfg.GossipAddr, node.DefaultGossipAddr},
	}
	for _, tt := range tests {
		want := portOf(tt.standard)
		port := m.container().port(tt.name)
		if tt.addr != fmt.Sprint("0.0.0.0:", want) || port.ContainerPort != want || protocol(port.Protocol) != tt.protocol {
			return fmt.Errorf("port %s: address %s, container port %v, want %s %d", tt.name, tt.addr, port, tt.protocol, want)
		}
	}
	return nil
}

func identityIsThePods(m *manifests) error {
	for name, want := range map[string]string{"FLOWRING_NAME": "metadata.name", "FLOWRING_ADVERTISE_HOST": "status.podIP"} {
		if err := differ(name, m.container().variable(name).ValueFrom.FieldRef.FieldPath, want); err != nil {
			return err
		}
	}
	return nil
}

// clusterIsTheInstallation checks the name of the cluster, in the namespace with the longest name. The instance is the name of
// the StatefulSet, of which a namespace has only one.
func clusterIsTheInstallation(m *manifests) error {
	cfg, err := settings(m)
	return cmp.Or(
		err,
		differ("instance", m.labels()["app.kubernetes.io/instance"], m.Nodes.Metadata.Name),
		differ("cluster", cfg.Cluster, longestNamespace+"."+m.Nodes.Metadata.Name),
	)
}

func linksOff(m *manifests) error {
	if links := m.pod().EnableServiceLinks; links == nil || *links {
		return fmt.Errorf("enableServiceLinks is not false")
	}
	return nil
}

func dataIsKept(m *manifests) error {
	cfg, err := settings(m)
	if err != nil {
		return err
	}
	claim := m.Nodes.Spec.VolumeClaimTemplates[0]
	mount := m.container().mount(claim.Metadata.Name)
	if mount.Name == "" || !strings.HasPrefix(path.Clean(cfg.DataDir), mount.MountPath+"/") {
		return fmt.Errorf("data folder %s is not below the volume's %s", cfg.DataDir, mount.MountPath)
	}
	retention := m.Nodes.Spec.VolumeRetention
	return cmp.Or(
		differ("retention on deletion", retention.WhenDeleted, "Retain"),
		differ("retention on scaling", retention.WhenScaled, "Retain"),
	)
}

// differ returns an error unless got is want.
func differ(what string, got, want any) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%s = %v, want %v", what, got, want)
}

func portOf(addr string) int {
	_, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port)
	return n
}

func protocol(p string) string { return cmp.Or(p, "TCP") }
