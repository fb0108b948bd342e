package mtls

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"flowring/internal/reload"
)

// credentials are a node's certificate and the authorities of all nodes.
type credentials struct {
	own         *tls.Certificate
	authorities *x509.CertPool
	authorityID int
}

// source is the source of the credentials. They are usable only if the own certificate is of this node and of one of
// the authorities, because other nodes would refuse it.
func (c Config) source(changed func(*credentials)) reload.Source[*credentials] {
	pair, pool := reload.KeyPair("", c.CertFile, c.KeyFile), reload.Authorities("", c.CAFile)
	return reload.Source[*credentials]{
		Name: "peer TLS", Files: []string{c.CertFile, c.KeyFile, c.CAFile}, Changed: changed,
		Parse: func(contents [][]byte) (*credentials, error) {
			own, err := pair.Parse(contents[:2])
			if err != nil {
				return nil, err
			}
			authorities, err := pool.Parse(contents[2:])
			if err != nil {
				return nil, err
			}
			return &credentials{own, authorities, authorityID(contents[2])}, c.checkOwn(own, authorities)
		},
	}
}

// checkOwn returns the reason for which other nodes would refuse this node's certificate.
func (c Config) checkOwn(own *tls.Certificate, authorities *x509.CertPool) error {
	var chain []*x509.Certificate
	for _, der := range own.Certificate {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("%s: %w", c.CertFile, err)
		}
		chain = append(chain, cert)
	}
	err := verify(chain, authorities, x509.ExtKeyUsageServerAuth)
	if err == nil {
		err = verify(chain, authorities, x509.ExtKeyUsageClientAuth)
	}
	if err != nil {
		return fmt.Errorf("%s: %w, by the authorities in %s", c.CertFile, err, c.CAFile)
	}
	if !c.AnyName && !Covers(chain[0].DNSNames, c.Name, c.Host) {
		return fmt.Errorf("%s: %w; --peer-tls-any-name allows one certificate for all nodes", c.CertFile,
			&NameError{chain[0].DNSNames, []string{c.Name}, c.Host})
	}
	return nil
}

// verify checks the chain of a certificate, for one usage.
func verify(chain []*x509.Certificate, authorities *x509.CertPool, usage x509.ExtKeyUsage) error {
	if len(chain) == 0 {
		return errors.New("no certificate")
	}
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: authorities, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{usage}, CurrentTime: time.Now(),
	})
	return err
}

// authorityID returns a number below 2^24 that is equal for equal contents of the file of authorities.
func authorityID(content []byte) int {
	sum := sha256.Sum256(content)
	return max(1, int(sum[0])<<16|int(sum[1])<<8|int(sum[2]))
}

// NameError refuses the certificate of another member.
type NameError struct {
	DNSNames []string // of the certificate
	Members  []string // one of which the certificate must be of
	Host     string   // advertised by the member
}

// Error names both sides.
func (e *NameError) Error() string {
	return fmt.Sprintf("the certificate is of %q, not of node %q at host %q", e.DNSNames, e.Members, e.Host)
}
