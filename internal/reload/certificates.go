package reload

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// KeyPair is the source of a certificate chain and its private key, in PEM files. A certificate counts only within its
// time: callers would refuse any other one, so the last usable one stays.
func KeyPair(name, certFile, keyFile string) Source[*tls.Certificate] {
	return Source[*tls.Certificate]{Name: name, Files: []string{certFile, keyFile},
		Parse: func(contents [][]byte) (*tls.Certificate, error) {
			pair, err := tls.X509KeyPair(contents[0], contents[1])
			if err != nil { // its texts show no content
				return nil, fmt.Errorf("%s and %s: %w", certFile, keyFile, err)
			}
			switch now := time.Now(); {
			case now.After(pair.Leaf.NotAfter):
				return nil, fmt.Errorf("%s: the certificate has expired at %s", certFile, pair.Leaf.NotAfter.Format(time.RFC3339))
			case now.Before(pair.Leaf.NotBefore):
				return nil, fmt.Errorf("%s: the certificate begins at %s", certFile, pair.Leaf.NotBefore.Format(time.RFC3339))
			}
			return &pair, nil
		}}
}

// Authorities is the source of the certificates in a PEM file as a pool. The file may hold several, for a rotation.
func Authorities(name, caFile string) Source[*x509.CertPool] {
	return Source[*x509.CertPool]{Name: name, Files: []string{caFile},
		Parse: func(contents [][]byte) (*x509.CertPool, error) {
			pool, err := parseAuthorities(contents[0])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", caFile, err)
			}
			return pool, nil
		}}
}

// parseAuthorities returns a pool of all certificates in a PEM text. Unlike AppendCertsFromPEM it refuses a text of
// which a part is not usable, because a CA that is skipped silently refuses clients later.
func parseAuthorities(text []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	for count := 1; ; count++ {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			if count == 1 {
				return nil, errors.New("no PEM certificate")
			}
			return pool, nil
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("PEM block %d is no certificate", count)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("PEM block %d: %w", count, err)
		}
		pool.AddCert(cert)
	}
}
