package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/about"
	"flowring/router/principal"
)

func newToken() *cobra.Command {
	cmd := &cobra.Command{
		Use: "token COMMAND", Short: "Make tokens for the tokens file of the nodes", Long: "Make tokens for --tokens-file.",
		Args: noSuchCommand, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTokenNew())
	return cmd
}

func newTokenNew() *cobra.Command {
	var scope string
	cmd := &cobra.Command{
		Use: "new NAME --scope SCOPES", Short: "Print a new token and its line", Long: about.TokenNew,
		Example: "  flowring token new agent --scope write\n  flowring token new operator --scope read,admin",
		Args:    arguments(1, 1), DisableFlagsInUseLine: true, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := principal.CheckName(args[0]); err != nil || args[0] == "*" {
				return usage("the name cannot be used: want 1 to 255 bytes of visible ASCII, and neither * nor # in front")
			}
			scopes, err := principal.ParseScopes(scope)
			if err != nil {
				return usage("--scope: %w", err)
			}
			secret, line := principal.New(args[0], scopes)
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n%s\n", secret, line)
			return err
		},
	}
	cmd.Flags().StringVar(&scope, "scope", "", "`SCOPES` of the token: write, read, admin, with commas between them")
	mustRegister(cmd, "scope", cobra.FixedCompletions(
		[]string{"write", "read", "read,admin"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}
