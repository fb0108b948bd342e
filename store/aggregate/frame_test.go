package aggregate_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/store/aggregate"
)

// encodePlainly encodes groups as frame.go draws it, in the plainest way.
func encodePlainly(fields query.Fields, rows []query.Row) []byte {
	used := map[string]bool{}
	columns := func(r query.Row) (names []string) {
		for f, name := range map[query.Field]string{query.SrcApp: r.Src, query.DestApp: r.Dest, query.VPCID: r.VPC} {
			if fields.Has(f) {
				used[name] = true
			}
			_ = name
		}
		for _, f := range []query.Field{query.SrcApp, query.DestApp, query.VPCID} {
			if fields.Has(f) {
				names = append(names, r.Column(f))
			}
		}
		return names
	}
	for _, r := range rows {
		columns(r)
	}
	names := slices.Sorted(maps.Keys(used))
	rest := binary.AppendUvarint([]byte{byte(fields)}, uint64(len(names)))
	for _, name := range names {
		rest = binary.AppendUvarint(rest, uint64(len(name)))
	}
	for _, name := range names {
		rest = append(rest, name...)
	}
	rest = binary.AppendUvarint(rest, uint64(len(rows)))
	for _, r := range rows {
		if fields.Has(query.Hour) || fields.Has(query.Day) {
			rest = binary.AppendVarint(rest, r.Time)
		}
		for _, name := range columns(r) {
			i, _ := slices.BinarySearch(names, name)
			rest = binary.AppendUvarint(rest, uint64(i))
		}
		for _, s := range []query.Sum{r.Tx, r.Rx} {
			v := new(big.Int).Or(new(big.Int).Lsh(new(big.Int).SetUint64(s.High), 64), new(big.Int).SetUint64(s.Low))
			for v.BitLen() > 7 {
				rest = append(rest, byte(v.Uint64())|0x80)
				v.Rsh(v, 7)
			}
			rest = append(rest, byte(v.Uint64()))
		}
	}
	data := binary.BigEndian.AppendUint32([]byte{1}, crc32.Checksum(rest, crc32.MakeTable(crc32.Castagnoli)))
	return append(data, rest...)
}

func FuzzParseFrame(f *testing.F) {
	fields := []query.Fields{0, query.DefaultFields, query.FieldsOf(query.Hour, query.SrcApp), query.FieldsOf(query.Day)}
	add := func(i int, rows ...query.Row) { f.Add(uint8(i), encodePlainly(fields[i], rows)[5:]) }
	add(0, query.Row{Tx: query.Sum{High: math.MaxUint64, Low: math.MaxUint64}, Rx: query.Sum{High: 1}})
	add(1, query.Row{Key: query.Key{Src: "b", Dest: "a", VPC: "c"}, Tx: query.SumOf(127), Rx: query.SumOf(128)})
	add(2, query.Row{Key: query.Key{Time: -1, Src: "b"}}, query.Row{Key: query.Key{Time: math.MaxInt64, Src: "b"}, Tx: query.SumOf(1 << 62)})
	add(3, query.Row{Key: query.Key{Time: 3}})
	f.Fuzz(func(t *testing.T, which uint8, rest []byte) {
		spec := &query.Spec{From: math.MinInt64, To: math.MaxInt64, Group: fields[int(which)%len(fields)]}
		data := binary.BigEndian.AppendUint32([]byte{1}, crc32.Checksum(rest, crc32.MakeTable(crc32.Castagnoli)))
		data = append(data, rest...)
		rows, err := aggregate.ParseFrame(spec, data, nil)
		if err == nil && !bytes.Equal(encodePlainly(spec.Group, rows), data) {
			t.Errorf("ParseFrame accepts %x, which is written as %x", data, encodePlainly(spec.Group, rows))
		}
		if cap(rows) > len(data) {
			t.Errorf("%d rows for %d bytes", cap(rows), len(data))
		}
	})
}

// A frame of a newer program is refused by name, with both versions, whatever stands behind the version.
func TestAFrameOfAnotherVersionIsRefusedByName(t *testing.T) {
	for _, data := range [][]byte{{7}, {7, 1, 2, 3, 4, 5, 6, 7, 8}} {
		_, err := aggregate.ParseFrame(&query.Spec{To: 9}, data, nil)
		if !errors.Is(err, aggregate.ErrMalformed) || !strings.Contains(err.Error(), "version 7, this program reads version 1") {
			t.Errorf("ParseFrame(%x) = %v, want both versions", data, err)
		}
	}
}

// A frame with one changed bit is refused.
func TestADamagedFrameIsRefused(t *testing.T) {
	spec := &query.Spec{From: 0, To: 9, Group: query.DefaultFields}
	g := aggregate.New(spec, 0)
	p, err := flow.AddUp([]flow.Record{{Key: flow.Key{SrcApp: "a", DestApp: "b", VPCID: "c"}, Totals: flow.Totals{BytesTx: 300}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.AddBatch(p.Batches[0]); err != nil {
		t.Fatal(err)
	}
	for frame := range g.Frames(100) {
		for i := range 8 * len(frame) {
			damaged := slices.Clone(frame)
			damaged[i/8] ^= 1 << (i % 8)
			if rows, err := aggregate.ParseFrame(spec, damaged, nil); err == nil {
				t.Errorf("bit %d is changed: %+v", i, rows)
			}
		}
		for n := range len(frame) {
			if _, err := aggregate.ParseFrame(spec, frame[:n], nil); err == nil {
				t.Errorf("the first %d bytes are accepted", n)
			}
		}
	}
}
