package owners

// Pending is a call under way for batches of one owner. Its caller receives from Arrived and calls Result, or calls
// GiveUp.
type Pending interface {
	Arrived() <-chan struct{} // receives once when the call has ended
	Result() (replayed bool, err error)
	GiveUp(cause error) // ends the wait, with the error of a context
}
