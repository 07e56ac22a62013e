// pg-boss: `node pg_boss.mjs work`, or `… feed FILE`. PEER says whether its handler takes the jobs
// of a batch one by one or all in one statement; each has a queue of its own.
import PgBoss from "pg-boss";
import pg from "pg";
import { connectionString, deduct, deductMany, portions, writeRequests } from "./database.mjs";

const [what, file] = process.argv.slice(2);
const QUEUE = process.env.PEER;
const BATCH = 2000;
const boss = new PgBoss({ connectionString, schedule: false });
await boss.start();
await boss.createQueue(QUEUE);

if (what === "work") {
  const pool = new pg.Pool({ connectionString, max: 16 });
  const effects = {
    pg_boss: (jobs) => Promise.all(jobs.map((job) => deduct(pool, job.data))),
    pg_boss_batch: (jobs) => deductMany(pool, jobs.map((job) => job.data)),
  };
  const options = { batchSize: BATCH, pollingIntervalSeconds: 0.5 };
  const startWorker = async () => {
    const id = await boss.work(QUEUE, options, (jobs) => {
      // After a full batch it looks again at once: the interval is for an empty queue.
      if (jobs.length === BATCH) boss.notifyWorker(id);
      return effects[QUEUE](jobs);
    });
  };
  await startWorker();
  await startWorker();
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
