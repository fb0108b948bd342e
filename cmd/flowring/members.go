package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"flowring/cmd/flowring/about"
	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/output"
	"flowring/router"
)

func newMembers() *cobra.Command {
	var a access.Access
	var format format
	cmd := &cobra.Command{
		Use: "members [FLAGS]", Short: "Print the nodes of the cluster", Long: about.Members,
		Example: "  flowring members\n  flowring members --target http://10.0.0.7:8080 --format json",
		Args:    arguments(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return runMembers(cmd, &a, format.of(cmd)) },
	}
	addAccess(cmd, &a, 10*time.Second)
	format = newFormat(cmd, output.FormatTable, output.FormatJSON)
	return cmd
}

// runMembers gets the members and prints them.
func runMembers(cmd *cobra.Command, a *access.Access, format string) error {
	return a.WithMembers(cmd.Context(), cmd.ErrOrStderr(), func(_ context.Context, view router.MembersView) error {
		if format == output.FormatTable {
			return printMembers(cmd.OutOrStdout(), view)
		}
		text, err := json.Marshal(view, jsontext.WithIndent("  "))
		if err != nil {
			return err
		}
		return output.JSON(cmd.OutOrStdout(), bytes.NewReader(append(text, '\n')), output.Terminal(cmd.OutOrStdout()))
	})
}

// printMembers prints the members as a table.
func printMembers(w io.Writer, view router.MembersView) error {
	ring := view.Ring
	fmt.Fprintf(w, "cluster %s as %s sees it: %s, ring %s\n\n", view.Cluster, view.Node, ring.Copies(), ring.Version)
	t := output.Table{Right: []bool{false, false, false, false, false, false, true, true, true}}
	t.Add("NAME", "STATE", "STORE", "HTTP", "PEER", "GOSSIP", "PARTITIONS", "HOURS", "FLOWS")
	for _, m := range view.Members {
		state := m.State
		if !m.Established {
			state += ", joining"
		}
		t.Add(m.Name, state, m.Store, m.Addresses.HTTP, m.Addresses.Peer, m.Addresses.Gossip,
			strconv.Itoa(m.Partitions), strconv.Itoa(m.Hours), strconv.Itoa(m.Flows))
	}
	return t.Write(w)
}
