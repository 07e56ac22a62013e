"""Hot runs: with real workers, bounded, one at a time, and started by an operator alone."""

import pytest
from django.db import IntegrityError
from django.db.models.functions import Now

from races import services
from races.hot import plot, run
from races.hot.strategies import STRATEGIES
from races.models import HotAccount, HotEntry, LabRun
from tests.accounts.people import signed_in
from tests.lab.world import CLASSIC, post, processes, wait_until_over
from tests.stack import Stack

ASKED = {"credits": 5, "workers": 2, "jobs": 10, "twice": False, "strategies": ["once"]}


def test_real_workers_lose_nothing_where_the_strategy_holds_and_double_where_it_does_not(
    stack: Stack,
) -> None:
    client = signed_in("operator")
    answer = post(client, "races:hot_start", **CLASSIC, strategies=["naive", "once", "claimed"])
    made = LabRun.objects.get()
    assert answer["Location"] == f"/races/hot/{made.pk}/"
    wait_until_over(stack, made)

    assert (made.state, made.reason) == ("done", "")
    naive, once, claimed = (lane["figures"] for lane in made.result["lanes"])
    assert naive["doubled"] == 6  # each tenth of 60 was delivered twice, and credits were there
    assert naive["lost"] == naive["sent"] - (100 - naive["left"])
    for right in (once, claimed):
        assert [right[name] for name in ("sent", "left", "lost", "doubled")] == [60, 40, 0, 0]
    assert all(figures["per_second"] > 0 < figures["p50"] for figures in (naive, once, claimed))
    assert not HotAccount.objects.exists()
    assert not processes(f"races-hot-{made.pk}")

    page = client.get(f"/races/hot/{made.pk}/").content.decode()
    assert "data-live hx-get" not in page
    assert page.count('class="plot hot-plot"') == 3
    assert "adds up" in page
    assert "Jobs done" in page
    assert "The last run: 100 credits, 4 workers" in client.get("/races/hot/").content.decode()


