"""API tokens, and a count of sign-ins that are being tried."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class ApiToken(models.Model):
    """A bearer token, of which only the SHA-256 is stored: whoever reads this table cannot act.

    A plain hash is enough, since a token is 256 random bits and no password.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    digest = models.CharField(max_length=64, editable=False)
    hint = models.CharField(max_length=12, editable=False, help_text="How the token begins.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "API token"
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="api_token_digest_once"),
            models.CheckConstraint(
                condition=models.Q(digest__regex=r"^[0-9a-f]{64}$"),
                name="api_token_stored_as_sha256_only",
            ),
        ]

    def __str__(self) -> str:
        """Name the token without giving it away."""
        return f"{self.hint}…"


class SignInAttempts(models.Model):
    """How many sign-ins somebody tried since ``since``: one row per name and address, or address.

    The subject is a hash: people type passwords into the name field.
    """

    subject = models.CharField(max_length=64, primary_key=True)
    tried = models.PositiveIntegerField()
    since = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "sign-in attempts"

    def __str__(self) -> str:
        """Show the count."""
        return f"{self.tried} since {self.since}"
