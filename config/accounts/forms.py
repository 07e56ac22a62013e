"""The sign-in form."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from . import addresses, throttle


class SignInForm(AuthenticationForm):
    """Refuses before it looks at the password, when too many were tried."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make the controls look like ours."""
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "input"

    def clean(self) -> dict[str, object]:
        """Take an attempt, check the password, give the attempt back if it was right."""
        attempt = {
            "name": self.cleaned_data.get("username", ""),
            "address": addresses.client_address(self.request),
        }
        if not throttle.take_attempt(**attempt):
            raise ValidationError(
                "Too many attempts. Wait 15 minutes, or ask an admin for a new password.",
                code="throttled",
            )
        cleaned = super().clean()
        throttle.give_back(**attempt)
        return cleaned
