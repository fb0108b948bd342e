package k8s_test

import (
	"os"
	"os/exec"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// check is one thing that holds of every rendered kustomization, and ways to break it that it must notice.
type check struct {
	name   string
	holds  func(*manifests) error
	broken map[string]func(*manifests)
}

func allChecks() []check {
	return slices.Concat(programChecks(), nodeChecks(), clusterChecks(), networkChecks(), securityChecks())
}

func kustomizations() []string {
	return []string{"base", "overlays/single", "overlays/auth", "overlays/tls"}
}

func TestManifestsFitTheProgram(t *testing.T) {
	for _, dir := range kustomizations() {
		for _, c := range allChecks() {
			t.Run(dir+": "+c.name, func(t *testing.T) {
				if err := c.holds(load(t, dir)); err != nil {
					t.Error(err)
				}
				for how, damage := range c.broken {
					m := load(t, dir)
					damage(m)
					if c.holds(m) == nil {
						t.Errorf("with %s: not noticed", how)
					}
				}
				if len(c.broken) == 0 {
					t.Error("no case that breaks it")
				}
			})
		}
	}
}

// The base relies on its NetworkPolicy, and the component auth asks for credentials at each port: without --insecure a node
// refuses the settings of the base, and takes those of the component (P17).
func TestTheComponentAuthNeedsNoInsecurePort(t *testing.T) {
	for dir, want := range map[string]bool{"base": true, "overlays/single": true, "overlays/auth": false, "overlays/tls": false} {
		m := load(t, dir)
		cfg, err := settings(m)
		if err != nil || cfg.Insecure != want {
			t.Errorf("%s: insecure is %t, %v, want %t", dir, cfg.Insecure, err, want)
		}
		m.set("FLOWRING_INSECURE", "false")
		if _, err := settings(m); (err != nil) != want {
			t.Errorf("%s without insecure: %v, want an error: %t", dir, err, want)
		}
	}
}

// Each file of credentials is in a folder that a Secret of its own fills, with the file names that cert-manager writes (P17).
func TestCredentialsComeFromSecrets(t *testing.T) {
	want := map[string][]string{
		"overlays/auth": {
			"flowring-auth/gossip.keys", "flowring-auth/tokens", "flowring-peer/ca.crt", "flowring-peer/tls.crt", "flowring-peer/tls.key",
		},
		"overlays/tls": {
			"flowring-auth/gossip.keys", "flowring-auth/tokens", "flowring-peer/ca.crt", "flowring-peer/tls.crt", "flowring-peer/tls.key",
			"flowring-tls/tls.crt", "flowring-tls/tls.key",
		},
	}
	for _, dir := range kustomizations() {
		m, got := load(t, dir), []string(nil)
		for _, v := range m.container().Env {
			if folder := path.Dir(v.Value); strings.HasPrefix(folder, "/etc/") {
				got = append(got, m.secretAt(folder)+"/"+path.Base(v.Value))
			}
		}
		if slices.Sort(got); !slices.Equal(got, want[dir]) {
			t.Errorf("%s has credentials from %q, want %q", dir, got, want[dir])
		}
	}
}

func load(t *testing.T, dir string) *manifests {
	t.Helper()
	objects, err := render(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parse(objects)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMisspeltManifestsAreRefused(t *testing.T) {
	tests := []struct{ name, from, to string }{
		{"a misspelt field", "serviceName:", "servicename:"},
		{"a field in the wrong place", "  replicas:", "  hostNetwork: true\n  replicas:"},
		{"a value of the wrong type", "replicas: 3", "replicas: three"},
		{"a repeated field", "  replicas: 3", "  replicas: 3\n  replicas: 3"},
		{"a kind that is not checked", "kind: StatefulSet", "kind: DaemonSet"},
	}
	data, err := os.ReadFile("base/statefulset.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			damaged := strings.Replace(text, tt.from, tt.to, 1)
			if damaged == text {
				t.Fatalf("%q is not in the manifest", tt.from)
			}
			if objects, err := decodeObjects([]byte(damaged)); err == nil {
				if _, err = parse(objects); err == nil {
					t.Error("accepted")
				}
			}
		})
	}
}

// TestRenderingEqualsKustomize holds this package's small renderer against the real one where there is one.
func TestRenderingEqualsKustomize(t *testing.T) {
	build := kustomize(t)
	for _, dir := range kustomizations() {
		out, err := exec.CommandContext(t.Context(), build[0], append(build[1:], dir)...).Output()
		if err != nil {
			t.Fatalf("%v %s: %v", build, dir, err)
		}
		theirs, err := decodeObjects(out)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := render(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := sorted(ours), sorted(theirs); !reflect.DeepEqual(got, want) {
			t.Errorf("render(%s) = %v, want %v", dir, got, want)
		}
	}
}

func kustomize(t *testing.T) []string {
	t.Helper()
	for _, command := range [][]string{{"kustomize", "build"}, {"kubectl", "kustomize"}} {
		if _, err := exec.LookPath(command[0]); err == nil {
			return command
		}
	}
	t.Skip("neither kustomize nor kubectl is installed")
	return nil
}

// sorted orders objects, and named lists within them, by name: their order has no meaning.
func sorted(objects []object) any {
	list := make([]any, len(objects))
	for i, o := range objects {
		list[i] = o
	}
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(identity(a.(object)), identity(b.(object))) })
	for _, o := range list {
		sortNamed(o)
	}
	return list
}

func sortNamed(value any) {
	switch value := value.(type) {
	case object:
		for _, field := range value {
			sortNamed(field)
		}
	case []any:
		if named(value) {
			slices.SortFunc(value, func(a, b any) int {
				return strings.Compare(a.(object)["name"].(string), b.(object)["name"].(string))
			})
		}
		for _, element := range value {
			sortNamed(element)
		}
	}
}
