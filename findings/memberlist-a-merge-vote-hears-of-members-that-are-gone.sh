#!/usr/bin/env bash
# hashicorp/memberlist v0.7.0: MergeDelegate.NotifyMerge, which may refuse a join, also gets members that have left, and
# members that have been declared dead. They stand among the others, and Members() does not list them.
#
# The field State tells them apart: here the only old member has left, Members() no longer lists it, and the newcomer is
# refused all the same.
#
# Consequence: a rule such as "refuse a cluster with a node of an old version" goes on refusing every newcomer after the
# last such node has been stopped. The rule has to skip nodes whose State is not StateAlive.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'MOD'
module finding

go 1.26

require github.com/hashicorp/memberlist v0.7.0
MOD
cat >main.go <<'GO'
package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"
)

// vote refuses a merge with a member whose name begins with "old", and notes the state of each such member.
type vote struct{ heard []string }

func (v *vote) NotifyMerge(peers []*memberlist.Node) error {
	states := map[memberlist.NodeStateType]string{memberlist.StateAlive: "alive", memberlist.StateDead: "dead", memberlist.StateLeft: "left"}
	for _, p := range peers {
		if strings.HasPrefix(p.Name, "old") {
			v.heard = append(v.heard, p.Name+" is "+states[p.State])
		}
	}
	if len(v.heard) > 0 {
		return errors.New("an old member")
	}
	return nil
}

func start(name, ip string, merge memberlist.MergeDelegate) *memberlist.Memberlist {
	c := memberlist.DefaultLocalConfig()
	c.Name, c.BindAddr, c.BindPort, c.AdvertisePort = name, ip, 7998, 7998
	c.LogOutput, c.Merge = io.Discard, merge
	list, err := memberlist.Create(c)
	if err != nil {
		panic(err)
	}
	return list
}

func main() {
	a := start("new-1", "127.0.0.1", nil)
	old := start("old-1", "127.0.0.2", nil)
	if _, err := old.Join([]string{"127.0.0.1:7998"}); err != nil {
		panic(err)
	}
	for a.NumMembers() < 2 {
		time.Sleep(50 * time.Millisecond)
	}
	if err := old.Leave(5 * time.Second); err != nil {
		panic(err)
	}
	old.Shutdown()
	for a.NumMembers() > 1 {
		time.Sleep(50 * time.Millisecond)
	}
	fmt.Println("members of the cluster:", a.NumMembers())
	v := new(vote)
	_, err := start("new-2", "127.0.0.3", v).Join([]string{"127.0.0.1:7998"})
	fmt.Println("NotifyMerge heard:", strings.Join(v.heard, ", "))
	fmt.Println("the newcomer was refused:", err != nil)
}
GO
export GOFLAGS=-mod=mod
go mod tidy 2>errors || { cat errors >&2; exit 2; }
go build -o finding . || exit 2
seen=$(timeout 60 ./finding) || exit 2
printf '%s\n' "$seen"
recorded='members of the cluster: 1
NotifyMerge heard: old-1 is left
the newcomer was refused: true'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  printf 'changed; recorded was:\n%s\n' "$recorded"
  exit 1
fi
