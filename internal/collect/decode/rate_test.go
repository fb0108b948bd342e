package decode

import (
	"math/rand/v2"
	"testing"
)

func TestTheSamplingRateOfV5IsInItsHeader(t *testing.T) {
	d, _ := decoder()
	for header, want := range map[int]uint64{0: 1, 1: 1, 100: 100, 1<<14 | 10: 10, 2<<14 | 0x3fff: 0x3fff} {
		if r := one(t, d, v5(0, header, 0, 0, 1)); r.Rate != want {
			t.Errorf("rate of %#x = %d, want %d", header, r.Rate, want)
		}
	}
}

func TestSamplingRatesOfOptions(t *testing.T) {
	for _, test := range []struct {
		name    string
		form    Form
		options []value
		data    []value // of the record, beside pair
		want    uint64
	}{
		{"samplingInterval of the exporter", V9, []value{num(34, 4, 50), num(35, 1, 2)}, nil, 50},
		{"a sampler of v9", V9, []value{num(48, 2, 3), num(49, 1, 2), num(50, 4, 64)}, []value{num(48, 2, 3)}, 64},
		{"a sampler of v9 with one byte", V9, []value{num(48, 1, 3), num(50, 2, 64)}, []value{num(48, 1, 3)}, 64},
		{"a record of no sampler", V9, []value{num(48, 2, 3), num(50, 4, 64)}, []value{num(48, 2, 0)}, 1},
		{"the only sampler, which records do not name", V9, []value{num(48, 2, 3), num(50, 4, 64)}, nil, 64},
		{"softflowd's IPFIX: one packet, nine not", IPFIX, []value{num(305, 4, 1), num(306, 4, 9)}, nil, 10},
		{"a selector", IPFIX, []value{num(302, 8, 5), num(305, 4, 1), num(306, 4, 99)}, []value{num(302, 8, 5)}, 100},
		{"n of a population", IPFIX, []value{num(309, 4, 2), num(310, 4, 30)}, nil, 15},
		{"a rate of zero is one", V9, []value{num(34, 4, 0)}, nil, 1},
		{"a rate in the record", V9, []value{num(34, 4, 50)}, []value{num(34, 4, 7)}, 7},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, c := decoder()
			fields := with(1, test.data...)
			r := one(t, d, messageOf(test.form, 0, optionsSet(test.form, 300, test.options...), optionData(300, test.options...),
				templateSet(test.form, 256, fields...), dataSet(256, fields...)))
			if r.Rate != test.want || r.NoRate || c.NewRate.Load() != 0 {
				t.Errorf("rate = %d (unknown %v, %d changes), want %d", r.Rate, r.NoRate, c.NewRate.Load(), test.want)
			}
		})
	}
}

// Records that come before the rate of their sampler have the default rate. They are counted, and so is the late rate.
func TestARateThatComesLateIsVisible(t *testing.T) {
	cfg := settings()
	cfg.Rate = 4
	c := new(Counts)
	d := NewDecoder(cfg, c)
	fields := with(1, num(48, 2, 3))
	r := one(t, d, v9(0, templateSet(V9, 256, fields...), dataSet(256, fields...)))
	if r.Rate != 4 || !r.NoRate || c.NoRate.Load() != 1 {
		t.Errorf("before the options: rate %d, unknown %v, counted %d", r.Rate, r.NoRate, c.NoRate.Load())
	}
	options := []value{num(48, 2, 3), num(50, 4, 64)}
	every(t, d, v9(1, optionsSet(V9, 300, options...), optionData(300, options...)))
	if r = one(t, d, v9(2, dataSet(256, fields...))); r.Rate != 64 || c.NewRate.Load() != 1 || c.NoRate.Load() != 1 {
		t.Errorf("after them: rate %d, %d changes, %d unknown", r.Rate, c.NewRate.Load(), c.NoRate.Load())
	}
}

// A record that does not name its sampler has no certain rate if there are two.
func TestARecordOfOneOfTwoSamplersIsCounted(t *testing.T) {
	d, c := decoder()
	first, second := []value{num(48, 2, 3), num(50, 4, 64)}, []value{num(48, 2, 4), num(50, 4, 8)}
	r := one(t, d, v9(0, optionsSet(V9, 300, first...), optionData(300, first...), optionData(300, second...),
		templateSet(V9, 256, pair(1)...), dataSet(256, pair(1)...)))
	if r.Rate != 1 || !r.NoRate || c.NoRate.Load() != 1 {
		t.Errorf("rate = %d, unknown %v, counted %d", r.Rate, r.NoRate, c.NoRate.Load())
	}
}

