package access

import (
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/internal/certtest"
	"flowring/internal/reload"
)

// The metric has the end of the certificate that the port shows now, also after a renewal.
func TestTheEndOfThePublicCertificateIsAMetric(t *testing.T) {
	authority, dir := certtest.New(t, "authority"), t.TempDir()
	registry, files := prometheus.NewRegistry(), reload.NewSet(slog.New(slog.DiscardHandler))
	for i, at := range []time.Time{time.Now().Add(24 * time.Hour), time.Now().Add(48 * time.Hour)} {
		certFile, keyFile := authority.Issue(certtest.Names{DNS: []string{"n1"}, To: at}).Write(t, dir)
		if i == 0 {
			if _, err := PublicTLS(files, registry, certFile, keyFile, ""); err != nil {
				t.Fatal(err)
			}
		}
		files.Check()
		if got := end(t, registry); got != float64(at.Unix()) {
			t.Errorf("certificate %d ends at %v, want %d", i, got, at.Unix())
		}
	}
	plain := prometheus.NewRegistry()
	if _, err := PublicTLS(files, plain, "", "", ""); err != nil || end(t, plain) != 0 {
		t.Errorf("without TLS: %v, %v", end(t, plain), err)
	}
}

// end returns the value of the only metric.
func end(t *testing.T, registry *prometheus.Registry) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "flowring_tls_expires_seconds" {
		t.Fatalf("the metrics are %v, %v", families, err)
	}
	return families[0].GetMetric()[0].GetGauge().GetValue()
}
