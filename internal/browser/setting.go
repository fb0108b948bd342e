package browser

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Origin returns an origin in the form of browsers: scheme://host or scheme://host:port, in lower case and without the
// default port of the scheme. It fails for other texts, such as a path, a wildcard or "null".
func Origin(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery ||
		u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https" || !validName(u.Hostname()) || !validPort(u.Port()) {
		return "", fmt.Errorf("%q is not an origin, such as https://flows.example or http://localhost:3000", text)
	}
	host := strings.ToLower(u.Host)
	implied := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return u.Scheme + "://" + strings.TrimSuffix(strings.TrimSuffix(host, implied), ":"), nil
}

// Host returns a host name or IP address in the form for comparisons. It fails for a text with a scheme or a port.
func Host(text string) (string, error) {
	name := strings.TrimSuffix(strings.ToLower(text), ".")
	if bare := strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"); isIP(bare) {
		return bare, nil
	}
	if !validName(name) {
		return "", fmt.Errorf("%q is not a host name without a port, such as flows.example", text)
	}
	return name, nil
}

// validName reports whether a name may be in a URL: an IP address, or letters, digits, dots, hyphens and
// underscores (which DNS lacks). A name in another script must have the form xn--..., as browsers send it.
func validName(name string) bool {
	return isIP(name) || regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`).MatchString(name)
}

func validPort(port string) bool {
	_, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil
}

func isIP(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}
