"""Counting what was done, minute by minute, along the indexes of what has just happened."""

from django.db import connection, transaction

from outbox.monitoring.models import BOUNDS

LOCK = 0x0B0C_0002
"""The advisory lock that lets one process at a time count: two would only do the same work."""

KEPT_HOURS = 25
"""How long minutes are kept one by one. Older ones go into one row for each handler."""

SUMS = (
    *("created", "done", "failed", "crashed", "snoozed", "dead", "ended", "redriven"),
    *("deliveries", "refused", "latency_sum", "run_sum"),
)
_COUNTED = (*SUMS[:8], "latency_sum", "run_sum")


def measure() -> bool:
    """Count the last minutes again. Returns False where another process is at it.

    A second call finds the same, or more: a commit that came late is counted once it is seen, if
    it is seen within two minutes. After a standstill the last quarter of an hour is caught up.
    """
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(_MEASURE, {"bounds": list(BOUNDS)})
        cursor.execute(_FOLD, {"hours": KEPT_HOURS})
    return True


def _histogram(of: str) -> str:
    return "ARRAY[" + ", ".join(of.format(n) for n in range(len(BOUNDS) + 1)) + "]"


def summed_histogram(column: str = "latencies") -> str:
    """SQL: the sum of histograms over a group of rows."""
    return "ARRAY[" + ", ".join(f"sum({column}[{n + 1}])" for n in range(len(BOUNDS) + 1)) + "]"


# The ids are made by the senders' clocks: five minutes of difference are allowed for.
# The rows are taken in the order in which `deliveries` sorts its own: else each might wait for the
# other.
_MEASURE = f"""
    WITH start AS MATERIALIZED (
        SELECT greatest(now() - interval '15 minutes', least(
            date_trunc('minute', now()) - interval '2 minutes',
            (SELECT max(minute) FROM outbox_minute WHERE created + done > 0))) AS at
    ), created AS (
        SELECT date_trunc('minute', created_at) AS minute, handler, count(*) AS created
        FROM outbox_message
        WHERE id >= (SELECT (lpad(to_hex((extract(epoch FROM at) * 1000 - 300000)::bigint), 12, '0')
                             || repeat('0', 20))::uuid FROM start)
          AND created_at >= (SELECT at FROM start)
        GROUP BY 1, 2
    ), finished AS (
        SELECT date_trunc('minute', finished_at) AS minute, handler,
               extract(epoch FROM finished_at - greatest(due_at, created_at)) AS latency,
               extract(epoch FROM finished_at - started_at) AS run
        FROM outbox_message
        WHERE state = 'done' AND finished_at >= (SELECT date_trunc('minute', at) FROM start)
    ), sorted AS (
        SELECT *, width_bucket(latency::float8, %(bounds)s::float8[]) AS bucket FROM finished
    ), done AS (
        SELECT minute, handler, count(*) AS done, sum(latency)::float8 AS latency_sum,
               sum(run)::float8 AS run_sum,
               {_histogram("count(*) FILTER (WHERE bucket = {0})")} AS latencies
        FROM sorted GROUP BY 1, 2
    ), events AS (
        SELECT date_trunc('minute', event.at) AS minute, message.handler,
               count(*) FILTER (WHERE kind = 'failed') AS failed,
               count(*) FILTER (WHERE kind = 'crashed') AS crashed,
               count(*) FILTER (WHERE kind = 'snoozed') AS snoozed,
               count(*) FILTER (WHERE kind = 'dead') AS dead,
               count(*) FILTER (WHERE kind IN ('expired', 'cancelled', 'discarded')) AS ended,
               count(*) FILTER (WHERE kind = 'redriven') AS redriven
        FROM outbox_event AS event JOIN outbox_message AS message ON message.id = message_id
        WHERE event.at >= (SELECT date_trunc('minute', at) FROM start)
        GROUP BY 1, 2
    )
    INSERT INTO outbox_minute AS kept
        (minute, handler, {", ".join(_COUNTED)}, latencies, deliveries, refused)
    SELECT minute, handler, {", ".join(f"coalesce({name}, 0)" for name in _COUNTED)},
           coalesce(latencies, {_histogram("0")}), 0, 0
    FROM created FULL JOIN done USING (minute, handler) FULL JOIN events USING (minute, handler)
    ORDER BY minute, handler COLLATE "C"
    ON CONFLICT (minute, handler) DO UPDATE SET
        {", ".join(f"{name} = greatest(kept.{name}, excluded.{name})" for name in _COUNTED)},
        latencies = CASE WHEN excluded.done >= kept.done
                    THEN excluded.latencies ELSE kept.latencies END
"""  # noqa: S608 - names of columns alone

_FOLD = f"""
    WITH old AS (
        DELETE FROM outbox_minute
        WHERE minute < now() - make_interval(hours => %(hours)s) AND minute > 'epoch'
        RETURNING *
    )
    INSERT INTO outbox_minute AS kept (minute, handler, {", ".join(SUMS)}, latencies)
    SELECT 'epoch', handler, {", ".join(f"sum({name})" for name in SUMS)}, {summed_histogram()}
    FROM old GROUP BY handler
    ON CONFLICT (minute, handler) DO UPDATE SET
        {", ".join(f"{name} = kept.{name} + excluded.{name}" for name in SUMS)},
        latencies = ARRAY(SELECT before + more
                          FROM unnest(kept.latencies, excluded.latencies) AS bucket(before, more))
"""  # noqa: S608
