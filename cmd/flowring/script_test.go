package main

import (
	"context"
	"flag"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what the program prints into the scripts")

func TestMain(m *testing.M) {
	if os.Getenv(hangs) != "" {
		hang()
	}
	testscript.Main(m, map[string]func(){"flowring": main})
}

// TestScripts runs the program as people do: testdata/script/*.txtar are transcripts.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"freeaddr": freeAddr,
			"ready":    ready,
		},
	})
}

// freeAddr sets each variable named to a loopback address with a port that nobody uses: freeaddr HTTP PEER GOSSIP.
func freeAddr(ts *testscript.TestScript, neg bool, names []string) {
	if neg || len(names) == 0 {
		ts.Fatalf("usage: freeaddr VARIABLE...")
	}
	for _, name := range names { // all held until all are found, or two could be the same
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		defer l.Close()
		ts.Setenv(name, l.Addr().String())
	}
}

// ready waits until the nodes at the HTTP addresses say that they are: ready $HTTP...
func ready(ts *testscript.TestScript, neg bool, addresses []string) {
	if neg || len(addresses) == 0 {
		ts.Fatalf("usage: ready ADDRESS...")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, address := range addresses {
		for !isReady(ctx, address) {
			select {
			case <-ctx.Done():
				ts.Fatalf("the node at %s is not ready after 20 s", address)
			case <-tick.C:
			}
		}
	}
}

// isReady reports whether /readyz answers 200.
func isReady(ctx context.Context, address string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
