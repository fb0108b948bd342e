package mtls

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flowring/internal/certtest"
	"flowring/internal/memnet"
	"flowring/internal/racetest"
	"flowring/internal/reload"
	"flowring/internal/safeguard"
)

// files writes a certificate with its authorities to a new folder, and returns the settings for them.
func files(t *testing.T, pair certtest.Pair, authorities ...*certtest.Authority) Config {
	t.Helper()
	folder := t.TempDir()
	cfg := Config{Mode: Required}
	cfg.CertFile, cfg.KeyFile = pair.Write(t, folder)
	cfg.CAFile = filepath.Join(folder, "ca.crt")
	trust(t, cfg, authorities...)
	return cfg
}

func trust(t *testing.T, cfg Config, authorities ...*certtest.Authority) {
	t.Helper()
	var text []byte
	for _, ca := range authorities {
		text = append(text, ca.PEM...)
	}
	certtest.Write(t, filepath.Dir(cfg.CAFile), filepath.Base(cfg.CAFile), text)
}

// named returns settings with a node's name and host.
func named(cfg Config, name, host string) Config {
	cfg.Name, cfg.Host = name, host
	return cfg
}

// guard returns a guard whose node knows the other node at any address.
func guard(t *testing.T, cfg Config, set *reload.Set, other string, speaks bool) *Guard {
	t.Helper()
	g, err := New(cfg, Deps{
		Log: slog.New(slog.DiscardHandler), Files: set, Changed: func() {},
		NodesAt: func(string) ([]string, bool) { return []string{other}, speaks },
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// serve answers requests with the claim of the caller checked, until the end of the test.
func serve(t *testing.T, g *Guard, host *memnet.Host) {
	t.Helper()
	l, err := host.Listen(t.Context(), "tcp", host.String()+":8081")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{
		ConnContext: g.ConnContext, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name, advertised, _ := strings.Cut(r.Header.Get("Claim"), " ")
			if err := g.CheckCaller(r.Context(), name, advertised); err != nil {
				http.Error(w, err.Error(), http.StatusForbidden)
				return
			}
			io.WriteString(w, "done")
		}),
	}
	done := make(chan struct{})
	go func() { s.Serve(g.Listener(l)); close(done) }()
	t.Cleanup(func() { s.Close(); <-done })
}

// call makes one request on a new connection, and returns done, or the reason of a refusal.
func call(t *testing.T, g *Guard, host *memnet.Host, claim string) string {
	t.Helper()
	transport := &http.Transport{DialContext: g.Dial(host.DialContext), DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://10.0.0.2:8081/", nil)
	req.Header.Set("Claim", claim)
	res, err := transport.RoundTrip(req)
	if op := (*net.OpError)(nil); err != nil && (!errors.As(err, &op) || op.Op != "dial") {
		return "not a dial error: " + err.Error()
	}
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return strings.TrimSpace(string(text))
}

// Two nodes with certificates, modes and claims of all kinds: which calls are made, by TLS or plain? Negative controls:
// a node that skips one of the checks makes or serves a call that it must not.
func TestCallsBetweenNodes(t *testing.T) {
	ca, other := certtest.New(t, "CA"), certtest.New(t, "other")
	of := func(a *certtest.Authority, dns ...string) certtest.Pair { return a.Issue(certtest.Names{DNS: dns}) }
	anyName := func(c Config) Config { c.AnyName = true; return c }
	permissive := func(c Config) Config { c.Mode = Permissive; return c }
	without := func(c Config, s safeguard.Set) Config { c.Disabled = s; return c }
	n1, n2 := named(files(t, of(ca, "n1"), ca), "n1", "10.0.0.1"), named(files(t, of(ca, "n2"), ca), "n2", "10.0.0.2")
	// A stranger trusts everybody, and has certificates of its own.
	stranger := without(anyName(named(files(t, of(other, "n1"), other), "n1", "")), safeguard.CalledCert)
	// A member that calls itself n9.
	n3 := named(files(t, of(ca, "n3"), ca), "n3", "10.0.0.1")
	both := named(files(t, of(ca, "shared"), ca), "n1", "10.0.0.1")
	plain := Config{}
	for _, tt := range []struct {
		name           string
		caller, called Config
		calls          string // name at the address, as the caller knows it
		claim          string
		want           string // part of the answer
		plain          uint64 // connections counted by the called node
	}{
		{"both with their certificates", n1, n2, "n2", "n1 10.0.0.1", "done", 0},
		{"no claim", n1, n2, "n2", "", "not of node [\"\"]", 0},
		{"a claim of another member's name", n3, n2, "n2", "n1 10.0.0.1", "not of node", 0},
		{"a claim of another member's name, unchecked", n3, without(n2, safeguard.CallerName), "n2", "n1 10.0.0.1", "done", 0},
		{"another node at the address", n1, n2, "n4", "n1 10.0.0.1", "not of node", 0},
		{"another node at the address, unchecked", without(n1, safeguard.CalledName), n2, "n4", "n1 10.0.0.1", "done", 0},
		{"a caller of another authority", stranger, n2, "n2", "n1 10.0.0.1", "did not take this node's certificate", 0},
		{"a caller of another authority, unchecked", stranger, without(n2, safeguard.CallerCert), "n2", "n1 10.0.0.1", "done", 0},
		{"a called node of another authority", n1, stranger, "n1", "n1 10.0.0.1", "unknown authority", 0},
		{"a called node of another authority, unchecked", without(n1, safeguard.CalledCert),
			without(stranger, safeguard.CallerCert), "n1", "n1 10.0.0.1", "done", 0},
		{"one certificate for all nodes", anyName(both), anyName(both), "n2", "n1 10.0.0.1", "done", 0},
		{"a plain call where TLS is required", plain, n2, "n2", "n1 10.0.0.1", "not a dial error", 1},
		{"a plain call of a node that requires TLS", n1, plain, "n2", "n1 10.0.0.1", "peer TLS", 0},
		{"a plain call of a permissive node", plain, permissive(n2), "n2", "n1 10.0.0.1", "done", 1},
		{"two permissive nodes", permissive(n1), permissive(n2), "n2", "n1 10.0.0.1", "done", 0},
		{"a permissive node with a bad certificate", permissive(stranger), permissive(n2), "n2", "n1 10.0.0.1", "done", 1},
		{"a bad certificate where TLS is required", permissive(stranger), n2, "n2", "n1 10.0.0.1", "not a dial error", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				network := memnet.New(memnet.Options{Seed: 1, Latency: time.Millisecond})
				var caller, called *Guard
				if tt.caller.CertFile != "" {
					caller = guard(t, tt.caller, reload.NewSet(nil), tt.calls, true)
				}
				if tt.called.CertFile != "" {
					called = guard(t, tt.called, reload.NewSet(nil), "", true)
				}
				serve(t, called, network.Host("10.0.0.2"))
				got := call(t, caller, network.Host("10.0.0.1"), tt.claim)
				if !strings.Contains(got, tt.want) {
					t.Errorf("the call = %s, want it to have %q", got, tt.want)
				}
				if s := called.Stats(); s.Plain != tt.plain {
					t.Errorf("the called node counts %d plain connections, want %d", s.Plain, tt.plain)
				}
				if want := caller != nil && tt.plain == 0 && (got == "done" || strings.HasPrefix(got, "the certificate")); caller.Verified("10.0.0.2:8081") != want {
					t.Errorf("Verified = %t, want %t", !want, want)
				}
			})
		})
	}
}

