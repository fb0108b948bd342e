package collect

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"flowring/internal/collect/decode"
)

// lastReads is the time for the datagrams that the kernel has when the agent stops.
const lastReads = 200 * time.Millisecond

// maxDatagram is the largest length of a datagram in bytes.
const maxDatagram = 65535

// socket receives datagrams of one kind.
type socket struct {
	conn  *net.UDPConn
	sflow bool
}

// openSocket listens on an address. The kernel limits its buffer, to net.core.rmem_max on Linux.
func openSocket(ctx context.Context, addr string, sflow bool, buffer int) (*socket, error) {
	conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp", addr)
	if err != nil {
		return nil, err
	}
	udp := conn.(*net.UDPConn) // of a network named udp
	if err := udp.SetReadBuffer(buffer); err != nil {
		return nil, errors.Join(err, udp.Close())
	}
	return &socket{udp, sflow}, nil
}

// read passes datagrams to the workers until the socket is closed or its deadline is over.
func (a *Agent) read(s *socket) {
	buffer := make([]byte, maxDatagram)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buffer)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			a.log.Warn("a datagram cannot be read", "error", err)
			continue
		}
		a.pass(s, from, buffer[:n])
	}
}

// pass passes one datagram to its worker, if there is room.
func (a *Agent) pass(s *socket, from netip.AddrPort, data []byte) {
	addr := from.Addr().Unmap().WithZone("")
	if len(a.cfg.Exporters) > 0 &&
		!slices.ContainsFunc(a.cfg.Exporters, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		a.notAllowed.Add(1)
		return
	}
	n := int64(len(data))
	if a.queued.Add(n) > a.cfg.Queue {
		a.queued.Add(-n)
		a.lostQueue.Add(1)
		return
	}
	g := datagram{decode.Datagram{From: netip.AddrPortFrom(addr, from.Port()), At: time.Now(), Data: slices.Clone(data)},
		s.sflow}
	select {
	case a.workerOf(addr).queue <- g:
	default:
		a.queued.Add(-n)
		a.lostQueue.Add(1)
	}
}
