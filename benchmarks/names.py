"""What each name in results.json stands for, and the settings it ran with."""

WHAT = {
    "ours_batch": "Onceproof, batch handler of 500, one set-based statement",
    "ours_single": "Onceproof, ordinary handler, ORM",
    "ours_single_raw": "Onceproof, ordinary handler, one statement",
    "celery_naive": "bare Celery, ORM: read, check, save",
    "celery_locked": "bare Celery, ORM: `select_for_update`, check, save",
    "celery_guarded": "bare Celery, the ORM code of `ours_single`",
    "celery_guarded_raw": "bare Celery, the statement of `ours_single_raw`",
    "celery_noop": "bare Celery, a task that does nothing",
    "orm_loop": "no queue at all: the ORM code of `ours_single` in a loop, ids from memory",
    "batch_loop": "no queue at all: the statement of `ours_batch` in a loop, 500 jobs each",
    "postgres_1": "PostgreSQL alone, the effect of one job in a transaction",
    "postgres_100": "PostgreSQL alone, the effect of 100 jobs in a transaction, locked in order",
    "postgres_100_queue": "the same, each job a row that is found, locked and marked",
}
