"""Two web processes start two campaigns at once: the credits reach for one of them."""

from django.db import transaction
from django.db.models import F

from credits import services
from credits.models import TextMessage
from races import club
from races.explorer import Question
from races.models import Account, Effect
from races.scenario import Form, Scenario, alone


def setup() -> None:
    Account.objects.create(pk=1, credits=1)


def check() -> None:
    texts, left = Effect.objects.count(), Account.objects.get(pk=1).credits
    assert (texts, left) == (1, 0), f"{texts} texts are reserved on 1 credit, {left} left"


def check_then_insert() -> None:
    with transaction.atomic():
        if Account.objects.get(pk=1).credits >= 1:
            Effect.objects.create(operation="text")
            Account.objects.filter(pk=1).update(credits=F("credits") - 1)


def insert_then_guarded_update() -> None:
    with transaction.atomic():
        Effect.objects.create(operation="text")
        enough = Account.objects.filter(pk=1, credits__gte=1)
        if not enough.update(credits=F("credits") - 1):
            transaction.set_rollback(True)


def setup_ours() -> None:
    club.found(paid=1)


def start() -> str:
    try:
        services.start_campaign(community=club.SLUG, text="Hello", actor="race")
    except services.TooFewCredits as refusal:
        return f"refused: {refusal.missing} missing"
    return "started"


def check_ours() -> None:
    community = club.community()
    seen = (community.credits, community.held, TextMessage.objects.count())
    assert seen == (0, 1, 1), f"credits, held, texts are {seen}"
    club.assert_sums_agree()


SCENARIO = Scenario(
    claim="Two campaigns spend no credit twice",
    naive=(
        Form(
            "check, then insert",
            Question((check_then_insert,) * 2, alone(check), setup),
            "both see one credit, both insert their text",
        ),
    ),
    holds=(
        Form(
            "insert, then a guarded update",
            Question((insert_then_guarded_update,) * 2, alone(check), setup, kills=1),
            "the account's row comes last; who finds too little takes back everything",
        ),
        Form(
            "start_campaign",
            Question(
                (start,) * 2, alone(check_ours), setup_ours, kills=1, bound=1, deaths_within=0
            ),
            "our service, on a community with one member and one credit",
            ours=True,
            spare={
                "member.community_id =": "it says whose members are meant, and there is one "
                "community here",
                "opted_out_at": "whom not to write to; nobody has opted out here",
                "price.segments": "what a text costs must be known, and here it is",
                "budget": "how many to begin with; the guarded update refuses what is too much",
            },
        ),
    ),
    why=(
        "Each web process checks the credits before it inserts its texts. Both checks are done "
        "before either has taken anything."
    ),
    cure="Take the credits by an update that carries its condition, and look at its row count.",
)
