#!/usr/bin/env bash
# log/slog of Go 1.26 with cockroachdb/pebble/v2 v2.1.7: slog.TextHandler formats an attribute with %+v, and errors of
# Pebble (cockroachdb/errors) print their stacks and hidden details under that verb. slog.JSONHandler calls Error(). So one
# call of the log writes a message in one format, and the message with its stack in the other: one line, with escaped line
# ends in it.
#
# Consequence: a node that meets one damaged table again and again fills its text log with stacks, and a rule that cuts or
# matches lines of the JSON log does not fit the text log. A ReplaceAttr that puts err.Error() in place of the error mends it.
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
	"bytes"
	"fmt"
	"log/slog"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func main() {
	_, err := pebble.Open("db", &pebble.Options{FS: vfs.NewMem(), ErrorIfNotExists: true})
	fmt.Println("the error:", err)
	var text, json bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Error("open failed", "error", err)
	slog.New(slog.NewJSONHandler(&json, nil)).Error("open failed", "error", err)
	for _, log := range []struct {
		name string
		line string
	}{{"text", text.String()}, {"JSON", json.String()}} {
		fmt.Printf("the %s line has the message: %t, and a stack: %t\n",
			log.name, strings.Contains(log.line, "database does not exist"), strings.Contains(log.line, "main.main"))
	}
}
GO
export GOFLAGS=-mod=mod
go mod tidy 2>errors || { cat errors >&2; exit 2; }
go build -o finding . || exit 2
seen=$(timeout 60 ./finding) || exit 2
printf '%s\n' "$seen"
recorded='the error: dirname="db": pebble: database does not exist
the text line has the message: true, and a stack: true
the JSON line has the message: true, and a stack: false'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  printf 'changed; recorded was:\n%s\n' "$recorded"
  exit 1
fi
