#!/usr/bin/env bash
# cockroachdb/pebble/v2 v2.1.7, vfs/errorfs: a file system that errorfs.Wrap returns hands out wrapped files from Create,
# Open and OpenReadWrite. ReuseForWrite hands out the file as it is. The injector never sees its writes and its fsyncs.
#
# Pebble uses an old file again for each write-ahead log that follows a flush. So a test that injects a fault into a write
# of the log, or counts the writes at which it cuts the power, works for the first logs of a database and for none later.
# Nothing says so: the test passes, because the disk never fails.
#
# Consequence: a test of an "fsync that fails" or of a "power cut at each write" proves nothing behind the first flushes.
# The test has to wrap ReuseForWrite by itself: errorfs.WrapFile(file, injector).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'MOD'
module finding

go 1.26

require github.com/cockroachdb/pebble/v2 v2.1.7
MOD
cat >main.go <<'GO'
package main

import (
	"fmt"
	"io"
	"log"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// quiet drops the log of Pebble.
type quiet struct{ pebble.Logger }

func (quiet) Infof(string, ...any) {}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	log.SetOutput(io.Discard)
	var syncs, reuses atomic.Int64
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpReuseForWrite:
			reuses.Add(1)
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			if strings.HasSuffix(op.Path, ".log") {
				syncs.Add(1)
			}
		}
		return nil
	}))
	db, err := pebble.Open("db", &pebble.Options{FS: fs, Logger: quiet{pebble.DefaultLogger}})
	must(err)
	for flush := range 5 {
		reused := reuses.Swap(0) > 0
		syncs.Store(0)
		for i := range 10 {
			must(db.Set(fmt.Appendf(nil, "key-%d-%d", flush, i), []byte("value"), pebble.Sync))
		}
		fmt.Printf("after %d flushes: the log is a file used again: %t; the injector saw fsyncs of 10 writes: %t\n",
			flush, reused, syncs.Load() > 0)
		must(db.Flush())
	}
	must(db.Close())
}
GO
export GOFLAGS=-mod=mod
go mod tidy 2>errors || { cat errors >&2; exit 2; }
go build -o finding . || exit 2
seen=$(timeout 60 ./finding) || exit 2
printf '%s\n' "$seen"
recorded='after 0 flushes: the log is a file used again: false; the injector saw fsyncs of 10 writes: true
after 1 flushes: the log is a file used again: false; the injector saw fsyncs of 10 writes: true
after 2 flushes: the log is a file used again: true; the injector saw fsyncs of 10 writes: false
after 3 flushes: the log is a file used again: true; the injector saw fsyncs of 10 writes: false
after 4 flushes: the log is a file used again: true; the injector saw fsyncs of 10 writes: false'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  printf 'changed; recorded was:\n%s\n' "$recorded"
  exit 1
fi
