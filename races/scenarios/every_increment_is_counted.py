"""Two workers count at once, and perhaps make the counter: nothing is lost, and there is one."""

from django.db import connection, transaction
from django.db.models import F

from credits.models import DailyCount
from credits.quota import daily
from races import club
from races.explorer import Question
from races.models import Account, Effect, Job
from races.scenario import Form, Scenario, alone

# A death after the commit counts again when the job comes again, and rightly so: what is compared
# is the counter and what was counted, which commit together.


def setup() -> None:
    Account.objects.create(pk=1, credits=0)


def counted() -> int:
    return sum(Account.objects.values_list("credits", flat=True))


def check() -> None:
    done = Effect.objects.count()
    assert counted() == done, f"{done} things were done, and {counted()} are counted"


def check_one_counter() -> None:
    counters = Job.objects.count()
    assert counters == 1, f"{counters} counters where there should be one"


def find_add_save() -> None:
    with transaction.atomic():
        Effect.objects.create(operation="done")
        account, _ = Account.objects.get_or_create(pk=1)
        account.credits += 1
        account.save()


def find_without_an_index() -> None:
    """Nothing says that there is one counter of this name, so there are two."""
    with transaction.atomic():
        counter, _ = Job.objects.get_or_create(state="counter")
        Job.objects.filter(pk=counter.pk).update(failures=F("failures") + 1)


def find_then_add_in_place() -> None:
    with transaction.atomic():
        Effect.objects.create(operation="done")
        Account.objects.get_or_create(pk=1)
        Account.objects.filter(pk=1).update(credits=F("credits") + 1)


def upsert() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        Effect.objects.create(operation="done")
        cursor.execute(
            "INSERT INTO races_account (id, credits, version, token) VALUES (1, 1, 0, 0) "
            "ON CONFLICT (id) DO UPDATE SET credits = races_account.credits + 1"
        )


def setup_ours() -> None:
    from credits.models import Community

    club.found(members=0)
    Community.objects.update(daily_cap=5)


def take() -> None:
    with transaction.atomic():
        Effect.objects.create(operation="done")
        daily.take(club.community())


def check_ours() -> None:
    done, taken = Effect.objects.count(), sum(DailyCount.objects.values_list("texts", flat=True))
    assert taken == done, f"{done} texts were begun, and {taken} are counted"


SCENARIO = Scenario(
    claim="Every increment is counted",
    naive=(
        Form(
            "find or create, add, save",
            Question((find_add_save,) * 2, alone(check), setup),
            "in a transaction; of eight increments at once two were left",
        ),
        Form(
            "find or create without a unique index",
            Question((find_without_an_index,) * 2, alone(check_one_counter)),
            "each finds none and makes its own",
        ),
    ),
    holds=(
        Form(
            "find or create, then F()",
            Question((find_then_add_in_place,) * 2, alone(check), kills=1),
            "the primary key lets one of them create it, and the database adds",
            constraints=[("races_account", "races_account_pkey")],
        ),
        Form(
            "upsert",
            Question((upsert,) * 2, alone(check), kills=1),
            "INSERT … ON CONFLICT DO UPDATE: making it and adding to it are one statement",
            constraints=[("races_account", "races_account_pkey")],
            spare={"races_account_pkey": "two rows add up as well, each with what was its own"},
        ),
        Form(
            "daily.take",
            Question((take,) * 2, alone(check_ours), setup_ours, kills=1),
            "ours: the texts of a community's day, counted in one upsert",
            ours=True,
            spare={
                **club.ROOM_FOR_ALL,
                "daily_count_once_per_community_and_day": "two rows for a day add up as well; the "
                "cap needs one (two_accounts_stay_within_one_quota)",
            },
            constraints=[("credits_dailycount", "daily_count_once_per_community_and_day")],
        ),
        Form(
            "daily.take, three",
            Question((take,) * 3, alone(check_ours), setup_ours),
            "the same for three texts at once",
            ours=True,
        ),
    ),
    why=(
        "The transaction does not keep the other out: both read the same number and both write "
        "the next one. And where no index says that there is one counter, both make it."
    ),
    cure="A unique index, and let the database add: F(), or an upsert.",
    refuses="The counter's primary key; credits_dailycount's unique constraint.",
)
