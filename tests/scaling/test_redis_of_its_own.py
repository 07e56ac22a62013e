"""REDIS_URL: what workers share for efficiency, wherever the broker is. Without it all goes on."""

import json
import os
import subprocess
import time
from typing import Any

import redis
from django.conf import settings

from config.embedded.child import PROJECT, python
from config.embedded.ports import free_port
from credits.quota.rate import KEY
from tests.deployment import DEPLOYMENT

ASK = """
import json, django
django.setup()
from django.conf import settings
from credits.quota import rate
print(json.dumps({
    "rate": settings.TEXTS.redis_url,
    "marks": settings.CACHES.get("shared", {}).get("LOCATION"),
    "cache": settings.OUTBOX_COALESCING_CACHE,
    "names": settings.HEARTBEATS_URL,
    "grant": rate.ask(5).taken,
}))
"""
RABBITMQ = "amqp://onceproof:secret@broker.example//"
REDIS = "redis://broker.example:6379/0"


def told(**environment: str) -> dict[str, Any]:
    """What a process with these settings works with, and a place in the row of texts."""
    clean = {key: value for key, value in os.environ.items() if not key.endswith("_URL")}
    done = subprocess.run(
        python("-c", ASK),
        env={**clean, **DEPLOYMENT, "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_rate_and_the_marks_are_where_it_says() -> None:
    """And with RabbitMQ the names of the workers as well."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(KEY)
        answer = told(BROKER_URL=RABBITMQ, REDIS_URL=settings.REDIS_URL)
        assert client.exists(KEY)
    assert answer["rate"] == answer["marks"] == answer["names"] == settings.REDIS_URL
    assert (answer["cache"], answer["grant"]) == ("shared", True)


def test_rabbitmq_alone_has_no_place_for_them_and_none_is_missed() -> None:
    answer = told(BROKER_URL=RABBITMQ)
    assert answer == {"rate": "", "marks": None, "cache": None, "names": "", "grant": True}


def test_a_redis_of_its_own_beside_a_redis_broker_leaves_the_names_in_the_broker() -> None:
    answer = told(BROKER_URL=REDIS, REDIS_URL=settings.REDIS_URL)
    assert (answer["rate"], answer["names"]) == (settings.REDIS_URL, REDIS)


def test_one_that_is_down_holds_no_text_up() -> None:
    start = time.monotonic()
    assert told(BROKER_URL=RABBITMQ, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")["grant"]
    assert time.monotonic() - start < 60
