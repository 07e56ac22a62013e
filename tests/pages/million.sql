-- A week of a busy shop: what %(count)s messages look like after it. Nothing is random, so that two runs compare.
INSERT INTO outbox_message (id, handler, args, state, due_at, key, operation_id, traceparent,
    attempts, crashes, alone, last_error, created_at, dispatched_at, started_at, finished_at,
    worker, task_id)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid,
    name, jsonb_build_object(argument, n), state, due, CASE WHEN n %% 3 = 0 THEN 'order:' || n END,
    md5('operation ' || n / 3)::uuid, '', (state <> 'pending')::int, 0, false,
    CASE state WHEN 'dead' THEN 'Fatal: order ' || n || ' is gone' ELSE '' END,
    at, at, CASE WHEN state <> 'pending' THEN at + interval '2 ms' END,
    CASE WHEN state <> 'pending' THEN at + interval '5 ms' END, 'host:' || n %% 4, 'task-' || n
FROM (
    SELECT n, now() - interval '7 days' * (1 - n::float8 / %(count)s) AS at,
        (ARRAY['pricing.apply_reduction', 'credits.send_text', 'credits.settle_text',
               'orders.run_step'])[1 + n %% 4] AS name,
        (ARRAY['reduction_id', 'text_id', 'text_id', 'run_id'])[1 + n %% 4] AS argument,
        CASE WHEN n %% 100 = 0 THEN 'dead' WHEN n %% 1000 = 7 THEN 'cancelled'
             WHEN n > %(count)s * 0.97 THEN 'pending' ELSE 'done' END AS state,
        CASE WHEN n > %(count)s * 0.98 THEN now() + interval '1 second' * n
             ELSE now() - interval '7 days' * (1 - n::float8 / %(count)s) END AS due
    FROM generate_series(1, %(count)s) AS n
) AS made;

INSERT INTO outbox_event (message_id, kind, at, attempt, error, worker, task_id, actor)
SELECT id, kind, finished_at, 1, last_error, worker, task_id, ''
FROM outbox_message CROSS JOIN (VALUES ('failed'), ('dead')) AS kinds(kind) WHERE state = 'dead';

INSERT INTO outbox_minute (minute, handler, created, done, failed, crashed, snoozed, dead, ended,
    redriven, deliveries, refused, latency_sum, run_sum, latencies)
SELECT date_trunc('minute', created_at), handler, count(*), count(*), 0, 0, 0, 0, 0, 0, count(*), 0,
    count(*) * 0.005, count(*) * 0.003, array_prepend(count(*), array_fill(0::bigint, ARRAY[15]))
FROM outbox_message WHERE created_at > now() - interval '25 hours' GROUP BY 1, 2
ON CONFLICT DO NOTHING;

INSERT INTO pricing_product (sku, name, category, price, floor, version, revision)
SELECT 'FULL-' || n, 'Coffee number ' || n || ', dark roast, 500 g', 'Category ' || n %% 50, 9.90, 0, 1, 1
FROM generate_series(1, 100000) AS n;
