package wire

import (
	"io"

	"golang.org/x/sync/semaphore"

	"flowring/node/peer/stream"
)

// RoomReader is a body that takes room from all large bodies as its bytes arrive. Read fails with stream.ErrNoRoom if
// there is none.
type RoomReader struct {
	io.Reader
	Room *semaphore.Weighted
	held int64
}

// Read implements io.Reader.
func (r *RoomReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if !r.Room.TryAcquire(int64(n)) {
		return 0, stream.ErrNoRoom
	}
	r.held += int64(n)
	return n, err
}

// Release gives the room of the bytes read so far back.
func (r *RoomReader) Release() {
	r.Room.Release(r.held)
	r.held = 0
}
