package compact

import (
	"encoding/binary"

	"flowring/flow"
	"flowring/flow/field"
)

// Encode returns the compact body of records.
func Encode(records []flow.Record) []byte {
	var body []byte
	var columns [field.Count][]byte
	known := map[string]uint64{}
	index := func(name string) uint64 {
		at, ok := known[name]
		if !ok {
			at = uint64(len(known))
			known[name] = at
			body = append(appendHead(body, namesField, len(name)), name...)
		}
		return at
	}
	for _, r := range records {
		for f, n := range [field.Count]uint64{
			index(r.SrcApp), index(r.DestApp), index(r.VPCID), uint64(r.BytesTx), uint64(r.BytesRx), uint64(r.Hour),
		} {
			if typeOf(field.Field(f)) == fixed32 {
				columns[f] = binary.LittleEndian.AppendUint32(columns[f], uint32(n))
				continue
			}
			columns[f] = binary.AppendUvarint(columns[f], n)
		}
	}
	for f, numbers := range columns {
		body = append(appendHead(body, firstColumn+f, len(numbers)), numbers...)
	}
	return body
}

// appendHead appends the tag of a field of bytes, and their number.
func appendHead(dst []byte, number, size int) []byte {
	return binary.AppendUvarint(append(dst, byte(number<<3|bytes)), uint64(size))
}
