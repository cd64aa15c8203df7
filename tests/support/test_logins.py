"""Signing in: the lock-out, and the second factor where it is asked for."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from config.desk import Desk
from support.admin.logins import TokenAuthenticationForm

PASSWORD = "lantern-press-at-night"


@pytest.fixture
def lou(db: None) -> User:
    return User.objects.create_user("lou", password=PASSWORD, is_staff=True)


def test_the_fifth_wrong_password_locks_and_says_so(lou: User) -> None:
    client = Client()
    for _ in range(5):
        answer = client.post("/admin/login/", {"username": "lou", "password": "wrong"})
    assert answer.status_code == 429 and b"Locked for a while" in answer.content
    assert client.post("/admin/login/", {"username": "lou", "password": PASSWORD}).status_code == 429


def form(lou: User, token: str) -> TokenAuthenticationForm:
    request: Any = RequestFactory().post("/admin/login/")
    return TokenAuthenticationForm(request, {"username": "lou", "password": PASSWORD, "otp_token": token})


def test_with_a_second_factor_the_password_alone_is_not_enough(lou: User, settings: Any) -> None:
    settings.STAFF_MFA = True
    assert Desk().login_form is TokenAuthenticationForm
    client = Client()
    client.force_login(lou)
    assert client.get("/admin/").status_code == 302
    assert not form(lou, "").is_valid()


def test_a_code_works_once(lou: User) -> None:
    device = TOTPDevice.objects.create(user=lou, name="phone")
    code = f"{TOTP(device.bin_key).token():06d}"
    assert form(lou, code).is_valid()
    assert not form(lou, code).is_valid()


def test_a_static_code_works_once(lou: User) -> None:
    StaticDevice.objects.create(user=lou, name="paper").token_set.create(token="a4f7k2m9")
    assert form(lou, "a4f7k2m9").is_valid()
    assert not form(lou, "a4f7k2m9").is_valid()
