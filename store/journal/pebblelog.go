package journal

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// logger writes Pebble's messages to the journal's log.
type logger struct{ j *Journal }

// Infof logs the routine work of Pebble.
func (l logger) Infof(format string, args ...any) { l.write(slog.LevelDebug, format, args) }

// Errorf logs a failure of Pebble.
func (l logger) Errorf(format string, args ...any) { l.write(slog.LevelError, format, args) }

// Fatalf fails the journal. Pebble calls it after an error of the WAL or of the manifest: the content of the disk is
// then unknown, and no later write may be acknowledged (P13).
func (l logger) Fatalf(format string, args ...any) { l.j.fail(fmt.Errorf(format, args...)) }

func (l logger) write(level slog.Level, format string, args []any) {
	if ctx := context.Background(); l.j.log.Enabled(ctx, level) {
		l.j.log.Log(ctx, level, "pebble", "message", fmt.Sprintf(format, args...))
	}
}

// eventListener logs the events for operators.
func (j *Journal) eventListener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: j.backgroundError,
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			if times := j.corruptionLog.Allow(time.Now()); times > 0 {
				j.log.Error("journal is corrupt", "file", info.Path, "error", info.Details, "times", times)
			}
		},
		DiskSlow: func(info pebble.DiskSlowInfo) {
			j.log.Warn("disk is slow", "file", info.Path, "operation", info.OpType.String(), "after", info.Duration)
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			j.log.Warn("journal writes are stalled", "reason", info.Reason)
		},
		WriteStallEnd: func() {
			j.log.Info("journal writes continue")
		},
	}
}
