#!/usr/bin/env bash
# buraksezer/consistent v1.1.0: when a member joins, partitions also move between two members that were there before.
#
# Consistent hashing promises that a new member takes partitions from the others, and that the others exchange none among
# themselves. The library bounds the load of each member, and a partition that does not fit goes on to the next member of the
# ring. A new member lowers the bound, so a partition can move from one old member to another old member.
#
# Consequence: a program that copies data only to the new member loses the copies of the partitions that moved elsewhere.
#
# Seen with 1,021 partitions, 100 virtual nodes, load 1.25 and 300 sets of names, from 3 members to 4. The figures are the
# minimum, the median and the maximum of the partitions that move.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'MOD'
module finding

go 1.26

require (
	github.com/buraksezer/consistent v1.1.0
	github.com/cespare/xxhash/v2 v2.3.0
)
MOD
cat >main.go <<'GO'
package main

import (
	"fmt"
	"slices"

	"github.com/buraksezer/consistent"
	"github.com/cespare/xxhash/v2"
)

type hasher struct{}

func (hasher) Sum64(b []byte) uint64 { return xxhash.Sum64(b) }

type member string

func (m member) String() string { return string(m) }

const partitions = 1021

func owners(names ...string) [partitions]string {
	members := make([]consistent.Member, len(names))
	for i, name := range names {
		members[i] = member(name)
	}
	config := consistent.Config{PartitionCount: partitions, ReplicationFactor: 100, Load: 1.25, Hasher: hasher{}}
	ring := consistent.New(members, config)
	var all [partitions]string
	for i := range all {
		all[i] = ring.GetPartitionOwner(i).String()
	}
	return all
}

func main() {
	var toNew, betweenOld []int
	for set := range 300 {
		name := func(i int) string { return fmt.Sprintf("set%d-node%d", set, i) }
		before, after := owners(name(1), name(2), name(3)), owners(name(1), name(2), name(3), name(4))
		n, o := 0, 0
		for i := range before {
			switch {
			case after[i] == before[i]:
			case after[i] == name(4):
				n++
			default:
				o++
			}
		}
		toNew, betweenOld = append(toNew, n), append(betweenOld, o)
	}
	slices.Sort(toNew)
	slices.Sort(betweenOld)
	fmt.Printf("to the new member: %d %d %d\n", toNew[0], toNew[150], toNew[299])
	fmt.Printf("between old members: %d %d %d\n", betweenOld[0], betweenOld[150], betweenOld[299])
}
GO
export GOFLAGS=-mod=mod
seen=$(go run . 2>errors) || { cat errors >&2; exit 2; }
printf '%s\n' "$seen"
recorded='to the new member: 193 256 318
between old members: 0 0 4'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  printf 'changed; recorded was:\n%s\n' "$recorded"
  exit 1
fi
