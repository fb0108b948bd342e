package replica

// queue hands out the places of a slice one by one: launch begins to ask a place, and does not wait for the answer.
type queue struct {
	places  []place
	launch  func(at place)
	started int // how many were handed out
}

// next launches the next place. It reports whether there was one.
func (q *queue) next() bool {
	if q.started == len(q.places) {
		return false
	}
	q.started++
	q.launch(q.places[q.started-1])
	return true
}

// asked returns the places that were handed out.
func (q *queue) asked() []place { return q.places[:q.started] }
