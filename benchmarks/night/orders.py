"""An order for every twentieth message, of two products: one of a hundred best-sellers, one other.

Of a hundred orders one needs a person and four are under way, since twenty minutes; eighty were
shipped, with their receipts, five shipped and paid back, ten cancelled after the carrier refused.
"""

_ORDERS = """
    INSERT INTO orders_order (id, operation_id, status, reason, total, payment_method, email,
        placed_by, created_at, finished_at)
    SELECT id, id, status,
        CASE WHEN status IN ('cancelled', 'needs_person') THEN 'fill' ELSE '' END,
        20, 'pm_card_visa', 'somebody@example.org', 'fill',
        CASE status WHEN 'placed' THEN now() - interval '20 minutes'
            ELSE now() - interval '2 hours' - n %% 30 * interval '1 day' END,
        CASE WHEN status IN ('shipped', 'cancelled')
            THEN now() - interval '1 hour' - n %% 30 * interval '1 day' END
    FROM generate_series(1, %(messages)s / 20) AS n
    CROSS JOIN LATERAL (SELECT pg_temp.id_of('d', n) AS id, CASE
        WHEN n %% 100 = 0 THEN 'needs_person' WHEN n %% 100 < 5 THEN 'placed'
        WHEN n %% 100 < 15 THEN 'cancelled' ELSE 'shipped' END AS status) AS derived
"""

_REFUNDS = """
    INSERT INTO orders_refund (id, order_id, status, reason, asked_by)
    SELECT pg_temp.id_of('1', n), pg_temp.id_of('d', n), 'done', 'it came back', 'fill'
    FROM generate_series(1, %(messages)s / 20) AS n WHERE n %% 100 BETWEEN 15 AND 19
"""

_LINES = """
    INSERT INTO orders_orderline (order_id, product_id, quantity, price, hold)
    SELECT shop.id, product, 1, 10, CASE
        WHEN refund.id IS NOT NULL THEN 'returned' WHEN shop.status = 'shipped' THEN 'taken'
        WHEN shop.status = 'cancelled' THEN 'released' ELSE 'held' END
    FROM generate_series(1, %(messages)s / 20) AS n
    JOIN orders_order AS shop ON shop.id = pg_temp.id_of('d', n)
    LEFT JOIN orders_refund AS refund ON refund.order_id = shop.id
    CROSS JOIN LATERAL (VALUES
        (1 + n %% least(100, %(products)s / 2)),
        (1 + %(products)s / 2 + n %% (%(products)s / 2))
    ) AS line (product)
"""

_STOCK = """
    INSERT INTO pricing_stock (product_id, on_hand, reserved)
    SELECT product.id, 100 + coalesce(held.quantity, 0), coalesce(held.quantity, 0)
    FROM pricing_product AS product LEFT JOIN (
        SELECT product_id, sum(quantity) AS quantity FROM orders_orderline
        WHERE hold = 'held' GROUP BY product_id
    ) AS held ON held.product_id = product.id
"""

_SHIPMENTS = """
    INSERT INTO orders_shipment (order_id, reference, status, tracking_number)
    SELECT id, 'order-' || id, CASE status WHEN 'placed' THEN 'wanted' ELSE 'created' END,
        CASE status WHEN 'placed' THEN '' ELSE 'T-' || id END
    FROM orders_order WHERE status <> 'cancelled'
"""

_RECEIPTS = """
    INSERT INTO orders_receipt (order_id, email, sent_at)
    SELECT id, email, finished_at FROM orders_order WHERE status = 'shipped'
"""

_PAYMENTS = """
    INSERT INTO orders_payment (order_id, amount, intent)
    SELECT id, 2000, 'pi_' || id FROM orders_order
"""

