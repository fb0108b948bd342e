// Package access checks the settings that decide who reaches the ports of a node, and opens the guards of the public
// port: the gate, which asks for tokens, and TLS.
//
// Each guard that is made from files joins the reload.Set of the node, which follows their content. The functions run
// at the start of a node; the guards that they return may be used concurrently.
package access
