"""The Celery application. Its tasks are dispatches: hints that there is work, never the work."""

import os

from celery import Celery
from django_structlog.celery.steps import DjangoStructLogInitStep

from config.watchdog import Watchdog

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("onceproof")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(Watchdog)
app.steps["worker"].add(DjangoStructLogInitStep)  # each line of a task carries its id
