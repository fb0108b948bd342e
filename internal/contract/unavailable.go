package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// UnavailableError is the refusal Unavailable: too few stores could be used. The outcome of a write is unknown.
type UnavailableError struct {
	Reason string   // a clause in lower case, for clients: "fewer than 2 of the hour's stores acknowledged"
	Stores []string // labels of the silent stores, if known
	Err    error    // the last cause, for the log; may be nil
}

// Error returns the reason, the stores, and the advice about them.
func (e *UnavailableError) Error() string {
	if len(e.Stores) == 0 {
		return e.Reason
	}
	return fmt.Sprintf("%s (no answer from %s)%s", e.Reason, strings.Join(e.Stores, ", "), LostDiskAdvice(e.Stores))
}

// AddStores adds the labels of stores that did not answer, each once. The labels stay sorted, because the order of
// failed calls is a matter of chance.
func (e *UnavailableError) AddStores(labels ...string) {
	e.Stores = append(slices.Clone(e.Stores), labels...)
	slices.Sort(e.Stores)
	e.Stores = slices.Compact(e.Stores)
}

// AddFailure adds the failed call to a store. If the store itself could not reach others, its reason and its stores are
// the better ones.
func (e *UnavailableError) AddFailure(label string, err error) {
	var theirs unreached
	if errors.As(err, &theirs) {
		reason, stores := theirs.Unreached()
		e.Reason = reason
		e.AddStores(stores...)
	} else {
		e.AddStores(label)
	}
	e.Err = fmt.Errorf("%s: %w", label, err)
}

// unreached is the error of a store that could not reach enough other stores.
type unreached interface {
	Unreached() (reason string, stores []string)
}

// IsUnreached reports whether an error is that of a store which could not reach enough other stores.
func IsUnreached(err error) bool {
	var theirs unreached
	return errors.As(err, &theirs)
}

// Check returns the refusal of an answer that is less complete than needed. silent has the labels of the silent stores.
func (n Need) Check(c Completeness, silent []string) error {
	switch {
	case n.Accepts(c):
		return nil
	case n == NeedComplete:
		return &UnavailableError{Reason: "the answer could not be proven complete", Stores: silent}
	}
	return &UnavailableError{Reason: "too few of the hour's stores answered", Stores: silent}
}

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Unreached returns the reason and the stores.
func (e *UnavailableError) Unreached() (reason string, stores []string) { return e.Reason, e.Stores }

// Refusal returns Unavailable.
func (e *UnavailableError) Refusal() Refusal { return Unavailable }

// labelID stands between the name and the ID of a label. No name of a node has a space.
const labelID = " (store "

// StoreLabel returns the name of a store in messages, with the beginning of its ID. Messages use it for a store whose
// node has another store too, because the disk of the node was replaced. They call any other store by its node's name.
func StoreLabel(node, id string) string { return fmt.Sprintf("%s%s%.8s)", node, labelID, id) }

// LostDiskAdvice returns the end of a sentence about silent stores. It is empty unless a label has an ID:
// the disk of such a store may be lost.
func LostDiskAdvice(labels []string) string {
	if !slices.ContainsFunc(labels, func(label string) bool { return strings.Contains(label, labelID) }) {
		return ""
	}
	return "; if the disk of a store with an ID here is lost, take the store off with flowring forget STORE"
}
