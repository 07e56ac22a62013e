"""A limit on calls, kept by counting them: each call that is let in counts, once, and no other."""

from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.db.models import F

from credits import services
from credits.models import Community, DailyCount
from races import club, counter
from races.explorer import Question
from races.models import Account, Effect, Receipt
from races.scenario import Form, Scenario, alone

LIMIT = 1


def call() -> None:
    Effect.objects.create(operation="call")


def refused_ones_count_too() -> None:
    if counter.rise() > LIMIT:
        return
    call()
    counter.fall()


def given_back_at_the_end() -> None:
    """As many as the limit may be inside at once; whoever dies inside stays there."""
    if counter.rise() > LIMIT:
        counter.fall()
        return
    call()
    counter.fall()


def once_more_for_each_retry() -> None:
    """So many a day. The job comes again after a death, and counts again."""
    if counter.rise() <= 2 * LIMIT:
        Receipt.objects.get_or_create(operation="text 1")


def window_set_by_the_first() -> None:
    if counter.rise() == 1:
        counter.expire_in_a_minute()
    call()


def nobody_is_left_inside() -> None:
    inside = counter.value()
    assert inside == 0, f"nobody is inside, and {inside} are counted"


def check_texts() -> None:
    sent, counted = Receipt.objects.count(), counter.value()
    assert sent == counted, f"{sent} text was sent, and {counted} are counted"


def check_window() -> None:
    assert counter.ends(), "the window never ends: whoever is refused now is refused for ever"


def setup() -> None:
    Account.objects.create(pk=1, credits=0)


def row_for_each_call(text: str) -> Callable[[], None]:
    def count_and_call() -> None:
        try:
            with transaction.atomic():
                Receipt.objects.create(operation=text)
                under = Account.objects.filter(pk=1, credits__lt=LIMIT)
                if under.update(credits=F("credits") + 1):
                    call()
                else:
                    transaction.set_rollback(True)  # refused: nothing is left of it
        except IntegrityError:
            return  # counted when it was done

    return count_and_call


def check_rows() -> None:
    calls, counted = Effect.objects.count(), Account.objects.get(pk=1).credits
    assert calls == counted == LIMIT, f"a limit of {LIMIT}, {calls} calls, {counted} are counted"


def setup_ours() -> None:
    club.campaign()
    Community.objects.update(daily_cap=2)


def send() -> None:
    with transaction.atomic():
        services.send_text(text_id=club.text().pk)


def check_ours() -> None:
    begun = int(club.text().state != "queued")
    counted = sum(DailyCount.objects.values_list("texts", flat=True))
    assert counted == begun, f"{begun} texts were begun, and {counted} are counted"


_COUNTER = {"begin": counter.forget}

SCENARIO = Scenario(
    claim="A limit counts each call once",
    naive=(
        Form(
            "INCR, and refuse above the limit",
            Question((refused_ones_count_too,) * 2, alone(nobody_is_left_inside), **_COUNTER),  # type: ignore[arg-type]
            "refused calls are counted like all others, and never come out again",
        ),
        Form(
            "INCR, and DECR at the end",
            Question((given_back_at_the_end,), alone(nobody_is_left_inside), kills=1, **_COUNTER),  # type: ignore[arg-type]
            "whoever dies inside keeps the slot for ever",
        ),
        Form(
            "INCR for each attempt",
            Question((once_more_for_each_retry,), alone(check_texts), kills=1, **_COUNTER),  # type: ignore[arg-type]
            "the job comes again after a death, and one text counts as two",
        ),
        Form(
            "INCR, then EXPIRE",
            Question((window_set_by_the_first,), alone(check_window), kills=1, **_COUNTER),  # type: ignore[arg-type]
            "a death between the two, and the window has no end",
        ),
    ),
    holds=(
        Form(
            "a row for each call",
            Question(
                (row_for_each_call("text 1"), row_for_each_call("text 2")),
                alone(check_rows),
                setup,
                kills=1,
            ),
            "counted under the call's own name, in the transaction that makes it",
        ),
        Form(
            "send_text under a daily cap",
            Question(
                (send,),
                alone(check_ours),
                setup_ours,
                begin=club.forget_provider,
                around=club.provider,
                kills=1,
            ),
            "our service: the count and “sending” commit together, once per text",
            ours=True,
            spare={
                "FOR NO KEY UPDATE OF credits_textmessage": "one worker sends here "
                "(a_text_that_is_sent_is_paid_and_sent_once)",
                "credits_textmessage.state": "a second line behind the row lock under which the "
                "state is read",
                **club.ROOM_FOR_ALL,
                "held >=": "nobody gives back more than is held; a CHECK says so as well",
            },
        ),
    ),
    why=(
        "A counter in Redis knows how often it was raised. It does not know whether the call was "
        "then made, by whom, and whether that process is still alive."
    ),
    cure=(
        "Count where the work is done, in its transaction and under its name. A rate that may err "
        "to the safe side can stay in Redis, in one script with its own window: our token bucket "
        "is there to be efficient, and the daily cap that must be right is in PostgreSQL."
    ),
)
