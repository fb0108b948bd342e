#!/usr/bin/env bash
# node-netflowv9 0.2.16 (npm), NetFlow v9: the templates of all source IDs of an exporter are one list.
#
# RFC 3954 makes the template IDs of each source ID (observation domain) a list of their own: a router with
# two line cards may send template 256 of both cards, with other fields. The library keeps the templates by
# the address and port of the exporter alone, so that the second template 256 takes the place of the first.
#
# Consequence: records of the first card are read by the template of the second one. No error and no event
# says so. Below, both cards count 1,000 bytes in 7 packets, and those of the first card are read as 7 bytes.
# A collector keeps templates by exporter, source ID and template ID.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund node-netflowv9@0.2.16
cat >decode.js <<'JS'
const Collector = require('node-netflowv9');
const words = (...numbers) => Buffer.concat(numbers.map((n) => { const b = Buffer.alloc(2); b.writeUInt16BE(n); return b; }));
const long = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
const set = (id, body) => Buffer.concat([words(id, 4 + body.length), body]);
// A message with one set: version 9, count 1, uptime, seconds, sequence, source ID.
const message = (sequence, source, body) =>
  Buffer.concat([words(9, 1), long(60000), long(1780000000), long(sequence), long(source), body]);
const template = (...types) => set(0, words(256, types.length, ...types.flatMap((type) => [type, 4])));
const record = (...values) => set(256, Buffer.concat(values.map(long)));

const bytes = 1, packets = 2;
const collector = new Collector({});
const decode = (msg) => collector.nfPktDecode(msg, { address: '192.0.2.1', port: 2055 });
decode(message(1, 1, template(bytes, packets))); // the card with source ID 1
decode(message(1, 2, template(packets, bytes))); // the card with source ID 2
for (const [source, values] of [[1, [1000, 7]], [2, [7, 1000]]]) {
  const { in_bytes, in_pkts } = decode(message(2, source, record(...values))).flows[0];
  console.log(`source ID ${source}, 1000 bytes in 7 packets: ${in_bytes} bytes in ${in_pkts} packets`);
}
process.exit(0);
JS
seen=$(node decode.js 2>errors) || { cat errors >&2; exit 2; }
printf '%s\n' "$seen"
recorded='source ID 1, 1000 bytes in 7 packets: 7 bytes in 1000 packets
source ID 2, 1000 bytes in 7 packets: 1000 bytes in 7 packets'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  echo "changed; recorded was:"
  printf '%s\n' "$recorded"
  exit 1
fi
