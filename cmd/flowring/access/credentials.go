package access

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/net/http/httpguts"

	"flowring/cmd/flowring/settings"
)

// maxCredential is the limit for a file with credentials, in bytes.
const maxCredential = 1 << 20

// Credentials holds the flags for the identity of the client and of the nodes. No error shows the value of a header or
// the content of a file, because each may be a secret.
type Credentials struct {
	headers           []string // Name: value
	tokenFile, caFile string
	certFile, keyFile string // of a client certificate
}

func (c *Credentials) addFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&c.headers, "header", nil, "header of the form `Name: value` for each request; may be repeated")
	f.StringVar(&c.tokenFile, "token-file", "", "`file` with a token, sent as Authorization: Bearer (default: "+
		settings.TokenFileVariable+")")
	f.StringVar(&c.caFile, "ca-file", "",
		"`file` of PEM certificates to trust for https targets (default: the certificates of the system)")
	f.StringVar(&c.certFile, "cert-file", "", "PEM `file` of a client certificate for https targets; needs --key-file")
	f.StringVar(&c.keyFile, "key-file", "", "PEM `file` of the private key of --cert-file")
}

// Load reads the files. The TLS configuration is nil for the roots of the system.
func (c *Credentials) Load() (http.Header, *tls.Config, error) {
	header, err := c.header()
	if err != nil {
		return nil, nil, err
	}
	if c.caFile == "" && c.certFile == "" && c.keyFile == "" {
		return header, nil, nil
	}
	cfg := &tls.Config{}
	if c.caFile != "" {
		if cfg.RootCAs, err = c.roots(); err != nil {
			return nil, nil, fmt.Errorf("--ca-file: %w", err)
		}
	}
	if c.certFile != "" || c.keyFile != "" {
		pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile) // its errors show no content
		if err != nil {
			return nil, nil, fmt.Errorf("--cert-file and --key-file: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return header, cfg, nil
}

// roots returns the certificates of the CA file.
func (c *Credentials) roots() (*x509.CertPool, error) {
	text, err := readCredential(c.caFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no PEM certificate", c.caFile)
	}
	return roots, nil
}

// header returns the headers of the flags and of the token.
func (c *Credentials) header() (http.Header, error) {
	header := http.Header{}
	for i, line := range c.headers {
		name, value, found := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !found || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("--header: number %d is not of the form \"Name: value\"", i+1)
		}
		if name = http.CanonicalHeaderKey(name); slices.Contains(ownHeaders(), name) {
			return nil, fmt.Errorf("--header: %s is set by the program itself", name)
		}
		header.Add(name, value)
	}
	file := c.tokenFile
	switch authorized := header.Get("Authorization") != ""; {
	case file == "" && !authorized:
		file = os.Getenv(settings.TokenFileVariable)
	case file != "" && authorized:
		return nil, errors.New("--token-file and --header Authorization contradict each other")
	}
	if file == "" {
		return header, nil
	}
	token, err := readCredential(file)
	if err != nil {
		return nil, fmt.Errorf("--token-file: %w", err)
	}
	text := strings.TrimSpace(string(token))
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fmt.Errorf("--token-file: %s is not one line of visible ASCII characters", file)
	}
	header.Set("Authorization", "Bearer "+text)
	return header, nil
}

// ownHeaders lists the headers of the body, the key and the connection, which the program sets.
func ownHeaders() []string {
	return []string{"Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect",
		"Idempotency-Key", "Trailer", "Transfer-Encoding", "Upgrade"}
}

// readCredential reads a file, up to a limit.
func readCredential(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxCredential+1))
	if err == nil && len(text) > maxCredential {
		err = fmt.Errorf("%s has more than %d bytes", name, maxCredential)
	}
	return text, err
}
