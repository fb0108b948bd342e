package senders

import (
	"fmt"
	"math"
	"net/netip"
	"os"
	"time"

	"flowring/flow"
	mapping "flowring/flow/ingest"
	"flowring/flow/ingest/names"
	"flowring/flow/ingest/preset"
	"flowring/internal/reload"
	"flowring/ring/roster"
	"flowring/router/ingest"
)

// Settings are the settings of bodies of other programs.
type Settings struct {
	Presets      []string // YAML files, beside the embedded presets
	NamesFile    string   // CSV of address ranges and their names; empty: none
	MaxNamesRows int      // rows of NamesFile
	Observed     []string // ranges whose hosts report their own traffic
	MaxParts     int      // records of hours that a body may become

	MaxPoints     int // data points of a body of OTLP
	MaxAttributes int // attributes of a body of OTLP
}

// The default limits.
const (
	DefaultMaxRows  = names.DefaultMaxRows
	DefaultMaxParts = ingest.DefaultMaxParts

	DefaultMaxPoints     = ingest.DefaultMaxPoints
	DefaultMaxAttributes = ingest.DefaultMaxAttributes
)

// Observed returns the ranges that are observed by default, the private ones.
func Observed() (ranges []string) {
	for _, p := range mapping.Private() {
		ranges = append(ranges, p.String())
	}
	return ranges
}

// CheckRange returns the normal form of a range for Settings.Observed.
func CheckRange(text string) (string, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || p != p.Masked() {
		return "", fmt.Errorf("%q is no range such as 10.0.0.0/8", text)
	}
	return p.String(), nil
}

// Open reads the files of the settings. The names file is read again when it changes.
func Open(files *reload.Set, s Settings) (ingest.Config, error) {
	cfg := ingest.Config{
		MaxParts: s.MaxParts, MaxPoints: s.MaxPoints, MaxAttributes: s.MaxAttributes,
		Names: func() mapping.Names { return nil },
	}
	var own []*preset.Preset
	for _, name := range s.Presets {
		content, err := os.ReadFile(name)
		if err != nil {
			return cfg, fmt.Errorf("--presets: %s: %w", name, err)
		}
		p, err := preset.Parse(content)
		if err != nil {
			return cfg, fmt.Errorf("--presets: %s: %w", name, err)
		}
		own = append(own, p)
	}
	cfg.Presets = preset.NewSet(own...)
	for _, text := range s.Observed {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return cfg, fmt.Errorf("--observed: %w", err)
		}
		cfg.Observed = append(cfg.Observed, p)
	}
	if s.NamesFile == "" {
		return cfg, nil
	}
	table, err := reload.Add(files, names.Source(s.NamesFile, s.MaxNamesRows))
	if err != nil {
		return cfg, fmt.Errorf("--names-file: %w", err)
	}
	cfg.Names = func() mapping.Names { return table.Get() }
	return cfg, nil
}

// Hours returns the hours that the cluster takes: all hours that are not closed, and at most ahead in the future;
// 0: without a limit. The last hour stays below that of the owners, whose clocks may differ by an hour, because an
// owner refuses the whole of a request.
func Hours(floors func() roster.Floors, ahead time.Duration, now func() time.Time) ingest.Hours {
	if now == nil {
		now = time.Now
	}
	return func() (from, to flow.Hour) {
		from, to = math.MinInt64, math.MaxInt64
		if closed := floors().Closed; closed > 0 {
			from = closed
		}
		if ahead > 0 {
			to = mapping.HourOf(now().Add(max(0, ahead-time.Hour)).UnixNano())
		}
		return from, to
	}
}
