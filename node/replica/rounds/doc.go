// Package rounds lets concurrent reads of a slice share one round of questions to the stores.
//
//	reader 1 arrives     round A starts
//	readers 2, 3 arrive  they wait: round A began before they arrived
//	round A ends         reader 1 has its result; round B starts, for readers 2 and 3
//
// Invariants:
//
//   - A reader uses only rounds from after its arrival. An earlier round may have asked a store before a
//     batch was acknowledged there (P4).
//   - At most one round of a slice runs, and at most one waits.
//   - Nothing is kept for a slice without readers.
//
// Concurrency: Rounds are safe for concurrent use. A round runs in a goroutine of its own, and outlives impatient
// readers. The result is shared by all of its readers; none of them may change it.
package rounds
