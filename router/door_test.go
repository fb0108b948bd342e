package router

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"flowring/flow"
	"flowring/internal/racetest"
)

var (
	alice = netip.MustParseAddr("192.0.2.1")
	bob   = netip.MustParseAddr("192.0.2.2")
)

func newDoor(posts, inside int, bytes int64) *door {
	return &door{maxPosts: posts, maxInside: inside, maxBytes: bytes, patience: time.Second, clients: map[netip.Addr]*client{}}
}

// flood has connections of an address post one after the other until ctx ends, each post taking a millisecond inside. It returns how
// many were let in, of each connection.
func flood(ctx context.Context, d *door, addr netip.Addr, connections int, done *sync.WaitGroup) []int {
	served := make([]int, connections)
	for i := range served {
		done.Go(func() {
			for ctx.Err() == nil {
				v, err := d.enter(addr, -1)
				if err != nil {
					time.Sleep(time.Millisecond) // it comes back sooner than it was told
					continue
				}
				if v.come(ctx) == nil {
					time.Sleep(time.Millisecond)
					served[i]++
				}
				v.close()
			}
		})
	}
	return served
}

// One connection beside 200 that take all there is: of an address of its own it has a third of it, for it waits for two turns of
// the others each time; of the same address it has as much as each of them.
func TestAddressesTakeTurnsAndConnectionsOfOneDoToo(t *testing.T) {
	for _, tt := range []struct {
		name        string
		one         netip.Addr
		least, most int // posts of the one, of 4000
	}{{"another address", bob, 1300, 1400}, {"the same address", alice, 10, 30}} {
		racetest.Bubble(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			d := newDoor(1000, 1, 1<<30)
			var done sync.WaitGroup
			many := flood(ctx, d, alice, 200, &done)
			one := flood(ctx, d, tt.one, 1, &done)
			done.Wait()
			if one[0] < tt.least || one[0] > tt.most {
				t.Errorf("%s: one connection beside 200 was let in %d times, want %d to %d", tt.name, one[0], tt.least, tt.most)
			}
			total := one[0]
			for i, n := range many {
				total += n
				if n < tt.least/200 || n == 0 {
					t.Errorf("%s: connection %d of 200 was let in %d times", tt.name, i, n)
				}
			}
			if total < 3900 {
				t.Errorf("%s: %d posts in 4 s, want one for each millisecond", tt.name, total)
			}
			if posts, waiting, bytes := d.look(); posts != 0 || waiting != 0 || bytes != 0 || d.inside != 0 || len(d.clients) != 0 || d.turns.Len() != 0 {
				t.Errorf("%s: the door has %+v in the end, want nothing", tt.name, d)
			}
		})
	}
}

func TestOneAddressLeavesRoomForOthers(t *testing.T) {
	d := newDoor(10, 100, 100*minCharge)
	take := func(addr netip.Addr, bytes int64) (n int) {
		for ; ; n++ {
			v, err := d.enter(addr, -1)
			if err == nil {
				err = v.grow(bytes)
			}
			if err != nil {
				return n
			}
		}
	}
	if first, second := take(alice, 0), take(bob, 0); first != 8 || second != 2 {
		t.Errorf("of 10 posts one address has %d and the next one %d, want 8 and 2", first, second)
	}
	d = newDoor(1000, 100, 100*minCharge)
	if first, second := take(alice, minCharge), take(bob, minCharge); first != 80 || second < 10 {
		t.Errorf("of 100 bodies one address has %d and the next one %d, want 80 and 10 at least", first, second)
	}
}

func TestWhoWaitsTooLongIsRefused(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		d := newDoor(10, 1, 1<<30)
		inside, _ := d.enter(alice, -1)
		inside.come(t.Context())
		waiting, _ := d.enter(alice, -1)
		begun := time.Now()
		err := waiting.come(t.Context())
		if took := time.Since(begun); !errors.Is(err, errOverloaded) || limitOf(err) != limitWait || took != time.Second {
			t.Errorf("come = %v after %v, want a refusal after a second", err, took)
		}
		inside.close()
		if err := waiting.come(t.Context()); err != nil {
			t.Errorf("come once there is a place = %v, want nil", err)
		}
	})
}

