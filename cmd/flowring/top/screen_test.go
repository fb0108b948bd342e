//go:build !race

package top

// Time is virtual in a synctest bubble. Bubbles crash under the race detector on Go 1.26 (go.dev/issue/76691).

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flowring/internal/contract"
	"flowring/router/client"
)

// double is a screen with a double of a node and of a terminal.
type double struct {
	Screen
	typed  *io.PipeWriter
	status chan string
	asked  []string // question, and the known tag
	fail   error
	shown  strings.Builder
}

func newDouble(text string) *double {
	values, err := url.ParseQuery(text)
	if err != nil {
		panic(err)
	}
	keys, typed := io.Pipe()
	d := &double{typed: typed, status: make(chan string, 1)}
	d.Screen = Screen{
		Ask: d.ask, Values: values, Keys: keys, Stop: func() { keys.Close() }, Status: d.status,
		Out: &d.shown, Size: func() (int, int) { return 72, 12 }, Every: 2 * time.Second,
	}
	return d
}

// ask takes 100 ms. A known answer has not changed.
func (d *double) ask(ctx context.Context, values url.Values, known string) (*client.Rows, error) {
	d.asked = append(d.asked, strings.TrimSpace(values.Encode()+" "+known))
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(100 * time.Millisecond):
	}
	tag := fmt.Sprintf("tag of %s", values.Get("by"))
	switch {
	case d.fail != nil:
		return nil, d.fail
	case known == tag:
		return nil, client.ErrUnchanged
	}
	text := fmt.Sprintf(`{"src_app":"web-%s","bytes_tx":1000,"bytes_rx":3000}`+"\n"+
		`{"other":true,"groups":7,"bytes_tx":0,"bytes_rx":1000}`+"\n", values.Get("by"))
	return &client.Rows{ReadCloser: io.NopCloser(strings.NewReader(text)), Complete: contract.Unproven, Tag: tag}, nil
}

// last returns the lines of the present screen.
func (d *double) last() []string {
	screens := strings.Split(d.shown.String(), "\x1b[H")
	text := strings.TrimSuffix(screens[len(screens)-1], "\x1b[K\x1b[J")
	return strings.Split(text, "\x1b[K\r\n")
}

func TestTheScreenShowsTheLargestGroupsAndStaysFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDouble("from=now&group_by=src_app")
		ended := make(chan error)
		go func() { ended <- d.Run(t.Context()) }()
		time.Sleep(time.Second)
		want := []string{
			"flowring top: src_app by bytes, from now, at " + time.Now().Add(-900*time.Millisecond).Format(time.TimeOnly) + ", may be incomplete", "",
			"SRC APP           BYTES TX  BYTES RX   SHARE",
			"web-               1.00 kB   3.00 kB  80.0 %  ████████████████████",
			"other (7 groups)       0 B   1.00 kB  20.0 %",
			"", "", "", "", "", "",
			"b bytes  t sent  r received  g groups  q quit",
		}
		if got := d.last(); !slices.Equal(got, want) {
			t.Errorf("the screen is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		time.Sleep(2 * time.Second) // the second answer has not changed
		if got := d.last(); !slices.Equal(got[1:], want[1:]) || got[0] == want[0] {
			t.Errorf("after an answer that has not changed the screen is\n%s\nwant the same rows and another time", strings.Join(got, "\n"))
		}
		d.typed.Write([]byte{'q'})
		if err := <-ended; err != nil {
			t.Errorf("Run = %v after q, want nil", err)
		}
		const question = "format=ndjson&from=now&group_by=src_app&top=6"
		if want := []string{question, question + " tag of"}; !slices.Equal(d.asked, want) {
			t.Errorf("the screen asked %q, want %q", d.asked, want)
		}
	})
}

func TestKeysChangeTheQuestionAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDouble("from=-24h&app=x")
		ended := make(chan error)
		go func() { ended <- d.Run(t.Context()) }()
		for _, key := range "tRbgx\x1b" { // the last two have no meaning
			time.Sleep(150 * time.Millisecond)
			fmt.Fprintf(d.typed, "%c", key)
		}
		time.Sleep(150 * time.Millisecond)
		d.typed.Write([]byte{3})
		if err := <-ended; err != nil {
			t.Errorf("Run = %v after Ctrl-C, want nil", err)
		}
		const question = "app=x&%sformat=ndjson&from=-24h&group_by=src_app%s&top=6"
		want := []string{
			fmt.Sprintf(question, "", "%2Cdest_app%2Cvpc_id"), fmt.Sprintf(question, "by=bytes_tx&", "%2Cdest_app%2Cvpc_id"),
			fmt.Sprintf(question, "by=bytes_rx&", "%2Cdest_app%2Cvpc_id"), fmt.Sprintf(question, "by=bytes&", "%2Cdest_app%2Cvpc_id"),
			fmt.Sprintf(question, "by=bytes&", ""),
		}
		if !slices.Equal(d.asked, want) {
			t.Errorf("the screen asked\n%s\nwant\n%s", strings.Join(d.asked, "\n"), strings.Join(want, "\n"))
		}
	})
}

// The screen ends without an error at a signal, at the end of its keys, and after its rounds.
func TestTheScreenEndsCleanly(t *testing.T) {
	for name, end := range map[string]func(d *double, signal func()){
		"a signal":               func(_ *double, signal func()) { signal() },
		"the end of the keys":    func(d *double, _ func()) { d.typed.Close() },
		"q while a node is slow": func(d *double, _ func()) { d.typed.Write([]byte{'Q'}) },
		"Ctrl-D":                 func(d *double, _ func()) { d.typed.Write([]byte{4}) },
		"after its rounds":       func(*double, func()) {},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDouble("from=now")
			wanted := 1
			if name == "after its rounds" {
				d.Rounds, wanted = 2, 2
			}
			ctx, signal := context.WithCancel(t.Context())
			defer signal()
			ended := make(chan error)
			go func() { ended <- d.Run(ctx) }()
			synctest.Wait()
			end(d, signal)
			if err := <-ended; err != nil || len(d.asked) != wanted {
				t.Errorf("%s: Run = %v after %d questions", name, err, len(d.asked))
			}
		})
	}
}

// A node that goes away ends the screen with its error. Until then the last line says why there is no answer.
func TestTheScreenEndsWithTheErrorOfTheNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDouble("from=now")
		ended := make(chan error)
		go func() { ended <- d.Run(t.Context()) }()
		time.Sleep(time.Second)
		d.status <- "flowring: waiting for http://n1: connection\x1b refused"
		synctest.Wait()
		lines := d.last()
		if got, want := lines[len(lines)-1], `flowring: waiting for http://n1: connection\x1b refused`; got != want {
			t.Errorf("the last line is %q, want %q", got, want)
		}
		d.fail = errors.New("no node answered")
		if err := <-ended; !errors.Is(err, d.fail) {
			t.Errorf("Run = %v, want %v", err, d.fail)
		}
	})
}
