// Package limits decides whether a store admits a batch by the numbers of flows, names and slices (P12).
//
// The owner of an hour asks before it admits a batch. No store asks when it applies one, because an admitted batch must
// be taken by every store. Batches admitted at the same time do not see each other, so together they can exceed a
// limit.
//
// A batch without new flows and names always fits. The last tenth of the slices is for hours near now, so that a sender
// with a wrong clock or a wrong unit cannot use up the slices for the other senders.
//
// A refusal is one of package contract. Refusals are counted by limit, for the metrics.
//
// A Limits is immutable. The counters of Refusals are atomic. The caller makes sure that a table that it passes is that
// of the batch's slice.
package limits
