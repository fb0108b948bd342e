// Package denial answers one question: how does a refusal of package contract travel between nodes?
//
// A refusal is JSON with its code, in the answer to a call by HTTP or by a stream. An Error is the error that the
// caller gets: errors.Is and errors.As find the refusal of the contract in it.
//
// Invariants:
//
//   - A code of a later version is contract.Internal, so that the outcome of the call counts as unknown.
//   - The cause of a *contract.UnavailableError does not travel.
//
// An Error is immutable.
package denial
