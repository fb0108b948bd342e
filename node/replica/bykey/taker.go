package bykey

import (
	"errors"
	"sync"
	"sync/atomic"

	"flowring/flow"
	"flowring/internal/contract"
)

// Store is the store of an owner.
type Store interface {
	Check(batches ...flow.Written) (replayed bool, err error)
	CheckIgnoringLimits(batches ...flow.Written) (replayed bool, err error)
	Apply(batches ...flow.Written) error
}

// Taker takes batches of which the key and the hour decide. The zero value is ready.
type Taker struct {
	locks [64]sync.Mutex
	held  atomic.Int64
}

// Taken is the result of Take.
type Taken struct {
	Stored   []flow.Written // in the store now, some since before
	Held     []flow.Written // not stored, because the store has the key with other content
	Replayed bool           // the store had all of Stored before
}

// Take stores the batches of one key whose slices lack the key. It fails with the first refusal of the store. The
// limits of an hour refuse no batch of a known posting, of which an earlier attempt stored a part.
func (t *Taker) Take(s Store, known bool, batches []flow.Written) (taken Taken, err error) {
	check := s.Check
	if known {
		check = s.CheckIgnoringLimits
	}
	lock := &t.locks[int(batches[0].Key[0])%len(t.locks)]
	lock.Lock()
	defer lock.Unlock()
	taken.Replayed = true
	for _, b := range batches {
		replayed, err := check(b)
		switch {
		case errors.Is(err, contract.KeyReused):
			taken.Held = append(taken.Held, b)
			continue
		case err != nil:
			return Taken{}, err
		}
		taken.Stored = append(taken.Stored, b)
		taken.Replayed = taken.Replayed && replayed
	}
	if !taken.Replayed {
		err = s.Apply(taken.Stored...)
	}
	t.held.Add(int64(len(taken.Held)))
	return taken, err
}

// Held returns the number of batches that were held with other content.
func (t *Taker) Held() int64 { return t.held.Load() }
