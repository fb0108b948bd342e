// Package upgrade answers one question: when does a node turn a newer cluster version on?
//
// Once every store of the roster speaks it, absent ones included: an absent store that does not speak the version could
// not come back. A store counts by its last word until the cluster forgets it. A live node whose store is not on the
// roster yet counts too, because it would be refused. Package membership has the rule and makes the version durable.
//
// Until then the package logs, at a bounded rate, the stores that hold the newest version of this node back.
//
// An Upgrade is for one goroutine.
package upgrade
