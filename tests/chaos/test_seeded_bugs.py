"""The checkers are proven: each seeded bug is caught, and without one nobody is accused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos.catalogue import GOOD_CARD
from chaos.checkers import Books, live, orders
from chaos.checkers.books import Harm
from chaos.journal import Answer, Journal
from chaos.observer import Observer
from chaos.planted import bugs
from credits import services as credit_services
from outbox import dispatch
from tests.chaos.bench import Bench, address
from tests.credits.world import make_community
from tests.orders.shop import place, shop_at, stocked, work_off
from tests.pricing.threads import at_once
from tests.sandbox.process import SandboxProcess


def harms(bench: Bench) -> set[Harm]:
    return {violation.harm for violation in bench.violations()}


def caught(bench: Bench, bug: str) -> set[Harm]:
    """What the checkers say of a bug whose workers lose their connections, once one died badly."""
    for _ in range(8):
        bench.ask(requests=6)
        with bugs.planted(bug), bench.cut_connections():
            bench.work(seconds=2)
        bench.work(seconds=20)
        if found := harms(bench):
            return found
    return set()


def test_nobody_is_accused_where_there_is_no_bug(bench: Bench) -> None:
    bench.ask(requests=12)
    with bench.cut_connections():
        bench.work(seconds=1)
    bench.work(seconds=20)
    assert bench.violations() == []


def test_a_claim_without_a_lock(bench: Bench) -> None:
    bench.ask(requests=6)
    with bugs.planted("no_lock"):
        bench.work(seconds=10)
    assert Harm.DOUBLED in harms(bench)


def test_done_marked_outside_the_transaction(bench: Bench) -> None:
    assert caught(bench, "done_marked_outside") == {Harm.LOST}


def test_a_late_acknowledgement(bench: Bench) -> None:
    assert caught(bench, "acks_late") == {Harm.DOUBLED}


def test_a_claim_that_is_lost_with_its_worker(bench: Bench) -> None:
    assert caught(bench, "claim_lost") == {Harm.LOST}


def test_a_balance_that_is_written_absolute(transactional_db: None) -> None:
    make_community(credits=10, members=1)
    observer = Observer(address())
    assert list(live.ledger(observer)) == []
    with bugs.planted("balance_written_absolute"):
        for _ in range(10):
            at_once(*[lambda: credit_services.buy_credits(slug="club", amount=1, actor="test")] * 4)
            if found := list(live.ledger(observer)):
                break
    observer.close()
    assert [(one.check, one.harm) for one in found] == [("ledger", Harm.LOST)]


@pytest.fixture
def provider(
    transactional_db: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SandboxProcess]:
    """A provider of payments that loses replies."""
    monkeypatch.setattr(dispatch, "send", lambda *_, **__: True)
    with SandboxProcess(tmp_path / "sandbox") as process:
        settings.SHOP = shop_at(process)
        process.control.force("payments", "reply_lost", operation="confirm", times=1)
        yield process


@pytest.mark.parametrize("bug", ["", "fresh_provider_key"])
def test_a_fresh_key_at_the_provider(provider: SandboxProcess, bug: str) -> None:
    journal, observer = Journal(), Observer(address())
    body = {"payment_method": GOOD_CARD}
    request = journal.begin(1, "order", "/api/v1/orders", body, "order-1@chaos.example")
    stocked("BOOK")
    place(email=request.about)
    request.answer = Answer.ACCEPTED
    if bug:
        with bugs.planted(bug):
            work_off()
    else:
        work_off()
    logs = {name: provider.control.log(name) for name in ("payments", "shipping")}
    found = list(orders.check(Books(journal, observer, logs, Path("no mails"))))
    observer.close()
    assert [one.harm for one in found] == ([Harm.DOUBLED] if bug else [])


def test_no_bug_can_be_planted_in_anybody_elses_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONCEPROOF_HOME", str(tmp_path))
    with pytest.raises(bugs.NotOurs):
        bugs.plant_by_name("no_lock")
