"""Bare Celery is bare: what it is compared with must not be made slower by us."""

import os
import subprocess
import sys

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


def test_its_worker_has_the_tasks_and_nothing_of_the_project() -> None:
    class Valkey:
        """An address; nobody connects."""

        @staticmethod
        def url() -> str:
            return "redis://127.0.0.1:1/0"

    class Servers:
        folder = PROJECT
        valkey = Valkey

    (worker,) = contenders.bare_crew(Servers()).children  # type: ignore[arg-type]
    environment = {"DATABASE_URL": "postgres://a:b@127.0.0.1:1/c", "SECRET_KEY": "x"}
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=PROJECT,
        env={**os.environ, **environment, **worker.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not done.returncode, done.stderr
