"""/metrics: who may read it, what it says, and that dashboard and alerts ask for nothing else."""

import json
import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings as project
from django.db import transaction
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

import outbox
from config.accounts import tokens
from outbox import pauses
from outbox.models import Message
from outbox.monitoring.measure import measure
from outbox.monitoring.models import Minute
from outbox.reconciliation import run
from tests.accounts.people import make_user
from tests.pricing.shop import make_product, schedule, work_off

pytestmark = pytest.mark.django_db(transaction=True)
DEPLOY = Path(project.BASE_DIR) / "deploy"
ALERTS = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "grafana/onceproof.json").read_text())
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def _own_token(settings: Any) -> None:
    settings.METRICS_TOKEN = "scrape-me"


def scrape() -> Samples:
    answer = Client().get("/metrics", headers={"Authorization": "Bearer scrape-me"})
    assert answer.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    (one,) = [
        figure
        for (known, with_labels), figure in found.items()
        if known == name and frozenset(labels.items()) <= with_labels
    ]
    return one


def test_only_with_a_token_or_a_role() -> None:
    def ask(token: str) -> int:
        return Client().get("/metrics", headers={"Authorization": token}).status_code

    assert ask("") == ask("Bearer wrong") == ask("Basic scrape-me") == 401
    assert ask("Bearer scrape-me") == ask("bearer scrape-me") == 200
    viewer, nobody = make_user("viewer"), make_user()
    assert ask(f"Bearer {tokens.issue_token(user=viewer)}") == 200
    assert ask(f"Bearer {tokens.issue_token(user=nobody)}") == 403
    client = Client()
    client.force_login(viewer)
    assert client.get("/metrics").status_code == 200
    assert client.post("/metrics").status_code == 405


def test_without_a_token_of_its_own_an_empty_one_opens_nothing(settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    for token in ("", " ", "Bearer", "Bearer "):
        assert Client().get("/metrics", headers={"Authorization": token}).status_code == 401


def test_the_figures_are_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outbox.dispatch.send", lambda *_, **__: True)
    make_product()
    schedule()
    work_off()
    schedule(starts_at="2090-01-01T00:00Z")
    schedule()
    with transaction.atomic():
        one = outbox.enqueue("pricing.apply_reduction", args={"reduction_id": "1"})
    Message.objects.filter(pk=one.message_id).update(state="dead", finished_at=timezone.now())
    pauses.pause("handler:pricing.apply_reduction", actor="test")
    started = run.begin(cause="test")
    assert started is not None
    measure()
    found = scrape()
    of = {"handler": "pricing.apply_reduction"}
    assert value(found, "outbox_messages_created_total", **of) == 4
    assert value(found, "outbox_messages_done_total", **of) == 1
    assert value(found, "outbox_latency_seconds_count", **of) == 1
    assert value(found, "outbox_latency_seconds_bucket", le="+Inf", **of) == 1
    assert value(found, "outbox_due_messages", queue="default", **of) == 1
    assert value(found, "outbox_later_messages", **of) == 1
    assert 0 < value(found, "outbox_oldest_due_seconds", **of) < 60
    assert value(found, "outbox_paused", **of) == 1
    assert value(found, "outbox_dead_letters_waiting") == 1
    assert value(found, "onceproof_unknown_outcomes", provider="texts") == 0
    assert value(found, "onceproof_database_sessions") > 0


def test_counters_only_rise_even_where_messages_are_pruned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outbox.dispatch.send", lambda *_, **__: True)
    make_product()
    schedule()
    work_off()
    measure()
    before = scrape()
    Minute.objects.update(minute=timezone.now() - timedelta(days=3))
    Message.objects.all().delete()
    measure()
    after = scrape()
    counters = [key for key in before if re.search("_(total|count|bucket|sum)$", key[0])]
    assert len(counters) > 10
    assert all(after[key] >= before[key] for key in counters if "outbox" in key[0])


def test_everything_that_dashboard_and_alerts_ask_for_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("outbox.dispatch.send", lambda *_, **__: True)
    make_product()
    schedule()
    work_off()
    measure()
    monkeypatch.setattr("config.operations.workforce.seen", lambda patience: _a_worker())
    started = run.begin(cause="test")
    assert started is not None
    from outbox.reconciliation.models import Reconciliation

    Reconciliation.objects.update(finished_at=timezone.now(), running=None)
    told = {name for name, _ in scrape()}
    asked = {name for expression in _expressions() for name in _metrics(expression)}
    assert len(asked) > 20
    assert asked - told == set()


def test_the_failure_rate_is_one_of_attempts() -> None:
    """A delivery may be of a hundred messages: fifty failures in one are no rate of fifty."""
    (rate,) = [rule["expr"] for rule in ALERTS if rule["alert"] == "FailureRate"]
    assert set(_metrics(rate)) == {"outbox_attempts_failed_total", "outbox_messages_done_total"}


def test_every_alert_has_its_page_in_the_runbook_and_the_other_way_round() -> None:
    runbook = (Path(project.BASE_DIR) / "docs/runbook.md").read_text()
    headings = re.findall(r"^### (\w+)$", runbook, re.M)
    assert sorted(headings) == sorted(rule["alert"] for rule in ALERTS)
    for rule in ALERTS:
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_a_scrape_waits_a_second_for_a_slow_broker_and_a_page_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []

    def reasons(question: Any, part: str, latest: float) -> dict[str, str]:
        waits.append(latest - time.monotonic())
        return {}

    monkeypatch.setattr("config.health.Question.reasons", reasons)
    scrape()
    assert len(waits) == 2
    assert min(waits) > 0.5
    client = Client()
    client.force_login(make_user("viewer"))
    client.get("/operations/")
    assert len(waits) == 4
    assert max(waits[2:]) < 0.1


def test_a_scrape_asks_a_bounded_number_of_questions(
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    with django_assert_max_num_queries(14):
        scrape()


def _a_worker() -> Any:
    from config.heartbeats import Worker
    from config.operations.workforce import Workforce

    return Workforce(workers=[Worker(name="worker@test", queues=("default",))])


def _expressions() -> list[str]:
    panels = [
        target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())
    ]
    variables = [one["query"] for one in DASHBOARD["templating"]["list"]]
    return [*panels, *variables, *(rule["expr"] for rule in ALERTS)]


def _metrics(expression: str) -> list[str]:
    return re.findall(r"\b(?:outbox|onceproof)_\w+", re.sub(r'"[^"]*"', "", expression))
