#!/usr/bin/env bash
# DuckDB 1.5.6 writes the sum of a BIGINT column to Parquet as DOUBLE.
#
# The sum is a HUGEINT of 128 bits. Parquet has no such type, and COPY converts it to DOUBLE without a
# warning, so an exact sum above 2^53 is rounded on its way into the file.
#
# Consequence: byte totals that pass through "COPY (SELECT sum(bytes) ...) TO ... (FORMAT parquet)" are
# no longer exact. A cast to BIGINT or DECIMAL(38,0) before the COPY keeps them exact.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @duckdb/node-api@1.5.6-r.1
cat >query.mjs <<'JS'
import { DuckDBInstance } from '@duckdb/node-api';
const db = await (await DuckDBInstance.create()).connect();
const show = async (sql) => console.log(JSON.stringify((await db.runAndReadAll(sql)).getRowsJson()));
await db.run('CREATE TABLE t(bytes BIGINT); INSERT INTO t VALUES (9007199254740992), (1)');
await show('SELECT sum(bytes) AS total, typeof(sum(bytes)) FROM t');
await db.run("COPY (SELECT sum(bytes) AS total FROM t) TO 'sum.parquet' (FORMAT parquet)");
await show("SELECT CAST(total AS HUGEINT), typeof(total) FROM 'sum.parquet'");
await db.run("COPY (SELECT CAST(sum(bytes) AS BIGINT) AS total FROM t) TO 'cast.parquet' (FORMAT parquet)");
await show("SELECT total, typeof(total) FROM 'cast.parquet'");
JS
seen=$(node query.mjs 2>errors) || { cat errors >&2; exit 2; }
printf '%s\n' "$seen"
recorded='[["9007199254740993","HUGEINT"]]
[["9007199254740992","DOUBLE"]]
[["9007199254740993","BIGINT"]]'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  printf 'changed; recorded was:\n%s\n' "$recorded"
  exit 1
fi
