package compact

import (
	"encoding/json"
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	"flowring/flow"
	"flowring/flow/field"
)

// rec returns a record of the flow a to b in v.
func rec(hour flow.Hour, a, b, v string, tx, rx int64) flow.Record {
	return flow.Record{Key: flow.Key{SrcApp: a, DestApp: b, VPCID: v}, Totals: flow.Totals{BytesTx: tx, BytesRx: rx}, Hour: hour}
}

// decode is Decode without a limit on records.
func decode(body []byte) (*flow.Posting, error) { return new(Decoder).Decode(body, 1<<20) }

// body is a message that a test can change before it is encoded.
type body struct {
	names   []string
	columns [field.Count][]uint64
	flows   []uint64 // of the records; nil: record i has flow i
}

// good is the message of one record.
func good() *body {
	return &body{names: []string{"foo", "bar", "vpc-0"}, columns: [field.Count][]uint64{{0}, {1}, {2}, {100}, {500}, {20}}}
}

// encode encodes the message with a library.
func (b *body) encode() (all []byte) {
	for _, name := range b.names {
		all = protowire.AppendString(protowire.AppendTag(all, namesField, protowire.BytesType), name)
	}
	for f, numbers := range b.columns {
		var column []byte
		for _, n := range numbers {
			column = b.append(column, f, n)
		}
		all = protowire.AppendBytes(protowire.AppendTag(all, protowire.Number(firstColumn+f), protowire.BytesType), column)
	}
	if b.flows == nil {
		return all
	}
	var flows []byte
	for _, n := range b.flows {
		flows = protowire.AppendFixed32(flows, uint32(n))
	}
	return protowire.AppendBytes(protowire.AppendTag(all, flowField, protowire.BytesType), flows)
}

func (b *body) append(dst []byte, f int, n uint64) []byte {
	switch {
	case f < namesOfRecord:
		return protowire.AppendFixed32(dst, uint32(n))
	case f < hourColumn:
		return protowire.AppendFixed64(dst, n)
	}
	return protowire.AppendVarint(dst, n)
}

// hourColumn is the column of hours.
const hourColumn = int(field.Hour)

// kindOf returns the type of a number of a column that stands by itself.
func kindOf(f int) protowire.Type {
	switch {
	case f < namesOfRecord:
		return protowire.Fixed32Type
	case f < hourColumn:
		return protowire.Fixed64Type
	}
	return protowire.VarintType
}

// single encodes the message with each number in a field of its own, the columns in the reverse order, and names last.
func (b *body) single() (all []byte) {
	for f := field.Count - 1; f >= 0; f-- {
		kind := kindOf(f)
		for _, n := range b.columns[f] {
			all = b.append(protowire.AppendTag(all, protowire.Number(firstColumn+f), kind), f, n)
		}
	}
	for _, name := range b.names {
		all = protowire.AppendString(protowire.AppendTag(all, namesField, protowire.BytesType), name)
	}
	for _, n := range b.flows {
		all = protowire.AppendFixed32(protowire.AppendTag(all, flowField, protowire.Fixed32Type), uint32(n))
	}
	return all
}

// cutUp encodes the message in two parts, with a field of another number between them.
func (b *body) cutUp(at int) []byte {
	first, second := &body{names: b.names}, &body{}
	for f, numbers := range b.columns {
		n := min(at, len(numbers))
		first.columns[f], second.columns[f] = numbers[:n], numbers[n:]
	}
	n := min(at, len(b.flows))
	first.flows, second.flows = b.flows[:n], b.flows[n:]
	all := protowire.AppendVarint(protowire.AppendTag(first.encode(), 1000, protowire.VarintType), 7)
	return append(all, second.encode()...)
}

