package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/poster"
	"flowring/cmd/flowring/settings"
)

// maxKey leaves room for the number of the request within the 255 bytes of a key.
const maxKey = 240

func newPost() *cobra.Command {
	var a access.Access
	var p poster.Poster
	cmd := &cobra.Command{
		Use: "post [FILE|-] [FLAGS]", Short: "Send records", Long: poster.About, Example: poster.Examples,
		Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Stderr = &output.Lines{W: cmd.ErrOrStderr()}
			c, err := a.Client(p.Stderr)
			if err != nil {
				return err
			}
			p.Send = func(ctx context.Context, body []byte, key string) (answer []byte, replayed bool, err error) {
				ctx, _, cancel := a.Bound(ctx)
				defer cancel()
				err = a.During(func() error {
					answer, replayed, err = poster.SendTo(ctx, c, body, key)
					return err
				})
				return answer, replayed, err
			}
			return runPost(cmd, &p, args)
		},
	}
	addAccess(cmd, &a, 30*time.Second)
	cmd.Flags().StringVar(&p.Key, "key", "", "idempotency `key` (default: random)")
	p.Most = 10_000
	settings.QuantityVar(cmd.Flags(), &p.Most, "max-records", "`number` of records in one request, at most")
	mustRegister(cmd, "key", cobra.NoFileCompletions)
	mustRegister(cmd, "max-records", cobra.NoFileCompletions)
	return cmd
}

// runPost checks the flags, and opens and sends the input.
func runPost(cmd *cobra.Command, p *poster.Poster, args []string) error {
	if p.Most < 1 {
		return usage("--max-records: %d is less than 1", p.Most)
	}
	if len(p.Key) > maxKey {
		return usage("--key: %d bytes are more than %d", len(p.Key), maxKey)
	}
	if p.Key == "" {
		p.Key = rand.Text()
	}
	p.Stdout = cmd.OutOrStdout()
	p.Progress, p.Sum = output.Terminal(cmd.ErrOrStderr()), output.Terminal(p.Stdout)
	if len(args) == 0 || args[0] == "-" {
		if output.Terminal(cmd.InOrStdin()) {
			fmt.Fprintln(p.Stderr, "flowring: note: reading records from standard input; Ctrl-D ends it")
		}
		return p.Post(cmd.Context(), cmd.InOrStdin())
	}
	file, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer file.Close()
	return p.Post(cmd.Context(), file)
}
