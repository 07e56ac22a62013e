"""The Celery application. Its tasks are dispatches: hints that there is work, never the work."""

import os

from celery import Celery
from django_structlog.celery.steps import DjangoStructLogInitStep
from kombu.transport import TRANSPORT_ALIASES

from config import process
from config.watchdog import Watchdog

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("onceproof")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(Watchdog)
app.steps["worker"].add(DjangoStructLogInitStep)  # each line of a task carries its id
if not process.is_worker():  # a worker's connections have loops that read
    TRANSPORT_ALIASES.update(
        amqp="config.publisher:Transport",
        pyamqp="config.publisher:Transport",
        amqps="config.publisher:SSLTransport",
    )