// messageOf returns the message of records, with a name that no record has.
func messageOf(records []flow.Record) *body {
	b, known := &body{names: []string{"unused", ""}}, map[string]uint64{}
	index := func(name string) uint64 {
		if _, ok := known[name]; !ok {
			known[name] = uint64(len(b.names))
			b.names = append(b.names, name)
		}
		return known[name]
	}
	for i, r := range records {
		if i%7 == 3 { // then equal names have several indices
			clear(known)
		}
		row := [...]uint64{index(r.VPCID), index(r.DestApp), index(r.SrcApp), uint64(r.BytesTx), uint64(r.BytesRx), uint64(r.Hour)}
		row[0], row[2] = row[2], row[0]
		for f, n := range row {
			b.columns[f] = append(b.columns[f], n)
		}
	}
	return b
}

// withFlows returns the message with a column of flows, some of which are equal, and the last one has no record.
func (b *body) withFlows() *body {
	out := &body{names: b.names, columns: b.columns}
	known := map[[namesOfRecord]uint64]uint64{}
	for f := range namesOfRecord {
		out.columns[f] = nil
	}
	add := func(names [namesOfRecord]uint64) uint64 {
		for f, name := range names {
			out.columns[f] = append(out.columns[f], name)
		}
		return uint64(len(out.columns[0])) - 1
	}
	for i := range b.columns[0] {
		names := [namesOfRecord]uint64{b.columns[0][i], b.columns[1][i], b.columns[2][i]}
		at, ok := known[names]
		if !ok || i%11 == 5 {
			at = add(names)
			known[names] = at
		}
		out.flows = append(out.flows, at)
	}
	add([namesOfRecord]uint64{})
	return out
}

// The batches are those of the same records in JSON, and so are their IDs (P2), whatever the order of the names and the
// form of the columns.
func TestEqualRecordsHaveEqualIDsInProtobufAndJSON(t *testing.T) {
	word := rapid.StringMatching(`[a-c]{1,2}|é|x{256}|[a-z]{17,40}`)
	hours := []flow.Hour{20, 21, -1, -1 << 63, 1<<63 - 1, 490000}
	record := rapid.Custom(func(t *rapid.T) flow.Record {
		sum := rapid.Int64Range(0, flow.MaxBytes)
		hour := rapid.SampledFrom(hours)
		return rec(hour.Draw(t, "hour"), word.Draw(t, "src"), word.Draw(t, "dest"), word.Draw(t, "vpc"), sum.Draw(t, "tx"), sum.Draw(t, "rx"))
	})
	var d Decoder // used again and again
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(record, 1, 300).Draw(t, "records")
		if rapid.Bool().Draw(t, "of one hour") {
			for i := range records {
				records[i].Hour = records[0].Hour
			}
		}
		text, err := json.Marshal(records)
		if err != nil {
			t.Fatal(err)
		}
		want, err := flow.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		want.Identify("p", "key")
		b := messageOf(records)
		if one := b.columns[hourColumn]; len(slices.Compact(slices.Clone(one))) == 1 && rapid.Bool().Draw(t, "one hour") {
			b.columns[hourColumn] = one[:1]
		}
		for name, message := range map[string][]byte{
			"columns": b.encode(), "one by one": b.single(), "cut up": b.cutUp(rapid.IntRange(0, 300).Draw(t, "at")), "Encode": Encode(records),
			"flows": b.withFlows().encode(), "flows one by one": b.withFlows().single(), "flows cut up": b.withFlows().cutUp(rapid.IntRange(0, 300).Draw(t, "flow at")),
		} {
			got, err := d.Decode(message, 2*len(records)+1)
			if err != nil {
				t.Fatalf("%s: Decode = %v", name, err)
			}
			got.Identify("p", "key")
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: Decode = %+v, want %+v", name, got, want)
			}
		}
	})
}

