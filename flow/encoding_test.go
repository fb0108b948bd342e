package flow

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow/room"
)

// example is a batch with a value in every field.
func example(t testing.TB) *Batch {
	t.Helper()
	b := mustAddUp(t, []Record{
		rec(-2, "foo", "bar", "vpc-0", 100, math.MaxInt64),
		rec(-2, "bar", "foo", "vpc-0", 0, 1),
	}).Batches[0]
	b.Slice.Index = 3
	b.Dot = Dot{0x0102030405060708, 9}
	b.ID, b.Key = ID{0xaa, 15: 1}, ID{0xbb, 15: 2}
	return b
}

// exampleBytes is the encoding of example by the drawing in doc.go.
const exampleBytes = "01" + "91c93c61" + "fffffffffffffffe" + "00000003" + "0102030405060708" + "0000000000000009" +
	"aa000000000000000000000000000001" + "bb000000000000000000000000000002" +
	"03" + "030305" + "666f6f" + "626172" + "7670632d30" + // foo, bar, vpc-0
	"02" + "0001" + "0100" + "0202" + "6400" + "ffffffffffffffff7f" + "01"

func TestEncodeWritesTheDocumentedBytes(t *testing.T) {
	if got := hex.EncodeToString(example(t).Encode()); got != exampleBytes {
		t.Errorf("Encode() = %s, want %s", got, exampleBytes)
	}
}

func TestEncodeReturnsASliceOfItsExactSize(t *testing.T) {
	b := example(t)
	if got := b.Encode(); len(got) != cap(got) || len(got) != b.encodedLen() {
		t.Errorf("Encode(): length %d, capacity %d, want both %d", len(got), cap(got), b.encodedLen())
	}
	if got := b.Append([]byte("before")); !bytes.Equal(got, append([]byte("before"), b.Encode()...)) {
		t.Errorf("Append(before) = %x, want the encoding behind what was there", got)
	}
}

func TestParseBatchUndoesEncode(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := mustAddUp(t, records().Draw(rt, "records"))
		p.Identify("p", rapid.String().Draw(rt, "key"))
		for _, b := range p.Batches {
			b.Dot = Dot{rapid.Uint64().Draw(rt, "origin"), rapid.Uint64().Draw(rt, "seq")}
			data := b.Encode()
			got, err := ParseBatch(data)
			b.columns, b.Posting = nil, ID{} // Identify sets them and the encoding does not have them
			if again := b.Encode(); !bytes.Equal(again, data) {
				rt.Fatalf("Encode() = %x without what Identify encoded, %x with it", again, data)
			}
			if err != nil || !reflect.DeepEqual(got, b) {
				rt.Fatalf("ParseBatch(Encode(%+v)) = %+v, %v", b, got, err)
			}
			h, err := ParseHeader(data[:columnsStart])
			if want := (Header{b.Slice, b.Dot, b.ID, b.Key}); err != nil || h != want {
				rt.Fatalf("ParseHeader = %+v, %v, want %+v", h, err, want)
			}
		}
	})
}

func TestParseBatchKeepsNothingOfItsInput(t *testing.T) {
	data := example(t).Encode()
	b, err := ParseBatch(data)
	clear(data)
	if err != nil || !reflect.DeepEqual(b, example(t)) {
		t.Errorf("ParseBatch = %+v, %v after its input was cleared, want %+v", b, err, example(t))
	}
}

func TestParseBatchDetectsEveryFlippedBit(t *testing.T) {
	data := example(t).Encode()
	for bit := range len(data) * 8 {
		data[bit/8] ^= 1 << (bit % 8)
		if b, err := ParseBatch(data); err == nil {
			t.Errorf("ParseBatch with bit %d flipped = %+v, want an error", bit, b)
		}
		data[bit/8] ^= 1 << (bit % 8)
	}
}

func TestParseBatchRefusesEveryTruncation(t *testing.T) {
	data := example(t).Encode()
	for n := range data {
		for _, cut := range [][]byte{data[:n], seal(data[:n])} {
			if b, err := ParseBatch(cut); !errors.Is(err, ErrCorrupt) {
				t.Errorf("ParseBatch(the first %d bytes) = %+v, %v, want ErrCorrupt", n, b, err)
			}
		}
	}
}

