package buildinfo

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"

	"flowring"
)

// commit is set by the linker (-X), see the package comment; never by the program.
var commit string

// Info identifies a build.
type Info struct {
	Version  string // of the program: "1.2.3"
	Commit   string // of the source, in hexadecimal; ends in "-dirty" when the source had changes of its own; or "unknown"
	Go       string // version of Go: "go1.26.8"
	Platform string // operating system and architecture: "linux/amd64"
}

// Read returns what is known about the running program.
func Read() Info {
	stamped, ok := debug.ReadBuildInfo()
	if !ok {
		stamped = &debug.BuildInfo{}
	}
	return read(stamped, commit)
}

// read prefers what the linker was told to what the Go tool stamped.
func read(stamped *debug.BuildInfo, commit string) Info {
	settings := map[string]string{}
	for _, s := range stamped.Settings {
		settings[s.Key] = s.Value
	}
	revision := settings["vcs.revision"]
	if revision != "" && settings["vcs.modified"] == "true" {
		revision += "-dirty"
	}
	return Info{
		Version:  flowring.Version(),
		Commit:   cmp.Or(commit, revision, "unknown"),
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
}

// String returns one line: "1.2.3 (commit 0123abc, go1.26.8, linux/amd64)".
func (i Info) String() string {
	return fmt.Sprintf("%s (commit %s, %s, %s)", i.Version, i.Commit, i.Go, i.Platform)
}

// Collector returns the metric flowring_build_info: always 1, with the build as labels.
func Collector() prometheus.Collector {
	i := Read()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "flowring_build_info",
		Help:        "The running build, as labels; always 1.",
		ConstLabels: prometheus.Labels{"version": i.Version, "commit": i.Commit, "go_version": i.Go},
	})
	info.Set(1)
	return info
}
