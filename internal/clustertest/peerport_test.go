package clustertest

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"flowring/internal/certtest"
	"flowring/internal/racetest"
	"flowring/internal/safeguard"
	"flowring/node/peer"
	"flowring/node/peer/mtls"
)

// peerCalls are the calls of the peer port, as the server lists them, with the parameters that some of them need.
func peerCalls() []string {
	calls := peer.NewServer(peer.ServerConfig{}, peer.ServerDeps{}).Calls()
	for i := range calls {
		calls[i] += "?slice=1/0&store=00000000000000000000000000000000"
	}
	return calls
}

// intruder calls the peer port of a node; pair is its certificate; nil: it has none.
func intruder(c *Cluster, plain bool, pair *tls.Certificate) *http.Client {
	host := c.Net.Host("10.9.9.9")
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			raw, err := host.DialContext(ctx, network, addr)
			if err != nil || plain {
				return raw, err
			}
			cfg := &tls.Config{InsecureSkipVerify: true}
			if pair != nil {
				cfg.Certificates = []tls.Certificate{*pair}
			}
			secured := tls.Client(raw, cfg)
			return secured, secured.HandshakeContext(ctx) // here, because a bubble stands still while a mutex is waited for
		},
	}}
}

// answered returns the calls that the node answers with anything but the refusal of a name.
func answered(t *testing.T, c *Cluster, client *http.Client, claim string) (calls []string) {
	t.Helper()
	for _, call := range peerCalls() {
		method, path, _ := strings.Cut(call, " ")
		body := io.Reader(nil)
		if strings.HasPrefix(path, "hello") {
			body = strings.NewReader(`{"store":{"ID":"00000000000000000000000000000001","Name":"a"},"start":"1"}`)
		}
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+at(c.Addr("b"), PeerPort)+"/peer/v1/"+path, body)
		if err != nil {
			t.Fatal(err)
		}
		if claim != "" {
			req.Header.Set("Flowring-Node", claim)
		}
		res, err := client.Do(req)
		if err != nil {
			continue
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if !strings.Contains(string(text), "not of node") {
			calls = append(calls, fmt.Sprintf("%s: %s", call, res.Status))
		}
	}
	return calls
}

// While peer TLS is required, the peer port answers no call without a certificate of a member, and no call under the
// name of another member (P17). Negative controls: a node that skips a check answers.
func TestThePeerPortNeedsACertificate(t *testing.T) {
	ca, other := certtest.New(t, "CA"), certtest.New(t, "other")
	nodes := []string{"a", "b", "c"}
	files := certificates{t: t, folder: t.TempDir()}
	files.issue(ca, nodes...)
	files.trust(nodes, ca)
	pair := func(ca *certtest.Authority, dns string) *tls.Certificate {
		cert := ca.Issue(certtest.Names{DNS: []string{dns}}).TLS(t)
		return &cert
	}
	all := len(peerCalls())
	for _, tt := range []struct {
		name     string
		disabled safeguard.Set
		plain    bool
		pair     *tls.Certificate
		claim    string
		want     int // calls that are answered; the heartbeat, in the name of a, is among them if all are
	}{
		{name: "a plain call", plain: true},
		{name: "a call without a certificate"},
		{name: "a certificate of another authority", pair: pair(other, "a")},
		{"a certificate of another authority, unchecked", safeguard.CallerCert, false, pair(other, "a"), "", all},
		{name: "the name of another member", pair: pair(ca, "c"), claim: "a 10.0.0.1"},
		{"the name of another member, unchecked", safeguard.CallerName, false, pair(ca, "c"), "a 10.0.0.1", all},
		{name: "a heartbeat in the name of another member", pair: pair(ca, "c"), claim: "c 10.0.0.3", want: all - 1},
		{name: "a heartbeat in the name of another member, without a claim", pair: pair(ca, "c"), want: all - 1},
		{"a heartbeat in the name of another member, unchecked", safeguard.CallerName, false, pair(ca, "c"), "c 10.0.0.3", all},
		{"a member's certificate and its name", 0, false, pair(ca, "a"), "a 10.0.0.1", all},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				c := formed(t, 3, Options{Seed: 32, Copies: 3, Quorum: 2, Disabled: tt.disabled, Configure: files.use(mtls.Required)})
				got := answered(t, c, intruder(c, tt.plain, tt.pair), tt.claim)
				heartbeat := slices.ContainsFunc(got, func(call string) bool { return strings.HasPrefix(call, "POST hello") })
				if len(got) != tt.want || heartbeat != (tt.want == all) {
					t.Errorf("%d calls are answered, want %d: %q", len(got), tt.want, got)
				}
			})
		})
	}
}
