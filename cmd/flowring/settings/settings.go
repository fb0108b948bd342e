package settings

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"flowring/node"
)

// settings are everything that `flowring serve` can be told.
type Settings struct {
	node.Config
	LogLevel  string // debug, info, warn or error
	LogFormat string // text or json
	File      string // path of the settings file; empty: none

	NameIsDefault bool // nobody set the name
}

// Default returns the settings of a node that was told nothing.
func Default() Settings {
	return Settings{Config: node.Default(""), LogLevel: "info", LogFormat: "text"}
}

// complete fills in what depends on the machine.
func (s *Settings) complete() error {
	if s.Name != "" {
		return nil
	}
	s.NameIsDefault = true
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("--name: the host's name cannot be had: %w", err)
	}
	s.Name = host
	return nil
}

// LimitMemory makes the Go runtime keep to nine tenths of the memory limit, which is that of the cgroup, or of the machine, unless it
// was set: the rest is for what the runtime does not count. The node keeps its hours below half of it.
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

// changed returns the settings that are not the defaults, as attributes for the log.
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