func TestWhatIsKnownToBeTooMuchIsRefusedBeforeItsBodyIsRead(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg   Config
		full  bool
		limit string
	}{
		"no memory":          {Config{}, true, limitMemory},
		"a body too many":    {Config{MaxBuffered: minCharge}, false, limitBytes},
		"nothing in the way": {Config{}, false, ""},
	} {
		rt := New(tt.cfg, Deps{Cluster: newFake(), Log: discard, Full: func() bool { return tt.full }})
		src := &counted{Reader: strings.NewReader(smallRecord + strings.Repeat(" ", 2*minCharge))}
		r := httptest.NewRequest(http.MethodPost, "/flows", src)
		r.ContentLength = src.Size()
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		if refused := tt.limit != ""; (w.Code == 503) != refused || (src.n == 0) != refused {
			t.Errorf("%s: POST = %d %s after %d bytes, want 503 after none: %t", name, w.Code, w.Body, src.n, refused)
		}
		after := w.Header().Get("Retry-After")
		if seconds, _ := strconv.Atoi(after); tt.limit != "" && (seconds < 1 || seconds > mostAfter || !strings.Contains(w.Body.String(), `"retry_after":`+after)) {
			t.Errorf("%s: Retry-After %q, body %s, want 1 to %d in both", name, after, w.Body, mostAfter)
		}
	}
}

// counted counts what is read.
type counted struct {
	*strings.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

func TestASlowBodyKeepsNobodyOut(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h, _ := handlerFor(Config{MaxInside: 1, MaxWait: 2 * time.Second}, newFake())
		slow, begun := &drip{after: 5 * time.Second}, time.Now()
		var code int
		var done sync.WaitGroup
		done.Go(func() { code = postTo(h, io.MultiReader(slow, strings.NewReader(smallRecord))).Code })
		synctest.Wait()
		if w := postTo(h, strings.NewReader(smallRecord)); w.Code != 200 || time.Since(begun) != slowBody {
			t.Errorf("POST beside one that sends slowly = %d after %v, want 200 after %v", w.Code, time.Since(begun), slowBody)
		}
		done.Wait()
		if code != 200 {
			t.Errorf("POST that sends slowly = %d, want 200", code)
		}
	})
}

// A store that hangs keeps out those that need it, not all others.
func TestASlowOutcomeKeepsNobodyOut(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		f := newFake()
		f.onPost = func(ctx context.Context, p *flow.Posting) (bool, error) {
			if p.Records == 1 {
				<-ctx.Done()
			}
			return false, ctx.Err()
		}
		h, _ := handlerFor(Config{MaxInside: 1, MaxWait: 2500 * time.Millisecond}, f)
		var done sync.WaitGroup
		done.Go(func() { postTo(h, strings.NewReader(smallRecord)) })
		synctest.Wait()
		begun := time.Now()
		two := strings.Replace(smallRecord, "]", ","+smallRecord[1:], 1)
		if w := postTo(h, strings.NewReader(two)); w.Code != 200 || time.Since(begun) != slowOutcome {
			t.Errorf("POST beside one that hangs = %d after %v, want 200 after %v", w.Code, time.Since(begun), slowOutcome)
		}
		done.Wait()
	})
}

// drip is a body of which nothing comes for some time.
type drip struct{ after time.Duration }

func (d *drip) Read([]byte) (int, error) { time.Sleep(d.after); return 0, io.EOF }

// The time that a post has waited is not the cluster's too: an answer comes within 4 s.
func TestWaitingCountsTowardsTheTimeForAnAnswer(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		f := newFake()
		f.onPost = func(ctx context.Context, _ *flow.Posting) (bool, error) { <-ctx.Done(); return false, ctx.Err() }
		h, _ := handlerFor(Config{MaxInside: 1}, f)
		slow := &drip{after: 900 * time.Millisecond}
		var done sync.WaitGroup
		done.Go(func() { postTo(h, io.MultiReader(slow, strings.NewReader("[]"))) })
		synctest.Wait()
		begun := time.Now()
		w := postTo(h, strings.NewReader(smallRecord))
		if took := time.Since(begun); w.Code != 503 || took != DefaultTimeout {
			t.Errorf("POST that waited for a place and then for the cluster = %d after %v, want 503 after %v", w.Code, took, DefaultTimeout)
		}
		done.Wait()
	})
}

func TestRetryAfterGrowsWithTheOverload(t *testing.T) {
	for _, tt := range []struct{ letIn, refused, most int }{{100, 1, 2}, {100, 150, 3}, {100, 900, 5}, {0, 1000, 5}} {
		l, seen := lately{letIn: tt.letIn, refused: tt.refused}, map[int]bool{}
		for range 500 {
			seen[l.after()] = true
		}
		if len(seen) != tt.most || !seen[1] || !seen[tt.most] {
			t.Errorf("%d refused beside %d: Retry-After is one of %v, want 1 to %d", tt.refused, tt.letIn, seen, tt.most)
		}
	}
}

func TestWhichAddressAClientHas(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:99": "192.0.2.1", "[::ffff:192.0.2.1]:99": "192.0.2.1", "[2001:db8::1:2:3:4]:99": "2001:db8::",
		"[fe80::1%eth0]:99": "fe80::", "pipe": "invalid IP",
	} {
		if got := addressOf(remote).String(); got != want {
			t.Errorf("addressOf(%s) = %s, want %s", remote, got, want)
		}
	}
}
