#!/usr/bin/env bash
# DuckDB 1.5.6: one Hive partition folder whose value has a leading zero turns the whole column into text.
#
# With hour=7 and hour=10 the column "hour" is a BIGINT. As soon as one folder is named hour=08, it is a
# VARCHAR in every row, and the order of the hours becomes "08", "10", "7".
#
# Consequence: a second writer that pads its folder names silently changes the results of ORDER BY, and
# makes comparisons with numbers fail, in queries over files that it never touched.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @duckdb/node-api@1.5.6-r.1
cat >query.mjs <<'JS'
import { DuckDBInstance } from '@duckdb/node-api';
import { mkdirSync } from 'node:fs';
const db = await (await DuckDBInstance.create()).connect();
const show = async (sql) => console.log(JSON.stringify((await db.runAndReadAll(sql)).getRowsJson()));
const add = async (hour) => {
  mkdirSync(`archive/hour=${hour}`, { recursive: true });
  await db.run(`COPY (SELECT 1::BIGINT AS bytes) TO 'archive/hour=${hour}/a.parquet' (FORMAT parquet)`);
};
const hours = () => show("SELECT hour, typeof(hour) FROM read_parquet('archive/*/*.parquet', hive_partitioning = true) ORDER BY hour");
await add('7');
await add('10');
await hours();
await add('08');
await hours();
JS
seen=$(node query.mjs 2>errors) || { cat errors >&2; exit 2; }
printf '%s\n' "$seen"
recorded='[["7","BIGINT"],["10","BIGINT"]]
[["08","VARCHAR"],["10","VARCHAR"],["7","VARCHAR"]]'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  printf 'changed; recorded was:\n%s\n' "$recorded"
  exit 1
fi
