"""The table of metrics is the metrics."""

import re

import pytest

from config.embedded.child import PROJECT
from config.metrics import Tables
from outbox.reconciliation import run
from outbox.reconciliation.models import Reconciliation

COUNTED = {"counter": ("_total",), "gauge": ("",), "histogram": ("",)}


@pytest.mark.django_db(transaction=True)
def test_each_metric_has_its_line_and_each_line_its_metric() -> None:
    assert run.begin(cause="test") is not None
    Reconciliation.objects.update(finished_at="2020-01-01T00:00Z", running=None)
    told = {family.name + end for family in Tables().collect() for end in COUNTED[family.type]}
    text = (PROJECT / "docs/observability.md").read_text()
    table = "\n".join(line for line in text.splitlines() if line.startswith("| `o"))
    assert set(re.findall(r"`((?:outbox|onceproof)_\w+)`", table)) == told
