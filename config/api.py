"""The API under ``/api/v1``: who may use it, how often, and how it says no.

Routers live in the apps. Without a role one sees nothing; an endpoint that acts asks for its own
permission and raises ``ninja.errors.AuthorizationError``. A test walks all of them.
"""

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthorizationError
from ninja.openapi.schema import OpenAPISchema
from ninja.security import HttpBearer

from . import api_description, api_errors
from .accounts import tokens
from .api_limits import StrictJson, TokenRate

#: Modules that bring a ``router``. An app that is not there yet brings none.
ROUTERS = ("pricing.api", "credits.api", "orders.api")


class TokenAuth(HttpBearer):
    """A bearer token, as ``manage.py api_token USER`` prints it."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """Return the token's user, and make them the request's user; None: 401."""
        found = tokens.find_token(token=token)
        if found is None:
            return None
        # An account without a role sees nothing here; each endpoint asks for more where it acts.
        if not found.user.get_all_permissions():
            raise AuthorizationError
        request.api_token = found  # type: ignore[attr-defined]
        request.user = found.user
        return found.user


def signed_in_or_token(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Show the API's description to people who are signed in and to programs with a token."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            let_in = request.user.is_authenticated or TokenAuth()(request)
        except AuthorizationError as refusal:  # a token of somebody without a role
            return api.on_exception(request, refusal)
        if let_in:
            return view(request, *args, **kwargs)
        return redirect_to_login(request.get_full_path())

    return guarded


class DescribedAPI(NinjaAPI):
    """Tells also what the frame adds to each operation."""

    def get_openapi_schema(self, **more: Any) -> OpenAPISchema:
        """Ninja's description, and the key and the refusals that every operation has."""
        schema = super().get_openapi_schema(**more)
        api_description.complete(schema)
        return schema


def _build() -> NinjaAPI:
    built = DescribedAPI(
        title="Onceproof",
        version="1",
        description="Every POST needs an `Idempotency-Key`: the same key and body replay the "
        "stored answer. Money is a decimal string. Times are ISO 8601 with a zone.",
        urls_namespace="api-1",
        auth=TokenAuth(),
        throttle=TokenRate(settings.API_REQUESTS_PER_SECOND),
        parser=StrictJson(),
        docs_decorator=signed_in_or_token,
    )
    api_errors.register(built)
    for module in ROUTERS:
        if find_spec(module):
            built.add_router("", import_module(module).router)
    return built


api = _build()
