package node_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flowring/internal/certtest"
	"flowring/node"
	"flowring/router/principal"
)

// secured is a cluster of one node with TLS on its public port.
type secured struct {
	*cluster
	folder             string
	cert, key, clients string // files
	authority          *certtest.Authority
}

// newSecured starts a node with TLS, client certificates and the lines of a tokens file.
func newSecured(t *testing.T, lines ...string) *secured {
	t.Helper()
	s := &secured{folder: t.TempDir(), authority: certtest.New(t, "clients")}
	s.clients = certtest.Write(t, s.folder, "clients.crt", s.authority.PEM)
	s.cluster = newCluster(t, 1, func(cfg *node.Config) {
		host, _, _ := strings.Cut(cfg.HTTPAddr, ":")
		s.cert, s.key = s.authority.Issue(certtest.Names{IPs: []string{host}, DNS: []string{"first"}}).Write(t, s.folder)
		cfg.TLSCert, cfg.TLSKey, cfg.TLSClientCA = s.cert, s.key, s.clients
		cfg.TokensFile = tokensFile(t, s.folder, lines...)
	})
	s.start("n1")
	s.waitReady()
	return s
}

// dialer returns a client with a certificate, nil for none, that trusts the authority of the node's certificate. Its
// sessions are resumed if cache is set.
func (s *secured) dialer(cert *certtest.Pair, cache tls.ClientSessionCache) *http.Client {
	cfg := &tls.Config{RootCAs: s.authority.Pool(), ClientSessionCache: cache}
	if cert != nil {
		shown := cert.TLS(s.t)
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { // whatever the node asks for
			return &shown, nil
		}
	}
	transport := &http.Transport{TLSClientConfig: cfg, ForceAttemptHTTP2: true}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// ask sends a request, and returns the status; 0: the handshake failed.
func (s *secured) ask(c *http.Client, method, path, token string) (status int, state *tls.ConnectionState) {
	s.t.Helper()
	req, err := http.NewRequest(method, "https://"+s.nodes["n1"].Addresses().HTTP+path, strings.NewReader("[]"))
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.Do(req)
	if err != nil {
		return 0, nil
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if res.ProtoMajor != 2 {
		s.t.Errorf("%s %s is answered in %s, want HTTP/2", method, path, res.Proto)
	}
	return res.StatusCode, res.TLS
}

// A certificate of the authority has the scopes of its line (P17), beside tokens.
func TestClientCertificatesHaveScopes(t *testing.T) {
	token, line := principal.New("reader", principal.Read)
	s := newSecured(t, line, "spiffe://flows/ns/a/sa/agent write cert", "dashboard.example read cert")
	issue := func(names certtest.Names) *certtest.Pair { p := s.authority.Issue(names); return &p }
	stranger := certtest.New(t, "strangers").Issue(certtest.Names{DNS: []string{"dashboard.example"}})
	for _, tt := range []struct {
		name                string
		cert                *certtest.Pair
		token               string
		write, read, health int
	}{
		{"the URI of an agent", issue(certtest.Names{URIs: []string{"spiffe://flows/ns/a/sa/agent"}, DNS: []string{"dashboard.example"}}), "", 200, 403, 200},
		{"the DNS name of a dashboard", issue(certtest.Names{DNS: []string{"dashboard.example"}}), "", 403, 200, 200},
		{"a certificate without a line", issue(certtest.Names{DNS: []string{"other.example"}}), "", 403, 403, 200},
		{"a common name alone", issue(certtest.Names{Common: "dashboard.example"}), "", 401, 401, 200},
		{"no certificate", nil, "", 401, 401, 200},
		{"a token without a certificate", nil, token, 403, 200, 200},
		{"a certificate of another authority", &stranger, "", 0, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := s.dialer(tt.cert, nil)
			write, _ := s.ask(c, "POST", "/flows", tt.token)
			read, _ := s.ask(c, "GET", "/members", tt.token)
			health, _ := s.ask(c, "GET", "/readyz", "")
			if write != tt.write || read != tt.read || health != tt.health {
				t.Errorf("POST, GET and /readyz = %d, %d, %d, want %d, %d, %d", write, read, health, tt.write, tt.read, tt.health)
			}
		})
	}
}

// Certificates and authorities are replaced while the node runs. An authority that is taken out counts no more, also
// for a client that resumes its session.
func TestCertificatesAreReplacedWhileANodeRuns(t *testing.T) {
	s := newSecured(t, "* read cert")
	pair := s.authority.Issue(certtest.Names{DNS: []string{"dashboard.example"}})
	cache := tls.NewLRUClientSessionCache(8)
	status, state := s.ask(s.dialer(&pair, cache), "GET", "/members", "")
	if status != 200 || state.PeerCertificates[0].DNSNames[0] != "first" || state.Version != tls.VersionTLS13 {
		t.Fatalf("GET = %d, want 200 with the certificate first and TLS 1.3", status)
	}
	if _, state = s.ask(s.dialer(&pair, cache), "GET", "/members", ""); state == nil || !state.DidResume {
		t.Fatal("the second connection does not resume the session, so that this test shows nothing")
	}
	host, _, _ := strings.Cut(s.nodes["n1"].Addresses().HTTP, ":")
	s.authority.Issue(certtest.Names{IPs: []string{host}, DNS: []string{"second"}}).Write(t, s.folder)
	s.eventually(func() error {
		status, state := s.ask(s.dialer(&pair, nil), "GET", "/members", "")
		if status != 200 || state.PeerCertificates[0].DNSNames[0] != "second" {
			return fmt.Errorf("GET = %d with an old certificate", status)
		}
		return nil
	})
	certtest.Write(t, s.folder, "clients.crt", certtest.New(t, "new clients").PEM)
	s.eventually(func() error {
		if status, _ := s.ask(s.dialer(&pair, nil), "GET", "/members", ""); status != 0 {
			return fmt.Errorf("GET with a certificate of the old authority = %d", status)
		}
		return nil
	})
	if status, _ := s.ask(s.dialer(&pair, cache), "GET", "/members", ""); status == 200 {
		t.Errorf("GET on a resumed session of the old authority = %d, want a refusal", status)
	}
}

func TestANodeDoesNotStartWithUnusableCertificates(t *testing.T) {
	folder := t.TempDir()
	ca := certtest.New(t, "CA")
	cert, key := ca.Issue(certtest.Names{DNS: []string{"n1"}}).Write(t, folder)
	tokens := tokensFile(t, folder, "* read cert")
	authorities := certtest.Write(t, folder, "ca.crt", ca.PEM)
	c := newCluster(t, 1, nil)
	for _, tt := range []struct {
		name  string
		spoil func(*node.Config)
		want  string
	}{
		{"no certificate file", func(cfg *node.Config) { cfg.TLSCert = filepath.Join(folder, "none") }, "certificate of the public port: "},
		{"a key in place of the certificate", func(cfg *node.Config) { cfg.TLSCert = key }, "certificate of the public port: "},
		{"a key as authority", func(cfg *node.Config) { cfg.TLSClientCA = key }, "authorities of clients: "},
		{"a certificate without a key", func(cfg *node.Config) { cfg.TLSKey = "" }, "tls-cert and tls-key: both or neither"},
		{"client certificates without scopes", func(cfg *node.Config) { cfg.TokensFile = "" }, "tls-client-ca: needs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := c.config("n1")
			cfg.TLSCert, cfg.TLSKey, cfg.TLSClientCA, cfg.TokensFile = cert, key, authorities, tokens
			tt.spoil(&cfg)
			p, err := c.run(cfg)
			if err == nil {
				p.Abort()
			}
			content, _ := os.ReadFile(key)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), strings.Split(string(content), "\n")[1]) {
				t.Errorf("start = %v, want an error with %q and without the key", err, tt.want)
			}
			if errors.Is(err, os.ErrNotExist) != (tt.name == "no certificate file") {
				t.Errorf("start = %v", err)
			}
		})
	}
}
