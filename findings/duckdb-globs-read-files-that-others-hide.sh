#!/usr/bin/env bash
# DuckDB 1.5.6: the glob **/*.parquet also reads files and folders whose names begin with "." or "_".
#
# Spark, Hive and Hadoop leave such names out, and writers rely on it: they put unfinished files into
# _staging/ or .tmp/ and rename them when they are complete.
#
# Consequence: a reader that meets an archive during a write counts the rows of the staged copy beside
# those of the finished file. A writer that wants DuckDB readers must stage outside the archive's folder
# or under another file extension.
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
for (const folder of ['archive/hour=7', 'archive/_staging', 'archive/.tmp']) mkdirSync(folder, { recursive: true });
for (const file of ['hour=7/a', 'hour=7/.b', '_staging/c', '.tmp/d'])
  await db.run(`COPY (SELECT 1::BIGINT AS bytes) TO 'archive/${file}.parquet' (FORMAT parquet)`);
await show("SELECT DISTINCT filename FROM read_parquet('archive/**/*.parquet', filename = true) ORDER BY 1");
JS
seen=$(node query.mjs 2>errors) || { cat errors >&2; exit 2; }
printf '%s\n' "$seen"
recorded='[["archive/.tmp/d.parquet"],["archive/_staging/c.parquet"],["archive/hour=7/.b.parquet"],["archive/hour=7/a.parquet"]]'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  printf 'changed; recorded was:\n%s\n' "$recorded"
  exit 1
fi
