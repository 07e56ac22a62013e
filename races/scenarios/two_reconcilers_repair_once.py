"""Two reconcilers find the same difference: it is mended once."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction

from pricing.models import Product
from races import night, shop
from races.explorer import Outcome, Question
from races.models import Account, Effect, Receipt
from races.scenario import Form, Scenario, alone

CHECK = "pricing.price_is_not_the_last_change"


def setup() -> None:
    Account.objects.create(pk=1, credits=1)  # one was paid for, and no entry says so


def check() -> None:
    entries, paid = Effect.objects.count(), Account.objects.get(pk=1).credits
    assert entries == paid, f"{paid} paid, and {entries} entries after the repair"


def compare_then_add() -> None:
    with transaction.atomic():
        if Effect.objects.count() < Account.objects.get(pk=1).credits:
            Effect.objects.create(operation="correction")


def hold_then_add() -> None:
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=1)
        if Effect.objects.count() < account.credits:
            Effect.objects.create(operation="correction")


def add_under_a_name() -> None:
    """The correction is of what was found, not of who found it: its name can be taken once."""
    try:
        with transaction.atomic():
            entries, paid = Effect.objects.count(), Account.objects.get(pk=1).credits
            if entries < paid:
                Receipt.objects.create(operation=f"correction after {entries}")
                Effect.objects.create(operation="correction")
    except IntegrityError:
        return  # the other one has made it


def setup_ours() -> None:
    shop.stock("A")
    Product.objects.update(price="77.00")


def reconcile() -> None:
    night.whole(CHECK)


def the_next_night() -> None:
    night.next_one(CHECK)


def check_ours() -> None:
    shop.assert_history_agrees()
    found = night.findings()
    assert found == ["price_is_not_the_last_change"], f"found {found}"


def setup_begun() -> None:
    setup_ours()
    night.begin(CHECK)


def check_step(outcomes: Sequence[Outcome]) -> None:
    check_ours()
    took = [outcome.worker for outcome in outcomes if outcome.value]
    assert len(took) <= 1, f"{' and '.join(took)} took one step"
    assert night.turn() == 1, f"{night.turn()} steps, and one was asked for"


SCENARIO = Scenario(
    claim="Two reconcilers repair once",
    naive=(
        Form(
            "compare, then add",
            Question((compare_then_add,) * 2, alone(check), setup),
            "both find the difference, and each makes up for it",
        ),
    ),
    holds=(
        Form(
            "hold, then add",
            Question((hold_then_add,) * 2, alone(check), setup, kills=1),
            "the second one compares after the first one's commit",
        ),
        Form(
            "a name for each correction",
            Question((add_under_a_name,) * 2, alone(check), setup, kills=1),
            "the unique constraint refuses the second one's",
            constraints=[("races_receipt", "receipt_once_per_operation")],
        ),
        Form(
            "reconciliation, twice",
            Question(
                (reconcile,) * 2,
                alone(check_ours),
                setup_ours,
                aftermath=the_next_night,
                kills=1,
                bound=2,
                deaths_within=0,
            ),
            "ours: at most one run is under way, by a unique constraint; its steps take turns by "
            "its row, and a repair holds what it mends",
            ours=True,
            constraints=[("outbox_reconciliation", "outbox_one_reconciliation_runs")],
            spare={
                "outbox_one_reconciliation_runs": "courtesy: two runs at once mend once as well, "
                "for each holds what it mends; they would look at every row twice",
                "SKIP LOCKED in SELECT outbox_reconciliation": "who begins takes a run for alive "
                "while a step of it is taken, however long (outbox/tests/test_reconciliation_runs"
                ".py); no step is long here",
                "outbox_reconciliation": "the second one never begins while the first one runs: "
                "these guard a run that two drive (as in “one step, called twice”)",
                "FOR NO KEY UPDATE OF pricing_product": "the runs take turns here; whoever "
                "changes the price meanwhile asks for its version (price_edits_lose_nothing)",
            },
        ),
        Form(
            "one step, called twice",
            Question((night.first_step,) * 2, check_step, setup_begun, kills=1),
            "ours: a step's message that comes twice; the second waits for the run's row and finds "
            "the turn gone",
            ours=True,
            spare={
                **night.ENDED,
                "FOR NO KEY UPDATE OF pricing_product": "the steps take turns here; whoever "
                "changes the price meanwhile asks for its version (price_edits_lose_nothing)",
            },
        ),
    ),
    why="Neither sees the other's correction until it is committed, so both find the difference.",
    cure="One at a time; and a repair that compares with the row held, or has a name of its own.",
    refuses="outbox_one_reconciliation_runs",
)
