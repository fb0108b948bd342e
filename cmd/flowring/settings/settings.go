package settings

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"flowring/node"
)

// Settings are the settings of `flowring serve`.
type Settings struct {
	node.Config
	LogLevel  string // debug, info, warn or error
	LogFormat string // text or json
	File      string // path of the settings file; empty: none
	DebugAddr string // host:port of profiles, on loopback; empty: none

	NameIsDefault bool // no source sets the name
}

// Default returns the settings of a node without flags, environment and file.
func Default() Settings {
	return Settings{Config: node.Default(""), LogLevel: "info", LogFormat: "text"}
}

// complete sets the name to that of the host if no source sets it.
func (s *Settings) complete() error {
	if s.Name != "" {
		return nil
	}
	s.NameIsDefault = true
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("--name: the name of the host is unknown: %w", err)
	}
	s.Name = host
	return nil
}

// LimitMemory limits the Go runtime to nine tenths of the memory limit; the rest is for memory that the runtime does
// not count. The default limit is that of the cgroup or the memory of the machine. The node keeps its hours below half
// of the limit.
func (s *Settings) LimitMemory() {
	if s.MemoryLimit == 0 {
		limit, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
		if err != nil || limit > math.MaxInt64 {
			return
		}
		s.MemoryLimit = int64(limit)
	}
	debug.SetMemoryLimit(s.MemoryLimit / 10 * 9)
}

// Changed returns the settings with other values than the defaults, as attributes for the log.
func (s *Settings) Changed() []any {
	var attributes []any
	d := Default()
	for _, setting := range all() {
		if text := setting.value(s).String(); text != setting.value(&d).String() {
			attributes = append(attributes, setting.name, text)
		}
	}
	return attributes
}
