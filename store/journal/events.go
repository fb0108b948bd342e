package journal

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// logger is Pebble's way to our log.
type logger struct{ j *Journal }

// Infof logs what Pebble does from day to day.
func (l logger) Infof(format string, args ...any) { l.write(slog.LevelDebug, format, args) }

// Errorf logs what Pebble could not do.
func (l logger) Errorf(format string, args ...any) { l.write(slog.LevelError, format, args) }

// Fatalf is called when Pebble cannot go on: an error of the WAL or the manifest leaves open what is on disk, and no write after
// it may be acknowledged (P13).
func (l logger) Fatalf(format string, args ...any) { l.j.fail(fmt.Errorf(format, args...)) }

func (l logger) write(level slog.Level, format string, args []any) {
	if ctx := context.Background(); l.j.log.Enabled(ctx, level) {
		l.j.log.Log(ctx, level, "pebble", "message", fmt.Sprintf(format, args...))
	}
}

// listener logs the events that an operator should know of.
func (j *Journal) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: j.backgroundError,
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			if times := j.corrupt.Allow(time.Now()); times > 0 {
				j.log.Error("journal is corrupt", "file", info.Path, "error", info.Details, "times", times)
			}
		},
		DiskSlow: func(info pebble.DiskSlowInfo) {
			j.log.Warn("disk is slow", "file", info.Path, "operation", info.OpType.String(), "after", info.Duration)
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			j.log.Warn("journal writes are held up", "reason", info.Reason)
		},
		WriteStallEnd: func() {
			j.log.Info("journal writes go on")
		},
	}
}