// A permissive node learns from heartbeats that a node speaks TLS, and replaces its plain connections once in a while.
func TestAPermissiveNodeLearnsThatANodeSpeaksTLS(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		ca := certtest.New(t, "CA")
		cfg := named(files(t, ca.Issue(certtest.Names{DNS: []string{"n1"}}), ca), "n1", "")
		cfg.Mode = Permissive
		g := guard(t, cfg, reload.NewSet(nil), "n2", false)
		const addr = "10.0.0.2:8081"
		for _, step := range []struct {
			speaks, verified, renew bool
		}{{false, false, false}, {true, false, true}, {true, false, false}, {true, true, false}, {false, true, false}} {
			g.noteDial(addr, step.verified)
			if renew := g.NoteHello(addr, step.speaks); renew != step.renew || g.secure(addr) != step.speaks {
				t.Errorf("%+v: NoteHello = %t, secure = %t", step, renew, g.secure(addr))
			}
		}
		g.noteDial(addr, false)
		time.Sleep(retryEvery)
		if !g.NoteHello(addr, true) {
			t.Errorf("NoteHello after %v = false, want another attempt", retryEvery)
		}
	})
}

// Certificate, key and authorities are taken over as one value, and only if other nodes would accept them.
func TestCredentialsAreReloadedAsAWhole(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		old, next := certtest.New(t, "old"), certtest.New(t, "next")
		issue := func(ca *certtest.Authority, dns ...string) certtest.Pair { return ca.Issue(certtest.Names{DNS: dns}) }
		one := named(files(t, issue(old, "n1"), old), "n1", "10.0.0.1")
		two := named(files(t, issue(old, "n2"), old), "n2", "10.0.0.2")
		set := reload.NewSet(nil)
		network := memnet.New(memnet.Options{Seed: 1, Latency: time.Millisecond})
		caller, called := guard(t, one, set, "n2", true), guard(t, two, set, "n1", true)
		serve(t, called, network.Host("10.0.0.2"))
		for _, step := range []struct {
			name   string
			edit   func()
			broken int
		}{
			{"nothing changes", func() {}, 0},
			{"a certificate of another node", func() { issue(old, "n7").Write(t, filepath.Dir(one.CertFile)) }, 1},
			{"a certificate of an unknown authority", func() { issue(next, "n1").Write(t, filepath.Dir(one.CertFile)) }, 1},
			{"a new certificate", func() { issue(old, "n1").Write(t, filepath.Dir(one.CertFile)) }, 0},
			{"no authority", func() { trust(t, one) }, 1},
			{"two authorities", func() { trust(t, one, old, next); trust(t, two, old, next) }, 0},
			{"a certificate of the second one", func() { issue(next, "n1").Write(t, filepath.Dir(one.CertFile)) }, 0},
			{"and of the other node", func() { issue(next, "n2").Write(t, filepath.Dir(two.CertFile)) }, 0},
			{"the second authority alone", func() { trust(t, one, next); trust(t, two, next) }, 0},
		} {
			step.edit()
			set.Check()
			if got := set.Stats().Broken; got != step.broken {
				t.Errorf("%s: %d broken files, want %d", step.name, got, step.broken)
			}
			if got := call(t, caller, network.Host("10.0.0.1"), "n1 10.0.0.1"); got != "done" {
				t.Errorf("%s: the call = %s, want done", step.name, got)
			}
		}
		if a, b := caller.Stats(), called.Stats(); a.AuthorityID != b.AuthorityID || a.AuthorityID == 0 || a.Expires.IsZero() {
			t.Errorf("the authorities have the numbers %d and %d, want the same; the certificate ends at %v", a.AuthorityID, b.AuthorityID, a.Expires)
		}
		// A certificate of the removed authority is refused.
		issue(old, "n1").Write(t, filepath.Dir(one.CertFile))
		trust(t, one, old, next)
		late := guard(t, one, reload.NewSet(nil), "n2", true)
		if got := call(t, late, network.Host("10.0.0.1"), "n1 10.0.0.1"); !strings.Contains(got, "did not take") {
			t.Errorf("a call with a certificate of the removed authority = %s, want a refusal", got)
		}
	})
}

