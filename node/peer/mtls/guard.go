package mtls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"flowring/internal/lograte"
	"flowring/internal/reload"
	"flowring/internal/safeguard"
)

// Mode says how far peer TLS is switched on. Nodes of both modes understand each other.
type Mode string

// The modes.
const (
	Permissive Mode = "permissive" // serve plain and TLS calls, call by TLS the nodes that speak it
	Required   Mode = "required"   // serve and make calls by TLS alone
)

// Valid reports whether m is one of the modes.
func (m Mode) Valid() bool { return m == Permissive || m == Required }

// CheckSettings reports settings that cannot work.
func CheckSettings(mode Mode, certFile, keyFile, caFile string) error {
	if !mode.Valid() {
		return fmt.Errorf("peer-tls-mode %q: must be %s or %s", mode, Permissive, Required)
	}
	if some := certFile != "" || keyFile != "" || caFile != ""; some && (certFile == "" || keyFile == "" || caFile == "") {
		return errors.New("peer-tls-cert, peer-tls-key and peer-tls-ca: must be set together")
	}
	return nil
}

// Config describes this node's side of peer TLS.
type Config struct {
	CertFile, KeyFile string // PEM files of this node's certificate and its key
	CAFile            string // PEM file of the authorities of all nodes; several during a rotation
	AnyName           bool   // one certificate is of all nodes
	Mode              Mode
	Name, Host        string        // of this node: its name, and its advertised host
	Disabled          safeguard.Set // safeguards that are off, in tests
}

// Deps are the collaborators of a Guard.
type Deps struct {
	Log   *slog.Logger
	Files *reload.Set
	// NodesAt returns the names of the nodes that may be at a peer address, and whether one of them says that it speaks
	// TLS. At an address without a name this node calls only processes of its own name, to ask whether they live.
	NodesAt func(addr string) (names []string, speak bool)
	// Changed is called after a change of the credentials. New connections use them.
	Changed func()
}

// retryEvery is the time between two attempts to replace plain connections to a node that says that it speaks TLS.
const retryEvery = 10 * time.Second

// staleAfter is the time after a change of the credentials in which callers replace their connections.
const staleAfter = time.Minute

// Guard is this node's side of peer TLS. The methods of a nil Guard are those of a node without it.
type Guard struct {
	cfg     Config
	deps    Deps
	current *reload.Value[*credentials]
	server  *tls.Config

	refused, plain, fallbacks atomic.Uint64
	refusedLog, fallbackLog   lograte.Limiter

	mu    sync.Mutex
	peers map[string]*peerState // by peer address
	conns map[*conn]struct{}    // connections of callers with a certificate
}

// peerState is the knowledge about the node at an address.
type peerState struct {
	speaks   bool      // it said in its last answer to a heartbeat that it speaks TLS
	verified bool      // the last connection to it was by TLS, and both sides took the other's certificate
	retried  time.Time // last attempt to replace plain connections
}

// New reads the files, and follows them from now on. Without files it returns nil.
func New(cfg Config, deps Deps) (*Guard, error) {
	if cfg.CertFile == "" {
		return nil, nil
	}
	g := &Guard{cfg: cfg, deps: deps, peers: map[string]*peerState{}, conns: map[*conn]struct{}{}}
	var err error
	g.current, err = reload.Add(deps.Files, cfg.source(func(*credentials) {
		deps.Changed()
		time.AfterFunc(staleAfter, g.closeStale)
	}))
	if err != nil {
		return nil, err
	}
	g.server = &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{protocol, "http/1.1"},
		ClientAuth: tls.RequireAnyClientCert, VerifyConnection: g.verifyCaller,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return g.current.Get().own, nil },
		// Nodes keep connections, so resumption saves nothing.
		SessionTicketsDisabled: true, DynamicRecordSizingDisabled: true,
	}
	return g, nil
}

// Speaks reports whether this node speaks TLS on its peer port.
func (g *Guard) Speaks() bool { return g != nil }

