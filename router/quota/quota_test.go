package quota

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/internal/racetest"
	"flowring/router/admission"
	"flowring/router/principal"
)

// agent is a principal with limits.
func agent(name string, l principal.Limits) principal.Principal {
	return principal.Principal{Name: name, Limits: &l}
}

// post enters and takes, and returns the refusal.
func post(a *Accounts, who principal.Principal, records int) error {
	u, err := a.Enter(who, -1)
	if err != nil {
		return err
	}
	defer u.Close()
	return u.Take(records)
}

// wantRefusal checks a refusal, and returns its Retry-After.
func wantRefusal(t *testing.T, err error, limit string) time.Duration {
	t.Helper()
	var refused *admission.OverloadError
	if !errors.As(err, &refused) || refused.Limit != limit || refused.RetryAfter < 1 {
		t.Fatalf("the outcome is %v, want a refusal for %s with Retry-After", err, limit)
	}
	return time.Duration(refused.RetryAfter) * time.Second
}

// A principal owes records when its line of the tokens file changes. It waits for as long as the new rate takes to pay for
// them: a higher rate lets it go on, and a lower one gives it nothing.
func TestANewRatePaysForTheSameRecords(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		slow := agent("agent", principal.Limits{RecordsPerSecond: 100, RecordsBurst: 200})
		fast := agent("agent", principal.Limits{RecordsPerSecond: 10_000, RecordsBurst: 20_000})
		a := New(nil)
		if err := post(a, slow, 30_000); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			who  principal.Principal
			want time.Duration
		}{{slow, 298 * time.Second}, {fast, time.Second}, {slow, 298 * time.Second}, {fast, time.Second}} {
			if wait := wantRefusal(t, post(a, c.who, 1), LimitRecords); wait != c.want {
				t.Errorf("with %v the wait is %v, want %v", *c.who.Limits, wait, c.want)
			}
		}
		if time.Sleep(time.Second); post(a, fast, 1) != nil {
			t.Error("the principal waits longer than its new rate takes")
		}
		if err := post(a, agent("agent", principal.Limits{BytesInFlight: 1 << 20}), 1); err != nil {
			t.Errorf("without a rate: %v", err)
		}
		if err := post(a, slow, 1); err != nil {
			t.Errorf("after a time without a rate: %v", err)
		}
	})
}

// One sender sends as fast as its limit allows, in POSTs of any size. Each retry after Retry-After passes, and none a
// second earlier. The POSTs that pass never have more records than the bucket and its rate, and those of one POST.
func TestARetryAfterRetryAfterPasses(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		for seed := range uint64(200) {
			random := rand.New(rand.NewPCG(seed, 0))
			l := principal.Limits{RecordsPerSecond: 1 + random.Int64N(50_000), RecordsBurst: 1 + random.Int64N(100_000)}
			who, largest := agent("agent", l), 1+random.IntN(30_000)
			a, begun, sent := New(nil), time.Now(), 0
			for range 100 {
				time.Sleep(time.Duration(random.Int64N(int64(time.Second))))
				n := 1 + random.IntN(largest)
				if err := post(a, who, n); err != nil {
					wait := wantRefusal(t, err, LimitRecords)
					if time.Sleep(wait - time.Second); wait > time.Second {
						wantRefusal(t, post(a, who, n), LimitRecords)
					}
					if time.Sleep(time.Second); post(a, who, n) != nil {
						t.Fatalf("seed %d: a retry after %v is refused", seed, wait)
					}
				}
				sent += n
				most := float64(l.RecordsBurst) + float64(largest) + time.Since(begun).Seconds()*float64(l.RecordsPerSecond)
				if float64(sent) > most {
					t.Fatalf("seed %d: %d records passed, want at most %f", seed, sent, most)
				}
			}
		}
	})
}

// Of POSTs that enter together only one overdraws the bucket, and the others take nothing.
func TestOnePostOverdrawsTheBucket(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		a, who := New(nil), agent("agent", principal.Limits{RecordsPerSecond: 100, RecordsBurst: 100})
		var uses []*Use
		for range 10 {
			u, err := a.Enter(who, -1)
			if err != nil {
				t.Fatal(err)
			}
			uses = append(uses, u)
		}
		for i, u := range uses {
			if err := u.Take(300); i == 0 && err != nil {
				t.Errorf("the first POST is refused: %v", err)
			} else if i > 0 && wantRefusal(t, err, LimitRecords) != 2*time.Second {
				t.Errorf("POST %d: %v, want Retry-After 2", i, err)
			}
			u.Close()
		}
		if _, err := a.Enter(who, -1); wantRefusal(t, err, LimitRecords) != 2*time.Second {
			t.Errorf("the next POST: %v, want Retry-After 2", err)
		}
		if time.Sleep(2 * time.Second); post(a, who, 1) != nil {
			t.Error("a POST after 2 s is refused")
		}
	})
}

