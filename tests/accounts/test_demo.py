"""Demo accounts: only beside embedded servers, with a password that only this home knows."""

import stat

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from config.accounts import demo
from pricing.models import Product

pytestmark = pytest.mark.django_db


def test_with_servers_of_ones_own_there_are_no_demo_accounts(settings, tmp_path, monkeypatch):
    settings.EMBEDDED = False
    monkeypatch.setenv("ONCEPROOF_HOME", str(tmp_path))

    with pytest.raises(CommandError, match="embedded"):
        call_command("demo")

    assert not User.objects.exists()
    assert not Product.objects.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_the_command_makes_accounts_and_products_and_again_changes_nothing(
    settings, tmp_path, monkeypatch
):
    settings.EMBEDDED = True
    monkeypatch.setenv("ONCEPROOF_HOME", str(tmp_path))

    call_command("demo")
    before = _everything()
    call_command("demo")

    assert _everything() == before
    assert {user[0] for user in before[0]} == {"viewer", "operator", "admin"}
    assert before[1]
    assert all(sku.startswith("DEMO-") for sku, _ in before[1])


def test_each_demo_account_can_sign_in_with_the_password_that_the_start_prints(tmp_path):
    secret = demo.ensure_accounts(embedded=True, home=tmp_path)

    assert secret == demo.password(tmp_path)
    for name in ("viewer", "operator", "admin"):
        assert Client().login(username=name, password=secret)


def test_the_password_is_made_up_once_per_home_and_only_its_owner_reads_it(tmp_path):
    (here := tmp_path / "here").mkdir()
    (there := tmp_path / "there").mkdir()

    assert demo.password(here) == demo.password(here)
    assert demo.password(here) != demo.password(there)
    assert len(demo.password(here)) >= 12
    mode = stat.S_IMODE((here / "demo-password").stat().st_mode)
    assert mode == 0o600


def test_a_home_with_another_password_resets_it(tmp_path):
    demo.ensure_accounts(embedded=True, home=tmp_path / "one")
    secret = demo.ensure_accounts(embedded=True, home=tmp_path / "two")

    assert Client().login(username="operator", password=secret)


def _everything() -> tuple[list, list]:
    return (
        list(User.objects.order_by("pk").values_list("username", "password", "is_staff")),
        list(Product.objects.order_by("pk").values_list("sku", "price")),
    )
