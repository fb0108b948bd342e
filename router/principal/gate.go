package principal

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/internal/browser"
	"flowring/internal/contract"
	"flowring/internal/lograte"
)

// Config describes a Gate.
type Config struct {
	Tokens   func() *Tokens        // the current tokens; nil: the gate is open
	Required bool                  // false: permissive, if there are tokens
	Log      *slog.Logger          // nil: silent
	Registry prometheus.Registerer // nil: the metrics are counted and not registered
}

// Gate decides which requests pass.
type Gate struct {
	cfg     Config
	metrics metrics
	passed  lograte.Limiter
}

// NewGate returns a gate. It panics when its metrics are already registered.
func NewGate(cfg Config) *Gate {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	g := &Gate{cfg: cfg, metrics: newMetrics(cfg.Registry)}
	if cfg.Tokens != nil && cfg.Required {
		g.metrics.required.Set(1)
	}
	return g
}

// Check returns the principal of a request that may do what needs a scope. The error is contract.Unauthorized or
// contract.Forbidden. The principal of a request that passes a gate without a valid token has no name.
func (g *Gate) Check(r *http.Request, need Scopes) (Principal, error) {
	who, err := g.identify(r)
	if err == nil && !who.Scopes.Has(need) {
		err = forbidden(who, need)
	}
	switch {
	case err == nil:
		return who, nil
	case g.enforces() || need == Admin && !isLocal(r):
		return who, err
	case g.cfg.Tokens != nil:
		g.countPassed(r, err)
	}
	return who, nil
}

// enforces reports whether the gate refuses.
func (g *Gate) enforces() bool { return g.cfg.Tokens != nil && g.cfg.Required }

// forbidden returns the refusal of a principal without a scope.
func forbidden(who Principal, need Scopes) error {
	if who.Name == "" {
		return errOpen
	}
	return contract.Forbidden.Errorf("the principal %s has no scope %s", who.Name, need)
}

// identify returns the principal of a request.
func (g *Gate) identify(r *http.Request) (Principal, error) {
	if g.cfg.Tokens == nil {
		return Principal{}, nil
	}
	tokens := g.cfg.Tokens()
	switch secret, found, err := tokenOf(r); {
	case err != nil:
		return Principal{}, err
	case found:
		who, known := tokens.Token(secret)
		if !known {
			return Principal{}, errUnknown
		}
		return who, nil
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		cert := r.TLS.PeerCertificates[0]
		if time.Now().After(cert.NotAfter) { // the connection may be older than the end of the certificate
			return Principal{}, contract.Unauthorized.Errorf("the client certificate has expired")
		}
		if who, named := tokens.Certificate(cert); named {
			return who, nil
		}
		return Principal{}, contract.Unauthorized.Errorf("the client certificate has neither a URI nor a DNS name")
	}
	return Principal{}, errMissing
}

// The refusals without details of the request. An open gate meets errOpen in each request, so it must not cost memory.
var (
	errOpen = contract.Forbidden.Errorf("this node asks for no credentials, and therefore answers admin calls only to" +
		" callers on its own machine, without a proxy between them")
	errMissing = contract.Unauthorized.Errorf("the request has no token and no client certificate")
	errUnknown = contract.Unauthorized.Errorf("the token is not in the tokens file of this node")
	errForm    = contract.Unauthorized.Errorf(
		"the credentials are neither Authorization: Bearer TOKEN nor Authorization: Basic with the token as the password")
)

// firehoseHeader is the header in which Amazon Data Firehose sends its one secret.
const firehoseHeader = "X-Amz-Firehose-Access-Key"

// Cookie is the name of the cookie in which a browser sends the token of its user, for the pages of a node. Its value
// is escaped as in a query.
const Cookie = "flowring-token"

// CheckToken returns why a token alone may not do what needs a scope. A gate without tokens allows everything.
func (g *Gate) CheckToken(secret string, need Scopes) error {
	if g.cfg.Tokens == nil {
		return nil
	}
	who, known := g.cfg.Tokens().Token(secret)
	switch {
	case !known:
		return errUnknown
	case !who.Scopes.Has(need):
		return forbidden(who, need)
	}
	return nil
}

// tokenOf returns the token of a request. Authorization wins over firehoseHeader, and both win over the cookie. The
// cookie counts for reads alone, so that no page can make a browser write.
func tokenOf(r *http.Request) (secret string, found bool, err error) {
	secret, found, err = tokenOfHeader(r.Header)
	if found || err != nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return secret, found, err
	}
	cookie, err := r.Cookie(Cookie)
	if err != nil {
		return "", false, nil
	}
	secret, err = url.QueryUnescape(cookie.Value)
	return secret, err == nil && secret != "", nil
}

func tokenOfHeader(h http.Header) (secret string, found bool, err error) {
	values := h.Values("Authorization")
	if len(values) == 0 {
		if values = h.Values(firehoseHeader); len(values) == 0 || len(values) == 1 && values[0] == "" {
			return "", false, nil
		}
		if len(values) > 1 {
			return "", false, errForm
		}
		return values[0], true, nil
	}
	scheme, credentials, _ := strings.Cut(values[0], " ")
	credentials = strings.TrimSpace(credentials)
	switch {
	case len(values) > 1 || credentials == "":
	case strings.EqualFold(scheme, "Bearer"):
		return credentials, true, nil
	case strings.EqualFold(scheme, "Basic"):
		text, err := base64.StdEncoding.DecodeString(credentials)
		if _, password, ok := strings.Cut(string(text), ":"); err == nil && ok {
			return password, true, nil
		}
	}
	return "", false, errForm
}

// countPassed counts a request that Required would refuse.
func (g *Gate) countPassed(r *http.Request, why error) {
	reason := reasonToken
	switch {
	case errors.Is(why, contract.Forbidden):
		reason = reasonScope
	case errors.Is(why, errMissing):
		reason = reasonMissing
	}
	g.metrics.countPassed(reason, r.RemoteAddr)
	if times := g.passed.Allow(time.Now()); times > 0 {
		g.cfg.Log.WarnContext(r.Context(), "request passed that --auth required refuses",
			"client", r.RemoteAddr, "error", why, "requests", times)
	}
}

// isLocal reports whether a program on this machine sent the request itself: its TCP connection comes from loopback,
// no proxy has added a header, and Host is a name of loopback. A page that reaches the node by DNS rebinding has
// another name there.
func isLocal(r *http.Request) bool {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !at.Addr().Unmap().IsLoopback() || !browser.IsLocalHost(r.Host) {
		return false
	}
	return !slices.ContainsFunc(forwarding[:], func(name string) bool { return len(r.Header.Values(name)) > 0 })
}

// forwarding are the headers that proxies add.
var forwarding = [...]string{
	"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port",
	"X-Forwarded-Server",
	"X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Envoy-External-Address", "X-Envoy-Internal",
}
