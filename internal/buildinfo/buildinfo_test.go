package buildinfo

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"flowring"
)

func TestRead(t *testing.T) {
	stamped := func(settings ...debug.BuildSetting) *debug.BuildInfo { return &debug.BuildInfo{Settings: settings} }
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "abc"}
	modified := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for _, test := range []struct {
		name    string
		stamped *debug.BuildInfo
		commit  string
		want    string
	}{
		{"nothing is known", stamped(), "", "unknown"},
		{"a plain build", stamped(revision), "", "abc"},
		{"the source has changes", stamped(revision, modified), "", "abc-dirty"},
		{"the linker wins", stamped(revision), "def", "def"},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := Info{flowring.Version(), test.want, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			if got := read(test.stamped, test.commit); got != want {
				t.Errorf("read() = %+v, want %+v", got, want)
			}
		})
	}
}

// The version is that of the file VERSION, in the form of Semantic Versioning.
func TestTheVersionIsThatOfTheFile(t *testing.T) {
	file, err := os.ReadFile("../../VERSION")
	if err != nil {
		t.Fatal(err)
	}
	got := Read().Version
	if got+"\n" != string(file) || !regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9a-z.]+)?$`).MatchString(got) {
		t.Errorf("Read().Version = %q, want the content of VERSION, %q, as 1.2.3", got, file)
	}
}

func TestStringIsOneLine(t *testing.T) {
	got := Info{Version: "1.2.3", Commit: "abc", Go: "go1.26.8", Platform: "linux/amd64"}.String()
	if want := "1.2.3 (commit abc, go1.26.8, linux/amd64)"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
}

func TestCollectorDescribesTheBuild(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(Collector())
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "flowring_build_info" {
		t.Fatalf("Gather() = %v, %v, want flowring_build_info alone", families, err)
	}
	metric := families[0].GetMetric()[0]
	got := map[string]string{}
	for _, label := range metric.GetLabel() {
		got[label.GetName()] = label.GetValue()
	}
	want := Read()
	if got["version"] != want.Version || got["commit"] != want.Commit || got["go_version"] != want.Go {
		t.Errorf("labels = %v, want those of %+v", got, want)
	}
	if v := metric.GetGauge().GetValue(); v != 1 {
		t.Errorf("flowring_build_info = %v, want 1", v)
	}
}

// The documented linker flags must name variables that exist: the linker ignores others without a word.
func TestLinkerFlagsInThePackageCommentWork(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, flags, found := strings.Cut(string(doc), `-ldflags "`)
	flags, _, closed := strings.Cut(flags, `"`)
	if !found || !closed {
		t.Fatal("doc.go shows no -ldflags")
	}
	program := filepath.Join(t.TempDir(), "flowring-buildinfo-test")
	build := exec.Command("go", "test", "-c", "-o", program, "-ldflags", flags, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	run := exec.Command(program, "-test.run=^TestPrintForLinkerFlags$", "-test.v")
	run.Env = append(os.Environ(), "BUILDINFO_PRINT=1")
	out, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "(commit 0123abc,") {
		t.Errorf("a build with %s says %s (%v), want commit 0123abc", flags, out, err)
	}
}

func TestPrintForLinkerFlags(t *testing.T) {
	if os.Getenv("BUILDINFO_PRINT") == "" {
		t.Skip("run by TestLinkerFlagsInThePackageCommentWork")
	}
	t.Log(Read())
}
