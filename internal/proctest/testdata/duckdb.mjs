// Prints the sums that DuckDB makes of an answer: one JSON array [src_app, bytes_tx, bytes_rx, rows] a line, with the
// sums as texts. DuckDB finds the columns and their types itself.
//
//     node duckdb.mjs read_csv flows.csv
import { DuckDBInstance } from '@duckdb/node-api';
const [reader, file] = process.argv.slice(2);
const db = await (await DuckDBInstance.create()).connect();
const answer = await db.runAndReadAll(`
  SELECT src_app, sum(bytes_tx)::VARCHAR, sum(bytes_rx)::VARCHAR, count(*)::VARCHAR
  FROM ${reader}('${file}') GROUP BY src_app ORDER BY encode(src_app)`);
for (const row of answer.getRowsJson()) console.log(JSON.stringify(row));
