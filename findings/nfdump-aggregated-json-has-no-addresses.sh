#!/usr/bin/env bash
# nfdump 1.7.1 (Debian 12): JSON output of aggregated records has neither addresses nor bytes.
#
# "nfdump -A srcip,dstip" adds up records by address pair. Its table shows the pair and the sum. With
# "-o json" the same command prints an object without addresses, packets and bytes, and exits with 0.
#
# Consequence: a pipeline that switches from the table to JSON loads records without any content, and no
# error tells it. Records that are not aggregated are complete in JSON.
set -euo pipefail
folder=$(mktemp -d)
collector=
trap '[ -z "$collector" ] || kill "$collector" 2>/dev/null || true; rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -qq nfdump=1.7.1-2+deb12u1 2>errors || { cat errors >&2; exit 2; }
dpkg -x nfdump_*.deb root
export TZ=UTC

# Two NetFlow version 5 records of one address pair, 1,000 and 500 bytes.
number() { printf "\\x$(printf %02x $(($1 >> 24 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 & 255)))"; }
record() { # SOURCE_PORT BYTES
  printf '\xc0\x00\x02\x01\xc6\x33\x64\x07\x00\x00\x00\x00\x00\x00\x00\x00'
  number 3; number "$2"; number 1000; number 2000
  number $(($1 << 16 | 443)); number $((6 << 8)); number 0; number $((24 << 24 | 24 << 16))
}
{ number $((5 << 16 | 2)); number 60000; number 1796031600; number 0; number 1; number 0; record 1001 1000; record 1002 500; } >datagram

port=$((20000 + RANDOM % 20000))
mkdir flows
root/usr/bin/nfcapd -b 127.0.0.1 -p "$port" -l flows -t 60 >collector.log 2>&1 &
collector=$!
for _ in $(seq 50); do
  grep -q "$(printf ':%04X ' "$port")" /proc/net/udp && break
  sleep 0.1
done
cat datagram >"/dev/udp/127.0.0.1/$port"
sleep 1
kill "$collector"
wait "$collector" || true
collector=
file=$(echo flows/nfcapd.2*)
[ -e "$file" ] || { cat collector.log >&2; exit 2; }

seen=$(
  echo "records in JSON with bytes: $(root/usr/bin/nfdump -r "$file" -q -o json | grep -c in_bytes)"
  echo "table: $(root/usr/bin/nfdump -r "$file" -q -A srcip,dstip | awk '{print $4, $5, $7}')"
  code=0
  json=$(root/usr/bin/nfdump -r "$file" -q -A srcip,dstip -o json) || code=$?
  echo "JSON: $(tr -d ' \t\n' <<<"$json"), exit code $code"
)
printf '%s\n' "$seen"
recorded='records in JSON with bytes: 2
table: 192.0.2.1 198.51.100.7 1500
JSON: {"type":"FLOW","sampled":0,"export_sysid":0,"label":"<none>"}, exit code 0'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  printf 'changed; recorded was:\n%s\n' "$recorded"
  exit 1
fi
