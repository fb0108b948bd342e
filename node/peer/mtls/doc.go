// Package mtls answers one question about a connection of the peer port: is the other end the member that it claims to
// be? Both ends show a certificate of the cluster's authority, by TLS 1.3.
//
// The name rule: a certificate is of a member if one of its DNS names equals the member's name, begins with it and a
// dot, or is a wildcard that covers the member's advertised host. With Config.AnyName every certificate of the
// authority is of every member. The caller checks the certificate of the node that it means to reach; the called node
// checks that of the caller against the name in each call (Guard.CheckCaller).
//
// A caller that is refused must know that its call had no effect. In TLS 1.3 the handshake of the caller ends before
// the other end has judged its certificate. Therefore the two agree by ALPN on the protocol flowring-peer/1, in which
// the called node sends one byte after a good handshake, and Dial waits for it. Programs without this protocol, such as
// curl with a member's certificate, get no such byte.
//
// In the mode Permissive one port serves plain and TLS connections, told apart by their first byte, and Dial uses TLS
// for nodes that say in their gossip, or in an answer to a heartbeat (NoteHello), that they speak it. If TLS fails, the
// call goes plain and is counted. In the mode Required a plain connection is refused, and no call is plain.
//
// Certificate, key and authorities are reloaded as one value when their files change, so that a new certificate of a
// new authority is never judged by the old one. There are no session tickets, because nodes keep their connections. A
// removed authority opens no connection any more, and a minute later the connections of its certificates are closed.
//
// A nil Guard is a node without peer TLS. A Guard is safe for concurrent use. The handshake of a called node runs in
// the first Read of its connection.
package mtls
