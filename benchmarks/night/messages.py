"""Half of the messages wait, as many are done, one in a hundred died today.

On top of them come those for which something of the shop waits.
"""

_MESSAGES = """
    INSERT INTO outbox_message (id, handler, args, state, due_at, operation_id, traceparent,
        attempts, crashes, alone, last_error, created_at, finished_at, worker, task_id)
    SELECT id, 'pricing.apply_reduction', '{"reduction_id": "x"}',
        CASE WHEN n %% 100 = 0 THEN 'dead' WHEN n %% 2 = 0 THEN 'pending' ELSE 'done' END,
        now() + interval '1 hour' + n %% 100000 * interval '1 second', id, '',
        1, 0, false, '', now() - interval '1 hour',
        CASE WHEN n %% 100 = 0 OR n %% 2 = 1 THEN now() - interval '1 hour' END, '', ''
    FROM generate_series(1, %(messages)s) AS n
    CROSS JOIN LATERAL (SELECT pg_temp.id_of('a', n) AS id) AS numbered
"""

_OF_THE_SHOP = """
    INSERT INTO outbox_message (id, handler, args, state, due_at, operation_id, traceparent,
        attempts, crashes, alone, last_error, created_at, finished_at, worker, task_id)
    SELECT id, handler, args, state, now() + interval '1 day', operation_id, '',
        1, 0, false, '', now() - interval '20 minutes',
        CASE state WHEN 'dead' THEN now() - interval '20 minutes' END, '', ''
    FROM (
        SELECT id, 'pricing.apply_reduction', jsonb_build_object('reduction_id', id), 'pending', id
        FROM pricing_pricereduction WHERE status = 'scheduled'
        UNION ALL
        SELECT id, 'credits.drive_campaign', jsonb_build_object('campaign_id', id, 'turn', turn),
            'pending', id
        FROM credits_campaign WHERE status IN ('running', 'paused')
        UNION ALL
        SELECT pg_temp.id_of('3', id), 'credits.send_text', jsonb_build_object('text_id', id),
            'pending', campaign_id
        FROM credits_textmessage WHERE state = 'queued' AND handed_at IS NOT NULL
        UNION ALL
        SELECT pg_temp.id_of('3', id), 'credits.settle_text',
            jsonb_build_object('text_id', id, 'look', 1), 'pending', campaign_id
        FROM credits_textmessage WHERE state = 'unknown'
        UNION ALL
        SELECT id, 'orders.run_step', jsonb_build_object('run_id', id, 'undo', false, 'step',
            CASE state WHEN 'running' THEN 'ship' ELSE 'capture' END),
            CASE state WHEN 'running' THEN 'pending' ELSE 'dead' END, operation_id
        FROM orders_sagarun WHERE state IN ('running', 'needs_person')
    ) AS meant (id, handler, args, state, operation_id)
"""

STATEMENTS = (_MESSAGES, _OF_THE_SHOP)
