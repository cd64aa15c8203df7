"""Claims at the desk: the claim link, the list of the unclaimed, reminders, and a change that staff begin."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from fulfillment.models import Email, EmailChange
from profiles import clock
from tests.desk import Desk, Sign

UNCLAIMED = "fulfillment_unclaimed_changelist"


@pytest.fixture
def waiting(desk: Desk) -> Desk:
    """The desk's customer is a guest whose order is old enough."""
    with desk.inside():
        assert desk.order is not None
        type(desk.order).objects.update(verified_account=False, placed_at=clock.now() - timedelta(days=9))
        type(desk.entitlement).objects.update(status="pending_claim")  # type: ignore[union-attr]
    return desk


def mails(desk: Desk, template: str) -> list[Email]:
    with desk.inside():
        return list(Email.objects.filter(template=template).order_by("pk"))


def test_the_claim_link_is_mailed_once_a_press_from_customer_and_entitlement(waiting: Desk, sign: Sign) -> None:
    client = sign("agent")
    assert waiting.entitlement is not None
    page = client.get(waiting.order_url).content.decode()
    assert waiting.act("send_claim_link_of", waiting.entitlement.pk) in page
    waiting.press(client, "send_claim_link", waiting.profile.pk)
    answer = waiting.press(client, "send_claim_link_of", waiting.entitlement.pk)
    assert answer.status_code == 302 and len(mails(waiting, "claim")) == 2
    assert len(waiting.acts("claim.sent")) == 2
    assert "Claim link mailed" in client.get(waiting.profile_url).content.decode()


def test_the_unclaimed_are_listed_and_reminded_by_hand(waiting: Desk, sign: Sign) -> None:
    client = sign("agent")
    page = client.get(waiting.url(UNCLAIMED)).content.decode()
    assert "Maya Okafor" in page and "None yet" in page
    url = f"{waiting.act('remind_many', waiting.stage.organization.pk)}?ids={waiting.profile.pk}"
    opened = client.get(url)
    assert "1 customer gets 1 reminder each." in opened.content.decode()
    data = {"ids": str(waiting.profile.pk), "because": "a week gone", "act": str(opened.context["form"]["act"].value())}
    for _ in range(2):
        client.post(url, data)
    assert len(mails(waiting, "reminder")) == 1
    assert "1 reminder" in client.get(waiting.url(UNCLAIMED)).content.decode()
    with waiting.inside():
        type(waiting.profile).objects.update(claimed_at=clock.now())
    assert "Nobody waits" in client.get(waiting.url(UNCLAIMED)).content.decode()


def test_staff_begin_a_change_of_address_and_see_where_it_stands(waiting: Desk, sign: Sign) -> None:
    client, stranger = sign("agent"), sign("auditor")
    asked: dict[str, Any] = {"to": "maya.new@example.org", "first_point": "maya.okafor@example.com"}
    wrong = waiting.press(client, "start_email_change", waiting.profile.pk, **asked, second_point="made up")
    assert wrong.status_code == 200 and "Not on record" in wrong.content.decode()
    number = str(waiting.order.number)
    done = waiting.press(client, "start_email_change", waiting.profile.pk, **asked, second_point=number)
    assert done.status_code == 302
    with waiting.inside():
        row = EmailChange.objects.get()
        assert (row.by_staff, row.state, row.to) == (True, "waiting", "maya.new@example.org")
    assert [mail.to for mail in mails(waiting, "email_change")] == [row.to, "maya.okafor@example.com"]
    page = client.get(waiting.profile_url).content.decode()
    assert "begun by staff, waits for the customer" in page
    masked = stranger.get(waiting.profile_url).content.decode()
    assert "maya.new@example.org" not in masked and waiting.act("start_email_change", waiting.profile.pk) not in masked


def test_nobody_reads_a_customers_own_mail_in_production(waiting: Desk, sign: Sign, settings: Any) -> None:
    client: Client = sign("lead")
    waiting.press(client, "send_claim_link", waiting.profile.pk)
    waiting.stage.work()
    (mail,) = mails(waiting, "claim")
    url = waiting.url("letter", mail.pk)
    assert client.get(url).context["real"] is True
    settings.PRODUCTION = True
    assert client.get(url).context["real"] is False
