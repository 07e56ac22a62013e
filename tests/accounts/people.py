"""Accounts for tests, in the roles that migration made."""

from django.contrib.auth.models import Group, User
from django.test import Client

PASSWORD = "a password of the tests"


def make_user(role: str = "", name: str = "", password: str | None = None) -> User:
    """A user in a role, or in none. Without a password they can only be signed in by force."""
    user = User.objects.create_user(name or role or "nobody", password=password)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def signed_in(role: str = "") -> Client:
    """A browser in which somebody of this role is signed in; it checks CSRF tokens."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(role))
    return client
