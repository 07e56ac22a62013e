"""The forms of the credits pages. `credits.inputs` says what is allowed; a form only translates."""

from typing import Any
from uuid import uuid4

from django import forms

from credits.models import Campaign, Community
from intake.forms import PageForm
from intake.moments import in_utc


class CommunityForm(PageForm):
    """Create a community."""

    name = forms.CharField(max_length=200)
    slug = forms.CharField(
        max_length=64,
        label="Slug",
        help_text="Its name in addresses and commands, such as book-club.",
    )


class RulesForm(PageForm):
    """How much a community sends a day, and what becomes of unknown outcomes."""

    daily_cap = forms.IntegerField(
        required=False,
        min_value=0,
        label="Texts a day",
        help_text="UTC days. Empty: no cap.",
    )
    unknown_policy = forms.ChoiceField(
        label="If a text's outcome stays unknown",
        choices=Community.UnknownPolicy.choices,
        widget=forms.RadioSelect,
    )


class BuyForm(PageForm):
    """Buy credits. The key is made when the form is shown, so one form buys once."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    amount = forms.CharField(
        max_length=12,
        label="Credits",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "placeholder": "100"}),
    )


class CampaignForm(PageForm):
    """Start a campaign. However often one rendered form is sent, it starts one."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    community = forms.ChoiceField()
    text = forms.CharField(
        max_length=2_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5, "placeholder": "Hello {name}, we meet on Friday."}),
        help_text="{name} and {community} are filled in. A segment costs a credit: 160 plain "
        "characters, or 70 with others, such as emoji.",
    )
    shortfall = forms.ChoiceField(
        label="If the credits do not reach everybody",
        choices=[
            (Campaign.Shortfall.REFUSE, "Send nothing, and say how many are missing"),
            (Campaign.Shortfall.SEND_WHAT_FITS, "Send to as many as they reach"),
        ],
        widget=forms.RadioSelect,
        initial=Campaign.Shortfall.REFUSE,
    )
    deadline = forms.CharField(
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"placeholder": "none"}),
        help_text="Nothing is sent after it. UTC unless it carries an offset: "
        "2030-01-31 09:00 or 2030-01-31 09:00+01:00.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the communities that there are."""
        super().__init__(*args, **kwargs)
        named = Community.objects.order_by("name").values_list("slug", "name", "credits")[:500]
        self.fields["community"].choices = [  # type: ignore[attr-defined]
            (slug, f"{name} ({credits} credits)") for slug, name, credits in named
        ]

    def request(self) -> dict[str, Any]:
        """The arguments of `services.start_campaign` but for actor and key."""
        asked = self.cleaned_data
        return {
            "community": asked["community"],
            "text": asked["text"],
            "shortfall": asked["shortfall"],
            "deadline": in_utc(asked["deadline"]) or None,
        }
