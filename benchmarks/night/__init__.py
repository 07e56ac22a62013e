"""A shop in which nothing is wrong, written by a few statements: `STATEMENTS` in this order.

Each takes `messages` and `products` as parameters. Ids are numbered, by a kind (one hexadecimal
digit) and a number: a message, b reduction, c campaign, d order, e an order's run, 1 a refund and
its run, 2 a receipt's run, 3 a text's message. Nothing becomes due or too old within half an hour.
"""

from benchmarks.night import campaigns, messages, orders, products

_ID_OF = """
    CREATE FUNCTION pg_temp.id_of(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
        SELECT ('0190000' || kind || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
    $$
"""

STATEMENTS = (
    _ID_OF,
    *products.STATEMENTS,
    *campaigns.STATEMENTS,
    *orders.STATEMENTS,
    *messages.STATEMENTS,
)
