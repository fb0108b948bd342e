package quota

import (
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/internal/size"
	"flowring/router/admission"
	"flowring/router/principal"
)

// The limits of a principal, as metrics name them.
const (
	LimitRecords = "principal-records" // Limits.RecordsPerSecond
	LimitBytes   = "principal-bytes"   // Limits.BytesInFlight
)

// maxAccounts is more than the principals of a tokens file. The authority of client certificates may sign for more:
// those beyond share one account.
const maxAccounts = 20_000

// Accounts are the accounts of all principals with limits.
type Accounts struct {
	metrics metrics

	mu     sync.Mutex
	byName map[string]*account
	swept  time.Time // when unused accounts were removed last
}

// account is the use of one principal. Accounts.mu guards it.
type account struct {
	limits principal.Limits
	paid   time.Time // when the records taken so far are paid for at the rate
	bytes  int64     // == sum of Use.bytes
}

// New returns accounts. It registers their metrics with reg, unless reg is nil.
func New(reg prometheus.Registerer) *Accounts {
	return &Accounts{metrics: newMetrics(reg), byName: map[string]*account{}}
}

// Use is a POST in progress of a principal with limits. The methods of nil, for a principal without limits, do nothing.
type Use struct {
	all     *Accounts
	account *account
	name    string
	bytes   int64 // counted: the announced ones, or the reserved ones if they are more
	buffers int64 // reserved
}

// Enter counts a POST whose Content-Length is announced (-1: unknown). It fails with an *admission.OverloadError. The
// caller closes the Use, which is nil if the principal has no limits.
func (a *Accounts) Enter(who principal.Principal, announced int64) (*Use, error) {
	if who.Limits == nil {
		return nil, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	of := a.accountOf(who.Name, now)
	of.adopt(*who.Limits, now)
	u := &Use{all: a, account: of, name: who.Name}
	if err := u.refuseOverdraft(now); err != nil {
		return nil, err
	}
	if err := u.add(max(announced, admission.MinCharge)); err != nil {
		return nil, err
	}
	return u, nil
}

// adopt gives the account its limits, which differ from the last ones after a change of the tokens file. The records
// that are not paid for yet stay the same, so that a higher rate shortens the wait at once.
func (of *account) adopt(limits principal.Limits, now time.Time) {
	before, after := of.limits.RecordsPerSecond, limits.RecordsPerSecond
	if owed := of.paid.Sub(now); owed > 0 && before != after {
		of.paid = now
		if after > 0 {
			of.paid = now.Add(time.Duration(float64(owed) * float64(before) / float64(after)))
		}
	}
	of.limits = limits
}

// accountOf returns the account of a name. The caller holds mu.
func (a *Accounts) accountOf(name string, now time.Time) *account {
	if of := a.byName[name]; of != nil {
		return of
	}
	if len(a.byName) >= maxAccounts && now.Sub(a.swept) >= time.Second {
		a.sweep(now)
	}
	if len(a.byName) >= maxAccounts {
		name = nameOther
	}
	if a.byName[name] == nil {
		a.byName[name] = &account{paid: now}
	}
	return a.byName[name]
}

// sweep removes the accounts that are as new ones. The caller holds mu.
func (a *Accounts) sweep(now time.Time) {
	a.swept = now
	for name, of := range a.byName {
		if of.bytes == 0 && !of.paid.After(now) {
			delete(a.byName, name)
		}
	}
}

// Reserve adds n bytes to the buffers of the POST. It fails with an *admission.OverloadError.
func (u *Use) Reserve(n int64) error {
	if u == nil {
		return nil
	}
	u.all.mu.Lock()
	defer u.all.mu.Unlock()
	u.buffers += n
	return u.add(u.buffers - u.bytes)
}

// add counts n more bytes, if n is positive. The caller holds mu.
func (u *Use) add(n int64) error {
	limit := u.account.limits.BytesInFlight
	if others := u.account.bytes - u.bytes; n > 0 && limit > 0 && others > 0 && u.account.bytes+n > limit {
		return u.refuse(LimitBytes, time.Second, // POSTs in progress end soon
			fmt.Sprintf("its POSTs in progress at this node have %s together", size.Format(limit)))
	}
	if n > 0 {
		u.bytes += n
		u.account.bytes += n
	}
	return nil
}

// Take charges for the records of the decoded body. It fails with an *admission.OverloadError, and takes nothing then.
func (u *Use) Take(records int) error {
	if u == nil {
		return nil
	}
	u.all.mu.Lock()
	defer u.all.mu.Unlock()
	now := time.Now()
	if err := u.refuseOverdraft(now); err != nil {
		return err
	}
	of := u.account
	if rate := of.limits.RecordsPerSecond; rate > 0 {
		if of.paid.Before(now) {
			of.paid = now
		}
		of.paid = of.paid.Add(timeOf(int64(records), rate))
	}
	return nil
}

// refuseOverdraft refuses while the principal has taken more records than its bucket had. The caller holds mu.
func (u *Use) refuseOverdraft(now time.Time) error {
	l := u.account.limits
	if l.RecordsPerSecond == 0 {
		return nil
	}
	wait := u.account.paid.Sub(now) - timeOf(l.RecordsBurst, l.RecordsPerSecond)
	if wait <= 0 {
		return nil
	}
	return u.refuse(LimitRecords, wait,
		fmt.Sprintf("it may send %d records a second to this node, and %d at once", l.RecordsPerSecond, l.RecordsBurst))
}

// timeOf returns the time in which a rate fills the bucket by a number of records, rounded up to nanoseconds.
func timeOf(records, rate int64) time.Duration {
	return time.Duration((records*int64(time.Second) + rate - 1) / rate)
}

// refuse counts a refusal and returns it.
func (u *Use) refuse(limit string, wait time.Duration, why string) error {
	u.all.metrics.count(u.name, limit)
	return &admission.OverloadError{
		Limit: limit, RetryAfter: int((wait + time.Second - 1) / time.Second),
		Reason: fmt.Sprintf("the principal %s has reached its limit: %s", u.name, why),
	}
}

// Close ends the POST.
func (u *Use) Close() {
	if u == nil {
		return
	}
	u.all.mu.Lock()
	defer u.all.mu.Unlock()
	u.account.bytes -= u.bytes
}
