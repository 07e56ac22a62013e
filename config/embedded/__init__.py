"""PostgreSQL and Valkey for `make run` and `make test`, run without an installation.

Only development and tests use these; a deployment brings its own (DATABASE_URL, BROKER_URL).
"""