// The texts are those of JSON and CSV where these can have the fault.
func TestProtobufIsRefusedWithTheRecordAndTheReason(t *testing.T) {
	const wantName, wantBytes = "must be a string of 1 to 256 bytes", "must be an integer from 0 to 9007199254740991"
	for _, c := range []struct {
		name   string
		change func(b *body)
		want   string
	}{
		{"an empty name", func(b *body) { b.names[1] = "" }, `record 0: field "dest_app": ` + wantName + ", got an empty name"},
		{"a long name", func(b *body) { b.names[0] = strings.Repeat("x", 257) },
			`record 0: field "src_app": ` + wantName + ", got 257 bytes: " + strings.Repeat("x", 37) + "..."},
		{"a name that is not UTF-8", func(b *body) { b.names[2] = "\xff" }, `record 0: field "vpc_id": must be valid UTF-8, got "\xff"`},
		{"an index of no name", func(b *body) { b.columns[0][0] = 3 }, `record 0: field "src_app": must be an index of the 3 names, got 3`},
		{"the largest index", func(b *body) { b.columns[2][0] = 1<<32 - 1 },
			`record 0: field "vpc_id": must be an index of the 3 names, got 4294967295`},
		{"too many bytes", func(b *body) { b.columns[3][0] = 1 << 53 }, `record 0: field "bytes_tx": ` + wantBytes + ", got 9007199254740992"},
		{"a negative number of bytes", func(b *body) { b.columns[4][0] = 1<<64 - 1 },
			`record 0: field "bytes_rx": ` + wantBytes + ", got 18446744073709551615"},
		{"an hour in seconds", func(b *body) { b.columns[5][0] = 1796031600 },
			`record 0: field "hour": 1796031600 looks like seconds since 1970; its hour is 498897`},
		{"several hours, and fewer than records", func(b *body) {
			b.columns = [field.Count][]uint64{{0, 0, 0}, {1, 1, 1}, {2, 2, 2}, {1, 1, 1}, {1, 1, 1}, {20, 20}}
		},
			"the columns must have equal lengths, got 3 of src_app and 2 of hour"},
		{"an hour alone", func(b *body) { b.columns = [field.Count][]uint64{hourColumn: {20}} }, "the body has no records"},
		{"a short column", func(b *body) { b.columns[4] = nil }, "the columns must have equal lengths, got 1 of src_app and 0 of bytes_rx"},
		{"a flow of no number", func(b *body) { b.flows = []uint64{1} }, `record 0: field "flow": must be an index of the 1 flows, got 1`},
		{"a flow behind the last one", func(b *body) { b.columns[3], b.columns[4], b.flows = []uint64{1, 1}, []uint64{1, 1}, []uint64{0, 1} },
			`record 1: field "flow": must be an index of the 1 flows, got 1`},
		{"the largest flow", func(b *body) { b.flows = []uint64{1<<32 - 1} }, `record 0: field "flow": must be an index of the 1 flows, got 4294967295`},
		{"no flows", func(b *body) { b.columns[0], b.columns[1], b.columns[2], b.flows = nil, nil, nil, []uint64{0} },
			`record 0: field "flow": must be an index of the 0 flows, got 0`},
		{"more flows than sums", func(b *body) { b.flows = []uint64{0, 0} }, "the columns must have equal lengths, got 2 of flow and 1 of bytes_tx"},
		{"a flow without a VPC", func(b *body) { b.columns[2], b.flows = nil, []uint64{0} }, "the columns must have equal lengths, got 1 of src_app and 0 of vpc_id"},
		{"no records", func(b *body) { b.columns = [field.Count][]uint64{} }, "the body has no records"},
	} {
		b := good()
		c.change(b)
		for form, message := range map[string][]byte{"columns": b.encode(), "one by one": b.single()} {
			_, err := decode(message)
			if err == nil || err.Error() != c.want {
				t.Errorf("%s, %s: Decode = %v, want %s", c.name, form, err, c.want)
			}
			if refused := new(*flow.RecordError); !errors.As(err, refused) || (*refused).Syntax != flow.Protobuf {
				t.Errorf("%s: the error is %#v, want a RecordError of protobuf", c.name, err)
			}
		}
	}
	second := messageOf([]flow.Record{rec(1, "a", "b", "v", 1, 1), rec(1, "a", "c", "v", 1, 1)})
	second.columns[3][1] = 1 << 60
	if _, err := decode(second.encode()); err == nil || !strings.HasPrefix(err.Error(), `record 1: field "bytes_tx"`) {
		t.Errorf("Decode of a fault in the second record = %v, want record 1", err)
	}
}

func TestOtherBytesAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"an empty body":          {"", "must be a message of protobuf, got an empty body"},
		"JSON":                   {"[]", "must be a message of protobuf, got JSON; say so with the header Content-Type: application/json"},
		"text":                   {"hello", "the body has a field that is cut off, or of an unknown type at byte 2"},
		"a field 0":              {"\x00\x00", "the body has no field of protobuf at byte 0"},
		"a tag that is cut off":  {"\x0a\x01a\x80", "the body has no field of protobuf at byte 3"},
		"a group":                {"\x0a\x01a\x13\x14", "the body has a field that is cut off, or of an unknown type at byte 3"},
		"names as numbers":       {"\x08\x01", "the body has the field names, which is not of the type string at byte 0"},
		"indices as varints":     {"\x10\x01", "the body has the field src_app, whose type is another than that of records.proto at byte 0"},
		"three bytes of indices": {"\x12\x03\x00\x00\x00", "the column src_app ends within a number"},
		"seven bytes of a sum":   {"\x2a\x07\x00\x00\x00\x00\x00\x00\x00", "the column bytes_tx ends within a number"},
		"five bytes of flows":    {"\x42\x05\x00\x00\x00\x00\x00", "the column flow ends within a number"},
		"a flow as a varint":     {"\x40\x01", "the body has the field flow, whose type is another than that of records.proto at byte 0"},
		"half a varint":          {"\x3a\x01\x80", "the column hour ends within a number"},
	} {
		if _, err := decode([]byte(c.body)); err == nil || err.Error() != c.want {
			t.Errorf("%s: Decode = %v, want %s", name, err, c.want)
		}
	}
	whole := good().encode()
	for n := range whole {
		if _, err := decode(whole[:n]); err == nil {
			t.Errorf("Decode of the first %d of %d bytes succeeds", n, len(whole))
		}
	}
	long := good()
	long.columns[hourColumn] = nil
	cut := append(long.encode(), "\x3a\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"...)
	if _, err := decode(cut); err == nil || err.Error() != "the column hour has a number of more than 64 bits" {
		t.Errorf("Decode of a number of 71 bits = %v", err)
	}
}

// A body that Encode makes is read without a hash table of its records. A body with any of these changes is not, because its
// names or flows are numbered in another way, and has the same posting.
func TestABodyInOrderIsReadTheShortWay(t *testing.T) {
	inOrder := func() *body { // a to b, b to a, a to é, a to b
		return &body{
			names: []string{"a", "b", "v", "é"}, flows: []uint64{0, 1, 2, 0},
			columns: [field.Count][]uint64{{0, 1, 0}, {1, 0, 3}, {2, 2, 2}, {1, 3, 5, 7}, {2, 4, 6, 8}, {20}},
		}
	}
	for _, c := range []struct {
		name   string
		short  bool
		change func(b *body)
	}{
		{"as it is", true, func(*body) {}},
		{"a name that no flow has", false, func(b *body) { b.names = append(b.names, "x") }},
		{"a name twice", false, func(b *body) {
			b.names, b.columns[0], b.columns[1] = []string{"a", "b", "v", "a", "é"}, []uint64{0, 1, 0}, []uint64{1, 3, 4}
		}},
		{"two names in the other order", false, func(b *body) {
			b.names[0], b.names[1] = "b", "a"
			b.columns[0], b.columns[1] = []uint64{1, 0, 1}, []uint64{0, 1, 3}
		}},
		{"records that have the flows in another order", false, func(b *body) { b.flows = []uint64{1, 0, 1, 2} }},
		{"a flow twice", false, func(b *body) { b.columns[0][2], b.columns[1][2] = 0, 1; b.names = b.names[:3] }},
		{"a flow without a record", false, func(b *body) { b.flows = []uint64{0, 1, 1, 0} }},
		{"an hour for each record", false, func(b *body) { b.columns[hourColumn] = []uint64{20, 20, 20, 20} }},
	} {
		b := inOrder()
		c.change(b)
		var d Decoder
		message := b.encode()
		got, err := d.Decode(message, 10)
		want := b.posting()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: Decode = %+v, %v, want %+v", c.name, got, err, want)
		}
		d.message.reset(100)
		if err := d.message.read(message); err != nil {
			t.Fatal(err)
		}
		n, err := d.message.records()
		if err != nil {
			t.Fatal(err)
		}
		if short := d.ordered(n) != nil; short != c.short {
			t.Errorf("%s: ordered = %v, want %v", c.name, short, c.short)
		}
	}
}

