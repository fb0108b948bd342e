#!/usr/bin/env bash
# DuckDB 1.5.6: one value above 2^64-1 in a JSON or CSV file makes its column DOUBLE, which rounds all
# other values of the column.
#
# The type of a column is inferred from a sample. DOUBLE is chosen for 2^64 although HUGEINT would hold
# it, and although the value beside it then is no longer exact.
#
# Consequence: 9007199254740993 in one row is read as 9007199254740992 because of another row. A reader
# that needs exact sums names the types of its columns.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @duckdb/node-api@1.5.6-r.1
cat >query.mjs <<'JS'
import { DuckDBInstance } from '@duckdb/node-api';
import { writeFileSync } from 'node:fs';
const db = await (await DuckDBInstance.create()).connect();
const show = async (sql) => console.log(JSON.stringify((await db.runAndReadAll(sql)).getRowsJson()));
writeFileSync('flows.json', '{"bytes":9007199254740993}\n{"bytes":18446744073709551616}\n');
writeFileSync('flows.csv', 'bytes\n9007199254740993\n18446744073709551616\n');
await show("SELECT CAST(bytes AS HUGEINT), typeof(bytes) FROM read_json('flows.json')");
await show("SELECT CAST(bytes AS HUGEINT), typeof(bytes) FROM read_csv('flows.csv')");
await show("SELECT bytes, typeof(bytes) FROM read_json('flows.json', columns = {bytes: 'HUGEINT'})");
JS
seen=$(node query.mjs 2>errors) || { cat errors >&2; exit 2; }
printf '%s\n' "$seen"
recorded='[["9007199254740992","DOUBLE"],["18446744073709551616","DOUBLE"]]
[["9007199254740992","DOUBLE"],["18446744073709551616","DOUBLE"]]
[["9007199254740993","HUGEINT"],["18446744073709551616","HUGEINT"]]'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  printf 'changed; recorded was:\n%s\n' "$recorded"
  exit 1
fi
