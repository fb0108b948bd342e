package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/output"
	"flowring/node/peer"
	"flowring/ring/roster"
	"flowring/router"
)

const aboutDrain = `Take a node out of the cluster for good, after copying all its data to other nodes.

The node owns no more hours. After the command stop the node; its data folder is of no use
any more. The command waits until other nodes have the data. If the command ends earlier, at
its --timeout or by an interrupt, the drain is given up, and the node joins again with all its
data.

The peer port of NODE must be reachable from here.`

const aboutForget = `Take the store of a lost node out of the cluster.

Its hours are placed on other nodes, and reads no longer wait for it. The cluster refuses
unless all other stores answer, except the write quorum minus two; then no acknowledged
record is lost. The refusal says which records could be lost; --force gives them up.

STORE is the ID of a store, as in "flowring members". The cluster itself forgets a store
that is absent for 15 minutes, or whose node is back with another disk.`

// completionTimeout is the time that a shell waits for words.
const completionTimeout = 2 * time.Second

func newDrain() *cobra.Command {
	var a access.Access
	cmd := &cobra.Command{
		Use: "drain NODE [FLAGS]", Short: "Take a node out of the cluster, with its data copied to others",
		Long:    aboutDrain,
		Example: "  flowring drain n4\n  flowring drain n4 --target http://10.0.0.7:8080 --timeout 1h",
		Args:    arguments(1, 1),
		ValidArgsFunction: completeMembers(&a, func(m router.Member) (string, string) {
			return m.Name, m.State + ", " + m.Addresses.HTTP
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onRoster(cmd, &a, func(ctx context.Context, c *peer.Client, members []router.Member) error {
				name := func(m router.Member) string { return m.Name }
				m, err := find(members, "node", args[0], name, name)
				if err != nil {
					return err
				}
				if m.Addresses.Peer == "" {
					return fmt.Errorf("%s is absent: start it again, or forget its store %s", m.Name, m.Store)
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "draining %s: this command waits until its data is on other nodes\n", m.Name)
				if err := c.Drain(ctx, m.Addresses.Peer); err != nil {
					return fmt.Errorf("%s: %w", m.Name, a.DrainError(ctx, m.Addresses.Peer, err))
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s is drained: stop it\n", m.Name)
				return nil
			})
		},
	}
	addAccess(cmd, &a, 30*time.Minute)
	return cmd
}

func newForget() *cobra.Command {
	var a access.Access
	var force bool
	cmd := &cobra.Command{
		Use: "forget STORE [FLAGS]", Short: "Take a lost store out of the cluster", Long: aboutForget,
		Example: "  flowring forget b902d8cd57ae82dd1f3030eeed89ccb4",
		Args:    arguments(1, 1),
		ValidArgsFunction: completeMembers(&a, func(m router.Member) (string, string) {
			return m.Store, m.Name + ", " + m.State
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onRoster(cmd, &a, func(ctx context.Context, c *peer.Client, members []router.Member) error {
				gone, err := find(members, "store", args[0], func(m router.Member) string { return m.Store },
					func(m router.Member) string { return m.Store + " of " + m.Name })
				if err != nil {
					return err
				}
				if err := askAnother(ctx, c, members, gone, force); err != nil {
					return fmt.Errorf("the store of %s: %w", gone.Name, err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "the store of %s is forgotten\n", gone.Name)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "forget the store even if acknowledged records may be lost")
	addAccess(cmd, &a, 10*time.Minute)
	return cmd
}

// completeMembers proposes a word with a description for each member in the view of a node; none if no node answers
// soon.
func completeMembers(a *access.Access, word func(router.Member) (word, description string)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		a.Timeout = completionTimeout
		var words []string
		// Lines about waiting would disturb the shell. After an error there are no words.
		_ = a.WithMembers(cmd.Context(), io.Discard, func(_ context.Context, view router.MembersView) error {
			for _, m := range view.Members {
				name, description := word(m)
				words = append(words, cobra.CompletionWithDesc(output.Escaped(name), output.Escaped(description)))
			}
			return nil
		})
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// onRoster gets the members, and calls do with a client of their peer ports.
func onRoster(
	cmd *cobra.Command, a *access.Access, do func(context.Context, *peer.Client, []router.Member) error,
) error {
	return a.WithMembers(cmd.Context(), cmd.ErrOrStderr(), func(ctx context.Context, view router.MembersView) error {
		calls := peer.NewOutsider()
		defer calls.Close()
		return do(ctx, calls, view.Members)
	})
}

// find returns the member whose name or store ID, as returned by of, is want. An error lists the label of each member.
func find(members []router.Member, kind, want string, of, label func(router.Member) string) (router.Member, error) {
	var have []string
	for _, m := range members {
		if of(m) == want {
			return m, nil
		}
		have = append(have, label(m))
	}
	return router.Member{}, fmt.Errorf("no %s %s (%ss: %s)", kind, want, kind, strings.Join(have, ", "))
}

// askAnother asks the first live node with another store to forget a store.
func askAnother(ctx context.Context, c *peer.Client, members []router.Member, gone router.Member, force bool) error {
	for _, m := range members {
		if m.Store != gone.Store && m.State == "alive" && m.Established {
			if err := c.Forget(ctx, m.Addresses.Peer, roster.StoreID(gone.Store), force); err != nil {
				return access.CallError(m.Addresses.Peer, err)
			}
			return nil
		}
	}
	return fmt.Errorf("no other node is alive")
}
