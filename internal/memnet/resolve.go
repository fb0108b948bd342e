package memnet

import (
	"context"
	"net"
	"net/netip"
	"strconv"
)

// resolve returns the addresses of an address string, at least one. family is "tcp" or "udp". An empty host means the
// unspecified address.
func (h *Host) resolve(ctx context.Context, family, network, address string) ([]netip.AddrPort, error) {
	if network != family && network != family+"4" && network != family+"6" {
		return nil, net.UnknownNetworkError(network)
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, &net.AddrError{Err: "invalid port", Addr: address}
	}
	if host == "" {
		host = "::"
	}
	names, err := h.LookupHost(ctx, host)
	if err != nil {
		return nil, err
	}
	return withPort(names, uint16(port))
}

func withPort(ips []string, port uint16) ([]netip.AddrPort, error) {
	addrs := make([]netip.AddrPort, len(ips))
	for i, s := range ips {
		ip, err := netip.ParseAddr(s)
		if err != nil {
			return nil, &net.AddrError{Err: "invalid IP address", Addr: s}
		}
		addrs[i] = netip.AddrPortFrom(ip.Unmap(), port)
	}
	return addrs, nil
}