func TestAnUnknownVersionIsNotReportedAsCorrupt(t *testing.T) {
	data := example(t).Encode()
	data[0] = 2
	if _, err := ParseBatch(data); !errors.Is(err, ErrVersion) || errors.Is(err, ErrCorrupt) {
		t.Errorf("ParseBatch(version 2) = %v, want ErrVersion", err)
	}
	if _, err := ParseHeader(data); !errors.Is(err, ErrVersion) {
		t.Errorf("ParseHeader(version 2) = %v, want ErrVersion", err)
	}
	if _, err := ParseHeader(data[:0]); !errors.Is(err, ErrCorrupt) {
		t.Errorf("ParseHeader(nothing) = %v, want ErrCorrupt", err)
	}
}

// seal returns a copy of data with a correct checksum.
func seal(data []byte) []byte {
	data = bytes.Clone(data)
	if len(data) >= headerStart {
		binary.BigEndian.PutUint32(data[sumStart:], crc32.Checksum(data[headerStart:], crc32.MakeTable(crc32.Castagnoli)))
	}
	return data
}

// encoded returns an encoded batch with the given columns and a correct checksum.
func encoded(columns string) []byte {
	data := make([]byte, columnsStart, columnsStart+len(columns))
	data[0] = batchVersion
	return seal(append(data, columns...))
}

func TestParseBatchAcceptsTheSmallestBatch(t *testing.T) {
	if _, err := ParseBatch(encoded("\x01\x01a\x01\x00\x00\x00\x00\x00")); err != nil {
		t.Errorf("ParseBatch = %v, want no error", err)
	}
}

func TestParseBatchRefuses(t *testing.T) {
	long := "\x01\x81\x02" + strings.Repeat("x", 257)
	for name, c := range map[string]struct{ columns, want string }{
		"no names":                 {"\x00\x01\x00\x00\x00\x00\x00", "no names"},
		"no flows":                 {"\x01\x01a\x00", "no flows"},
		"an empty name":            {"\x02\x01\x00a\x01\x00\x01\x00\x00\x00", "name 1 must not be empty"},
		"an over-long name":        {long + "\x01\x00\x00\x00\x00\x00", "257 in name lengths is over 256"},
		"a name that is not UTF-8": {"\x01\x01\xff\x01\x00\x00\x00\x00\x00", "name 0 must be valid UTF-8"},
		"a character cut in two":   {"\x02\x01\x01\xc3\xa9\x01\x00\x01\x00\x00\x00", "name 1 must be valid UTF-8"},
		"a name twice":             {"\x02\x01\x01aa\x01\x00\x01\x00\x00\x00", "a name is in the table twice"},
		"an unused name":           {"\x02\x01\x01ab\x01\x00\x00\x00\x00\x00", "name 1 is never used"},
		"names in another order":   {"\x02\x01\x01ab\x01\x01\x00\x00\x00\x00", "name 1 is used before name 0"},
		"an index over the names":  {"\x01\x01a\x01\x00\x01\x00\x00\x00", "1 in name indices is over 0"},
		"a flow twice":             {"\x01\x01a\x02" + strings.Repeat("\x00", 10), "a flow is in the batch twice"},
		"a sum over 2^63-1": {
			"\x01\x01a\x01\x00\x00\x00\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x00",
			"is over 9223372036854775807",
		},
		"a number over 2^64-1": {
			"\x01\x01a\x01\x00\x00\x00" + strings.Repeat("\xff", 10) + "\x01\x00",
			"not in its shortest form",
		},
		"a number in a longer form":   {"\x01\x01a\x01\x00\x00\x00\x81\x00\x00", "not in its shortest form"},
		"a count in a longer form":    {"\x81\x00\x01a\x01\x00\x00\x00\x00\x00", "not in its shortest form"},
		"more names than bytes":       {"\xff\xff\xff\xff\x0f\x01a", "do not fit"},
		"more flows than bytes":       {"\x01\x01a\xff\xff\xff\xff\x0f\x00\x00\x00\x00\x00", "do not fit"},
		"names longer than the bytes": {"\x01\x64a\x01\x00\x00\x00\x00\x00", "ends within the names"},
		"something behind":            {"\x01\x01a\x01\x00\x00\x00\x00\x00\x00", "1 bytes after the last column"},
		"an end within a column":      {"\x01\x01a\x01\x00\x00\x00\x00\x80", "ends within sums"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := ParseBatch(encoded(c.columns))
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("ParseBatch(%q) = %+v, %v, want ErrCorrupt with %q", c.columns, b, err, c.want)
			}
		})
	}
}

