"""Django for a peer, and nothing of ours but the tables: PEER says which one."""

import os
from urllib.parse import urlsplit

_database = urlsplit(os.environ["DATABASE_URL"])
PEER = os.environ["PEER"]
SECRET_KEY = os.environ["SECRET_KEY"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.path.lstrip("/"),
        "USER": _database.username,
        "PASSWORD": _database.password,
        "HOST": _database.hostname,
        "PORT": _database.port,
        "CONN_MAX_AGE": None,  # nobody shall pay for connecting
    }
}
INSTALLED_APPS = {
    "django_celery_outbox": ["django_celery_outbox"],
    "procrastinate": ["procrastinate.contrib.django"],
    "django_tasks": ["django_tasks_db"],
}.get(PEER, [])
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"django_tasks_db": {"level": "WARNING"}, "procrastinate": {"level": "WARNING"}},
}

PROCRASTINATE_IMPORT_PATHS = ["benchmarks.peers.python.with_procrastinate"]
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

# Celery's Django fix-up closes the connection around every task unless told how often to reuse it.
CELERY_BROKER_URL = os.environ["PEER_BROKER_URL"]
CELERY_DB_REUSE_MAX = 1_000
CELERY_TASK_IGNORE_RESULT = True
CELERY_OUTBOX_APP = "benchmarks.peers.python.with_django_celery_outbox.app"
