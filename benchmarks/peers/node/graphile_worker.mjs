// graphile-worker: `node graphile_worker.mjs work`, or `… feed FILE`.
import { Logger, run, runMigrations } from "graphile-worker";
import pg from "pg";
import { connectionString, deduct, portions, writeRequests } from "./database.mjs";

const [what, file] = process.argv.slice(2);

if (what === "work") {
  // One process: its work is I/O. Jobs are fetched 500 at a time and completed in batches.
  await run({
    connectionString,
    logger: new Logger(() => () => {}), // no line for each job
    taskList: { deduct: (job, helpers) => helpers.withPgClient((client) => deduct(client, job)) },
    preset: {
      worker: {
        concurrentJobs: 24,
        maxPoolSize: 28,
        pollInterval: 500,
        localQueue: { size: 500 },
        completeJobBatchDelay: 0,
      },
    },
  });
} else if (what === "feed") {
  const client = new pg.Client({ connectionString });
  await client.connect();
  for (const jobs of portions(file)) {
    await client.query("BEGIN");
    await writeRequests(client, jobs);
    await client.query(
      `SELECT count(graphile_worker.add_job('deduct', payload => job)) FROM
       json_array_elements($1::json) AS job`,
      [JSON.stringify(jobs)],
    );
    await client.query("COMMIT");
  }
  await client.end();
} else {
  await runMigrations({ connectionString });
}
