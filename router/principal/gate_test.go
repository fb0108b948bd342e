package principal

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/internal/contract"
)

// gateOf returns a gate for the tokens w, r and a, each with the scope of its letter, and the certificate named cert
// with the scope read.
func gateOf(t *testing.T, required bool) (*Gate, *prometheus.Registry, *bytes.Buffer) {
	t.Helper()
	tokens, err := Parse("writer write " + hashed("w") + "\nreader read " + hashed("r") + "\nboss admin " + hashed("a") + "\ncert read cert")
	if err != nil {
		t.Fatal(err)
	}
	reg, log := prometheus.NewRegistry(), new(bytes.Buffer)
	return NewGate(Config{Tokens: func() *Tokens { return tokens }, Required: required, Registry: reg,
		Log: slog.New(slog.NewTextHandler(log, nil))}), reg, log
}

// request returns a request of another machine.
func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8080/flows", nil)
	r.RemoteAddr = "192.0.2.7:4000"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// withCertificate adds a verified certificate of a name.
func withCertificate(r *http.Request, name string, until time.Time) *http.Request {
	cert := &x509.Certificate{NotAfter: until}
	if name != "" {
		cert.DNSNames = []string{name}
	}
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert}}}
	return r
}

func TestOneSecretComesInThreeWays(t *testing.T) {
	g, _, _ := gateOf(t, true)
	later := time.Now().Add(time.Hour)
	unverified := withCertificate(request(), "cert", later)
	unverified.TLS.VerifiedChains = nil
	for _, tt := range []struct {
		name string
		r    *http.Request
		need Scopes
		who  string
		want error
	}{
		{"Bearer", request("Authorization", "Bearer w"), Write, "writer", nil},
		{"bearer in lower case", request("Authorization", "bearer  w"), Write, "writer", nil},
		{"Basic with any user", request("Authorization", "Basic "+base64Of("anybody:w")), Write, "writer", nil},
		{"Basic with a colon in the user's place", request("Authorization", "Basic "+base64Of(":w")), Write, "writer", nil},
		{"the header of Firehose", request("X-Amz-Firehose-Access-Key", "w"), Write, "writer", nil},
		{"Authorization beside the header of Firehose", request("Authorization", "Bearer r", "X-Amz-Firehose-Access-Key", "w"), Write, "reader", contract.Forbidden},
		{"a token of another scope", request("Authorization", "Bearer r"), Write, "reader", contract.Forbidden},
		{"write does not include read", request("Authorization", "Bearer w"), Read, "writer", contract.Forbidden},
		{"admin does not include read", request("Authorization", "Bearer a"), Read, "boss", contract.Forbidden},
		{"no token", request(), Write, "", contract.Unauthorized},
		{"an unknown token", request("Authorization", "Bearer x"), Write, "", contract.Unauthorized},
		{"a hash as the token", request("Authorization", "Bearer "+hashed("w")), Write, "", contract.Unauthorized},
		{"another scheme", request("Authorization", "Digest w"), Write, "", contract.Unauthorized},
		{"no credentials after the scheme", request("Authorization", "Bearer"), Write, "", contract.Unauthorized},
		{"Basic without a colon", request("Authorization", "Basic "+base64Of("w")), Write, "", contract.Unauthorized},
		{"Basic that is no base64", request("Authorization", "Basic *"), Write, "", contract.Unauthorized},
		{"two headers", request("Authorization", "Bearer w", "Authorization", "Bearer w"), Write, "", contract.Unauthorized},
		{"two headers of Firehose", request("X-Amz-Firehose-Access-Key", "w", "X-Amz-Firehose-Access-Key", "w"), Write, "", contract.Unauthorized},
		{"an empty header of Firehose", request("X-Amz-Firehose-Access-Key", ""), Write, "", contract.Unauthorized},
		{"a certificate", withCertificate(request(), "cert", later), Read, "cert", nil},
		{"a certificate of another scope", withCertificate(request(), "cert", later), Write, "cert", contract.Forbidden},
		{"a certificate without a line", withCertificate(request(), "other", later), Read, "other", contract.Forbidden},
		{"a certificate without a name", withCertificate(request(), "", later), Read, "", contract.Unauthorized},
		{"a certificate that has expired", withCertificate(request(), "cert", time.Now().Add(-time.Second)), Read, "", contract.Unauthorized},
		{"a certificate that is not verified", unverified, Read, "", contract.Unauthorized},
		{"a token beside a certificate", withCertificate(request("Authorization", "Bearer w"), "cert", later), Write, "writer", nil},
		{"an unknown token beside a certificate", withCertificate(request("Authorization", "Bearer x"), "cert", later), Read, "", contract.Unauthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if who, err := g.Check(tt.r, tt.need); who.Name != tt.who || !errors.Is(err, tt.want) || tt.want == nil && err != nil {
				t.Errorf("Check() = %q, %v, want %q, %v", who.Name, err, tt.who, tt.want)
			}
		})
	}
}

