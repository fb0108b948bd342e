package main

import (
	"context"
	"encoding/pem"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
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

// TestScripts runs the program by the transcripts testdata/script/*.txtar.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"freeaddr": freeAddr,
			"lines":    linesOf,
			"ready":    ready,
			"tlsnode":  tlsNode,
		},
	})
}

// freeAddr sets each named variable to a loopback address with a free port: freeaddr HTTP PEER GOSSIP.
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

// linesOf writes each line of a file to a file of its own: lines FILE TO...
func linesOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: lines FILE TO...")
	}
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile(args[0]), "\n"), "\n")
	if len(lines) != len(args)-1 {
		ts.Fatalf("%s has %d lines, want %d", args[0], len(lines), len(args)-1)
	}
	for i, line := range lines {
		ts.Check(os.WriteFile(ts.MkAbs(args[i+1]), []byte(line+"\n"), 0o600))
	}
}

// patience is the time that a script waits for a node. It is no bar, because a busy machine may be slow.
const patience = 5 * time.Minute

// ready waits until the nodes at the HTTP addresses are ready: ready $HTTP...
func ready(ts *testscript.TestScript, neg bool, addresses []string) {
	if neg || len(addresses) == 0 {
		ts.Fatalf("usage: ready ADDRESS...")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, address := range addresses {
		for !isReady(ctx, address) {
			select {
			case <-ctx.Done():
				ts.Fatalf("the node at %s is not ready after %v", address, patience)
			case <-tick.C:
			}
		}
	}
}

// tlsNode serves an empty cluster over TLS to requests with all the headers: tlsnode VARIABLE CAFILE HEADER... It sets
// the variable to its URL, and writes its certificate to the file.
func tlsNode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: tlsnode VARIABLE CAFILE HEADER...")
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, want := range args[2:] {
			if name, value, _ := strings.Cut(want, ": "); r.Header.Get(name) != value {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
		}
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Flowring-Complete", "true")
		io.WriteString(w, map[string]string{
			"GET /flows": "[]", "POST /flows": `{"records":1,"flows":1,"hours":[20]}`, "GET /members": "{}",
		}[r.Method+" "+r.URL.Path])
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	server.StartTLS()
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), certificate, 0o600))
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
