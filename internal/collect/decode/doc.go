// Package decode answers one question: which records are in a datagram of a NetFlow or sFlow exporter? It reads NetFlow
// v5 and v9, IPFIX, and sFlow v5.
//
// A datagram counts as a whole. Decode returns its records, or holds the datagram back until its templates are known,
// or refuses it. Held datagrams come back from Release once a template arrives, or once their time is over; then the
// sets without a template count as lost.
//
//	addresses   the first of IPv4 and IPv6 that a record has
//	bytes       IP bytes: of NetFlow as counted, of sFlow from the header of the sampled packet
//	rate        of the record, or of its sampler, or of the exporter, or of the configuration; bytes are not scaled here
//	times       of the record by 32-bit arithmetic, or the time of the export, or of the arrival (sFlow)
//
// Invariants:
//
//   - Sets are walked by their lengths. The count in the header of v9 is not used, because exporters count differently.
//   - A template belongs to an address, a version and an observation domain. The port of the exporter does not matter.
//   - Exporters, templates, fields of a template and held bytes are bounded, for all decoders of a Counts together.
//     Each excess over a bound is counted.
//   - A gap of sequence numbers is judged by the rules that exporters use, and the smallest result counts.
//
// The package does no I/O and has no clock: a Datagram says when it arrived. A Decoder serves one goroutine, and the
// datagrams of one exporter must go to one decoder, in order. Counts may be read at any time.
package decode