// --auth permissive answers each request that required refuses, and counts it by address.
func TestAPermissiveGateCounts(t *testing.T) {
	g, reg, log := gateOf(t, false)
	for _, headers := range [][]string{
		{}, {"Authorization", "Bearer x-secret-x"}, {"Authorization", "Bearer r"}, {"Authorization", "Bearer w"},
	} {
		if _, err := g.Check(request(headers...), Write); err != nil {
			t.Errorf("Check of %q = %v, want no error", headers, err)
		}
	}
	if who, _ := g.Check(request("Authorization", "Bearer w"), Write); who.Name != "writer" {
		t.Errorf("the principal of a token is %q, want writer: its keys are the same once tokens are required", who.Name)
	}
	if who, _ := g.Check(request("Authorization", "Bearer x-secret-x"), Write); who.Name != "" {
		t.Errorf("the principal of an unknown token is %q, want none", who.Name)
	}
	want := []string{"192.0.2.7 missing 1", "192.0.2.7 scope 1", "192.0.2.7 unknown 2", "other missing 0", "other scope 0", "other unknown 0"}
	if got := passed(t, reg); !slices.Equal(got, want) {
		t.Errorf("flowring_auth_passed_total has %q, want %q", got, want)
	}
	if n := strings.Count(log.String(), "request passed that --auth required refuses"); n != 1 || strings.Contains(log.String(), "x-secret-x") {
		t.Errorf("the log has %d lines, want 1 without a token:\n%s", n, log)
	}
}

// The label address has at most 100 values of clients, whoever calls.
func TestTheAddressesOfAPermissiveGateAreBounded(t *testing.T) {
	g, reg, _ := gateOf(t, false)
	for i := range 3 * maxAddresses {
		r := request()
		r.RemoteAddr = fmt.Sprintf("192.0.%d.%d:4000", i/256, i%256)
		if _, err := g.Check(r, Write); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(passed(t, reg)); n != maxAddresses+3 {
		t.Errorf("300 addresses make %d series, want %d", n, maxAddresses+3)
	}
}

// While a node asks for no credentials, only a program on its own machine may make admin calls.
func TestAdminCallsWithoutATokenAreLocal(t *testing.T) {
	permissive, _, _ := gateOf(t, false)
	required, _, _ := gateOf(t, true)
	open := NewGate(Config{})
	for _, tt := range []struct {
		name, remote, host string
		headers            []string
		want               bool
	}{
		{"this machine", "127.0.0.1:5000", "127.0.0.1:8080", nil, true},
		{"this machine by IPv6", "[::1]:5000", "[::1]:8080", nil, true},
		{"this machine by name", "127.0.0.1:5000", "localhost:8080", nil, true},
		{"another machine", "192.0.2.7:5000", "127.0.0.1:8080", nil, false},
		{"a page that reached this machine by DNS rebinding", "127.0.0.1:5000", "evil.example:8080", nil, false},
		{"no Host", "127.0.0.1:5000", "", nil, false},
		{"a proxy with X-Forwarded-For", "127.0.0.1:5000", "127.0.0.1:8080", []string{"X-Forwarded-For", "127.0.0.1"}, false},
		{"a proxy with Forwarded", "127.0.0.1:5000", "127.0.0.1:8080", []string{"Forwarded", "for=127.0.0.1"}, false},
		{"a proxy with an empty header", "127.0.0.1:5000", "127.0.0.1:8080", []string{"X-Forwarded-For", ""}, false},
		{"a proxy with Via", "127.0.0.1:5000", "127.0.0.1:8080", []string{"Via", "1.1 proxy"}, false},
		{"a pipe without an address", "pipe", "127.0.0.1:8080", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := request(tt.headers...)
			r.RemoteAddr, r.Host = tt.remote, tt.host
			for name, g := range map[string]*Gate{"open": open, "permissive": permissive} {
				if _, err := g.Check(r, Admin); (err == nil) != tt.want {
					t.Errorf("an admin call at the %s gate = %v, want allowed %t", name, err, tt.want)
				}
			}
			if _, err := required.Check(r, Admin); !errors.Is(err, contract.Unauthorized) {
				t.Errorf("an admin call at the required gate = %v, want %v", err, contract.Unauthorized)
			}
			r.Header.Set("Authorization", "Bearer a")
			for name, g := range map[string]*Gate{"required": required, "permissive": permissive} {
				if who, err := g.Check(r, Admin); err != nil || who.Name != "boss" {
					t.Errorf("an admin call with a token at the %s gate = %q, %v, want boss", name, who.Name, err)
				}
			}
		})
	}
}

