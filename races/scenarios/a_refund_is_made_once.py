"""A text failed; a callback and a listing both say so: its credits come back once."""

from django.db import IntegrityError, transaction
from django.db.models import F

from credits import evidence
from credits.models import TextMessage
from races import club
from races.explorer import Question
from races.models import Account, Job, Receipt
from races.scenario import Form, Scenario, alone


def setup() -> None:
    Account.objects.create(pk=1, credits=0)
    Job.objects.create(pk=1, state="sending")


def check() -> None:
    back = Account.objects.get(pk=1).credits
    assert back == 1, f"one credit was to come back, and {back} did"


def look_then_refund() -> None:
    with transaction.atomic():
        job = Job.objects.get(pk=1)
        if job.state == "sending":
            Account.objects.filter(pk=1).update(credits=F("credits") + 1)
            job.state = "failed"
            job.save()


def conditional_update() -> None:
    with transaction.atomic():
        if Job.objects.filter(pk=1, state="sending").update(state="failed"):
            Account.objects.filter(pk=1).update(credits=F("credits") + 1)


def unique_refund() -> None:
    try:
        with transaction.atomic():
            Receipt.objects.create(operation="refund of text 1")
            Account.objects.filter(pk=1).update(credits=F("credits") + 1)
    except IntegrityError:
        return  # refunded already


def setup_ours() -> None:
    club.campaign(paid=5)


def fail() -> None:
    with transaction.atomic():
        text = TextMessage.objects.locked().select_related("campaign").get()
        evidence.failed(text, reason="not in the list", by="listing")


def check_ours() -> None:
    community = club.community()
    seen = (community.credits, community.held)
    assert seen == (5, 0), f"credits and held are {seen}"
    club.assert_sums_agree()


SCENARIO = Scenario(
    claim="A refund is made once",
    naive=(
        Form(
            "look, then refund",
            Question((look_then_refund,) * 2, alone(check), setup),
            "both see it unrefunded",
        ),
    ),
    holds=(
        Form(
            "conditional update",
            Question((conditional_update,) * 2, alone(check), setup, kills=1),
            "the state changes once; the one who changed it refunds",
        ),
        Form(
            "unique refund",
            Question((unique_refund,) * 2, alone(check), setup, kills=1),
            "whatever the states say, there is one refund of a text",
            constraints=[("races_receipt", "receipt_once_per_operation")],
        ),
        Form(
            "evidence.failed",
            Question((fail,) * 2, alone(check_ours), setup_ours, kills=1),
            "our ledger: the text is held, and its release is unique as well",
            ours=True,
            constraints=[("credits_creditentry", "credit_entry_once_per_operation")],
            spare={
                "held >=": "nobody gives back more than is held; a CHECK says so as well",
                "constraint": "a last line behind the text's row lock, under which its state is "
                "read",
            },
        ),
        Form(
            "evidence.failed, three",
            Question((fail,) * 3, alone(check_ours), setup_ours),
            "the same for three proofs of one failure",
            ours=True,
        ),
    ),
    why="Two proofs of one failure arrive together. Both see a text that is not refunded yet.",
    cure="Change the state by a statement that only one can win, and make the refund unique too.",
    refuses="The unique constraint ends the second refund with 23505.",
)