func TestGapsOfSequenceNumbers(t *testing.T) {
	type message struct {
		seq           uint32
		data, options uint32
	}
	rfc := func(m message) []step {
		all := m.data + m.options
		return []step{{all, false}, {m.data, false}, {all, true}, {m.data, true}}
	}
	for _, test := range []struct {
		name     string
		messages []message
		missing  uint64
		late     int
		restarts int
	}{
		{"by the RFC, with options", []message{{0, 3, 1}, {4, 5, 0}, {9, 1, 1}, {11, 2, 0}}, 0, 0, 0},
		{"softflowd: with its own records, without options", []message{{3, 3, 1}, {8, 5, 0}, {9, 1, 1}, {11, 2, 0}}, 0, 0, 0},
		{"a loss", []message{{0, 5, 0}, {15, 5, 0}, {20, 5, 0}}, 10, 0, 0},
		{"two losses", []message{{0, 5, 0}, {10, 5, 0}, {25, 5, 0}}, 15, 0, 0},
		{"the number wraps", []message{{1<<32 - 5, 5, 0}, {0, 5, 0}, {5, 5, 0}}, 0, 0, 0},
		{"an exporter begins again", []message{{5_000_000, 5, 0}, {0, 5, 0}, {5, 5, 0}}, 0, 0, 1},
		{"overtaken", []message{{100, 5, 0}, {110, 5, 0}, {105, 5, 0}, {115, 5, 0}}, 5, 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s sequence
			var missing uint64
			verdicts := map[verdict]int{}
			for _, m := range test.messages {
				n, v := s.follow(m.seq, rfc(m))
				missing += n
				verdicts[v]++
			}
			if missing != test.missing || verdicts[late] != test.late || verdicts[restarted] != test.restarts {
				t.Errorf("missing %d, late %d, restarts %d, want %d, %d, %d", missing, verdicts[late], verdicts[restarted],
					test.missing, test.late, test.restarts)
			}
		})
	}
}

// TestMissingRecordsAreExactWhateverTheExporterCounts: each rule in turn is that of the exporter. Records that arrive and
// records that are missing are the records sent.
func TestMissingRecordsAreExactWhateverTheExporterCounts(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		for rule := range maxRules {
			var s sequence
			var seq uint32
			var lost, missing uint64
			for i := range 40 {
				data, options := uint32(1+rng.IntN(30)), uint32(rng.IntN(2))
				steps := []step{{data + options, false}, {data, false}, {data + options, true}, {data, true}}
				begin := seq
				seq += steps[rule].units
				if i > 5 && i < 30 && rng.IntN(4) == 0 { // the network loses this message
					lost += uint64(steps[rule].units)
					continue
				}
				number := begin
				if steps[rule].includes {
					number = seq
				}
				n, _ := s.follow(number, steps)
				missing += n
			}
			if missing != lost {
				t.Errorf("seed %d, rule %d: %d units are missing, want %d", seed, rule, missing, lost)
			}
		}
	}
}

// v9 counts datagrams, v5 and IPFIX count records.
func TestTheUnitOfASequence(t *testing.T) {
	d, c := decoder()
	every(t, d, v5(0, 0, 0, 0, 1, 2, 3), v5(3, 0, 0, 0, 1, 2, 3), v5(9, 0, 0, 0, 1, 2, 3))
	every(t, d, v9(0, templateSet(V9, 256, pair(0)...), dataSet(256, pair(0)...)), v9(1, dataSet(256, pair(0)...)), v9(4, dataSet(256, pair(0)...)))
	every(t, d, ipfix(0, templateSet(IPFIX, 256, pair(0)...), dataSet(256, pair(0)...)), ipfix(1, dataSet(256, pair(0)...)), ipfix(7, dataSet(256, pair(0)...)))
	for form, want := range map[Form]uint64{V5: 3, V9: 2, IPFIX: 5} {
		if got := c.Missing[form].Load(); got != want {
			t.Errorf("%s: missing = %d, want %d", form, got, want)
		}
	}
}
