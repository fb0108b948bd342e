package clustertest

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flowring/internal/certtest"
	"flowring/internal/racetest"
	"flowring/node"
	"flowring/node/access"
	"flowring/node/keyring"
	"flowring/node/peer/mtls"
	"flowring/router/principal"
)

// guarded is the way of clients to the public ports, while nodes with and without TLS run. It adds the current token.
type guarded struct {
	http.RoundTripper
	c       *Cluster
	secured map[string]bool // nodes with TLS
	token   atomic.Pointer[string]
}

// RoundTrip implements http.RoundTripper.
func (g *guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name := range g.secured {
		if g.c.Addr(name) == r.URL.Hostname() {
			r.URL.Scheme = "https"
		}
	}
	if token := g.token.Load(); token != nil {
		r.Header.Set("Authorization", "Bearer "+*token)
	}
	return g.RoundTripper.RoundTrip(r)
}

// credentials are the files of a whole cluster: tokens, gossip keys, and certificates of both ports of each node.
type credentials struct {
	t      *testing.T
	peer   certificates
	public certificates
	keys   keysFile
	tokens string
}

func (f credentials) writeTokens(lines ...string) {
	f.t.Helper()
	if err := os.WriteFile(f.tokens, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// use returns the change of settings for a step of the switch.
func (f credentials) use(auth string, peer mtls.Mode, verify keyring.Verify) func(*node.Config) {
	return func(cfg *node.Config) {
		f.peer.use(peer)(cfg)
		cfg.TLSCert, cfg.TLSKey = f.public.file(cfg.Name, "tls.crt"), f.public.file(cfg.Name, "tls.key")
		cfg.TokensFile, cfg.Auth = f.tokens, auth
		cfg.GossipKeysFile, cfg.GossipVerify = f.keys.path, verify
	}
}

// issuers returns the authority that signed the certificate of the public port, by node, for new connections.
func issuers(t *testing.T, c *Cluster, roots *x509.CertPool) (names []string) {
	t.Helper()
	for _, name := range []string{"a", "b", "c"} {
		raw, err := c.Net.Host("10.0.4.1").DialContext(t.Context(), "tcp", at(c.Addr(name), HTTPPort))
		if err != nil {
			t.Fatal(err)
		}
		conn := tls.Client(raw, &tls.Config{RootCAs: roots, ServerName: name + ".flowring.example"})
		if err := conn.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		names = append(names, conn.ConnectionState().PeerCertificates[0].Issuer.CommonName)
		conn.Close()
	}
	return names
}

// waitFor waits until a condition holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 600 {
		if holds() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("a minute has passed without %s", what)
}

// statuses posts nothing at each node with a token, and returns the statuses.
func (r *rollout) statuses(token string) (all []int) {
	r.t.Helper()
	way := r.Transport.(*guarded)
	for _, name := range r.nodes {
		req, _ := http.NewRequest(http.MethodPost, "https://"+at(r.c.Addr(name), HTTPPort)+"/flows", strings.NewReader("[]"))
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := way.RoundTripper.RoundTrip(req)
		if err != nil {
			r.t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		all = append(all, res.StatusCode)
	}
	return all
}

// Certificates of both ports, tokens and gossip keys are switched on together in three rolling restarts, and then all of
// them are replaced, the certificates by those of other authorities. No POST fails, and no byte is lost (P1, P2, P17).
func TestAllCredentialsAreSwitchedOnAndRotatedUnderLoad(t *testing.T) {
	old, next := certtest.New(t, "old"), certtest.New(t, "next")
	oldToken, oldLine := principal.New("agent", principal.Write|principal.Read)
	newToken, newLine := principal.New("agent", principal.Write|principal.Read)
	nodes := []string{"a", "b", "c"}
	f := credentials{
		t: t, peer: certificates{t, t.TempDir()}, public: certificates{t, t.TempDir()},
		keys: keysFile{t, filepath.Join(t.TempDir(), "keys")}, tokens: filepath.Join(t.TempDir(), "tokens"),
	}
	f.peer.issue(old, nodes...)
	f.peer.trust(nodes, old)
	f.public.issue(old, nodes...)
	f.keys.write("k")
	f.writeTokens(oldLine)
	racetest.Bubble(t, func(t *testing.T) {
		r := newRollout(t, func(*node.Config) {})
		both := old.Pool()
		both.AppendCertsFromPEM(next.PEM)
		plain := r.Transport.(*http.Transport)
		plain.TLSClientConfig = &tls.Config{RootCAs: both, InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: both})
			return err
		}}
		way := &guarded{RoundTripper: plain, c: r.c, secured: map[string]bool{}}
		r.Transport = way
		step := func(auth string, peer mtls.Mode, verify keyring.Verify) {
			use := f.use(auth, peer, verify)
			r.roll(func(cfg *node.Config) { use(cfg); way.secured[cfg.Name] = true })
			r.all("flowring_members_alive", 3)
		}

		step(access.Permissive, mtls.Permissive, keyring.Accept)
		way.token.Store(&oldToken)
		r.all("flowring_gossip_keys_id", f.keys.id("k"))
		r.all("flowring_peer_tls_unverified_members", 0)
		step(access.Permissive, mtls.Required, keyring.Send)
		step(access.Required, mtls.Required, keyring.Require)
		r.all("flowring_auth_required", 1)
		r.all("flowring_peer_tls_plain_total", 0)
		if got := r.statuses("none"); !slices.Equal(got, []int{401, 401, 401}) {
			t.Errorf("POSTs with another token = %v, want 401", got)
		}

		f.public.issue(next, nodes...)
		waitFor(t, "the new certificates of the public ports", func() bool {
			return slices.Equal(issuers(t, r.c, both), []string{"next", "next", "next"})
		})
		f.writeTokens(oldLine, newLine)
		waitFor(t, "the new token", func() bool { return slices.Equal(r.statuses(newToken), []int{200, 200, 200}) })
		way.token.Store(&newToken)
		time.Sleep(10 * time.Second)
		f.writeTokens(newLine)
		waitFor(t, "the end of the old token", func() bool { return slices.Equal(r.statuses(oldToken), []int{401, 401, 401}) })
		id := r.value("a", "flowring_peer_tls_authorities_id")
		for _, authorities := range [][]*certtest.Authority{{old, next}, {next}} {
			f.peer.trust(nodes, authorities...)
			waitFor(t, "the new authorities", func() bool {
				ids := r.figure("flowring_peer_tls_authorities_id")
				return ids["a"] != id && ids["a"] == ids["b"] && ids["a"] == ids["c"]
			})
			id = r.value("a", "flowring_peer_tls_authorities_id")
			f.peer.issue(next, nodes...)
			time.Sleep(10 * time.Second)
		}
		for _, keys := range []string{"kl", "lk", "l"} {
			f.keys.write(keys)
			r.all("flowring_gossip_keys_id", f.keys.id(keys))
		}
		time.Sleep(90 * time.Second) // connections of the old authority are closed, and members without a key are missed
		r.all("flowring_members_alive", 3)
		r.all("flowring_peer_tls_unverified_members", 0)
		r.all("flowring_peer_tls_refused_total", 0)
		r.all("flowring_files_broken", 0)
		r.settle()
	})
}
