// pg-boss: `node pg_boss.mjs work`, or `… feed FILE`.
import PgBoss from "pg-boss";
import pg from "pg";
import { connectionString, deduct, portions, writeRequests } from "./database.mjs";

const [what, file] = process.argv.slice(2);
const QUEUE = "deduct";
const boss = new PgBoss({ connectionString, schedule: false });
await boss.start();
await boss.createQueue(QUEUE);

if (what === "work") {
  // Batches of 200, as pg-boss offers them; the jobs of one run side by side on a pool.
  const pool = new pg.Pool({ connectionString, max: 16 });
  const options = { batchSize: 200, pollingIntervalSeconds: 0.5 };
  const handle = (jobs) => Promise.all(jobs.map((job) => deduct(pool, job.data)));
  await boss.work(QUEUE, options, handle);
  await boss.work(QUEUE, options, handle);
} else {
  if (what === "feed") {
    const client = new pg.Client({ connectionString });
    await client.connect();
    const db = { executeSql: (text, values) => client.query(text, values) };
    for (const jobs of portions(file)) {
      await client.query("BEGIN");
      await writeRequests(client, jobs);
      await boss.insert(jobs.map((data) => ({ name: QUEUE, data })), { db });
      await client.query("COMMIT");
    }
    await client.end();
  }
  await boss.stop({ graceful: false });
}
