"""The credit part of sending texts, without the provider: how many texts a second.

Our own path runs through the real driver, consumer and ledger; only the provider's call is replaced
by an immediate acceptance. Beside it: bare Celery with what people write first, the same with a
guarded update, and PostgreSQL alone with the rows that our path writes. Same tables, same texts.
"""