// A sum over 2^63-1 refuses the whole body, with the flow (P14).
func TestAnOverflowIsRefused(t *testing.T) {
	records := make([]flow.Record, 1025)
	for i := range records {
		records[i] = rec(20, "a", "b", "v", flow.MaxBytes, 0)
	}
	_, err := decode(Encode(records))
	if want := `hour 20: flow "a" to "b" in "v": ` + flow.ErrOverflow.Error(); !errors.Is(err, flow.ErrOverflow) || err.Error() != want {
		t.Errorf("Decode = %v, want %s", err, want)
	}
	if _, err := decode(Encode(records[:1024])); err != nil {
		t.Errorf("Decode of a sum below the limit = %v", err)
	}
}

// A small body must not become many records, or many names (P16).
func TestRecordsAndNamesOfProtobufAreLimited(t *testing.T) {
	message := Encode([]flow.Record{rec(1, "a", "b", "v", 1, 1), rec(1, "a", "b", "v", 1, 1)})
	if _, err := new(Decoder).Decode(message, 1); !errors.Is(err, flow.ErrTooManyRecords) {
		t.Errorf("Decode of 2 records of 1 = %v, want ErrTooManyRecords", err)
	}
	if _, err := new(Decoder).Decode(message, 2); err != nil {
		t.Errorf("Decode of 2 records of 2 = %v", err)
	}
	flows := good()
	flows.columns[0], flows.columns[1], flows.columns[2], flows.flows = []uint64{0, 0}, []uint64{1, 1}, []uint64{2, 2}, []uint64{0}
	if _, err := new(Decoder).Decode(flows.encode(), 1); !errors.Is(err, flow.ErrTooManyRecords) {
		t.Errorf("Decode of 2 flows of 1 record = %v, want ErrTooManyRecords", err)
	}
	names := []byte(strings.Repeat("\x0a\x00", 1<<20))
	var err error
	if used := allocated(func() { _, err = new(Decoder).Decode(names, 100) }); used > 64<<10 || !errors.Is(err, flow.ErrTooManyRecords) {
		t.Errorf("Decode of a million names = %v with %d bytes of memory, want ErrTooManyRecords and little memory", err, used)
	}
}

// allocated returns the number of bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A decoder keeps no part of a body, and nothing of a body that it refused.
func TestADecoderKeepsNoPartOfABody(t *testing.T) {
	var d Decoder
	message := good().encode()
	first, err := d.Decode(message, 10)
	if err != nil {
		t.Fatal(err)
	}
	clear(message)
	if _, err := d.Decode(message, 10); err == nil {
		t.Fatal("Decode of zeros succeeds")
	}
	if got := first.Batches[0].Names; !reflect.DeepEqual(got, []string{"foo", "bar", "vpc-0"}) {
		t.Errorf("the names are %q after their body was overwritten", got)
	}
}

