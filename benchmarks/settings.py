"""The project's settings on the benchmark's own servers, which `benchmarks.servers` has started.

What differs from production holds for ours and for bare Celery alike: no domain apps, nobody
watches (no Celery events), and nobody reads along (warnings only, no line for each effect).
"""

from config.settings import *  # noqa: F403

INSTALLED_APPS = [
    "config",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_structlog",
    "outbox",
    "benchmarks.work",
]
CELERY_WORKER_SEND_TASK_EVENTS = False

# One view for one job per request, behind the middleware that every request of a site needs.
ROOT_URLCONF = "benchmarks.work.web"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