// NoteHello takes from the answer to a heartbeat whether the node at an address speaks TLS. It reports whether plain
// connections to that node are to be replaced now.
func (g *Guard) NoteHello(addr string, speaks bool) (renew bool) {
	if g == nil || g.cfg.Mode == Required {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.peerLocked(addr)
	p.speaks = speaks
	if !speaks || p.verified || time.Since(p.retried) < retryEvery {
		return false
	}
	p.retried = time.Now()
	return true
}

// Verified reports whether the last connection to an address was by TLS, and both sides took the other's certificate.
func (g *Guard) Verified(addr string) bool {
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.peers[addr]
	return p != nil && p.verified
}

// peerLocked returns the state of an address. The caller holds g.mu.
func (g *Guard) peerLocked(addr string) *peerState {
	const most = 4096 // addresses; nodes move between fewer
	if len(g.peers) > most {
		clear(g.peers)
	}
	p := g.peers[addr]
	if p == nil {
		p = &peerState{}
		g.peers[addr] = p
	}
	return p
}

func (g *Guard) noteDial(addr string, verified bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.peerLocked(addr).verified = verified
}

// secure reports whether a call to an address begins with TLS.
func (g *Guard) secure(addr string) bool {
	if g.cfg.Mode == Required {
		return true
	}
	_, speak := g.deps.NodesAt(addr)
	g.mu.Lock()
	defer g.mu.Unlock()
	return speak || g.peerLocked(addr).speaks
}

// closeStale closes the connections of callers whose certificate is of none of the present authorities.
func (g *Guard) closeStale() {
	g.mu.Lock()
	var stale []*conn
	for c := range g.conns {
		if g.verifyChain(c.chain) != nil {
			stale = append(stale, c)
		}
	}
	g.mu.Unlock()
	for _, c := range stale {
		_ = c.Close()
	}
}

// Stats are the figures of a Guard.
type Stats struct {
	Expires     time.Time // end of the own certificate; zero: no peer TLS
	AuthorityID int       // equal on nodes with the same file of authorities; 0: no peer TLS
	Refused     uint64    // connections and calls refused because of their certificate
	Plain       uint64    // plain connections, served or refused
	Fallbacks   uint64    // calls that went plain because TLS failed
}

// Stats returns the figures.
func (g *Guard) Stats() Stats {
	if g == nil {
		return Stats{}
	}
	now := g.current.Get()
	return Stats{now.own.Leaf.NotAfter, now.authorityID, g.refused.Load(), g.plain.Load(), g.fallbacks.Load()}
}

// verifyCaller checks the chain of a caller's certificate.
func (g *Guard) verifyCaller(s tls.ConnectionState) error { return g.verifyChain(s.PeerCertificates) }

func (g *Guard) verifyChain(chain []*x509.Certificate) error {
	if g.cfg.Disabled.Has(safeguard.CallerCert) {
		return nil
	}
	return verify(chain, g.current.Get().authorities, x509.ExtKeyUsageClientAuth)
}

// noteRefusal counts and logs a refused connection or call.
func (g *Guard) noteRefusal(from net.Addr, reason error) {
	g.refused.Add(1)
	if times := g.refusedLog.Allow(time.Now()); times > 0 {
		g.deps.Log.Warn("peer certificate refused", "from", from.String(), "error", reason, "refused", times)
	}
}

// CheckCaller returns why the caller of a request may not claim a name. ctx is the context of the request.
func (g *Guard) CheckCaller(ctx context.Context, name, host string) error {
	if g == nil || g.cfg.AnyName || g.cfg.Disabled.Has(safeguard.CallerName) {
		return nil
	}
	c, _ := ctx.Value(connKey{}).(*conn)
	if c == nil {
		return nil
	}
	cert := c.certificate()
	if cert == nil || Covers(cert.DNSNames, name, host) {
		return nil
	}
	err := &NameError{cert.DNSNames, []string{name}, host}
	g.noteRefusal(c.RemoteAddr(), err)
	return err
}