func TestBytesInFlightAreLimited(t *testing.T) {
	const limit = 4 * admission.MinCharge
	a, who := New(nil), agent("agent", principal.Limits{BytesInFlight: limit})
	first, err := a.Enter(who, 10*limit)
	if err != nil {
		t.Fatalf("the only POST is refused for its length: %v", err)
	}
	if _, err := a.Enter(who, -1); wantRefusal(t, err, LimitBytes) != time.Second {
		t.Error("Retry-After is not a second")
	}
	if err := post(a, agent("other", *who.Limits), 1); err != nil {
		t.Errorf("another principal is refused: %v", err)
	}
	first.Close()
	small, err := a.Enter(who, 1)
	if err != nil {
		t.Fatal(err)
	}
	growing, err := a.Enter(who, 2*admission.MinCharge)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // the first two are announced
		if err := growing.Reserve(admission.MinCharge); err != nil {
			t.Fatal(err)
		}
	}
	wantRefusal(t, growing.Reserve(1), LimitBytes)
	small.Close()
	if err := growing.Reserve(100 * limit); err != nil {
		t.Errorf("the only POST is refused for its growth: %v", err)
	}
	growing.Close()
	if of := a.byName["agent"]; of.bytes != 0 {
		t.Errorf("%d bytes are in flight after the last POST", of.bytes)
	}
}

func TestAPrincipalWithoutLimitsHasNoAccount(t *testing.T) {
	a := New(nil)
	u, err := a.Enter(principal.Principal{Name: "agent"}, 1<<40)
	if err != nil || u.Reserve(1<<40) != nil || u.Take(1<<30) != nil || len(a.byName) != 0 {
		t.Errorf("a principal without limits is refused, or has an account: %v", err)
	}
	u.Close()
}

// A new tokens file changes the limits of a principal that is refused at this moment.
func TestNewLimitsApplyAtOnce(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		a, l := New(nil), principal.Limits{RecordsPerSecond: 1, RecordsBurst: 1}
		post(a, agent("agent", l), 10)
		wantRefusal(t, post(a, agent("agent", l), 1), LimitRecords)
		if err := post(a, principal.Principal{Name: "agent"}, 1); err != nil {
			t.Errorf("without a limit: %v", err)
		}
		if err := post(a, agent("agent", principal.Limits{RecordsPerSecond: 1, RecordsBurst: 10}), 1); err != nil {
			t.Errorf("with a larger bucket: %v", err)
		}
	})
}

// The authority of certificates may sign for any number of principals. Accounts and series stay bounded (P12), and an
// overdrawn account is not forgotten for others.
func TestAccountsAndSeriesAreBounded(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		a, l := New(reg), principal.Limits{RecordsPerSecond: 1, RecordsBurst: 1}
		post(a, agent("heavy", l), 1_000_000)
		for i := range 2 * maxAccounts {
			if i%maxAccounts == 0 {
				time.Sleep(3 * time.Second) // accounts with one POST are as new after a second
			}
			post(a, agent(fmt.Sprint("agent-", i), l), 2)
			post(a, agent(fmt.Sprint("agent-", i), l), 2)
		}
		wantRefusal(t, post(a, agent("heavy", l), 1), LimitRecords)
		if n := len(a.byName); n > maxAccounts+1 {
			t.Errorf("%d accounts, want %d at most", n, maxAccounts+1)
		}
		families, err := reg.Gather()
		if err != nil || len(families) != 1 {
			t.Fatalf("the registry has %d metrics, %v, want one", len(families), err)
		}
		series, refused := len(families[0].GetMetric()), 0.0
		for _, m := range families[0].GetMetric() {
			refused += m.GetCounter().GetValue()
		}
		if series != maxLabels+2 || refused < 2*maxAccounts {
			t.Errorf("%d series count %v refusals, want %d and %d or more", series, refused, maxLabels+2, 2*maxAccounts)
		}
	})
}

// Many goroutines post for few principals (P18).
func TestAccountsAreSharedByGoroutines(t *testing.T) {
	a := New(nil)
	var done sync.WaitGroup
	for i := range 8 {
		who := agent(fmt.Sprint("agent-", i%2), principal.Limits{RecordsPerSecond: 1000, RecordsBurst: 1000, BytesInFlight: 1 << 20})
		done.Go(func() {
			for range 1000 {
				post(a, who, 1)
			}
		})
	}
	done.Wait()
	for name, of := range a.byName {
		if of.bytes != 0 {
			t.Errorf("%s has %d bytes in flight in the end", name, of.bytes)
		}
	}
}
