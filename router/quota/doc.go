// Package quota answers one question: may this principal send more records now?
//
// The limits stand in the tokens file, beside the principal (package principal). An account has the use of one
// principal at this node:
//
//	records  a token bucket: it fills by RecordsPerSecond and holds RecordsBurst
//	bytes    of the bodies of its POSTs in progress, as package admission charges for them
//
//	Enter --> Use --> Reserve ... --> Take --> Close
//	  |                 |              |
//	  +---- admission.OverloadError ---+        nothing of the POST is stored
//
// The number of records of a POST is known only after its body is decoded. Enter therefore refuses while the bucket is
// overdrawn, before the body is read, and Take charges for the records. Take may overdraw the bucket by one POST, so
// that a POST of any size passes after a pause, and the mean rate still holds.
//
// Invariants:
//
//   - In any time t the POSTs that pass have at most RecordsBurst + t * RecordsPerSecond records, and those of one
//     POST.
//   - A POST that is sent again after Retry-After passes, unless another POST of its principal came first.
//   - The only POST in progress of a principal is never refused for its bytes. MaxBody bounds those.
//   - A POST that is refused takes nothing from the bucket.
//   - At most maxAccounts principals have accounts of their own, and maxLabels have series.
//
// Accounts are safe for concurrent use. A Use belongs to one goroutine.
package quota
