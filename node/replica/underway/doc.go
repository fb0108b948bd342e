// Package underway answers one question: may an attempt of this request still have an effect, from this node?
//
// A request is named by the hash of its principal and key, which all of its attempts share. An attempt is under way
// from Begin to End. An attempt that ends with an unknown outcome counts for some time longer, because calls to other
// stores outlive the attempt that made them.
//
// Invariant: an attempt is under way before it looks at the floors of the cluster. So a node that has merged a floor
// either sees the attempt here, or the attempt has seen the floor.
//
// A Registry may be used by many goroutines.
package underway