def test_a_run_can_be_ended_and_leaves_nothing_behind(stack: Stack) -> None:
    client = signed_in("operator")
    post(client, "races:hot_start", **{**CLASSIC, "jobs": "2000"}, strategies=list(STRATEGIES))
    made = LabRun.objects.get()
    stack.wait_until(lambda: LabRun.objects.filter(pk=made.pk, result__has_key="lanes").exists())
    assert "data-live hx-get" in client.get(f"/races/hot/{made.pk}/").content.decode()

    second = post(client, "races:hot_start", **CLASSIC, strategies=["once"])
    assert second["Location"] == f"/races/hot/{made.pk}/"
    assert b"One run at a time" in client.get(second["Location"]).content

    post(client, "races:end", made.pk)
    wait_until_over(stack, made, timeout=30)
    assert (made.state, made.reason) == ("ended", "Ended by hand.")
    assert not HotAccount.objects.exists()
    assert not processes(f"races-hot-{made.pk}")
    post(client, "races:end", made.pk)
    assert b"over already" in client.get("/races/hot/").content


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"workers": "10000"}, "&#x27;10000&#x27; is not possible here: from 2 to 50 workers"),
        ({"workers": "1"}, "from 2 to 50 workers"),
        ({"workers": "²"}, "from 2 to 50 workers"),
        ({"jobs": "1e3"}, "from 10 to 2,000 jobs"),
        ({"jobs": "-5"}, "from 10 to 2,000 jobs"),
        ({"credits": ""}, "From 1 to 100,000 credits"),
        ({"strategies": []}, "Choose at least one"),
        ({"strategies": ["pickle"]}, "Choose at least one"),
    ],
)
def test_what_cannot_be_is_refused_with_its_limits(
    changed: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("races.launch.launch", lambda run_id: pytest.fail("it was started"))
    form = {**CLASSIC, "strategies": ["once"], **changed}
    answer = post(signed_in("operator"), "races:hot_start", **form)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not LabRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_each_kind_one_is_under_way_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    launched: list[int] = []
    monkeypatch.setattr("races.launch.launch", launched.append)
    first = services.start_run(kind="hot", asked=ASKED, actor="one")
    with pytest.raises(services.Busy, match=f"number {first.pk}, asked for by one"):
        services.start_run(kind="hot", asked=ASKED, actor="two")
    services.start_run(kind="trial", asked={}, actor="two")
    with pytest.raises(IntegrityError, match="lab_run_one_of_a_kind_at_a_time"):
        LabRun.objects.create(kind="hot", asked=ASKED, created_by="past the service")
    assert len(launched) == 2


@pytest.mark.django_db(transaction=True)
def test_a_run_whose_process_is_gone_stands_in_nobodys_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("races.launch.launch", lambda run_id: None)
    dead = services.start_run(kind="hot", asked=ASKED, actor="one")
    dead.accounts.create(strategy="naive", credits=1)
    LabRun.objects.update(seen_at=Now() - services.LOST_AFTER * 2)
    services.start_run(kind="hot", asked=ASKED, actor="two")
    dead.refresh_from_db()
    assert (dead.state, dead.is_open, dead.accounts.count()) == ("lost", False, 0)


@pytest.mark.django_db(transaction=True)
def test_old_runs_are_forgotten_and_open_ones_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("races.launch.launch", lambda run_id: None)
    monkeypatch.setattr(services, "KEPT", 2)
    for number in range(4):
        LabRun.objects.create(kind="hot", state="done", asked={}, created_by=f"{number}")
    trial = LabRun.objects.create(kind="trial", asked={}, created_by="open")
    made = services.start_run(kind="hot", asked=ASKED, actor="new")
    left = list(LabRun.objects.order_by("pk").values_list("created_by", flat=True))
    assert left == ["2", "3", trial.created_by, made.created_by]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_spends_what_is_there_and_no_more(name: str) -> None:
    made = LabRun.objects.create(kind="hot", asked={}, created_by="test")
    account = HotAccount.objects.create(run=made, strategy=name, credits=2)
    for number in range(3):
        account.jobs.create(number=number)
    for job in range(3):
        STRATEGIES[name].spend(account.pk, job)
    account.refresh_from_db()
    assert (account.credits, HotEntry.objects.filter(account=account).count()) == (0, 2)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["once", "claimed"])
def test_a_job_delivered_twice_has_one_line_in_the_ledger(name: str) -> None:
    made = LabRun.objects.create(kind="hot", asked={}, created_by="test")
    account = HotAccount.objects.create(run=made, strategy=name, credits=9)
    account.jobs.create(number=7)
    for _ in range(2):
        STRATEGIES[name].spend(account.pk, 7)
    account.refresh_from_db()
    assert (account.credits, account.entries.count()) == (8, 1)


def test_the_lines_part_where_counter_and_ledger_do() -> None:
    drawn = plot.lane_plot([[1.0, 5, 90, 10, 3.0], [2.0, 10, 85, 120, 3.0]], 100)
    assert drawn is not None
    assert drawn.counter != drawn.ledger
    assert drawn.lowest == -20
    same = plot.lane_plot([[1.0, 5, 90, 10, 3.0]], 100)
    assert same is not None
    assert same.counter == same.ledger
    assert plot.lane_plot([], 100) is None


def test_a_run_begins_with_a_lane_for_each_strategy_asked() -> None:
    lanes = [run._lane(name, {"credits": 1, "jobs": 10}) for name in STRATEGIES]
    document = run.document({"jobs": 10}, lanes)
    assert [lane["state"] for lane in document["lanes"]] == ["waiting"] * len(STRATEGIES)


@pytest.mark.django_db
def test_on_a_deployment_none_is_started_and_the_page_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("races.trial.possible", lambda: False)
    monkeypatch.setattr("races.launch.launch", lambda run_id: pytest.fail("it was started"))
    client = signed_in("operator")
    answer = post(client, "races:hot_start", **CLASSIC, strategies=["once"])
    page = client.get(answer["Location"]).content.decode()
    assert not LabRun.objects.exists()
    assert page.count("This installation has real ones") == 2, "as an answer, and for good"
    assert "start-hot" not in page
    assert "A recorded run" in page
