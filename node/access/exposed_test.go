package access

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// guarded are settings with all ports beyond loopback, each with its guard.
func guarded() Settings {
	return Settings{
		HTTPAddr: ":8080", PeerAddr: "0.0.0.0:8081", GossipAddr: "n1:7946", Auth: Required, TokensFile: "tokens",
		PeerTLS: true, GossipKeys: true,
	}
}

// P17: each port beyond loopback asks for its own guard, and one message names each setting that is missing.
func TestPortsBeyondLoopbackNeedAGuard(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*Settings)
		want  []string // in the error; none: no error
	}{
		{"guards everywhere", func(*Settings) {}, nil},
		{"no tokens", func(s *Settings) { s.TokensFile = "" }, []string{"the public port at :8080", "--tokens-file", "--insecure"}},
		{"tokens that are not required", func(s *Settings) { s.Auth = Permissive }, []string{"the public port at :8080", "--auth required"}},
		{"no TLS between nodes", func(s *Settings) { s.PeerTLS = false }, []string{"the peer port at 0.0.0.0:8081", "--peer-tls-cert"}},
		{"no gossip keys", func(s *Settings) { s.GossipKeys = false }, []string{"the gossip port at n1:7946", "--gossip-keys-file"}},
		{"no guard at all", func(s *Settings) { *s = Settings{HTTPAddr: s.HTTPAddr, PeerAddr: s.PeerAddr, GossipAddr: s.GossipAddr} },
			[]string{"--tokens-file", "--peer-tls-cert, --peer-tls-key and --peer-tls-ca", "--gossip-keys-file"}},
		{"no guard, and insecure", func(s *Settings) { s.TokensFile, s.PeerTLS, s.GossipKeys, s.Insecure = "", false, false, true }, nil},
		{"no guard on loopback", func(s *Settings) {
			*s = Settings{HTTPAddr: "127.0.0.1:1", PeerAddr: "[::1]:2", GossipAddr: "localhost:3"}
		}, nil},
		{"an IPv6 address of every interface", func(s *Settings) { s.TokensFile, s.HTTPAddr = "", "[::]:8080" }, []string{"the public port at [::]:8080"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := guarded()
			tt.spoil(&s)
			var errs []string
			s.Check(func(format string, args ...any) { errs = append(errs, fmt.Sprintf(format, args...)) })
			if len(errs) != min(len(tt.want), 1) {
				t.Fatalf("Check() = %q, want one message with %q", errs, tt.want)
			}
			for _, want := range tt.want {
				if !strings.Contains(errs[0], want) {
					t.Errorf("Check() = %q, want %q in it", errs[0], want)
				}
			}
		})
	}
}

func TestAnInsecureNodeWarnsEachHour(t *testing.T) {
	for exposed, want := range map[bool]int{true: 4, false: 0} {
		synctest.Test(t, func(t *testing.T) {
			s := guarded()
			s.Insecure, s.GossipKeys = true, !exposed
			var log bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour+time.Minute)
			defer cancel()
			s.Warn(ctx, slog.New(slog.NewTextHandler(&log, nil)))
			if n := strings.Count(log.String(), "insecure: other machines reach ports that ask for no credentials"); n != want ||
				want > 0 && !strings.Contains(log.String(), "the gossip port at n1:7946") {
				t.Errorf("in 3 hours the log has %d warnings, want %d that name the port:\n%s", n, want, log.String())
			}
		})
	}
}
