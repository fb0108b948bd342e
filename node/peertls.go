package node

import "flowring/node/peer/mtls"

// openPeerTLS reads the credentials of the peer port, and follows their files from now on.
func (n *Node) openPeerTLS() (err error) {
	n.peerTLS, err = mtls.New(mtls.Config{
		CertFile: n.cfg.PeerTLSCert, KeyFile: n.cfg.PeerTLSKey, CAFile: n.cfg.PeerTLSCA, AnyName: n.cfg.PeerTLSAnyName,
		Mode: n.cfg.PeerTLSMode, Name: n.cfg.Name, Host: n.cfg.AdvertiseHost, Disabled: n.deps.Disabled,
	}, mtls.Deps{
		Log: n.log, Files: n.files, NodesAt: n.directory.At, Changed: func() { n.client.Renew() },
	})
	return err
}

// unverifiedMembers counts the other members without a last connection by TLS, in which both sides took the other's
// certificate.
func (n *Node) unverifiedMembers() (count int) {
	self := n.membership.Self()
	for _, s := range n.membership.Roster().Stores() {
		if s.ID != self.ID && !n.peerTLS.Verified(n.directory.Addr(s.ID)) {
			count++
		}
	}
	return count
}
