"""The pages of reconciliation: a viewer sees runs and findings, an operator begins and says why."""

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from outbox import consumer, handlers
from outbox.delivery import Delivery
from outbox.models import Message
from outbox.reconciliation import run
from outbox.reconciliation.models import Finding, FindingAct, Reconciliation
from pricing.models import Product
from tests.accounts.people import make_user
from tests.pricing import shop

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/reconciliation/"
LIVE = 'hx-trigger="live"'


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


def see(client: Client, address: str = ADDRESS, **query: str) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return answer.content.decode()


def wrong_price(*skus: str) -> None:
    """A price past the services, and one that has no change to go back to."""
    for sku in skus:
        shop.make_product(sku)
    Product.objects.update(price="7.77")


def without_history(sku: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO pricing_product (sku, name, category, price, floor, version, revision)"
            " VALUES (%s, '<b>bold</b>', 'Books', 1, 0, 1, 1)",
            [sku],
        )


def reconcile() -> Reconciliation:
    """Every check of the shop's, as the command does; it ends with 1 where a person is needed."""
    started = run.begin(cause="test", by_session=True)
    assert started is not None
    going = True
    while going:
        with transaction.atomic():
            going = run.step(started).next_turn is not None
    return Reconciliation.objects.get(pk=started.pk)


def work_off() -> None:
    """What the workers do when the button was pressed."""
    while consumer.consume(handlers.get("outbox.reconcile_step"), [], Delivery.here()).done:
        pass


def test_before_the_first_night_it_says_so() -> None:
    page = see(signed_in("viewer"))
    assert "Nothing waits for a person" in page
    assert "the first run comes tonight" in page
    assert "Reconcile now" not in page, "a viewer looks"


def test_runs_and_findings_are_shown_with_subject_evidence_and_repair() -> None:
    wrong_price("BOOK")
    without_history("GHOST")
    done = reconcile()
    client = signed_in("viewer")
    page = see(client)
    assert "needs a person" in page
    assert "GHOST" in page
    assert "BOOK" not in page, "what was mended waits for nobody"
    one = see(client, f"{ADDRESS}{done.pk}/")
    assert "price set back to 10.00, the last change" in one
    assert "/products/?search=BOOK" in one
    assert f"{ADDRESS}findings/{Finding.objects.get(subject='GHOST').pk}/" in one


def test_findings_are_filtered_by_check_and_by_what_was_left() -> None:
    wrong_price("BOOK")
    without_history("GHOST")
    address = f"{ADDRESS}{reconcile().pk}/"
    client = signed_in("viewer")
    check = "pricing.price_is_not_the_last_change"
    assert "BOOK" in see(client, address, check=check)
    assert "None of these" in see(client, address, check="pricing.applied_twice")
    assert "BOOK" not in see(client, address, left="left")
    assert "GHOST" not in see(client, address, left="mended")
    assert "GHOST" in see(client, address, check="nonsense", left="nonsense", page="x")


def test_an_operator_begins_a_run_and_watches_it_to_its_end() -> None:
    client = signed_in("operator")
    assert "Reconcile now" in see(client)
    answer = client.post(f"{ADDRESS}begin/", {"check": ""})
    begun = Reconciliation.objects.get()
    assert answer["Location"] == f"{ADDRESS}{begun.pk}/"
    assert (begun.cause, begun.dry_run) == ("operator", False)
    watched = see(client, answer["Location"])
    assert LIVE in watched
    assert 'aria-valuenow="0"' in watched
    assert "Running" in see(client)
    work_off()
    assert LIVE not in see(client, answer["Location"])
    live = client.get(answer["Location"], headers={"HX-Request": "true"}).content.decode()
    assert live.strip().startswith('<div class="stack" id="run">')


def test_a_dry_run_of_one_check_mends_nothing_and_asks_nobody() -> None:
    wrong_price("BOOK")
    client = signed_in("operator")
    check = "pricing.price_is_not_the_last_change"
    client.post(f"{ADDRESS}begin/", {"check": check, "dry_run": "on"})
    work_off()
    begun = Reconciliation.objects.get()
    assert (begun.names, begun.dry_run, begun.status) == ([check], True, "done")
    assert shop.price_of() == "7.77"
    assert "not tried: dry run" in see(client, f"{ADDRESS}{begun.pk}/")
    assert "Nothing waits for a person" in see(client)


