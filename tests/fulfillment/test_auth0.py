"""Auth0: what a token must be to be believed, and a claim through it; without an answer our own link takes over."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from django.test import Client

from fulfillment.models import LibrarySession
from fulfillment.providers import auth0
from profiles.models import Identifier, Profile
from tests.guests import BOB, Guest
from tests.servers import MailServer
from tests.stage import Stage
from tests.tenants import CLIENT_ID, CLIENT_SECRET, Auth0Server

CALLBACK = "/claim/auth0/callback"


@pytest.fixture(scope="module")
def _server() -> Iterator[Auth0Server]:
    with Auth0Server() as made:
        yield made


@pytest.fixture
def server(_server: Auth0Server) -> Auth0Server:
    auth0.KEYS.forget()
    _server.started.clear()
    _server.asked.clear()
    _server.claims, _server.token = {}, ""
    return _server


@pytest.fixture
def guest(db: None, smtp: MailServer, server: Auth0Server, settings: Any) -> Guest:
    settings.AUTH0_DOMAIN, settings.AUTH0_CLIENT_ID, settings.AUTH0_CLIENT_SECRET = (
        server.base,
        CLIENT_ID,
        CLIENT_SECRET,
    )
    made = Guest(Stage(), smtp)
    made.buy()
    return made


def asked(guest: Guest, server: Auth0Server) -> str:
    """Press the invitation's button; the state that Auth0 was given."""
    answer = guest.client.post(guest.address_in(guest.smtp.to(BOB)[0].text()))
    assert answer.status_code == 200 and "Look into your mailbox" in answer.content.decode()
    return str(server.started[-1]["authParams"]["state"])


# Tokens ----------------------------------------------------------------------------------------------------------


def tenant(server: Auth0Server) -> auth0.Tenant:
    return auth0.Tenant(server.base, CLIENT_ID, CLIENT_SECRET)


def believed(server: Auth0Server, token: str) -> auth0.Identity:
    return auth0.identity(tenant(server), token, nonce="n", now=int(time.time()), inside=True)


def test_a_true_token_names_its_verified_address(server: Auth0Server) -> None:
    token = server.signed(server.said(email=BOB, nonce="n"))
    assert believed(server, token) == auth0.Identity("email|6738f0c2d1a4b9e0f7c35a18", BOB)
    assert believed(server, server.signed(server.said(email=BOB, nonce="n", aud=[CLIENT_ID])))
    assert server.asked == ["/.well-known/jwks.json"], "the keys are kept"


NOW = int(time.time())
WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example/"},
    "the issuer without its slash": {"iss": None},
    "another audience": {"aud": "another"},
    "two audiences without us as the party": {"aud": [CLIENT_ID, "another"]},
    "expired": {"exp": NOW - 3600},
    "no expiry": {"exp": None},
    "from the future": {"iat": NOW + 3600},
    "another sign-in": {"nonce": "other"},
    "no nonce": {"nonce": None},
    "an address that is not verified": {"email_verified": False},
    "verified as a text": {"email_verified": "true"},
    "no address": {"email": None},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_a_token_that_says_anything_else_proves_nothing(server: Auth0Server, changes: dict[str, Any]) -> None:
    said = server.said(**{"email": BOB, "nonce": "n", **changes})
    if "iss" in changes and changes["iss"] is None:
        said["iss"] = server.base
    with pytest.raises(auth0.Failed):
        believed(server, server.signed(said))


def test_only_our_tenants_rsa_signature_counts(server: Auth0Server) -> None:
    said = server.said(email=BOB, nonce="n")
    token = server.signed(said)
    head, body, signature = token.split(".")
    forged = [
        server.signed(said, header={"alg": "none"}),
        server.signed(said, header={"alg": "HS256"}),
        server.signed(said, header={"kid": "unknown"}),
        f"{head}.{body}.",
        f"{head}.{server.signed({**said, 'email': 'eve@evil.example'}).split('.')[1]}.{signature}",
        "a.b",
        "é.é.é",
        "..",
        f"{body}.{body}.{signature}",
    ]
    for one in forged:
        with pytest.raises(auth0.Failed):
            believed(server, one)
    assert believed(server, token)


