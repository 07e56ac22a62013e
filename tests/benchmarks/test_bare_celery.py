"""Bare Celery is bare: what it is compared with must not be made slower by us."""

import os
import subprocess
import sys
from collections.abc import Mapping

from benchmarks import contenders
from config.embedded.child import PROJECT

LOOK = """
import sys
from celery import signals
from benchmarks.peers.python.with_celery import app
app.loader.import_default_modules()
app.finalize()
ours = {"config", "outbox", "django_structlog", "credits"} & set(sys.modules)
assert not ours, ours
for name in ("task_prerun", "task_success", "task_postrun", "before_task_publish"):
    told = [str(one) for _, one in getattr(signals, name).receivers]
    assert all("celery" in one for one in told), told
assert app.conf.worker_max_memory_per_child is None
assert app.conf.worker_prefetch_multiplier == 4
assert not [step for step in app.steps["worker"] if "celery.worker" not in step.__module__]
wanted = {f"bare.{name}" for name in ("naive", "locked", "guarded", "raw", "noop")}
assert wanted == {name for name in app.tasks if not name.startswith("celery.")}, app.tasks
"""


LOOK_AT_CREDITS = """
from benchmarks.credits.bare import app
app.loader.import_default_modules()
app.finalize()
assert app.conf.worker_max_memory_per_child is None
assert app.conf.worker_consumer == "celery.worker.consumer:Consumer"
assert app.conf.get("CELERY_DB_REUSE_MAX") == 1_000
assert not app.steps["worker"]
assert {"credits.bare_naive", "credits.bare_guarded"} <= app.tasks.keys()
"""
ENVIRONMENT = {
    "DATABASE_URL": "postgres://a:b@127.0.0.1:1/c",
    "BROKER_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "x",
    "ALLOWED_HOSTS": "x",
}
"""Addresses that nobody connects to."""


def look(script: str, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        env={**os.environ, **ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not done.returncode, done.stderr


def test_its_worker_has_the_tasks_and_nothing_of_the_project() -> None:
    class Valkey:
        @staticmethod
        def url() -> str:
            return ENVIRONMENT["BROKER_URL"]

    class Servers:
        folder = PROJECT
        valkey = Valkey

    (worker,) = contenders.bare_crew(Servers()).children  # type: ignore[arg-type]
    look(LOOK, worker.environment)


def test_that_of_the_credits_has_the_projects_models_and_celerys_defaults() -> None:
    look(LOOK_AT_CREDITS, {"DJANGO_SETTINGS_MODULE": "benchmarks.credits.settings"})
