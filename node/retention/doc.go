// Package retention answers one question: when do the floors of retention rise, and to which hours?
//
// The roster has two floors (ring/roster). Hours below C, closed, take no new request. Hours below F, expired, are
// deleted. Each store proposes its clock minus its retention in its heartbeats. A Keeper takes the answers of a round
// of heartbeats, a Poll, and raises the floors by these rules (docs/decisions/0022):
//
//   - C rises at most to the hour that more than half of the established stores propose or exceed, and at least W. A
//     store proposes nothing in its first hour of uptime, without a retention, or while its clock is off.
//   - C passes hours that no store holds at once. It passes other hours once this node has announced them for an hour,
//     and at most 24 of them in an hour of uptime of the proposers.
//   - F rises to a value of C that this store has had for 24 hours of its own uptime, while the proposals would still
//     raise C to it.
//   - An operator may confirm a raise of C, once: it waits for no hour and passes all hours.
//
// Uptime is monotonic time. A floor is durable before a node passes it on, because package membership writes rosters
// first.
//
// Poll.Plan is pure. A Keeper may be used by any goroutine; one goroutine calls Step.
package retention
