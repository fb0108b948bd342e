package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/about"
	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/output"
	"flowring/router"
	"flowring/router/client"
)

// completionTimeout is the time that a shell waits for words.
const completionTimeout = 2 * time.Second

func newDrain() *cobra.Command {
	var a access.Access
	cmd := &cobra.Command{
		Use: "drain NODE [FLAGS]", Short: "Take a node out of the cluster, with its data copied to others",
		Long:    about.Drain,
		Example: "  flowring drain n4\n  flowring drain n4 --target http://10.0.0.7:8080 --timeout 1h",
		Args:    arguments(1, 1),
		ValidArgsFunction: completeMembers(&a, func(m router.Member) (string, string) {
			return m.Name, m.State + ", " + m.Addresses.HTTP
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.Operate(cmd.Context(), cmd.ErrOrStderr(), func(ctx context.Context, c *client.Client) error {
				fmt.Fprintf(cmd.ErrOrStderr(), "draining %s: this command waits until its data is on other nodes\n", args[0])
				if err := c.Drain(ctx, args[0]); err != nil {
					return fmt.Errorf("%s: %w", args[0], a.DrainError(ctx, err))
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s is drained: stop it\n", args[0])
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
		Use: "forget STORE [FLAGS]", Short: "Take a lost store out of the cluster", Long: about.Forget,
		Example: "  flowring forget b902d8cd57ae82dd1f3030eeed89ccb4",
		Args:    arguments(1, 1),
		ValidArgsFunction: completeMembers(&a, func(m router.Member) (string, string) {
			return m.Store, m.Name + ", " + m.State
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.Operate(cmd.Context(), cmd.ErrOrStderr(), func(ctx context.Context, c *client.Client) error {
				if err := c.Forget(ctx, args[0], force); err != nil {
					return fmt.Errorf("store %s: %w", args[0], access.CallError(err))
				}
				fmt.Fprintf(cmd.OutOrStdout(), "the store %s is forgotten\n", args[0])
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
