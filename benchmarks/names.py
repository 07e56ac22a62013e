"""What each name in results.json stands for, and the settings it ran with."""

UNBOUNDED = "as fast as they can"
"""Ends the names of sustained runs that have no bound on what is under way."""

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
    "orm_queue_loop": "a lean queue: `orm_loop`, and a statement that finds and marks the job",
    "batch_loop": "no queue at all: the statement of `ours_batch` in a loop, 500 jobs each",
    "graphile_worker": "graphile-worker (Node), the effect as one statement",
    "pg_boss": "pg-boss (Node), the effect as one statement",
    "pg_boss_batch": "pg-boss (Node), handed batches, the set-based statement of `ours_batch`",
    "sidekiq": "Sidekiq (Ruby), the effect as one statement",
    "dramatiq": "dramatiq, the ORM code of `ours_single`",
    "huey": "huey, the ORM code of `ours_single`",
    "rq": "rq, the ORM code of `ours_single`",
    "django_tasks": "django-tasks on its database backend, the ORM code of `ours_single`",
    "procrastinate": "procrastinate, the ORM code of `ours_single`",
    "django_celery_outbox": "django-celery-outbox, the ORM code of `ours_single`",
    "dbos": "DBOS, the effect as one statement, in a transactional step",
    "postgres_1": "PostgreSQL alone, the effect of one job in a transaction",
    "postgres_100": "PostgreSQL alone, the effect of 100 jobs in a transaction, locked in order",
    "postgres_100_queue": "a lean queue: `postgres_100`, each job a row that is found and marked",
}