func TestAnUnusableCertificateIsRefusedAtTheStart(t *testing.T) {
	ca, other := certtest.New(t, "CA"), certtest.New(t, "other")
	for _, tt := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"of another node", named(files(t, ca.Issue(certtest.Names{DNS: []string{"n2"}}), ca), "n1", "10.0.0.1"), "not of node"},
		{"of another authority", named(files(t, other.Issue(certtest.Names{DNS: []string{"n1"}}), ca), "n1", ""), "unknown authority"},
		{"with a common name alone", named(files(t, ca.Issue(certtest.Names{Common: "n1"}), ca), "n1", ""), "not of node"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(tt.cfg, Deps{Log: slog.New(slog.DiscardHandler), Files: reload.NewSet(nil), Changed: func() {}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("New = %v, want an error with %q", err, tt.want)
			}
			key, _ := os.ReadFile(tt.cfg.KeyFile)
			for line := range bytes.Lines(key) {
				if line = bytes.TrimSpace(line); !bytes.HasPrefix(line, []byte("-----")) && strings.Contains(err.Error(), string(line)) {
					t.Errorf("the error shows the key: %v", err)
				}
			}
		})
	}
}

// A program with a member's certificate, such as curl, needs no protocol of this package. It gets no byte before the
// answer, and TLS 1.2 is refused.
func TestOtherProgramsWithACertificate(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		ca := certtest.New(t, "CA")
		pair := ca.Issue(certtest.Names{DNS: []string{"n2"}})
		network := memnet.New(memnet.Options{Seed: 1, Latency: time.Millisecond})
		serve(t, guard(t, named(files(t, pair, ca), "n2", ""), reload.NewSet(nil), "", true), network.Host("10.0.0.2"))
		host := network.Host("10.0.0.1")
		for _, tt := range []struct {
			version uint16
			want    bool
		}{{tls.VersionTLS12, false}, {tls.VersionTLS13, true}} {
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
				DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
					c, err := host.DialContext(ctx, network, addr)
					if err != nil {
						return nil, err
					}
					t := tls.Client(c, &tls.Config{ServerName: "n2", RootCAs: ca.Pool(), Certificates: []tls.Certificate{pair.TLS(t)},
						MinVersion: tls.VersionTLS12, MaxVersion: tt.version, NextProtos: []string{"http/1.1"}})
					return t, t.HandshakeContext(ctx)
				}}}
			req, _ := http.NewRequest(http.MethodGet, "https://10.0.0.2:8081/", nil)
			req.Header.Set("Claim", "n2")
			res, err := client.Do(req)
			if (err == nil) != tt.want {
				t.Errorf("a call by TLS %#x: %v, want success: %t", tt.version, err, tt.want)
			}
			if err == nil {
				text, _ := io.ReadAll(res.Body)
				res.Body.Close()
				if string(text) != "done" {
					t.Errorf("the answer is %q, want done", text)
				}
			}
		}
	})
}

