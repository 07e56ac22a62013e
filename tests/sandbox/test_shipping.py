"""The carrier: shipments under the client's own reference."""

from typing import Any

import pytest

from sandbox.control import Control
from tests.sandbox.clients import Carrier
from tests.sandbox.process import SandboxProcess


def test_a_shipment_is_made(carrier: Carrier, control: Control):
    reply = carrier.create(reference="order:7:ship", order="7", address={"city": "Ulm"})
    assert reply.status_code == 201
    shipment = reply.json()
    assert (shipment["status"], shipment["order"]) == ("created", "7")
    assert shipment["tracking_number"]
    assert carrier.fetch("order:7:ship").json() == shipment
    assert control.log("shipping") == [{"order": "7", "reference": "order:7:ship"}]


def test_a_repeat_shows_the_shipment_that_exists(carrier: Carrier, control: Control):
    first = carrier.create(reference="r", order="7").json()
    again = carrier.create(reference="r", order="8")
    assert again.status_code == 409
    assert again.json()["error"]["code"] == "reference_taken"
    assert again.json()["shipment"] == first
    assert len(control.log("shipping")) == 1


def test_cancelling_can_be_repeated(carrier: Carrier, control: Control):
    carrier.create(reference="r", order="7")
    first, second = carrier.cancel("r"), carrier.cancel("r")
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert first.json()["status"] == "cancelled"
    assert control.log("shipping") == []


def test_a_cancelled_reference_stays_taken(carrier: Carrier, control: Control):
    carrier.create(reference="r", order="7")
    carrier.cancel("r")
    again = carrier.create(reference="r", order="7")
    assert (again.status_code, again.json()["shipment"]["status"]) == (409, "cancelled")
    assert control.log("shipping") == []


def test_cancelling_in_advance_stops_a_late_request(carrier: Carrier, control: Control):
    assert carrier.cancel("late").json()["status"] == "cancelled"
    assert carrier.create(reference="late", order="7").status_code == 409
    assert control.log("shipping") == []
    assert carrier.list().json()["shipments"] == []  # it was never made


def test_an_unknown_reference(carrier: Carrier):
    assert carrier.fetch("unknown").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"reference": ""},
        {"reference": "with space"},
        {"reference": "r" * 101},
        {"reference": None},
        {"order": None},
        {"order": True},
        {"order": {"id": 7}},
    ],
)
def test_bad_input(carrier: Carrier, control: Control, wrong: dict[str, Any]):
    reply = carrier.create(**({"reference": "r", "order": "7"} | wrong))
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "invalid")
    assert control.log("shipping") == []


def test_a_wrong_token(sandbox: SandboxProcess):
    assert Carrier(sandbox, token="wrong").create(reference="r", order="7").status_code == 401


def test_the_list_is_walked_by_cursor(carrier: Carrier):
    for n in range(5):
        carrier.create(reference=f"r{n}", order=str(n))
    seen, after = [], ""
    while after is not None:
        page = carrier.list(limit=2, after=after).json()
        seen += [shipment["reference"] for shipment in page["shipments"]]
        after = page["after"]
    assert seen == ["r0", "r1", "r2", "r3", "r4"]