def test_the_button_leads_to_the_run_under_way() -> None:
    other = run.begin(cause="nightly")
    assert other is not None
    answer = signed_in("operator").post(f"{ADDRESS}begin/", {"check": ""}, follow=True)
    assert answer.redirect_chain == [(f"{ADDRESS}{other.pk}/", 302)]
    assert "One is enough" in answer.content.decode()
    assert Reconciliation.objects.count() == 1


def test_an_unknown_check_begins_nothing() -> None:
    answer = signed_in("operator").post(f"{ADDRESS}begin/", {"check": "x\x00"}, follow=True)
    assert "There is no such check" in answer.content.decode()
    assert not Reconciliation.objects.exists()


def test_a_finding_is_acknowledged_with_a_note_and_stays_silent() -> None:
    without_history("GHOST")
    reconcile()
    client = signed_in("operator")
    address = f"{ADDRESS}findings/{Finding.objects.get().pk}/"
    page = see(client, address)
    assert "Nobody has looked at it yet" in page
    refused = client.post(f"{address}act/", {"act": "acknowledge", "note": " "}, follow=True)
    assert "Say why" in refused.content.decode()
    said = client.post(
        f"{address}act/", {"act": "acknowledge", "note": "<i>a test</i>"}, follow=True
    )
    assert "&lt;i&gt;a test&lt;/i&gt;" in said.content.decode()
    assert (FindingAct.objects.get().actor, FindingAct.objects.get().kind) == (
        "operator",
        "acknowledge",
    )
    assert "Nothing waits for a person" in see(client)
    reconcile()
    assert Finding.objects.count() == 1
    client.post(f"{address}act/", {"act": "reopen", "note": "it is none"})
    reconcile()
    assert "GHOST" in see(client)


def test_nonsense_is_refused_and_changes_nothing() -> None:
    without_history("GHOST")
    reconcile()
    client = signed_in("operator")
    address = f"{ADDRESS}findings/{Finding.objects.get().pk}/"
    for sent in ({}, {"act": "explode", "note": "x"}, {"act": "reopen", "note": "x"}):
        assert client.post(f"{address}act/", sent).status_code == 302
    assert not FindingAct.objects.exists()
    assert client.post(f"{ADDRESS}findings/999/act/", {"act": "reopen"}).status_code == 404
    assert client.get(f"{ADDRESS}999/").status_code == 404
    assert client.get(f"{ADDRESS}findings/999/").status_code == 404


def test_a_viewer_cannot_act_and_a_stranger_sees_nothing() -> None:
    without_history("GHOST")
    done = reconcile()
    viewer, finding = signed_in("viewer"), Finding.objects.get()
    assert "Acknowledge</button>" not in see(viewer, f"{ADDRESS}findings/{finding.pk}/")
    for address in (f"{ADDRESS}begin/", f"{ADDRESS}findings/{finding.pk}/act/"):
        assert viewer.post(address, {"act": "acknowledge", "note": "x"}).status_code == 403
        assert viewer.get(address).status_code in (403, 405)
    for address in (ADDRESS, f"{ADDRESS}{done.pk}/", f"{ADDRESS}findings/{finding.pk}/"):
        assert Client().get(address).status_code == 302


def test_what_a_later_run_did_not_find_again_waits_for_nobody() -> None:
    without_history("GHOST")
    reconcile()
    Product.objects.all().delete()
    call_command("reconcile", "--check", "pricing.applied_twice", verbosity=0)
    client = signed_in("viewer")
    assert "GHOST" in see(client), "that run did not look at prices"
    reconcile()
    assert "GHOST" not in see(client)


def test_a_messages_finding_leads_to_its_story() -> None:
    shop.make_product()
    shop.schedule()
    Message.objects.update(state="dead", finished_at="2020-01-01T00:00:00Z")
    done = reconcile()
    page = see(signed_in("viewer"), f"{ADDRESS}{done.pk}/")
    assert f"/dead-letters/{Message.objects.get().pk}/" in page


def test_the_pages_ask_as_much_of_a_hundred_findings_as_of_one() -> None:
    client = signed_in("operator")
    without_history("GHOST-0")
    counts = []
    for number in range(2):
        for one in range(1, 100 * number):
            without_history(f"GHOST-{one}")
        done = reconcile()
        asked = []
        for address in (ADDRESS, f"{ADDRESS}{done.pk}/"):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                see(client, address)
            asked.append(len(queries))
        counts.append(asked)
    assert counts[0] == counts[1]
    assert max(counts[0]) < 20
