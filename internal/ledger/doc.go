// Package ledger judges the answers of a cluster under test by everything that the test has sent. It is for tests.
//
// Every batch of a test is entered before it is sent. It has a name and a weight, and adds the weight to two flows of
// its hour: to its own flow, and to a flow shared by all batches of the hour. In an answer
//
//   - a lost batch shows by its missing flow (P4),
//   - a batch counted twice shows by the bytes of its flow (P2),
//   - a batch applied in part shows by the shared flow, which differs from the sum of the other flows (P11),
//   - and a refused or unknown batch shows by its name (P3).
//
// A complete read has to show every batch that was owed when the read began. A batch is owed once it is acknowledged,
// and once a complete read has shown it. The caller therefore asks for Owed before the read, and hands the result to
// Judge with the answer.
//
// Users: internal/clustertest (random and directed histories in virtual time), internal/proctest (processes) and the
// tests of node. A Ledger is safe for concurrent use.
package ledger
