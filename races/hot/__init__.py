"""Hot runs: real Celery workers on one counter, many jobs at once, one strategy after another.

===============  ============================================================
``strategies``   the ways to spend one credit, and what each costs
``deliver``      what a worker does with one dispatch, and how long it took
``lane``         one strategy's part of a run: published, watched, added up
``workers``      the Celery workers of a run, started and ended with it
``run``          all lanes, one after another
``plot``         where the lines run
===============  ============================================================
"""
