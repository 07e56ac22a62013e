"""The cache that web and workers share: Django's, with one client."""

import threading
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.cache import caches

from config.shared_cache import SharedCache

pytestmark = pytest.mark.skipif(
    "shared" not in settings.CACHES, reason="there is no Redis beside this broker"
)


def test_it_is_what_the_settings_name_and_makes_one_client() -> None:
    cache = caches["shared"]
    assert isinstance(cache, SharedCache)
    assert cache._cache.get_client("a") is cache._cache.get_client("b", write=True)


def test_a_mark_is_added_once_whoever_asks_and_is_gone_once_deleted() -> None:
    key = f"test:{uuid4()}"
    added: list[bool] = []
    threads = [
        threading.Thread(target=lambda: added.append(caches["shared"].add(key, 1, 5)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(added) == [False] * 7 + [True]
    assert caches["shared"].delete(key)
    assert caches["shared"].add(key, 1, 5)
    caches["shared"].delete(key)