// The proxies that add these headers: RFC 7239 and 9110, nginx, Apache, Traefik, Cloudflare, Akamai, Envoy.
func TestAnAdminCallThroughAProxyIsNotLocal(t *testing.T) {
	g := NewGate(Config{})
	for _, name := range []string{
		"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Server",
		"X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Envoy-External-Address", "X-Envoy-Internal",
	} {
		r := request(name, "x")
		r.RemoteAddr = "127.0.0.1:5000"
		if _, err := g.Check(r, Admin); !errors.Is(err, contract.Forbidden) {
			t.Errorf("an admin call with %s = %v, want %v", name, err, contract.Forbidden)
		}
	}
}

func TestAnOpenGateAsksForNothing(t *testing.T) {
	g := NewGate(Config{})
	for _, need := range []Scopes{Write, Read} {
		if who, err := g.Check(request("Authorization", "Bearer x"), need); err != nil || who != (Principal{}) {
			t.Errorf("Check(%s) = %v, %v, want no name and no error", need, who, err)
		}
	}
}

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// passed returns "address reason value" for each series of flowring_auth_passed_total, sorted.
func passed(t *testing.T, reg *prometheus.Registry) (series []string) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "flowring_auth_passed_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			series = append(series, fmt.Sprintf("%s %s %v", m.GetLabel()[0].GetValue(), m.GetLabel()[1].GetValue(), m.GetCounter().GetValue()))
		}
	}
	slices.Sort(series)
	return series
}

// The token of a cookie reads, and never writes: a page of another site could make the browser send it.
func TestTheTokenOfACookieOnlyReads(t *testing.T) {
	g, _, _ := gateOf(t, true)
	for method, want := range map[string]bool{http.MethodGet: true, http.MethodHead: true, http.MethodPost: false, http.MethodDelete: false} {
		r := request("Cookie", Cookie+"=r")
		r.Method = method
		if _, err := g.Check(r, Read); (err == nil) != want {
			t.Errorf("%s with the cookie of a reader: %v, want it to pass: %t", method, err, want)
		}
	}
	for name, headers := range map[string][]string{
		"a wrong token":              {"Cookie", Cookie + "=x"},
		"an escape that is none":     {"Cookie", Cookie + "=%zz"},
		"a token of another cookie":  {"Cookie", "other=r"},
		"a header before the cookie": {"Cookie", Cookie + "=r", "Authorization", "Bearer x"},
	} {
		r := request(headers...)
		r.Method = http.MethodGet
		if _, err := g.Check(r, Read); !errors.Is(err, contract.Unauthorized) {
			t.Errorf("%s: %v, want Unauthorized", name, err)
		}
	}
	if g.CheckToken("r", Read) != nil || !errors.Is(g.CheckToken("w", Read), contract.Forbidden) || !errors.Is(g.CheckToken("x", Read), contract.Unauthorized) {
		t.Error("CheckToken does not decide by the token and its scopes")
	}
}

// Each POST to a node without tokens passes the open gate.
func TestAnOpenGateCostsNoMemory(t *testing.T) {
	g, r := NewGate(Config{}), request()
	if n := testing.AllocsPerRun(100, func() { _, _ = g.Check(r, Write) }); n != 0 {
		t.Errorf("Check at an open gate makes %v allocations, want none", n)
	}
}
