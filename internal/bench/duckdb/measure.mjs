import { DuckDBInstance } from '@duckdb/node-api';

const { csv, questions, rounds } = JSON.parse(process.argv[2]);
const db = await (await DuckDBInstance.create(':memory:')).connect();
await db.run('SET threads=1');
await db.run(`CREATE TABLE flows AS
  SELECT hour::BIGINT AS hour, src_app::VARCHAR AS src_app, dest_app::VARCHAR AS dest_app, vpc_id::VARCHAR AS vpc_id,
    bytes_tx::BIGINT AS bytes_tx, bytes_rx::BIGINT AS bytes_rx
  FROM read_csv('${csv}', header = true)`);
const answers = [];
for (const sql of questions) {
  await db.runAndReadAll(sql);
  const runs = [];
  let rows;
  for (let i = 0; i < rounds; i++) {
    const [cpu, begun] = [process.cpuUsage(), process.hrtime.bigint()];
    rows = (await db.runAndReadAll(sql)).getRowsJson();
    const used = process.cpuUsage(cpu);
    runs.push({ cpu_us: used.user + used.system, wall_us: Number((process.hrtime.bigint() - begun) / 1000n) });
  }
  answers.push({ runs, rows: rows.map((row) => row.map(String)) });
}
console.log(JSON.stringify(answers));
