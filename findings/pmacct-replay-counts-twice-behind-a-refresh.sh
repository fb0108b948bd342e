#!/usr/bin/env bash
# pmacctd 1.7.7 (Debian 12): a replay of a capture (pcap_savefile) with the print plugin counts each packet twice if
# print_refresh_time passes between the start of the program and the end of the file. The refresh purges an empty cache, and
# the purge at the end writes twice the packets and bytes.
#
# With a refresh time that is longer than the replay, each packet counts once. The log shows "QN: 0/0" before "QN: 2/2" in the
# runs that count twice, and no warning. Refreshes lie at multiples of the setting since 1970, so the result depends on the
# second in which the replay starts.
#
# Consequence: sums of a replay are no yardstick for a collector, unless print_refresh_time is longer than the replay.
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

# Three UDP packets of 128 bytes, from 192.0.2.1 to 198.51.100.2.
{
  printf '\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x01\x00\x00\x00'
  for second in 0 1 2; do
    printf "\\xb0\\x4a\\x0d\\x6b\\x0$second\\x00\\x00\\x00\\x8e\\x00\\x00\\x00\\x8e\\x00\\x00\\x00"
    printf '\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00'
    printf '\x45\x00\x00\x80\x00\x00\x00\x00\x40\x11\x00\x00\xc0\x00\x02\x01\xc6\x33\x64\x02'
    printf '\x03\xe8\x07\xd0\x00\x6c\x00\x00'
    head -c 100 /dev/zero
  done
} >capture

# replay REFRESH OFFSET: packets that a replay counts, started at OFFSET tenths of a second behind a multiple of 4 seconds.
replay() {
  cat >settings <<SET
daemonize: false
pcap_savefile: capture
aggregate: src_host, dst_host
plugins: print
print_output: csv
print_refresh_time: $1
print_output_file: $folder/sums
SET
  rm -f sums
  now=$(date +%s%1N)
  sleep "$(awk -v n="$now" -v o="$2" 'BEGIN{printf "%.1f", ((o - n % 40 + 40) % 40) / 10}')"
  timeout 30 root/usr/sbin/pmacctd -f settings >log 2>&1 || { cat log >&2; exit 2; }
  awk -F, 'NR > 1 {n += $(NF-1)} END {print n + 0}' sums
}

long=$(for at in 5 15 25 35; do replay 3600 $at; done | sort -u | paste -sd' ') || exit 2
short=$(for at in 5 15 22 25 28 31 35; do replay 4 $at; done | sort -u | paste -sd' ') || exit 2
seen="refresh of an hour: $long packets
refresh of 4 seconds: $short packets"
printf '%s\n' "$seen"
recorded='refresh of an hour: 3 packets
refresh of 4 seconds: 3 6 packets'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  printf 'changed; recorded was:\n%s\n' "$recorded"
  exit 1
fi
