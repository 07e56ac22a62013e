"""The Python peers: a module each, with its tasks and a `feed(jobs)` in business transactions."""
