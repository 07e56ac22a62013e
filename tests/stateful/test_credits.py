"""Credits: buy, start, send, lose replies, hear callbacks, settle, cancel, in any order.

After each act the community's row, its ledger, its texts, the day's count and the provider's own
log agree with a few plain numbers, and nobody was texted twice. In the end nothing is held.
"""

from collections import Counter

import pytest
from hypothesis.stateful import invariant

from credits import services, sums
from credits.models import Campaign, TextMessage
from outbox.models import Message
from tests.credits.world import work
from tests.stateful import credits_tables as tables
from tests.stateful.credits_stories import Stories
from tests.stateful.credits_world import end_lease, provider
from tests.stateful.model_of_credits import OPEN
from tests.stateful.profiles import Effort, explore


class CreditsMachine(Stories):
    """What must be so after each act, and in the end."""

    # What must be so after each act --------------------------------------------------------------

    @invariant()
    def the_books_agree(self) -> None:
        tables.check(self.slug, self.books)
        said = Campaign.objects.filter(community__slug=self.slug).values_list("pk", "status")
        batches = self.books.batches
        assert dict(said) == {key: batches[name].status for name, key in self.campaigns.items()}

    @invariant()
    def the_provider_texted_nobody_twice(self) -> None:
        texts = TextMessage.objects.filter(campaign__community__slug=self.slug)
        out = [
            number for number, text in self.books.texts.items() if text.truth not in ("", "failed")
        ]
        log = Counter((one["to"], one["body"]) for one in provider[0].log("sms"))
        assert log == Counter((text.phone, text.body) for text in texts if text.pk in out)
        paid = {"sent", "delivered", *OPEN}
        assert all(self.books.texts[number].state in paid for number in out)

    @invariant()
    def somebody_will_go_on(self) -> None:
        tables.check_that_somebody_goes_on(self.slug, self.books)

    def teardown(self) -> None:
        """What is still open is called off and settled: nothing is held any more."""
        if not hasattr(self, "slug"):
            return
        for name, batch in self.books.batches.items():
            if batch.is_open:
                services.cancel_campaign(campaign_id=self.campaign(name).pk, actor="test")
        for text_id in self.texts_in("sending"):
            end_lease(text_id)
        work()
        row = sums.of_community(self.slug)
        assert row is not None
        assert (row.credits, row.held) == (row.entries, 0)
        assert not Message.objects.filter(state="pending").exists()


EFFORT = Effort(examples=25, acts=8)


@pytest.mark.usefixtures("credits_world")
def test_credits_do_what_their_model_does() -> None:
    explore(CreditsMachine, EFFORT)
