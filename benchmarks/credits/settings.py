"""The project's settings, with the provider and the bare tasks of this benchmark."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as PROJECT

INSTALLED_APPS = [*PROJECT, "benchmarks.credits"]
CELERY_WORKER_SEND_TASK_EVENTS = False
