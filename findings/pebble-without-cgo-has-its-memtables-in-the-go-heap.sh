#!/usr/bin/env bash
# cockroachdb/pebble/v2 v2.1.7, Go 1.26: with cgo a memtable lies in memory of malloc, which the garbage collector does not
# count. Without cgo, as in a static binary, the same memtable is a Go slice. Metrics().MemTable.Size shows the
# memtables in both builds, and does not tell where they lie.
#
# Consequence: in a build with CGO_ENABLED=0 each memtable raises the live heap, and with GOGC=100 it raises the target of
# the next collection by twice its size. So the resident memory of a program depends on a flag of its build, a limit that
# was measured with cgo does not hold without it, and a GOMEMLIMIT counts memtables in one build alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
command -v cc >/dev/null || { echo "a C compiler is needed for the build with cgo" >&2; exit 2; }
cat >go.mod <<'MOD'
module finding

go 1.26

require github.com/cockroachdb/pebble/v2 v2.1.7
MOD
cat >main.go <<'GO'
package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/metrics"

	"github.com/cockroachdb/pebble/v2"
)

func main() {
	db, err := pebble.Open(os.Args[1], &pebble.Options{MemTableSize: 64 << 20, DisableWAL: true, Logger: quiet{}})
	if err != nil {
		panic(err)
	}
	random, value := rand.NewChaCha8([32]byte{}), make([]byte, 1000)
	for i := range 60_000 { // memtables of 256 KiB, 512 KiB and so on become full, and the newest one has room for 64 MiB
		random.Read(value)
		if err := db.Set(fmt.Appendf(nil, "key-%08d", i), value, pebble.NoSync); err != nil {
			panic(err)
		}
	}
	runtime.GC()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	heap, table := live[0].Value.Uint64(), db.Metrics().MemTable.Size
	fmt.Printf("the memtables have more than 32 MiB: %t, the live heap of Go has more than 32 MiB: %t\n", table > 32<<20, heap > 32<<20)
	if err := db.Close(); err != nil {
		panic(err)
	}
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
GO
export GOFLAGS=-mod=mod
go mod tidy 2>errors || { cat errors >&2; exit 2; }
seen=""
for cgo in 0 1; do
  CGO_ENABLED=$cgo go build -o "finding$cgo" . || exit 2
  line=$(timeout 60 "./finding$cgo" "db$cgo") || exit 2
  seen+="CGO_ENABLED=$cgo: $line"$'\n'
done
printf '%s' "$seen"
recorded='CGO_ENABLED=0: the memtables have more than 32 MiB: true, the live heap of Go has more than 32 MiB: true
CGO_ENABLED=1: the memtables have more than 32 MiB: true, the live heap of Go has more than 32 MiB: false
'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  printf 'changed; recorded was:\n%s' "$recorded"
  exit 1
fi
