// The effect and the business rows, in SQL, for the peers on Node.
import { readFileSync } from "node:fs";

export const connectionString = process.env.DATABASE_URL;

const EFFECT = `
  WITH paid AS (
    UPDATE work_account SET credits = credits - 1 WHERE id = $2 AND credits > 0 RETURNING id
  )
  INSERT INTO work_entry (operation, account_id, amount)
  SELECT $1::uuid, $2, -(SELECT count(*) FROM paid)`;

// Named, so that the driver prepares it once for each connection.
export const deduct = (client, { operation, account_id }) =>
  client.query({ name: "deduct", text: EFFECT, values: [operation, account_id] });

const columns = (jobs) => [jobs.map((job) => job.operation), jobs.map((job) => job.account_id)];

// The very statement of `ours_batch`, which the harness hands over.
export const deductMany = (client, jobs) =>
  client.query({ name: "deduct_many", text: process.env.DEDUCT_MANY, values: columns(jobs) });

export const writeRequests = (client, jobs) =>
  client.query(
    "INSERT INTO work_request SELECT * FROM unnest($1::uuid[], $2::integer[])",
    columns(jobs),
  );

export function* portions(file, size = 1000) {
  const jobs = JSON.parse(readFileSync(file, "utf8"));
  for (let start = 0; start < jobs.length; start += size) yield jobs.slice(start, start + size);
}
