"""One click ends what nobody has to send (RFC 8058); looking ends nothing; what was bought still comes."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from fulfillment.actions import emails, reminders
from fulfillment.actions.claims import send
from fulfillment.models import Email, PageRoute, Suppression
from fulfillment.providers import outcomes
from profiles.models import AuditEntry, Profile
from tests.buyers import Buyer, buyer
from tests.fulfillment.conftest import Later
from tests.servers import MailServer
from tests.stage import BY, Stage

ONE_CLICK = "List-Unsubscribe=One-Click"


@pytest.fixture
def bob(db: None, smtp: MailServer, later: Later) -> Buyer:
    """Somebody who was reminded once."""
    made = buyer(Stage(), smtp)
    made.buy()
    later(25)
    made.stage.work()
    assert len(made.smtp.messages) == 2
    return made


def header(bob: Buyer, name: str) -> str:
    return str(bob.smtp.messages[-1].message.get(name, ""))


def address(bob: Buyer) -> str:
    found = re.search(r"<http://testserver(/unsubscribe/[0-9a-f]{64})>", header(bob, "List-Unsubscribe"))
    assert found, header(bob, "List-Unsubscribe")
    return found[1]


def live(bob: Buyer) -> list[str]:
    with bob.stage.inside():
        return list(Suppression.objects.filter(lifted_at__isnull=True).values_list("reason", flat=True))


def test_the_reminder_carries_both_headers_and_the_same_address_in_both_parts(bob: Buyer) -> None:
    assert header(bob, "List-Unsubscribe-Post") == ONE_CLICK
    mail = bob.smtp.messages[-1]
    assert address(bob) in mail.text() and address(bob) in mail.text("html")
    assert "List-Unsubscribe" not in bob.smtp.messages[0].message, "a receipt is owed"


def test_the_headers_are_fit_to_leave_the_house(bob: Buyer) -> None:
    with bob.stage.inside():
        mail = Email.objects.get(template="reminder")
        organization = mail.organization
        organization.support_email = "help@lantern.example"
        mail.text = f"http://testserver{address(bob)}"
        said = emails.compose(mail, organization)
    assert outcomes.fault(said) is None
    assert said.headers["List-Unsubscribe"] == (
        f"<http://testserver{address(bob)}>, <mailto:help@lantern.example?subject=unsubscribe>"
    )


def test_only_the_hash_of_the_secret_is_kept(bob: Buyer) -> None:
    secret = address(bob).rpartition("/")[2]
    with bob.stage.inside():
        mail = Email.objects.get(template="reminder")
    assert secret not in mail.text + mail.html + mail.secrets
    assert PageRoute.objects.filter(email_id=mail.pk).count() == 1


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing(bob: Buyer, method: str) -> None:
    answer = getattr(bob.client, method)(address(bob))
    assert answer.status_code == 200 and live(bob) == []
    assert answer["Cache-Control"] == "no-store, private" and answer["Referrer-Policy"] == "no-referrer"
    if method == "get":
        assert "b•••@example.org" in answer.content.decode() and bob.address not in answer.content.decode()


def test_a_mail_service_presses_it_without_a_cookie_and_any_number_of_times(bob: Buyer) -> None:
    service = Client(enforce_csrf_checks=True)
    for _ in range(2):
        answer = service.post(address(bob), ONE_CLICK, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 200
    assert live(bob) == ["unsubscribed"]
    with bob.stage.inside():
        assert AuditEntry.objects.filter(action="suppression.added").count() == 1


def test_after_it_what_waited_is_stopped_nothing_new_is_sent_and_purchases_still_arrive(
    bob: Buyer, later: Later
) -> None:
    later(-25)
    bob.buy(9002)
    bob.client.post(address_of_reminder(bob))
    with bob.stage.inside():
        assert set(bob.rows().values()) <= {"sent", "stopped unsubscribed"}
    later(25)
    bob.buy(9003)
    later(25)
    bob.stage.work()
    assert bob.mails("reminder") == 1 and bob.mails("receipt") == 3
    with bob.stage.inside():
        assert "no such mail" in reminders.ready(Profile.objects.get()).cannot
        send(Profile.objects.get(), by=BY, because="They asked for it", key="1")
    bob.stage.work()
    assert bob.mails("claim") == 1, "what a customer asks for is sent"


def address_of_reminder(bob: Buyer) -> str:
    mail = next(one for one in bob.smtp.messages if "List-Unsubscribe" in one.message)
    found = re.search(r"/unsubscribe/[0-9a-f]{64}", mail.text())
    assert found
    return found[0]


def test_who_changes_their_mind_is_written_to_again(bob: Buyer, later: Later) -> None:
    later(-25)
    bob.buy(9002)
    url = address_of_reminder(bob)
    assert "I changed my mind" in bob.client.post(url).content.decode()
    assert "Good to have you back" in bob.client.post(url, {"what": "back"}).content.decode()
    assert live(bob) == []
    with bob.stage.inside():
        assert not [state for state in bob.rows().values() if "unsubscribed" in state]
    bob.client.post(url, {"what": "back"})
    assert live(bob) == []


def test_a_change_of_mind_lifts_no_complaint(bob: Buyer) -> None:
    with bob.stage.inside():
        Suppression.objects.create(
            organization=bob.stage.organization, address=bob.address, reason="complained", since="2026-01-01T00:00Z"
        )
    bob.client.post(address(bob))
    bob.client.post(address(bob), {"what": "back"})
    assert live(bob) == ["complained"]


def test_another_site_cannot_press_it(bob: Buyer) -> None:
    answer = bob.client.post(address(bob), headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200 and live(bob) == []


def test_an_address_that_is_none_says_so_to_everybody_alike(bob: Buyer) -> None:
    for secret in ("0" * 64, "x", "0" * 63 + "%00"):
        assert bob.client.post(f"/unsubscribe/{secret}").status_code == 404
        assert bob.client.get(f"/intake/{secret}").status_code == 404
    assert bob.client.get(address(bob).replace("unsubscribe", "intake")).status_code == 404
    assert bob.client.delete(address(bob)).status_code == 405
    assert live(bob) == []


def test_the_reminder_of_what_waits_to_be_claimed_can_be_unsubscribed_too(bob: Buyer, later: Later) -> None:
    later(24 * 7)
    bob.stage.work()
    assert bob.mails("reminder") == 2 and header(bob, "List-Unsubscribe-Post") == ONE_CLICK
    bob.client.post(address(bob))
    assert live(bob) == ["unsubscribed"]
    later(24 * 21)
    bob.stage.work()
    assert bob.mails("reminder") == 2
