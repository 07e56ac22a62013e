"""Products, a hundred in a category, with what has changed their prices, or is about to.

Every category has a reduction that was applied, to three products of four, one that was skipped and
one that waits; every fifth product has one of its own that waits.
"""

_PRODUCTS = """
    INSERT INTO pricing_product (id, sku, name, category, price, floor, version, revision)
    SELECT n, 'SKU-' || n, 'Product ' || n, 'Category ' || (n - 1) / 100 + 1,
        CASE WHEN n %% 4 = 0 THEN 8 ELSE 7 END, 0,
        CASE WHEN n %% 4 = 0 THEN 3 ELSE 4 END, 4
    FROM generate_series(1, %(products)s) AS n
"""

_EDITS = """
    INSERT INTO pricing_pricechange (product_id, version, old_price, new_price, cause, actor, at)
    SELECT id, change, CASE WHEN change > 1 THEN 12 - change END, 11 - change,
        CASE WHEN change > 1 THEN 'edit' ELSE 'import' END, 'fill', now() - interval '9 days'
    FROM (SELECT id FROM pricing_product) AS product, generate_series(1, 3) AS change
"""

_OF_A_CATEGORY = """
    INSERT INTO pricing_pricereduction (id, operation_id, category, amount, if_price_changed,
        starts_at, status, reason, message_id, created_by, created_at, finished_at)
    SELECT id, id, 'Category ' || category, 1, 'skip',
        CASE status WHEN 'scheduled' THEN now() + interval '1 day' END, status,
        CASE status WHEN 'skipped' THEN 'every product was below its floor' ELSE '' END,
        id, 'fill', now() - interval '2 days',
        CASE WHEN status <> 'scheduled' THEN now() - interval '1 day' END
    FROM generate_series(1, (%(products)s + 99) / 100) AS category
    CROSS JOIN (VALUES (0, 'applied'), (1, 'skipped'), (2, 'scheduled')) AS end_of (place, status)
    CROSS JOIN LATERAL (SELECT pg_temp.id_of('b', category * 3 + place) AS id) AS numbered
"""

_OF_ONE_PRODUCT = """
    INSERT INTO pricing_pricereduction (id, operation_id, product_id, category, percent,
        if_price_changed, starts_at, status, reason, message_id, created_by, created_at)
    SELECT reduction.id, reduction.id, product.id, '', 10, 'apply', now() + interval '1 day',
        'scheduled', '', reduction.id, 'fill', now() - interval '2 days'
    FROM pricing_product AS product
    CROSS JOIN LATERAL (SELECT pg_temp.id_of('b', %(products)s + product.id) AS id) AS reduction
    WHERE product.id %% 5 = 0
"""

_TARGETS = """
    INSERT INTO pricing_reductiontarget (reduction_id, product_id, based_on_version, outcome,
        reason)
    SELECT reduction.id, product.id, 3, outcome.name,
        CASE outcome.name WHEN 'skipped' THEN 'its price had changed' ELSE '' END
    FROM pricing_pricereduction AS reduction
    JOIN pricing_product AS product ON product.category = reduction.category
    CROSS JOIN LATERAL (SELECT CASE
        WHEN reduction.status = 'scheduled' THEN NULL
        WHEN reduction.status = 'skipped' OR product.id %% 4 = 0 THEN 'skipped'
        ELSE 'applied' END AS name) AS outcome
    UNION ALL
    SELECT reduction.id, product.id, product.version, NULL, ''
    FROM pricing_pricereduction AS reduction
    JOIN pricing_product AS product ON product.id = reduction.product_id
"""

_REDUCED = """
    INSERT INTO pricing_pricechange (product_id, version, old_price, new_price, cause,
        reduction_id, actor, at)
    SELECT product_id, 4, 8, 7, 'reduction', reduction_id, 'fill', now() - interval '1 day'
    FROM pricing_reductiontarget WHERE outcome = 'applied'
"""

STATEMENTS = (_PRODUCTS, _EDITS, _OF_A_CATEGORY, _OF_ONE_PRODUCT, _TARGETS, _REDUCED)
