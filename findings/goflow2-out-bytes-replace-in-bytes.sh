#!/usr/bin/env bash
# goflow2 v2.2.6 keeps one byte counter of a NetFlow version 9 record that has two.
#
# IN_BYTES (1) counts one direction of a flow and OUT_BYTES (23) the other direction. The producer writes
# both to the same field, so the counter that comes later in the template replaces the earlier one, also
# when it is 0.
#
# Consequence: an exporter that sends both counters loses one direction of every flow, and the order of
# the fields in its template decides which. No counter reports it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'MOD'
module finding

go 1.26

require github.com/netsampler/goflow2/v2 v2.2.6
MOD
cat >main.go <<'GO'
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/netsampler/goflow2/v2/decoders/netflow"
	"github.com/netsampler/goflow2/v2/producer"
	protoproducer "github.com/netsampler/goflow2/v2/producer/proto"
)

const inBytes, outBytes = 1, 23 // NetFlow version 9 field types

// datagram returns one export packet of one template and one record: two counters of 4 bytes.
func datagram(first, second uint16, a, b uint32) []byte {
	var d []byte
	u16 := func(v uint16) { d = binary.BigEndian.AppendUint16(d, v) }
	u32 := func(v uint32) { d = binary.BigEndian.AppendUint32(d, v) }
	u16(9)          // version
	u16(2)          // records: a template and a data record
	u32(60_000)     // uptime
	u32(1796031600) // seconds
	u32(1)          // sequence
	u32(0)          // source
	u16(0)          // template set
	u16(16)
	u16(256)
	u16(2)
	u16(first)
	u16(4)
	u16(second)
	u16(4)
	u16(256) // data set
	u16(12)
	u32(a)
	u32(b)
	return d
}

func collected(d []byte) uint64 {
	var v9 netflow.NFv9Packet
	var ipfix netflow.IPFIXPacket
	if err := netflow.DecodeMessageVersion(bytes.NewBuffer(d), netflow.CreateTemplateSystem(), &v9, &ipfix); err != nil {
		panic(err)
	}
	config, err := (&protoproducer.ProducerConfig{}).Compile()
	if err != nil {
		panic(err)
	}
	p, err := protoproducer.CreateProtoProducer(config, protoproducer.CreateSamplingSystem)
	if err != nil {
		panic(err)
	}
	messages, err := p.Produce(&v9, &producer.ProduceArgs{Src: netip.MustParseAddrPort("192.0.2.1:2055"), SamplerAddress: netip.MustParseAddr("192.0.2.1")})
	if err != nil || len(messages) != 1 {
		panic(fmt.Sprint(len(messages), err))
	}
	return messages[0].(*protoproducer.ProtoProducerMessage).Bytes
}

func main() {
	fmt.Println("in 1000, out 40:", collected(datagram(inBytes, outBytes, 1000, 40)))
	fmt.Println("in 1000, out 0: ", collected(datagram(inBytes, outBytes, 1000, 0)))
	fmt.Println("out 40, in 1000:", collected(datagram(outBytes, inBytes, 40, 1000)))
}
GO
export GOFLAGS=-mod=mod
go mod tidy 2>errors || { cat errors >&2; exit 2; }
seen=$(go run . 2>errors) || { cat errors >&2; exit 2; }
printf '%s\n' "$seen"
recorded='in 1000, out 40: 40
in 1000, out 0:  0
out 40, in 1000: 1000'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  printf 'changed; recorded was:\n%s\n' "$recorded"
  exit 1
fi
