"""Two parts run side by side, and the last one to end has to finish the whole."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from credits import evidence
from credits.models import Campaign, TextMessage
from credits.services import drive
from outbox.models import Message
from races import club
from races.explorer import Killed, Outcome, Question
from races.models import Account, Job
from races.scenario import Form, Scenario, alone

PARTS = 2


def setup() -> None:
    Account.objects.create(pk=1, credits=PARTS)
    for part in range(PARTS):
        Job.objects.create(pk=part + 1)


def check() -> None:
    whole = Account.objects.get(pk=1).version
    assert whole == 1, f"both parts are done, and the whole was finished {whole} times"


def finish_the_whole() -> None:
    Account.objects.filter(pk=1).update(version=F("version") + 1)


def end_then_look(part: int) -> None:
    with transaction.atomic():
        Job.objects.filter(pk=part).update(state="done")
        if not Job.objects.exclude(state="done").exists():
            finish_the_whole()


def end_under_the_parents_lock(part: int) -> None:
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=1)
        ended = Job.objects.filter(pk=part, state="pending").update(state="done")
        if ended and not Job.objects.exclude(state="done").exists():
            finish_the_whole()


def end_and_count_down(part: int) -> None:
    with transaction.atomic():
        ended = Job.objects.filter(pk=part, state="pending").update(state="done")
        Account.objects.filter(pk=1).update(credits=F("credits") - ended)
        if ended and Account.objects.get(pk=1).credits == 0:
            finish_the_whole()


def first_then_looks() -> None:
    end_then_look(1)


def second_then_looks() -> None:
    end_then_look(2)


def first_under_lock() -> None:
    end_under_the_parents_lock(1)


def second_under_lock() -> None:
    end_under_the_parents_lock(2)


def first_counts() -> None:
    end_and_count_down(1)


def second_counts() -> None:
    end_and_count_down(2)


def setup_ours() -> None:
    club.campaign()
    TextMessage.objects.update(handed_at=Now())


def the_text_arrives() -> None:
    with transaction.atomic():
        text = TextMessage.objects.locked().select_related("campaign").get()
        evidence.sent(text, sid="SM1", by="reply")


def the_driver_looks() -> None:
    campaign = Campaign.objects.get()
    drive.drive_campaign(campaign_id=str(campaign.pk), turn=campaign.turn)


def check_ours(outcomes: Sequence[Outcome]) -> None:
    """The first look is the setup's own; its message is still there if the look has died."""
    status = Campaign.objects.get().status
    looks = Message.objects.filter(handler="credits.drive_campaign", state="pending").count()
    died = any(each.worker == "B" and isinstance(each.error, Killed) for each in outcomes)
    finished, goes_on = status == "finished", looks > 1
    never_looked = died and (status, looks) == ("running", 1)
    assert finished != goes_on or never_looked, (
        f"the campaign is {status}, and {looks - 1} looks will follow"
    )
    club.assert_sums_agree()


SENT_ONCE = "what is handed out in vain is not sent: send_text looks at the text while it holds it"

SCENARIO = Scenario(
    claim="The last one finishes the whole",
    naive=(
        Form(
            "end, then look",
            Question((first_then_looks, second_then_looks), alone(check), setup),
            "each sees the other one's part as it was before: nobody is the last",
        ),
    ),
    holds=(
        Form(
            "the parent's lock",
            Question((first_under_lock, second_under_lock), alone(check), setup, kills=1),
            "they take turns, and the second one sees the first one's end",
        ),
        Form(
            "a counter",
            Question((first_counts, second_counts), alone(check), setup, kills=1),
            "its update waits for the other's commit, and one of them counts to zero",
            spare={
                "races_job.state": "against a part that ends twice: the whole would be finished "
                "too early, and once all the same, which is what is checked",
            },
        ),
        Form(
            "drive_campaign",
            Question(
                (the_text_arrives, the_driver_looks),
                check_ours,
                setup_ours,
                kills=1,
                comes_again=lambda worker: worker == "A",
                deaths_within=0,
            ),
            "ours, of a campaign's texts: no text finishes it; its driver looks until none is open",
            ours=True,
            spare={
                "FOR NO KEY UPDATE OF credits_textmessage": "against a second proof about the same "
                "text (a_refund_is_made_once)",
                "FOR NO KEY UPDATE OF credits_campaign": "against who pauses or cancels it",
                "FOR NO KEY UPDATE in WITH next": "against the end of a campaign, which skips the "
                "texts that it finds",
                "held >=": "nobody gives back more than is held; a CHECK says so as well",
                "campaign_id =": "it says whose texts are meant, and there is one campaign here",
                "state = 'queued' in WITH next": SENT_ONCE,
                "handed_at IS NULL": SENT_ONCE,
            },
        ),
    ),
    why=(
        "Under READ COMMITTED neither sees what the other has not committed. Both end their part, "
        "both find the other one open, and both leave the whole to the other."
    ),
    cure=(
        "Let them meet in one row: the parent's lock, or a counter that is counted down. Or let "
        "one who comes back look, until there is nothing open."
    ),
)
