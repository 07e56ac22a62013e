"""Other people's queues at the same job. Installed for the benchmark only, into .venv/peers."""
