"""A provider without idempotency keys, and a worker that dies: at most one text, none for free."""

from django.db import transaction
from django.db.models import F

from credits import services
from races import club
from races.explorer import Question
from races.models import Account, Job
from races.scenario import Form, Scenario, alone


def setup() -> None:
    Account.objects.create(pk=1, credits=1)
    Job.objects.create(pk=1, state="queued")


def check() -> None:
    sent, left = len(club.sent), Account.objects.get(pk=1).credits
    assert sent <= 1, f"{sent} texts went to one member"
    assert sent + left <= 1, f"{sent} text was sent and {left} credit is left: nobody paid"


def call_then_pay() -> None:
    if Job.objects.get(pk=1).state != "queued":
        return
    club.call_provider()
    with transaction.atomic():
        Job.objects.filter(pk=1).update(state="sent")
        Account.objects.filter(pk=1).update(credits=F("credits") - 1)


def call_inside_the_transaction() -> None:
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=1)
        if job.state == "queued":
            Account.objects.filter(pk=1).update(credits=F("credits") - 1)
            job.state = "sent"
            job.save()
            club.call_provider()


def reserve_then_call() -> None:
    """Who dies in between leaves "sending" behind: an unknown outcome, to be settled."""
    with transaction.atomic():
        begun = Job.objects.filter(pk=1, state="queued").update(state="sending")
        if begun:
            Account.objects.filter(pk=1).update(credits=F("credits") - 1)
    if begun:
        club.call_provider()
        Job.objects.filter(pk=1, state="sending").update(state="sent")


def setup_ours() -> None:
    club.campaign()


def send() -> None:
    with transaction.atomic():
        services.send_text(text_id=club.text().pk)


def check_ours() -> None:
    sent, text, community = len(club.sent), club.text(), club.community()
    assert sent <= 1, f"{sent} texts went to one member"
    assert text.state != "sent" or sent == 1, "the text is said to be sent, and was not"
    assert not sent or text.state in ("sending", "sent"), f"it was sent, and is {text.state}"
    assert community.credits == 0, f"{sent} text was sent and {community.credits} credit is left"
    club.assert_sums_agree()


SPARE = {
    "FOR NO KEY UPDATE OF credits_textmessage": "the claim is an update with a condition, whose "
    "count is checked, and the token is asked for once more before the call",
    "credits_textmessage.state": "a second line behind the row lock under which the state is read",
    "held >=": "nobody gives back more than is held; a CHECK says so as well",
}

SCENARIO = Scenario(
    claim="A text that is sent is paid, and sent once",
    naive=(
        Form(
            "call, then pay",
            Question(
                (call_then_pay,) * 2, alone(check), setup, begin=club.forget_provider, kills=1
            ),
            "two workers, or one that dies after the call",
        ),
        Form(
            "call inside the transaction",
            Question(
                (call_inside_the_transaction,),
                alone(check),
                setup,
                begin=club.forget_provider,
                kills=1,
            ),
            "the rollback takes back the payment, and not the text",
        ),
    ),
    holds=(
        Form(
            "reserve, call, settle",
            Question(
                (reserve_then_call,) * 2, alone(check), setup, begin=club.forget_provider, kills=1
            ),
            "the intent is committed before the call; nobody begins it twice",
        ),
        Form(
            "send_text",
            Question(
                (send,),
                alone(check_ours),
                setup_ours,
                begin=club.forget_provider,
                around=club.provider,
                kills=1,
            ),
            "our service, killed at every point and run again: the call is a hook after the commit "
            "of “sending”",
            ours=True,
            spare=SPARE,
        ),
        Form(
            "send_text, delivered twice",
            Question(
                (send,) * 2,
                alone(check_ours),
                setup_ours,
                begin=club.forget_provider,
                around=club.provider,
                kills=1,
                bound=1,
                deaths_within=0,
            ),
            "our service, twice at once: the second one finds it begun",
            ours=True,
            spare=SPARE,
        ),
    ),
    why=(
        "The provider is in no transaction. Called before the commit, the text goes out and the "
        "payment may vanish; whoever comes again calls again."
    ),
    cure=(
        "Commit the intent first, then call, then commit the result. What dies in between is an "
        "unknown outcome: settle it by callback or listing, never by calling again."
    ),
)
