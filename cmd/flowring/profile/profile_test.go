package profile

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestOnlyLoopbackIsAnAddressOfProfiles(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:6060": true, "127.0.0.2:0": true, "[::1]:6060": true, "localhost:6060": true, "[::ffff:127.0.0.1]:1": true,
		":6060": false, "0.0.0.0:6060": false, "[::]:6060": false, "192.0.2.1:6060": false, "n1:6060": false, "127.0.0.1": false,
	} {
		err := Check(addr)
		if (err == nil) != want || err != nil && !strings.Contains(err.Error(), addr) {
			t.Errorf("Check(%q) = %v, want allowed %t, and the address in an error", addr, err, want)
		}
		if want {
			continue
		}
		if s, err := Open(t.Context(), addr, slog.New(slog.DiscardHandler)); err == nil {
			s.Close()
			t.Errorf("Open(%q) listens", addr)
		}
	}
}

func TestProfilesAreServedUntilClose(t *testing.T) {
	var log bytes.Buffer
	s, err := Open(t.Context(), "127.0.0.1:0", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+/debug/pprof/`).FindString(log.String())
	get := func() (string, error) {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url+"goroutine?debug=1", nil)
		if err != nil {
			return "", err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		return string(text), err
	}
	if text, err := get(); err != nil || !strings.HasPrefix(text, "goroutine profile: ") {
		t.Errorf("the profile of goroutines at %q = %.60q, %v", url, text, err)
	}
	s.Close()
	if _, err := get(); err == nil {
		t.Error("the port answers after Close")
	}
	if off, err := Open(t.Context(), "", nil); off != nil || err != nil {
		t.Errorf("Open without an address = %v, %v, want nothing", off, err)
	} else {
		off.Close()
	}
}

func TestWebPagesReachNoProfile(t *testing.T) {
	for _, tt := range []struct {
		name, method, host, site string
		want                     int
	}{
		{"a program", "GET", "127.0.0.1:6060", "", 200},
		{"go tool pprof", "POST", "localhost:6060", "", 200},
		{"a page that reached this machine by DNS rebinding", "GET", "evil.example:6060", "same-origin", 403},
		{"a post of a page of another site", "POST", "127.0.0.1:6060", "cross-site", 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "/debug/pprof/symbol", nil)
			r.Host = tt.host
			if tt.site != "" {
				r.Header.Set("Sec-Fetch-Site", tt.site)
			}
			w := httptest.NewRecorder()
			if handler().ServeHTTP(w, r); w.Code != tt.want {
				t.Errorf("%s of the host %s = %d, want %d", tt.method, tt.host, w.Code, tt.want)
			}
		})
	}
}
