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

const aboutPost = `Send records, from a file or from stdin, and print the answers.

The input is a JSON array of records, one JSON record after the other (NDJSON), or CSV with
a header row, plain or compressed by gzip or zstd; its first bytes tell the form. It may
have any size: it is sent in requests of at most --max-records records, one after the other,
and the answer to each request is printed; on a terminal one line sums up all requests. An
error names its lines of the input, from 1.

The output of 'flowring get' can be posted again in every format except the table. A record
with more bytes than a node accepts in one record, 2^53-1, is sent as several records.
An empty input is an error, because a program that failed may have written it; [] is not.

Every request has an idempotency key, so that a retry counts once: K for the first request,
K/2, K/3 and so on for the others. K is the value of --key, or random. If the command fails
half-way it prints the key: run it again with this key, and records that were stored do not
count a second time. A run with the same key and a changed input is refused at the first
request that differs.

Exit codes: 0 all stored; 1 a request was refused, and counted zero times; 2 wrong usage;
3 no node could store a request in time: run the command again with the same key.`

const examplesPost = `  flowring post flows.json
  cat *.ndjson | flowring post --target http://n1:8080 --target http://n2:8080
  flowring post --key 2024-06-01T10 flows.ndjson
  flowring post flows.csv.gz`

// maxKey leaves room for the number of the request within the 255 bytes of a key.
const maxKey = 240

func newPost() *cobra.Command {
	var a access.Access
	var p poster.Poster
	cmd := &cobra.Command{
		Use: "post [FILE|-] [FLAGS]", Short: "Send records", Long: aboutPost, Example: examplesPost,
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