# The kinds of entries that an order in each state has, with what a signed webhook said of them.
_MOVEMENTS = """
    CREATE TEMPORARY VIEW movement AS
    SELECT payment.id AS payment_id, kind, event, shop.id AS operation_id, shop.created_at
    FROM orders_payment AS payment
    JOIN orders_order AS shop ON shop.id = payment.order_id
    LEFT JOIN orders_refund AS refund ON refund.order_id = shop.id
    CROSS JOIN (VALUES
        ('held', 'payment_intent.amount_capturable_updated'),
        ('captured', 'payment_intent.succeeded'),
        ('released', 'payment_intent.canceled'),
        ('refunded', 'refund.created')
    ) AS moved (kind, event)
    WHERE CASE kind WHEN 'held' THEN true
        WHEN 'captured' THEN shop.status = 'shipped'
        WHEN 'released' THEN shop.status = 'cancelled'
        ELSE refund.id IS NOT NULL END
"""

_ENTRIES = """
    INSERT INTO orders_paymententry (payment_id, kind, amount, operation_id, at)
    SELECT payment_id, kind, 2000, operation_id, created_at FROM movement
"""

_EVENTS = """
    INSERT INTO orders_paymentevent (id, kind, payment_id, detail, finding)
    SELECT 'evt_' || payment_id || '_' || kind, event, payment_id, '', '' FROM movement
"""

_RUNS = """
    INSERT INTO orders_sagarun (id, saga, order_id, operation_id, state, reason, created_at,
        finished_at)
    SELECT pg_temp.id_of(kind, n), saga, shop.id,
        CASE saga WHEN 'refund' THEN refund.id ELSE shop.operation_id END,
        CASE shop.status WHEN 'shipped' THEN 'done' WHEN 'cancelled' THEN 'compensated'
            WHEN 'placed' THEN 'running' ELSE 'needs_person' END,
        shop.reason, shop.created_at, shop.finished_at
    FROM generate_series(1, %(messages)s / 20) AS n
    JOIN orders_order AS shop ON shop.id = pg_temp.id_of('d', n)
    LEFT JOIN orders_refund AS refund ON refund.order_id = shop.id
    CROSS JOIN (VALUES ('e', 'order'), ('1', 'refund'), ('2', 'receipt')) AS table_of (kind, saga)
    WHERE CASE saga WHEN 'order' THEN true WHEN 'refund' THEN refund.id IS NOT NULL
        ELSE shop.status = 'shipped' END
"""

# A run under way waits for the carrier, one that needs a person for the provider of payments.
_STEPS = """
    INSERT INTO orders_sagastep (run_id, position, name, state, backwards, attempts, undo_attempts,
        maybe, error, started_at, finished_at)
    SELECT run.id, position, name, step_is.state,
        run.state = 'compensated' AND step_is.state = 'done', 1, 0, false, '', run.created_at,
        run.finished_at
    FROM orders_sagarun AS run
    JOIN (VALUES
        ('order', 0, 'reserve'), ('order', 1, 'authorise'), ('order', 2, 'ship'),
        ('order', 3, 'capture'), ('order', 4, 'book_out'), ('refund', 0, 'refund'),
        ('refund', 1, 'restock'), ('receipt', 0, 'send')
    ) AS step (saga, position, name) ON step.saga = run.saga
    CROSS JOIN LATERAL (SELECT CASE
        WHEN run.state = 'done' OR position < 2 THEN 'done'
        WHEN run.state = 'needs_person' AND position = 2 THEN 'done'
        WHEN run.state = 'needs_person' AND position = 3 THEN 'needs_person'
        WHEN position > 2 THEN 'waiting'
        WHEN run.state = 'running' THEN 'retrying' ELSE 'refused' END AS state) AS step_is
"""

STATEMENTS = (
    _ORDERS,
    _REFUNDS,
    _LINES,
    _STOCK,
    _SHIPMENTS,
    _RECEIPTS,
    _PAYMENTS,
    _MOVEMENTS,
    _ENTRIES,
    _EVENTS,
    _RUNS,
    _STEPS,
)
