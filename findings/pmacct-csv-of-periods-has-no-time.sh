#!/usr/bin/env bash
# pmacctd 1.7.7 (Debian 12): with print_history the print plugin adds up packets for each period, here a minute. In JSON each
# row has the period as stamp_inserted. In CSV a row has no time at all: the rows of two periods have the
# same addresses, and nothing says which is which.
#
# Consequence: a program that loads the CSV has to take the hour from the name of the file, or from the time of reading, and
# puts the bytes of a purge behind a full hour into the wrong hour. The primitives timestamp_min and timestamp_max, or JSON,
# give a time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
packages=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
  pmacct=1.7.7-1+b1 2>errors | grep '^lib' | grep -v '^libc6$\|^libc-bin$\|^libcrypt1$\|:' | sort -u) || { cat errors >&2; exit 2; }
apt-get download -qq pmacct=1.7.7-1+b1 $packages 2>errors || { cat errors >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$(find "$folder/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH

# Two UDP packets of 128 bytes, 79 seconds apart.
{
  printf '\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x01\x00\x00\x00'
  for second in '\xb0' '\xff'; do
    printf "$second\\x4a\\x0d\\x6b\\x00\\x00\\x00\\x00\\x8e\\x00\\x00\\x00\\x8e\\x00\\x00\\x00"
    printf '\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00'
    printf '\x45\x00\x00\x80\x00\x00\x00\x00\x40\x11\x00\x00\xc0\x00\x02\x01\xc6\x33\x64\x02'
    printf '\x03\xe8\x07\xd0\x00\x6c\x00\x00'
    head -c 100 /dev/zero
  done
} >capture

# replay FORM: the rows of a replay.
replay() {
  cat >settings <<SET
daemonize: false
pcap_savefile: capture
aggregate: src_host, dst_host
plugins: print
print_output: $1
print_history: 1m
print_history_roundoff: m
print_refresh_time: 3600
print_output_file: $folder/sums
SET
  rm -f sums
  TZ=UTC timeout 30 root/usr/sbin/pmacctd -f settings >log 2>&1 || { cat log >&2; exit 2; }
}

seen=$(
  replay json
  sed 's/"stamp_updated": "[^"]*", //' sums
  replay csv
  cat sums
)
printf '%s\n' "$seen"
recorded='{"event_type": "purge", "ip_src": "192.0.2.1", "ip_dst": "198.51.100.2", "stamp_inserted": "2026-11-30 10:06:00", "packets": 1, "bytes": 128}
{"event_type": "purge", "ip_src": "192.0.2.1", "ip_dst": "198.51.100.2", "stamp_inserted": "2026-11-30 10:07:00", "packets": 1, "bytes": 128}
SRC_IP,DST_IP,PACKETS,BYTES
192.0.2.1,198.51.100.2,1,128
192.0.2.1,198.51.100.2,1,128'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  printf 'changed; recorded was:\n%s\n' "$recorded"
  exit 1
fi
