package browser

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func request(method, host string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "/flows", nil)
	r.Host = host
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func guard(t *testing.T, cfg Config) *Guard {
	t.Helper()
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestALoopbackNodeAcceptsOnlyNamesOfLoopback(t *testing.T) {
	g := guard(t, Config{Loopback: true, AllowedHosts: []string{"flows.example", "10.0.0.7", "fd00::7"}})
	for host, pass := range map[string]bool{
		"127.0.0.1:8080": true, "127.0.0.1": true, "127.0.1.1:8080": true, "[::1]:8080": true, "[::1]": true, "::1": true,
		"[::ffff:127.0.0.1]:8080": true, "[::1%25lo]:8080": true, "[::1%lo]:8080": true,
		"localhost": true, "localhost:8080": true, "LOCALHOST:8080": true, "localhost.": true, "localhost.:8080": true,
		"flowring.localhost:8080": true, "a.b.Localhost": true,
		"flows.example": true, "flows.example:443": true, "FLOWS.Example.:8080": true, "10.0.0.7:8080": true, "[fd00::7]:1": true,
		"":             true, // HTTP/1.0
		"evil.example": false, "evil.example:8080": false, "localhost.evil.example": false, "evillocalhost": false, "localhost..": false,
		"127.0.0.1.evil.example": false, "10.0.0.8:8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "[fe80::1]:8080": false,
		"www.flows.example": false, "example": false, "n1:8080": false, "127.0.0.1@evil.example": false,
	} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PRI"} {
			err := g.Check(request(method, host))
			if pass && err != nil || !pass && !errors.As(err, new(*HostError)) {
				t.Errorf("%s with Host %q = %v, want it to pass: %v", method, host, err, pass)
			}
		}
		if err := guard(t, Config{}).Check(request("GET", host)); err != nil {
			t.Errorf("GET with Host %q at a listener that is not on loopback = %v, want nil", host, err)
		}
	}
}

func TestARefusalOfAHostNamesTheSettingAndLittleOfTheHost(t *testing.T) {
	err := guard(t, Config{Loopback: true}).Check(request("GET", strings.Repeat("evil\x00", 10_000)))
	if err == nil || len(err.Error()) > 500 || !strings.Contains(err.Error(), "--allowed-host") || strings.Contains(err.Error(), "\x00") {
		t.Errorf("Check = %v, want a short text that names --allowed-host", err)
	}
}

func TestWritesOfOtherOriginsAreRefused(t *testing.T) {
	g := guard(t, Config{TrustedOrigins: []string{"https://flows.example"}})
	for _, tt := range []struct {
		name    string
		headers []string
		pass    bool
	}{
		{"a program", nil, true},
		{"a page of the node itself", []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://n1:8080"}, true},
		{"an address typed in", []string{"Sec-Fetch-Site", "none"}, true},
		{"a page of the node in an old browser", []string{"Origin", "http://n1:8080"}, true},
		{"another site", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, false},
		{"another site that hides its origin", []string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}, false},
		{"another site without Origin", []string{"Sec-Fetch-Site", "cross-site"}, false},
		{"another port or name of one site", []string{"Sec-Fetch-Site", "same-site", "Origin", "http://n1:3000"}, false},
		{"another site in an old browser", []string{"Origin", "https://evil.example"}, false},
		{"a file in an old browser", []string{"Origin", "null"}, false},
		{"a trusted origin", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://flows.example"}, true},
		{"a trusted origin in an old browser", []string{"Origin", "https://flows.example"}, true},
		{"a trusted origin at another port", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://flows.example:8443"}, false},
		{"a trusted origin without TLS", []string{"Sec-Fetch-Site", "cross-site", "Origin", "http://flows.example"}, false},
	} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "FLOW"} {
			err := g.Check(request(method, "n1:8080", tt.headers...))
			if tt.pass && err != nil || !tt.pass && !errors.Is(err, ErrCrossOrigin) {
				t.Errorf("%s of %s = %v, want it to pass: %v", method, tt.name, err, tt.pass)
			}
		}
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			if err := g.Check(request(method, "n1:8080", tt.headers...)); err != nil {
				t.Errorf("%s of %s = %v, want nil", method, tt.name, err)
			}
		}
	}
}

// DNS rebinding: the page and the node have one origin. A trusted origin does not permit the name.
func TestARebindingPageOfTheSameOriginIsRefused(t *testing.T) {
	g := guard(t, Config{Loopback: true, TrustedOrigins: []string{"http://evil.example:8080"}})
	err := g.Check(request("POST", "evil.example:8080", "Sec-Fetch-Site", "same-origin", "Origin", "http://evil.example:8080"))
	if !errors.As(err, new(*HostError)) {
		t.Errorf("Check = %v, want a *HostError", err)
	}
}

func TestOriginsHaveTheFormOfBrowsers(t *testing.T) {
	for text, want := range map[string]string{
		"https://flows.example": "https://flows.example", "https://Flows.Example:443": "https://flows.example",
		"HTTP://localhost:80": "http://localhost", "http://localhost:3000": "http://localhost:3000", "http://[::1]:3000": "http://[::1]:3000",
		"https://a_b.example:8443": "https://a_b.example:8443", "https://flows.example:": "https://flows.example",
		"": "", "null": "", "*": "", "flows.example": "", "flows.example:443": "", "https://": "", "https://flows.example/": "", "ftp://a": "",
		"https://flows.example/x": "", "https://flows.example?x": "", "https://flows.example?": "", "https://flows.example#x": "",
		"https://user@flows.example": "", "https://*.flows.example": "", "https://flöws.example": "", "https://a b": "",
		"https://flows.example:99999": "", "file:///x": "", "https://a,https://b": "",
	} {
		got, err := Origin(text)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("Origin(%q) = %q, %v, want %q", text, got, err, want)
		}
		if _, err := New(Config{TrustedOrigins: []string{got}}); err != nil && want != "" {
			t.Errorf("New with the origin %q: %v", got, err)
		}
	}
}

func TestHostsHaveTheFormForComparisons(t *testing.T) {
	for text, want := range map[string]string{
		"flows.example": "flows.example", "Flows.Example.": "flows.example", "n1": "n1", "a_b": "a_b", "10.0.0.7": "10.0.0.7",
		"[fd00::7]": "fd00::7", "fd00::7": "fd00::7",
		"": "", "flows.example:8080": "", "http://flows.example": "", "*": "", "*.example": "", "a b": "", "flöws.example": "", "-a": "",
	} {
		if got, err := Host(text); got != want || (err != nil) != (want == "") {
			t.Errorf("Host(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestListenersOnLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:8080": true, "127.9.9.9:1": true, "[::1]:8080": true, "0.0.0.0:8080": false, "[::]:8080": false, "10.0.0.7:1": false,
		"[fe80::1%eth0]:1": false,
	} {
		at, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := OnLoopback(at); got != want {
			t.Errorf("OnLoopback(%s) = %v, want %v", address, got, want)
		}
	}
	if OnLoopback(&net.UnixAddr{Name: "/run/flowring.sock", Net: "unix"}) {
		t.Error("a unix socket counts as loopback")
	}
}
