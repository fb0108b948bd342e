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

	"flowring/router"
	"flowring/router/client"
)

const aboutMembers = `Print the nodes of the cluster as the node asked sees them, and how data is placed.

Two nodes with the same ring place every hour alike. A node that is absent keeps its
place until it comes back or is forgotten.`

func newMembers() *cobra.Command {
	var access access
	var format format
	cmd := &cobra.Command{
		Use: "members [FLAGS]", Short: "Print the nodes of the cluster", Long: aboutMembers,
		Example: "  flowring members\n  flowring members --target http://10.0.0.7:8080 --format json",
		Args:    arguments(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return runMembers(cmd, &access, format.of(cmd)) },
	}
	access.addFlags(cmd, 10*time.Second)
	format = newFormat(cmd, formatTable, formatJSON)
	return cmd
}

// runMembers asks and prints.
func runMembers(cmd *cobra.Command, a *access, format string) error {
	return a.withMembers(cmd.Context(), cmd.ErrOrStderr(), func(_ context.Context, view router.MembersView) error {
		if format == formatTable {
			return printMembers(cmd.OutOrStdout(), view)
		}
		text, err := json.Marshal(view, jsontext.WithIndent("  "))
		if err != nil {
			return err
		}
		return printJSON(cmd.OutOrStdout(), bytes.NewReader(append(text, '\n')), terminal(cmd.OutOrStdout()))
	})
}

// withMembers asks a node who there is and hands that on, within the time that there is to try.
func (a *access) withMembers(parent context.Context, stderr io.Writer, do func(context.Context, router.MembersView) error) error {
	c, err := a.client(stderr)
	if err != nil {
		return err
	}
	ctx, _, cancel := a.bound(parent)
	defer cancel()
	view, err := a.members(ctx, c)
	if err != nil {
		return err
	}
	return do(ctx, view)
}

// members asks a node of c who there is.
func (a *access) members(ctx context.Context, c *client.Client) (view router.MembersView, err error) {
	err = a.waiting.during(func() error {
		view, err = c.Members(ctx)
		return err
	})
	return view, err
}

// printMembers prints the view for people.
func printMembers(w io.Writer, view router.MembersView) error {
	ring := view.Ring
	fmt.Fprintf(w, "cluster %s as %s sees it: %d copies of each batch, %d acknowledge it, ring %s\n\n",
		view.Cluster, view.Node, ring.ReplicationFactor, ring.WriteQuorum, ring.Version)
	t := table{right: []bool{false, false, false, false, false, false, true, true, true}}
	t.add("NAME", "STATE", "STORE", "HTTP", "PEER", "GOSSIP", "PARTITIONS", "HOURS", "FLOWS")
	for _, m := range view.Members {
		state := m.State
		if !m.Established {
			state += ", joining"
		}
		t.add(m.Name, state, m.Store, m.Addresses.HTTP, m.Addresses.Peer, m.Addresses.Gossip,
			strconv.Itoa(m.Partitions), strconv.Itoa(m.Hours), strconv.Itoa(m.Flows))
	}
	return t.write(w)
}
