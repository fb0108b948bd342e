package coding

import (
	"bytes"
	"flowring/flow"
	"flowring/router/admission"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// No more answers are computed at one moment than there are slots. An answer whose client takes no bytes holds no slot.
func TestCPUSlotsBoundTheWorkAndNotTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slots, most, now, mu := admission.NewCPUSlots(2), 0, 0, sync.Mutex{}
		count := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			now += n
			most = max(most, now)
		}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				slots.Acquire()
				defer slots.Release()
				count(1)
				time.Sleep(time.Second)
				count(-1)
			})
		}
		begun := time.Now()
		all.Wait()
		if took := time.Since(begun); most != 2 || took != 5*time.Second {
			t.Errorf("10 pieces of a second in 2 slots: %d at a moment, %v in all, want 2, 5s", most, took)
		}
		var e Encoders
		blocked := make(chan struct{})
		z, err := e.Writer(Gzip, slots, writerFunc(func(p []byte) (int, error) { <-blocked; return len(p), nil }))
		if err != nil {
			t.Fatal(err)
		}
		go z.Write([]byte(longText(4 * (64 << 10))))
		synctest.Wait()
		begun = time.Now()
		for range 2 {
			all.Go(func() {
				slots.Acquire()
				defer slots.Release()
				time.Sleep(time.Second)
			})
		}
		all.Wait()
		if took := time.Since(begun); took != time.Second {
			t.Errorf("2 pieces beside a client that takes no bytes took %v, want 1s", took)
		}
		close(blocked)
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func BenchmarkCompress(b *testing.B) {
	var doc []byte
	for i := range 10_000 {
		doc = flow.AppendRecord(append(doc, ','), flow.Record{
			Key:    flow.Key{SrcApp: "service-001", DestApp: "service-" + longText(3), VPCID: "vpc-5eed0001"},
			Totals: flow.Totals{BytesTx: int64(i) * 7919, BytesRx: int64(i) * 104729}, Hour: 493_000,
		})
	}
	for _, c := range []Coding{Gzip, Zstd} {
		b.Run(string(c), func(b *testing.B) {
			var e Encoders
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				z, err := e.Writer(c, nil, io.Discard)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.CopyBuffer(z, bytes.NewReader(doc), make([]byte, (64<<10))); err != nil {
					b.Fatal(err)
				}
				if err := z.Finish(); err != nil {
					b.Fatal(err)
				}
				z.Release()
			}
		})
	}
}
