"""Bare Celery for the credits: an app of its own, Celery's defaults, the project's models."""

from celery import Celery
from django.conf import settings

app = Celery("bare", broker=settings.CELERY_BROKER_URL)
app.conf.update(task_ignore_result=True, CELERY_DB_REUSE_MAX=1_000)
app.autodiscover_tasks(["benchmarks.credits"])
