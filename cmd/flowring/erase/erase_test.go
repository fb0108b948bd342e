package erase

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/spf13/pflag"

	"flowring/cmd/flowring/access"
	"flowring/flow"
	"flowring/router"
	"flowring/router/admin"
	"flowring/router/client"
)

// node answers calls in turn, and keeps the names of the plans that they apply.
type node struct {
	answers []admin.Erasure
	err     error // after the answers
	applied []string
}

func (n *node) Erase(_ context.Context, from, to flow.Hour, hash string) (admin.Erasure, error) {
	n.applied = append(n.applied, fmt.Sprintf("%d to %d %s", from, to, hash))
	if len(n.answers) == 0 {
		return admin.Erasure{}, n.err
	}
	answer := n.answers[0]
	n.answers = n.answers[1:]
	return answer, nil
}

const (
	printed = `plan 0a1b: erase the hours 100 to 109 for good
1 hour with data, 2 flows, 3 batches, 42 bytes sent and received
at 3 stores, of which 2 must close the hours before any deletes them
`
	question = "type the name of the plan to erase these hours for good: "
	again    = "flowring erase --from 100 --to 110 --apply 0a1b"
	progress = "closed at 1 of 3 stores, erased at 0; needed: 2\n"
	erased   = "the hours 100 to 109 are erased at 2 of 3 stores\n"
)

// A plan is printed first, and applied by its name, by --yes, or by an answer at a terminal. The command asks again until the
// erasure is done.
func TestAPlanIsPrintedAndApplied(t *testing.T) {
	plan := admin.Erasure{From: 100, To: 110, Hours: 1, Flows: 2, Batches: 3, Total: "42", Hash: "0a1b", Stores: 3, Needed: 2}
	begun := admin.Erasure{From: 100, To: 110, Stores: 3, Needed: 2, Closed: 1}
	done := admin.Erasure{From: 100, To: 110, Stores: 3, Needed: 2, Closed: 2, Erased: 2, Done: true}
	const asks, applies = "100 to 110 ", "100 to 110 0a1b"
	for _, tt := range []struct {
		name           string
		erase          Erase
		typed          string
		answers        []admin.Erasure
		stdout, stderr string
		calls          []string
		err            error
	}{
		{"no terminal", Erase{}, "0a1b\n", []admin.Erasure{plan}, printed + "apply it with: " + again + "\n", "", []string{asks}, nil},
		{"by its name", Erase{Apply: "0a1b"}, "", []admin.Erasure{begun, done}, erased, progress, []string{applies, applies}, nil},
		{"--yes", Erase{Yes: true}, "", []admin.Erasure{plan, done}, printed + erased, "", []string{asks, applies}, nil},
		{"--yes at a terminal", Erase{Yes: true, question: true}, "", []admin.Erasure{plan, done}, printed + erased, "", []string{asks, applies}, nil},
		{"the name is typed", Erase{question: true}, " 0a1b\n", []admin.Erasure{plan, done}, printed + erased, question, []string{asks, applies}, nil},
		{"another name is typed", Erase{question: true}, "yes\n", []admin.Erasure{plan}, printed, question, []string{asks}, errNotConfirmed},
		{"nothing is typed", Erase{question: true}, "", []admin.Erasure{plan}, printed, question, []string{asks}, errNotConfirmed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &node{answers: tt.answers}
				tt.erase.From, tt.erase.To = 100, 110
				var stdout, stderr strings.Builder
				err := tt.erase.run(t.Context(), n, strings.NewReader(tt.typed), &stdout, &stderr)
				if !errors.Is(err, tt.err) || stdout.String() != tt.stdout || stderr.String() != tt.stderr || !reflect.DeepEqual(n.applied, tt.calls) {
					t.Errorf("%v after calls %q\n%s%s\nwant %v after calls %q\n%s%s", err, n.applied, &stdout, &stderr, tt.err, tt.calls, tt.stdout, tt.stderr)
				}
			})
		})
	}
}

// An hour of several slices may have a number of flows that the node does not know.
func TestAnUnknownNumberOfFlowsIsSaid(t *testing.T) {
	var out strings.Builder
	if err := printPlan(&out, admin.Erasure{Flows: -1}); err != nil || !strings.Contains(out.String(), "an unknown number of flows") {
		t.Errorf("printPlan = %v: %s", err, &out)
	}
}

// An erasure that ends early, by an interrupt or because no node answers, says how to go on. A refusal does not.
func TestTheWayOnIsSaid(t *testing.T) {
	refusal := errors.New("the plan has changed")
	for _, tt := range []struct {
		name string
		node node
		end  bool // the context
		ways bool
	}{
		{"interrupted", node{answers: []admin.Erasure{{}}}, true, true},
		{"no node answers", node{err: &client.Problem{Problem: router.Problem{Status: 503}}}, false, true},
		{"refused", node{err: refusal}, false, false},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		if tt.end {
			cancel(errors.New("interrupted"))
		}
		var out strings.Builder
		e := Erase{From: 100, To: 110, Apply: "0a1b"}
		err := e.run(ctx, &tt.node, strings.NewReader(""), &out, &out)
		if err == nil || strings.Contains(err.Error(), "; go on with: "+again) != tt.ways || access.Unavailable(err) != (tt.node.err != nil && tt.ways) {
			t.Errorf("%s: %v, want the way on: %t", tt.name, err, tt.ways)
		}
		cancel(nil)
	}
}

// Without both ends of the range the command asks no node: hour 0 is never meant by leaving an end out.
func TestBothEndsAreNeeded(t *testing.T) {
	for _, args := range [][]string{{}, {"--to", "5"}, {"--from", "5"}, {"--from", "5", "--to", "5"}} {
		var e Erase
		flags := pflag.NewFlagSet("erase", pflag.ContinueOnError)
		e.Flags(flags)
		if err := flags.Parse(args); err != nil {
			t.Fatal(err)
		}
		if err := e.Run(t.Context(), &access.Access{}, nil, nil, nil); !errors.As(err, new(access.Error)) {
			t.Errorf("erase %v = %v, want an error of usage", args, err)
		}
	}
}
