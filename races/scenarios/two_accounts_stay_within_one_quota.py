"""Two accounts share one quota, and each checks the sum before it takes: together they overrun."""

from django.db import OperationalError, connection, transaction
from django.db.models import F, Sum

from credits.models import DailyCount
from credits.quota import daily
from races import club
from races.explorer import Question
from races.models import Account
from races.scenario import Form, Scenario, alone

QUOTA = 1
ATTEMPTS = 3


def setup() -> None:
    for account in (1, 2):
        Account.objects.create(pk=account, credits=0)


def used() -> int:
    return Account.objects.aggregate(sum=Sum("credits"))["sum"] or 0


def check() -> None:
    assert used() <= QUOTA, f"a quota of {QUOTA}, and {used()} were taken"


def take(account: int) -> None:
    if used() < QUOTA:
        Account.objects.filter(pk=account).update(credits=F("credits") + 1)


def isolated(account: int, level: str) -> None:
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
                take(account)
            return
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != "40001":
                raise


def first() -> None:
    take(1)


def second() -> None:
    take(2)


def first_repeatable() -> None:
    isolated(1, "REPEATABLE READ")


def second_repeatable() -> None:
    isolated(2, "REPEATABLE READ")


def first_serializable() -> None:
    isolated(1, "SERIALIZABLE")


def second_serializable() -> None:
    isolated(2, "SERIALIZABLE")


def setup_ours() -> None:
    from credits.models import Community

    club.found(members=0)
    Community.objects.update(daily_cap=QUOTA)


def count() -> bool:
    with transaction.atomic():
        return daily.take(club.community()) is not None


def check_ours() -> None:
    taken = sum(DailyCount.objects.values_list("texts", flat=True))
    assert taken == QUOTA, f"a cap of {QUOTA} text a day, and {taken} were counted"


SCENARIO = Scenario(
    claim="Two accounts stay within one quota",
    naive=(
        Form("sum, then take", Question((first, second), alone(check), setup), "each by itself"),
        Form(
            "in one snapshot",
            Question((first_repeatable, second_repeatable), alone(check), setup),
            "REPEATABLE READ: they write different rows, so neither meets the other (write skew)",
        ),
    ),
    holds=(
        Form(
            "serializable",
            Question((first_serializable, second_serializable), alone(check), setup, kills=1),
            "PostgreSQL sees that each read what the other wrote; retried on 40001",
        ),
        Form(
            "the daily cap",
            Question((count, count), alone(check_ours), setup_ours, kills=1),
            "ours: one row for the quota, counted and compared in one upsert",
            ours=True,
            spare=club.ROOM_FOR_ONE,
            constraints=[("credits_dailycount", "daily_count_once_per_community_and_day")],
        ),
        Form(
            "the daily cap, three",
            Question((count,) * 3, alone(check_ours), setup_ours),
            "the same for three texts under a cap of one",
            ours=True,
        ),
    ),
    why=(
        "Each reads both rows and writes only its own. No row is written twice, so no row lock "
        "and no snapshot notices."
    ),
    cure="Make the quota one row that everybody writes; or SERIALIZABLE, and retry.",
    refuses=(
        "Under SERIALIZABLE PostgreSQL ends one of the two with 40001. Ours: "
        "daily_count_once_per_community_and_day."
    ),
)
