package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"flowring/internal/browser"
	"flowring/node/access"
	"flowring/node/operator"
	"flowring/node/peer"
	"flowring/node/peer/idle"
	"flowring/node/port"
	"flowring/node/senders"
	"flowring/ring/roster"
	"flowring/router"
	"flowring/router/page"
	"flowring/router/principal"
	"flowring/router/rows"
)

// The settings of the ports, for errors.
const (
	settingHTTP   = "--http-addr"
	settingPeer   = "--peer-addr"
	settingGossip = "--gossip-addr"
)

// tryPorts opens all ports, and closes them, before a data folder is made. A start that fails for want of a port thus
// leaves no folder behind. If the folder exists, tryPorts does nothing, because a start must first wait for a folder in
// use.
func (n *Node) tryPorts(ctx context.Context) error {
	if _, err := os.Stat(n.cfg.DataDir); !errors.Is(err, fs.ErrNotExist) || n.deps.FS != nil {
		return nil
	}
	for _, p := range []struct{ setting, addr string }{
		{settingHTTP, n.cfg.HTTPAddr}, {settingPeer, n.cfg.PeerAddr}, {settingGossip, n.cfg.GossipAddr},
	} {
		l, err := n.deps.Network.Listen(ctx, "tcp", p.addr)
		if err != nil {
			return fmt.Errorf("%s: %w", p.setting, err)
		}
		defer l.Close() // at the end, so that two settings of one port are noticed
	}
	packets, err := n.deps.Network.ListenPacket(ctx, "udp", n.cfg.GossipAddr)
	if err == nil {
		err = packets.Close()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", settingGossip, err)
	}
	return nil
}

// openPort listens on a port whose requests wait until serve.
func (n *Node) openPort(
	ctx context.Context, cfg port.Config, handler func(*browser.Guard) http.Handler,
) (*port.Server, error) {
	cfg.AdvertiseHost, cfg.AllowedHosts = n.cfg.AdvertiseHost, n.cfg.AllowedHost
	s, err := port.Open(ctx, cfg, port.Deps{Network: n.deps.Network, Log: n.log, Handler: handler, Fail: n.fail})
	if err != nil {
		return nil, err
	}
	n.ports = append(n.ports, s)
	n.pushStep("server of "+cfg.Setting, func(ctx context.Context) error { s.Stop(ctx); return nil })
	return s, nil
}

func (n *Node) openPeerPort(ctx context.Context) error {
	server := peer.NewServer(
		peer.ServerConfig{MaxBuffered: cmp.Or(n.cfg.MaxPeerBuffered, n.cfg.MemoryLimit/4)},
		peer.ServerDeps{Handler: peerHandler{n}, Log: n.log, CheckCaller: n.peerTLS.CheckCaller})
	n.peerServer.Store(server)
	p, err := n.openPort(ctx, port.Config{
		Setting: settingPeer, Addr: n.cfg.PeerAddr, Secure: n.peerTLS.Listener, ConnContext: n.peerTLS.ConnContext,
		MaxConns: n.cfg.connections(n.cfg.MaxPeerConnections), MaxHeader: 16 << 10, BodyTimeout: idle.Timeout,
	},
		func(g *browser.Guard) http.Handler { return n.peerPages.Handler(g, n.log, server) })
	n.pushStep("peer streams", func(ctx context.Context) error { server.Shutdown(ctx); return nil })
	if err != nil {
		return err
	}
	n.peerPort, n.addresses.Peer = p, p.Addr()
	return nil
}

func (n *Node) openPublicPort(ctx context.Context) error {
	gate, err := access.Gate(n.files, n.cfg.TokensFile, principal.Config{
		Required: n.cfg.Auth != access.Permissive, Log: n.log, Registry: n.deps.Registry,
	})
	if err != nil {
		return err
	}
	programs, err := senders.Open(n.files, senders.Settings{
		NamesFile: n.cfg.NamesFile, Observed: n.cfg.Observed, Presets: n.cfg.Presets, MaxNamesRows: n.cfg.MaxNamesRows,
		MaxParts: n.cfg.MaxIngestParts, MaxPoints: n.cfg.MaxOtlpPoints, MaxAttributes: n.cfg.MaxOtlpAttributes,
	})
	if err != nil {
		return err
	}
	meter := rows.NewMeter(n.deps.Registry, n.log)
	floors := func() roster.Floors { return n.membership.Roster().Floors() }
	handler := func(g *browser.Guard) http.Handler {
		return router.New(router.Config{
			Ingest: programs, MaxRequests: n.cfg.connections(n.cfg.MaxConnections), MaxHours: n.cfg.MaxHoursPerRequest,
			MaxStreamRows: n.cfg.MaxStreamRows, MaxBuffered: n.cfg.maxBuffered(), BodyTimeout: n.cfg.BodyTimeout,
			MetricsOpen: n.cfg.MetricsOpen, MaxLong: n.cfg.MaxLongAnswers, ReadOrigins: n.cfg.ReadOrigin,
			MaxViewers: n.cfg.MaxViewers, MaxPosts: n.cfg.maxPosts(), MaxBody: n.cfg.MaxBody, MaxReading: n.cfg.MaxReads,
			AnyHour: n.cfg.AnyHour, MaxWait: n.cfg.MaxWait,
		}, router.Deps{
			Cluster: publicAPI{n}, Admin: operator.Door{Deps: operator.Deps{
				Members: n.operatorMembers, Self: n.membership.Self, Drain: n.Drain, Forget: n.Forget, Erase: n.erasures.Erase,
				Confirm: n.retention.Confirm, Backup: n.backups.Make, Client: n.client, Heartbeats: n.erasures.Heartbeats,
			}}, Log: n.log, Registry: n.deps.Registry, Meter: meter, MemoryFull: n.memory.Full,
			Hours:    senders.Hours(floors, n.cfg.MaxFuture, n.deps.Now),
			CPUSlots: n.cpuSlots, Unready: n.shedsConnections, Now: n.deps.Now, Guard: g, Gate: gate,
			Pages: page.New(page.Deps{
				Cluster: publicAPI{n}, Meter: meter, Gate: gate, AnyHour: n.cfg.AnyHour, Insecure: n.cfg.Insecure, Log: n.log,
				Now: n.deps.Now,
			}),
			Metrics: promhttp.HandlerFor(n.deps.Registry, promhttp.HandlerOpts{}),
		})
	}
	secure, err := access.PublicTLS(n.files, n.deps.Registry, n.cfg.TLSCert, n.cfg.TLSKey, n.cfg.TLSClientCA)
	if err != nil {
		return err
	}
	cfg := port.Config{
		Setting: settingHTTP, Addr: n.cfg.HTTPAddr, TrustedOrigins: n.cfg.TrustedOrigin,
		MaxConns: n.cfg.connections(n.cfg.MaxConnections), MaxHeader: 64 << 10, Secure: secure,
	}
	p, err := n.openPort(ctx, cfg, handler)
	if err != nil {
		return err
	}
	n.publicPort, n.addresses.HTTP = p, p.Addr()
	return nil
}

// serve begins to answer on the open ports. All parts behind the handlers exist by now.
func (n *Node) serve(context.Context) error {
	for _, p := range n.ports {
		p.Serve()
	}
	// Stop undoes this step first, because the requests under way need all other parts.
	n.pushStep("requests", func(ctx context.Context) error { n.publicPort.Stop(ctx); return nil })
	return nil
}
