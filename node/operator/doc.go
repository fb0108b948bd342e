// Package operator takes the calls of operators at the public port: to drain or back up a node, to forget a store, to
// confirm a retention, and to erase hours.
//
// Any node takes a call for any node. It makes the call itself, or asks the node that has to make it over the peer
// port. A refusal is contract.NotFound for a name that no member has, or contract.Guarded if data could be lost. Any
// other failure leaves the outcome unknown, and the call can be repeated. A Door has no state and may be used
// concurrently.
package operator
