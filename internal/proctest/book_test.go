//go:build linux

package proctest

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/go-json-experiment/json"

	"flowring/flow"
	"flowring/internal/ledger"
)

// book is a ledger with batches of a few hours at a time: the present. Each turn of batches moves the present on by one
// hour.
type book struct {
	*ledger.Ledger
	first flow.Hour // of the first batches
}

const (
	firstHour    = flow.Hour(480_000)
	presentHours = 4    // hours of the present
	turn         = 1500 // batches
)

func newBook(first flow.Hour) book { return book{ledger.New(), first} }

// enter enters a batch of a random hour of the present, before it is sent.
func (b book) enter(name string) *ledger.Batch {
	return b.Enter(b.present(), name, 1+rand.Int64N(1<<30))
}

// present draws an hour of the present.
func (b book) present() flow.Hour {
	return b.first + flow.Hour(b.Sent()/turn) + rand.N(flow.Hour(presentHours))
}

// judge compares a complete read with the ledger. owed is the result of Owed from before the read.
func (b book) judge(hour flow.Hour, owed []*ledger.Batch, document []byte) error {
	return b.judgeAny(hour, owed, document, true)
}

// judgeAny compares a read with the ledger. An incomplete read shows everything, too, and later reads may lack its last
// batches.
func (b book) judgeAny(hour flow.Hour, owed []*ledger.Batch, document []byte, complete bool) error {
	var records []flow.Record
	if err := json.Unmarshal(document, &records); err != nil {
		return fmt.Errorf("hour %d: %w", hour, err)
	}
	var errs []error
	var faults []string
	if complete {
		faults = b.Judge(hour, owed, records, true)
	} else {
		faults = b.JudgeUnproven(hour, owed, records)
	}
	for _, fault := range faults {
		errs = append(errs, errors.New(fault))
	}
	return errors.Join(errs...)
}