// The decoder agrees with a library about the fields, and with JSON about the records.
func FuzzRecords(f *testing.F) {
	f.Add(good().encode())
	f.Add(good().single())
	f.Add(messageOf([]flow.Record{rec(-1, "a", "b", "v", 1, 1), rec(1, "b", "a", "v", flow.MaxBytes, 1<<40)}).cutUp(1))
	f.Add(Encode([]flow.Record{rec(20, "a", "b", "v", 1, 1), rec(20, "b", "é", "v", 2, 1<<40), rec(20, "a", "b", "v", 3, 1)}))
	f.Add(messageOf([]flow.Record{rec(20, "a", "b", "v", 1, 1), rec(21, "b", "a", "v", 2, 1), rec(20, "a", "b", "v", 3, 1)}).withFlows().encode())
	f.Add([]byte("\x0a\x01a\x12\x04\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, message []byte) {
		got, err := new(Decoder).Decode(message, len(message)+1)
		b, ok := parse(message)
		if err == nil && !ok {
			t.Fatalf("Decode accepts %x, which a library refuses", message)
		}
		var want *flow.Posting
		if ok {
			want = b.posting()
		}
		if (err == nil) != (want != nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("Decode(%x) = %+v, %v, want %+v", message, got, err, want)
		}
	})
}

// parse parses a message with a library.
func parse(message []byte) (b *body, ok bool) {
	b = &body{}
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 || kind == protowire.StartGroupType {
			return nil, false
		}
		value := message[n:]
		size := protowire.ConsumeFieldValue(number, kind, value)
		if size < 0 {
			return nil, false
		}
		message, value = value[size:], value[:size]
		if !b.take(int(number), kind, value) {
			return nil, false
		}
	}
	return b, true
}

// take takes the value of a field.
func (b *body) take(number int, kind protowire.Type, value []byte) bool {
	f := number - firstColumn
	switch {
	case number == namesField:
		name, _ := protowire.ConsumeBytes(value)
		b.names = append(b.names, string(name))
		return kind == protowire.BytesType
	case number == flowField:
		var ok bool
		b.flows, ok = appendNumbers(b.flows, protowire.Fixed32Type, kind, value)
		return ok
	case f < 0 || f >= field.Count:
		return true
	}
	var ok bool
	b.columns[f], ok = appendNumbers(b.columns[f], kindOf(f), kind, value)
	return ok
}

// appendNumbers appends the numbers of a column: one, or all in bytes.
func appendNumbers(to []uint64, want, got protowire.Type, value []byte) (all []uint64, ok bool) {
	if got == protowire.BytesType {
		value, _ = protowire.ConsumeBytes(value)
	} else if got != want {
		return to, false
	}
	for len(value) > 0 {
		var v uint64
		var n int
		switch want {
		case protowire.Fixed32Type:
			var short uint32
			short, n = protowire.ConsumeFixed32(value)
			v = uint64(short)
		case protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(value)
		default:
			v, n = protowire.ConsumeVarint(value)
		}
		if n < 0 {
			return to, false
		}
		to, value = append(to, v), value[n:]
	}
	return to, true
}

// posting returns the posting of the message by way of JSON; nil if a rule refuses it.
func (b *body) posting() *flow.Posting {
	n := len(b.columns[0])
	for f := range namesOfRecord {
		if len(b.columns[f]) != n {
			return nil
		}
	}
	if len(b.flows) > 0 {
		var columns [namesOfRecord][]uint64
		for _, at := range b.flows {
			if at >= uint64(n) {
				return nil
			}
			for f := range columns {
				columns[f] = append(columns[f], b.columns[f][at])
			}
		}
		copy(b.columns[:], columns[:])
		n = len(b.flows)
	}
	if hours := b.columns[hourColumn]; len(hours) == 1 && n > 1 {
		b.columns[hourColumn] = slices.Repeat(hours, n)
	}
	for _, column := range b.columns {
		if len(column) != n || n == 0 {
			return nil
		}
	}
	var text []byte
	for i := range n {
		var names [namesOfRecord]string
		for f := range names {
			index := b.columns[f][i]
			if index >= uint64(len(b.names)) || field.NameFault(b.names[index]) != "" {
				return nil
			}
			names[f] = b.names[index]
		}
		tx, rx := b.columns[3][i], b.columns[4][i]
		if tx > flow.MaxBytes || rx > flow.MaxBytes {
			return nil
		}
		text = flow.AppendRecord(text, rec(flow.Hour(b.columns[5][i]), names[0], names[1], names[2], int64(tx), int64(rx)))
	}
	p, err := flow.Decode(text)
	if err != nil {
		return nil
	}
	return p
}
