"""Two tables that agree are compared while somebody changes both: no alarm."""

from django.db import connection, transaction
from django.db.models import F

from pricing import services
from races import night, shop
from races.explorer import Question
from races.models import Account, Effect, Receipt
from races.scenario import Form, Scenario, alone

PAID = 5
CHECK = "pricing.price_is_not_the_last_change"


def setup() -> None:
    Account.objects.create(pk=1, credits=PAID)


def check() -> None:
    alarms = Receipt.objects.count()
    assert alarms == 0, "an alarm, though nothing was ever wrong"


def deduct() -> None:
    with transaction.atomic():
        Effect.objects.create(operation="text")
        Account.objects.filter(pk=1).update(credits=F("credits") - 1)


def alarm_unless(left: int, spent: int) -> None:
    if left != PAID - spent:
        Receipt.objects.create(operation="alarm")


def two_statements() -> None:
    with transaction.atomic():
        left = Account.objects.get(pk=1).credits
        alarm_unless(left, Effect.objects.count())


def one_statement() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT credits, (SELECT count(*) FROM races_effect) FROM races_account WHERE id = 1"
        )
        alarm_unless(*cursor.fetchone())


def one_snapshot() -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        left = Account.objects.get(pk=1).credits
        alarm_unless(left, Effect.objects.count())


def setup_ours() -> None:
    shop.stock("A")
    night.begin(CHECK)


def edit() -> None:
    services.edit_product(
        sku="A", based_on_revision=1, name="A", category="Books", price="80.00", floor="0.00",
        actor="race",
    )  # fmt: skip


def check_ours() -> None:
    shop.assert_history_agrees()
    assert shop.price() == 80, f"an edit to 80 made {shop.price():.0f}"
    assert night.findings() == [], "an alarm, though nothing was ever wrong"


SCENARIO = Scenario(
    claim="A comparison is made in one snapshot",
    naive=(
        Form(
            "two statements",
            Question((two_statements, deduct), alone(check), setup),
            "in one transaction, where each statement sees what was committed before it",
        ),
    ),
    holds=(
        Form(
            "one statement",
            Question((one_statement, deduct), alone(check), setup, kills=1),
            "a statement sees one moment",
        ),
        Form(
            "REPEATABLE READ",
            Question((one_snapshot, deduct), alone(check), setup, kills=1),
            "a transaction that sees one moment",
        ),
        Form(
            "reconciliation and edit_product",
            Question((night.compare, edit), alone(check_ours), setup_ours, kills=1),
            "ours: the page is one statement, and what it suspects is looked at again with its row "
            "held; either is killed anywhere",
            ours=True,
            spare={
                **night.ONE_DRIVES,
                "FOR NO KEY UPDATE OF pricing_product": "the edit's version column refuses it as "
                "well (price_edits_lose_nothing)",
                "in UPDATE pricing_product": "one editor works here; it keeps two of them apart "
                "(price_edits_lose_nothing)",
            },
        ),
    ),
    why=(
        "Under READ COMMITTED each statement has a snapshot of its own. What commits between two "
        "of them is in the second and not in the first."
    ),
    cure="One statement; or one snapshot; or hold what every writer must write, and look again.",
)