// A minute after an authority is removed, the connections with its certificates are closed, and others go on.
func TestConnectionsOfARemovedAuthorityAreClosed(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		old, next := certtest.New(t, "old"), certtest.New(t, "next")
		issue := func(ca *certtest.Authority, dns ...string) certtest.Pair { return ca.Issue(certtest.Names{DNS: dns}) }
		two := named(files(t, issue(next, "n2"), old, next), "n2", "10.0.0.2")
		set := reload.NewSet(nil)
		network := memnet.New(memnet.Options{Seed: 1, Latency: time.Millisecond})
		serve(t, guard(t, two, set, "", true), network.Host("10.0.0.2"))
		open := func(ca *certtest.Authority) net.Conn {
			caller := guard(t, named(files(t, issue(ca, "n1"), old, next), "n1", ""), reload.NewSet(nil), "n2", true)
			c, err := caller.Dial(network.Host("10.0.0.1").DialContext)(t.Context(), "tcp", "10.0.0.2:8081")
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		asked := func(c net.Conn) error {
			c.SetDeadline(time.Now().Add(time.Second))
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: n2\r\nClaim: n1\r\n\r\n")
			_, err := c.Read(make([]byte, 1000))
			return err
		}
		stays, ends := open(next), open(old)
		defer stays.Close()
		defer ends.Close()
		if err := errors.Join(asked(stays), asked(ends)); err != nil {
			t.Fatal(err)
		}
		trust(t, two, next)
		set.Check()
		time.Sleep(staleAfter + time.Second)
		if err := asked(stays); err != nil {
			t.Errorf("a connection of the authority that stays: %v, want an answer", err)
		}
		if err := asked(ends); err == nil {
			t.Error("a connection of the removed authority is answered")
		}
	})
}
