package k8s_test

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documented is an overlay that docs/operations.md shows below a heading.
type documented struct {
	heading string
	holds   func(*manifests) error // the effect for which the overlay is shown
	except  string                 // the only check of the base that the overlay does not pass, by a part of its name
}

func overlaysInDocs() []documented {
	return []documented{
		{"Image, namespace, storage class, gossip key", settingsOfAnInstallation, "the container runs flowring serve"},
		{"Two installations in one namespace", func(m *manifests) error {
			return differ("StatefulSet", m.Nodes.Metadata.Name, "blue-flowring")
		}, ""},
		{"From the manifests with one label", func(m *manifests) error {
			cfg, err := settings(m)
			return cmp.Or(err, differ("cluster", cfg.Cluster, "flowring"))
		}, "the cluster is named after"},
	}
}

// TestOverlaysInDocsFitTheProgram renders the overlays that docs/operations.md shows, as a user does, and holds them against
// the program as the base is.
func TestOverlaysInDocsFitTheProgram(t *testing.T) {
	build := kustomize(t)
	for _, d := range overlaysInDocs() {
		t.Run(d.heading, func(t *testing.T) {
			m := rendered(t, build, d.heading)
			if err := d.holds(m); err != nil {
				t.Error(err)
			}
			for _, c := range allChecks() {
				excepted := d.except != "" && strings.Contains(c.name, d.except)
				if err := c.holds(m); (err != nil) != excepted {
					t.Errorf("%s: %v, want an error: %t", c.name, err, excepted)
				}
			}
		})
	}
}

// settingsOfAnInstallation checks every setting that the first overlay shows.
func settingsOfAnInstallation(m *manifests) error {
	cfg, err := settings(m)
	if err != nil {
		return err
	}
	mount := m.container().mount("gossip-key")
	source, _ := m.pod().Volumes[0]["secret"].(object)
	if m.Key.Data[path.Base(cfg.GossipKeysFile)] == "" {
		return fmt.Errorf("the Secret has no key for %s", cfg.GossipKeysFile)
	}
	return cmp.Or(
		differ("namespace", m.Nodes.Metadata.Namespace, "flows"),
		differ("image", m.container().Image, "registry.example.com/flowring:1.0.0"),
		differ("storage class", m.Nodes.Spec.VolumeClaimTemplates[0].Spec.StorageClass, "fast"),
		differ("folder of the key", mount.MountPath, path.Dir(cfg.GossipKeysFile)),
		differ("volume of the key", m.pod().Volumes[0]["name"], mount.Name),
		differ("Secret of the volume", source["secretName"], m.Key.Metadata.Name),
	)
}

// rendered returns the overlay below a heading of docs/operations.md as kustomize renders it beside the repository.
func rendered(t *testing.T, build []string, heading string) *manifests {
	t.Helper()
	dir := t.TempDir()
	overlay := filepath.Join(dir, "overlay")
	err := cmp.Or(
		os.CopyFS(filepath.Join(dir, "flowring/k8s/base"), os.DirFS("base")),
		os.Mkdir(overlay, 0o700),
		os.WriteFile(filepath.Join(overlay, "kustomization.yaml"), kustomizationBelow(t, heading), 0o600),
		os.WriteFile(filepath.Join(overlay, "gossip.keys"), []byte("MDEyMzQ1Njc4OWFiY2RlZg==\n"), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), build[0], append(build[1:], overlay)...).Output()
	if err != nil {
		t.Fatalf("%v: %v", build, err)
	}
	objects, err := decodeObjects(out)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parse(objects)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// kustomizationBelow returns the indented block of docs/operations.md that begins with "# kustomization.yaml", below a heading.
func kustomizationBelow(t *testing.T, heading string) []byte {
	t.Helper()
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, below, found := strings.Cut(string(text), "\n### "+heading+"\n")
	block := regexp.MustCompile(`(?m)^    # kustomization\.yaml\n(?:    .*\n)+`).FindString(below)
	if !found || block == "" {
		t.Fatalf("docs/operations.md shows no kustomization.yaml below %q", heading)
	}
	return []byte(strings.ReplaceAll(block, "\n    ", "\n")[4:])
}
