package compact

import (
	"encoding/binary"
	"slices"

	"flowring/flow"
	"flowring/flow/field"
)

// Encode returns the compact body of records, of which there must be one at least. It numbers names and flows in the
// order in which the records have them, because a node reads such a body fastest.
func Encode(records []flow.Record) []byte {
	var body []byte
	var columns [field.Count][]byte
	var flowOf []byte
	names, flows := map[string]uint32{}, map[flow.Key]uint32{}
	for _, r := range records {
		at, ok := flows[r.Key]
		if !ok {
			at = uint32(len(flows))
			flows[r.Key] = at
			for f, name := range [namesOfRecord]string{r.SrcApp, r.DestApp, r.VPCID} {
				number, ok := names[name]
				if !ok {
					number = uint32(len(names))
					names[name] = number
					body = append(appendHead(body, namesField, len(name)), name...)
				}
				columns[f] = binary.LittleEndian.AppendUint32(columns[f], number)
			}
		}
		flowOf = binary.LittleEndian.AppendUint32(flowOf, at)
		columns[field.BytesTx] = binary.LittleEndian.AppendUint64(columns[field.BytesTx], uint64(r.BytesTx))
		columns[field.BytesRx] = binary.LittleEndian.AppendUint64(columns[field.BytesRx], uint64(r.BytesRx))
		columns[field.Hour] = binary.AppendUvarint(columns[field.Hour], uint64(r.Hour))
	}
	if one := records[0].Hour; !slices.ContainsFunc(records, func(r flow.Record) bool { return r.Hour != one }) {
		columns[field.Hour] = binary.AppendUvarint(nil, uint64(one))
	}
	for f, numbers := range columns {
		body = append(appendHead(body, firstColumn+f, len(numbers)), numbers...)
	}
	if len(flows) == len(records) { // record i has flow i
		return body
	}
	return append(appendHead(body, flowField, len(flowOf)), flowOf...)
}

// appendHead appends the tag of a field of bytes, and their number.
func appendHead(dst []byte, number, size int) []byte {
	return binary.AppendUvarint(append(dst, byte(number<<3|bytes)), uint64(size))
}
