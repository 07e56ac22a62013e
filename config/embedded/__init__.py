"""PostgreSQL and Valkey for `make run` and `make test`: found, set up and run without an installation.

Only development and tests use these; a deployment brings its own servers (DATABASE_URL, BROKER_URL).
"""
