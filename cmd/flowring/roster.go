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

const aboutDrain = `Take a node off the cluster for good, having put all that it holds on other nodes.

The node owns no more hours. When the command returns, stop the node: its data folder is
of no use any more. A drain that is interrupted is given up: the node joins again with all
that it holds.

The peer port of NODE must be reachable from here.`

const aboutForget = `Take the store of a node that will not come back off the cluster.

Its hours are placed on other nodes, and reads stop waiting for it. It is refused unless
every other store, but the write quorum minus two, answers: then nothing that was
acknowledged is lost. What it says when it is refused is what could be lost; --force
gives that up.

STORE is a store's ID, as in "flowring members". A store that is absent for 15 minutes,
or whose node is back with another disk, is forgotten without being asked to.`

// completionTimeout bounds how long a shell waits for words.
const completionTimeout = 2 * time.Second

func newDrain() *cobra.Command {
	var a access.Access
	cmd := &cobra.Command{
		Use: "drain NODE [FLAGS]", Short: "Take a node off the cluster, with its data put on others", Long: aboutDrain,
		Example: "  flowring drain n4\n  flowring drain n4 --target http://10.0.0.7:8080 --timeout 1h",
		Args:    arguments(1, 1),
		ValidArgsFunction: completeMembers(&a, func(m router.Member) (string, string) {
			return m.Name, m.State + ", " + m.Addresses.HTTP
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onRoster(cmd, &a, func(ctx context.Context, c *peer.Client, members []router.Member) error {
				m, err := find(members, "node", args[0], func(m router.Member) string { return m.Name })
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "draining %s: what it holds is being put on other nodes\n", m.Name)
				if err := c.Drain(ctx, m.Addresses.Peer); err != nil {
					return fmt.Errorf("%s: %w", m.Name, err)
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
		Use: "forget STORE [FLAGS]", Short: "Take a lost store off the cluster", Long: aboutForget,
		Example: "  flowring forget b902d8cd57ae82dd1f3030eeed89ccb4",
		Args:    arguments(1, 1),
		ValidArgsFunction: completeMembers(&a, func(m router.Member) (string, string) {
			return m.Store, m.Name + ", " + m.State
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onRoster(cmd, &a, func(ctx context.Context, c *peer.Client, members []router.Member) error {
				gone, err := find(members, "store", args[0], func(m router.Member) string { return m.Store })
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
	cmd.Flags().BoolVar(&force, "force", false, "forget it even if something acknowledged is lost by that")
	addAccess(cmd, &a, 10*time.Minute)
	return cmd
}

// completeMembers proposes one word for each member that a node knows, with its description; none where no node answers soon.
func completeMembers(a *access.Access, word func(router.Member) (word, description string)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		a.Timeout = completionTimeout
		var words []string
		// A line about waiting would be in the way of the shell's, and an error leaves no words.
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

// onRoster asks a node who there is, and lets do call them.
func onRoster(cmd *cobra.Command, a *access.Access, do func(context.Context, *peer.Client, []router.Member) error) error {
	return a.WithMembers(cmd.Context(), cmd.ErrOrStderr(), func(ctx context.Context, view router.MembersView) error {
		calls := peer.NewOutsider()
		defer calls.Close()
		return do(ctx, calls, view.Members)
	})
}

// find returns the member of which something is want.
func find(members []router.Member, what, want string, of func(router.Member) string) (router.Member, error) {
	var have []string
	for _, m := range members {
		if of(m) == want {
			return m, nil
		}
		have = append(have, of(m))
	}
	return router.Member{}, fmt.Errorf("no such %s in the cluster: %s (there are %s)", what, want, strings.Join(have, ", "))
}

// askAnother asks the first live node that is another one to forget a store.
func askAnother(ctx context.Context, c *peer.Client, members []router.Member, gone router.Member, force bool) error {
	for _, m := range members {
		if m.Store != gone.Store && m.State == "alive" && m.Established {
			return c.Forget(ctx, m.Addresses.Peer, roster.StoreID(gone.Store), force)
		}
	}
	return fmt.Errorf("no other node is alive")
}
