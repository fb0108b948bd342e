// Package ingest answers one question: what becomes of a POST of another program? A preset maps its body to records of
// hours (flow/ingest), and the cluster stores them once.
//
//	body --> envelope --> form --> preset --> ingest.Body --> identity --> Post
//
// Closed hours of a new request are dropped.
//
// The identity of a body is fixed before anything is dropped. Its key is the Idempotency-Key of the request, or the ID
// of the delivery, or the IDs of the records, or else a hash of the body. The key decides for each hour
// (flow.Posting.IdentifyByKey), so a retry counts once although the names file, a setting or the floor of the cluster
// changed since the first attempt (P2).
//
// Invariants:
//
//   - A record that does not count is counted, by its reason, in the answer and in metrics.
//   - The names file, and the floor, are those at the beginning of the body.
//   - Senders drop a batch after most 4xx. So no answer is a 4xx unless the same body could never be stored: a store
//     that refuses the content makes a 503 (P3). No answer is a 422.
//   - An answer to Firehose has its own form, also if it is a refusal.
//
// A Handler is safe for concurrent use.
package ingest