def test_a_new_key_of_the_tenant_is_asked_for_once_a_minute_at_most(server: Auth0Server) -> None:
    assert believed(server, server.signed(server.said(email=BOB, nonce="n")))
    server.keys["key-2"] = generate_private_key(65537, 2048)
    try:
        token = server.signed(server.said(email=BOB, nonce="n"), kid="key-2")
        for _ in range(3):
            with pytest.raises(auth0.Failed, match="unknown key"):
                believed(server, token)
        assert server.asked.count("/.well-known/jwks.json") == 1
        auth0.KEYS._asked.clear()
        assert believed(server, token)
    finally:
        del server.keys["key-2"]


# The claim -------------------------------------------------------------------------------------------------------


def test_the_button_starts_auth0s_sign_in_and_its_link_opens_the_library(guest: Guest, server: Auth0Server) -> None:
    state = asked(guest, server)
    start = server.started[0]
    assert start["email"] == BOB and start["send"] == "link" and start["connection"] == "email"
    assert start["authParams"]["redirect_uri"] == "http://testserver/claim/auth0/callback"
    assert server.headers[0]["auth0-forwarded-for"] == "127.0.0.1"
    guest.stage.work()
    assert len(guest.smtp.to(BOB)) == 1, "Auth0 mails it"
    given = {"state": state, "code": "the-code"}
    for _ in range(7):
        page = guest.client.get(CALLBACK, given)
        assert page.status_code == 200 and "Open my library" in page.content.decode()
    assert "/oauth/token" not in server.asked, "looking uses nothing up"
    assert Client().get(CALLBACK, given).status_code == 410, "only the browser that asked may finish"
    assert Client().post(CALLBACK, given).status_code == 410
    opened = guest.client.post(CALLBACK, given, follow=True)
    assert "Tide Atlas" in opened.content.decode()
    guest.client.post("/library/lantern/sign-out")
    assert guest.client.post(CALLBACK, given).status_code == 410, "one time"
    assert guest.client.get(f"/claim/{state}").status_code == 404, "a state is no link of ours"
    with guest.stage.inside():
        assert Profile.objects.get().claimed_at and LibrarySession.objects.count() == 1


def test_without_an_answer_our_own_link_takes_over(guest: Guest, server: Auth0Server, settings: Any) -> None:
    page = guest.client.post(guest.address_in(guest.smtp.to(BOB)[0].text())).content
    settings.AUTH0_DOMAIN = "http://127.0.0.1:9"
    assert guest.client.post(guest.address_in(guest.smtp.to(BOB)[0].text())).content == page
    guest.stage.work()
    assert guest.client.post(guest.address_in(guest.last_mail())).status_code == 303


def test_a_wrong_code_opens_nothing_and_offers_our_link(guest: Guest, server: Auth0Server) -> None:
    state = asked(guest, server)
    page = guest.client.post(CALLBACK, {"state": state, "code": "another"})
    assert page.status_code == 410 and f"/claim/{state}/renew" in page.content.decode()
    with guest.stage.inside():
        assert not LibrarySession.objects.exists()
    assert guest.client.get(CALLBACK, {"state": "0" * 64, "code": "x"}).status_code == 404


def test_another_address_proves_a_second_address_only(guest: Guest, server: Auth0Server) -> None:
    server.claims = {"email": "bob@work.example"}
    state = asked(guest, server)
    page = guest.client.post(CALLBACK, {"state": state, "code": "the-code"})
    assert page.status_code == 410
    with guest.stage.inside():
        assert not LibrarySession.objects.exists() and Profile.objects.get().claimed_at is None
    server.claims = {}
    state = asked(guest, server)
    assert guest.client.post(CALLBACK, {"state": state, "code": "the-code"}).status_code == 303
    state = asked(guest, server)
    server.claims = {"email": "bob@work.example"}
    assert guest.client.post(CALLBACK, {"state": state, "code": "the-code"}).status_code == 303
    with guest.stage.inside():
        assert set(Identifier.objects.values_list("value", flat=True)) == {BOB, "bob@work.example"}


def test_three_settings_are_needed() -> None:
    assert auth0.configured("", "a", "b") is None and auth0.configured("t.auth0.com", "a", "") is None
    made = auth0.configured("t.auth0.com", "a", "b")
    assert made is not None and made.issuer == "https://t.auth0.com/"