// Counts are claims of the sender. The memory allocated for them must be in proportion to the bytes sent (P16).
func TestParseBatchAllocatesInProportionToItsInput(t *testing.T) {
	most := strings.Repeat("\x01", 1<<16)
	for name, columns := range map[string]string{
		"a claim of many names": "\xff\xff\x03" + most,
		"a claim of many flows": "\x01\x01a\xff\xff\x03" + most,
		"a claim of 2^60 names": "\x80\x80\x80\x80\x80\x80\x80\x80\x10" + most,
	} {
		data := encoded(columns)
		got := allocated(func() { _, _ = ParseBatch(data) })
		if limit := uint64(64 * len(data)); got > limit {
			t.Errorf("%s: ParseBatch of %d bytes allocates %d bytes, want at most %d", name, len(data), got, limit)
		}
	}
}

func FuzzParseBatch(f *testing.F) {
	f.Add(example(f).Encode())
	for _, b := range mustAddUp(f, typical(30)).Batches {
		f.Add(b.Encode())
	}
	inOrder := mustAddUp(f, []Record{rec(1, "a", "b", "c", 1, 2), rec(1, "a", "bb", "a", 3, 4), rec(1, "b", "a", "c", 5, 6)})
	f.Add(inOrder.Batches[0].Encode())
	f.Add(encoded("\x01\x01a\x01\x00\x00\x00\x00\x00"))
	f.Add(encoded("\x01\x01a\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = seal(data) // because hardly any mutated input has a correct checksum
		b, err := ParseBatch(data)
		sorted, unsorted := ParseSorted(data)
		if inOrder := err == nil && slices.IsSortedFunc(keys(b), Key.Compare); inOrder != (unsorted == nil) {
			t.Fatalf("ParseSorted(%x) = %v, want an error: %t", data, unsorted, !inOrder)
		}
		if unsorted == nil && !reflect.DeepEqual(sorted, b) {
			t.Fatalf("ParseSorted(%x) = %+v, want %+v", data, sorted, b)
		}
		var memory room.Room
		memory.Names(7) // before the batch
		if shared, errShared := ParseInto(&memory, data); (errShared == nil) != (err == nil) || err == nil && !reflect.DeepEqual(shared, b) {
			t.Fatalf("ParseInto(%x) = %+v, %v, want %+v, %v", data, shared, errShared, b, err)
		}
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
				t.Fatalf("ParseBatch(%x) = %v, want ErrCorrupt or ErrVersion", data, err)
			}
			return
		}
		if again := b.Encode(); !bytes.Equal(again, data) {
			t.Fatalf("Encode(ParseBatch(%x)) = %x, want the same bytes", data, again)
		}
		if p := mustAddUp(t, rows(b)); !reflect.DeepEqual(p.Batches[0].Names, b.Names) || p.Flows() != b.Len() {
			t.Fatalf("AddUp of the flows of %+v = %+v, want the same batch", b, p.Batches[0])
		}
	})
}

func keys(b *Batch) []Key {
	all := make([]Key, b.Len())
	for i := range all {
		all[i] = b.FlowKey(i)
	}
	return all
}

// rows returns the flows of a batch as records.
func rows(b *Batch) []Record {
	all := make([]Record, b.Len())
	for i := range all {
		all[i] = Record{b.FlowKey(i), b.Totals(i), b.Slice.Hour}
	}
	return all
}
