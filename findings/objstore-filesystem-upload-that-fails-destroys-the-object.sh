#!/usr/bin/env bash
# thanos-io/objstore (2025-08-04), provider filesystem: an upload that fails leaves a half-written object
# in place of the whole one that was there.
#
# Upload truncates the object's file and copies into it. If the source fails half-way, the error is
# returned, and the object exists with the part that was copied. Object stores that the same interface
# stands for (S3, GCS) keep the old object in that case.
#
# Consequence: a program that is tested with this provider, or uses it for archives on a disk, must write
# to a temporary name and rename the file by itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'MOD'
module finding

go 1.26

require github.com/thanos-io/objstore v0.0.0-20250804093838-71d60dfee488
MOD
cat >main.go <<'GO'
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/thanos-io/objstore/providers/filesystem"
)

// broken gives a part of an object and then fails, as a connection does.
type broken struct{ read bool }

func (b *broken) Read(p []byte) (int, error) {
	if b.read {
		return 0, errors.New("connection reset")
	}
	b.read = true
	return copy(p, "new, ha"), nil
}

func main() {
	folder := os.Args[1]
	bucket, err := filesystem.NewBucket(folder)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	if err := bucket.Upload(ctx, "hour-7", strings.NewReader("old and whole")); err != nil {
		panic(err)
	}
	fmt.Println("upload fails:", bucket.Upload(ctx, "hour-7", &broken{}) != nil)
	exists, err := bucket.Exists(ctx, "hour-7")
	fmt.Println("exists:", exists, err)
	object, err := bucket.Get(ctx, "hour-7")
	if err != nil {
		panic(err)
	}
	content, err := io.ReadAll(object)
	fmt.Printf("content: %q %v\n", content, err)
}
GO
export GOFLAGS=-mod=mod
go mod tidy 2>errors || { cat errors >&2; exit 2; }
seen=$(go run . "$(mktemp -d -p "$folder")" 2>errors) || { cat errors >&2; exit 2; }
printf '%s\n' "$seen"
recorded='upload fails: true
exists: true <nil>
content: "new, ha" <nil>'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  printf 'changed; recorded was:\n%s\n' "$recorded"
  exit 1
fi
