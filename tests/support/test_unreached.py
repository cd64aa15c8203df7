"""The desk's pages about mail: buyers not reached, silenced addresses, and the providers by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fulfillment.actions import chains, suppressions
from fulfillment.actions import reach as looking
from fulfillment.models import Circuit, Email, Reach, Suppression
from orders.models import Order
from profiles import clock
from profiles.models import AuditEntry, Organization
from tests.desk import Desk, Sign
from tests.servers import MailServer
from tests.stage import BY, Stage, sample

TYPED, MEANT = "maya@gmial.com", "maya@gmail.com"


@pytest.fixture
def desk(db: None, smtp: MailServer) -> Desk:
    """One order whose mail the server refused, for a slip of the hand."""
    smtp.refuse(TYPED)
    stage = Stage()
    made = Desk.__new__(Desk)
    made.stage = stage
    buy(made, 1, TYPED)
    with stage.inside():
        made.order = Order.objects.get()
        made.profile = made.order.profile  # type: ignore[assignment]
        made.entitlement = made.order.entitlements.order_by("pk")[0]
    return made


def buy(desk: Desk, number: int, email: str) -> None:
    body = sample("shopify/orders-paid.json")
    body.update(id=5_000 + number, email=email, contact_email=email, name=f"#{1000 + number}")
    body["customer"].update(id=900 + number, email=email)
    body["total_tax_set"] = body.get("total_tax_set")
    assert desk.stage.post("shopify", body, topic="orders/paid", delivery=str(body["id"])).status_code == 200
    desk.stage.work()


def row(desk: Desk) -> Reach:
    with desk.inside():
        return Reach.objects.select_related("order").get()


def right(desk: Desk) -> int:
    assert desk.entitlement is not None
    return desk.entitlement.pk


def page(desk: Desk, client: Client, **query: str) -> str:
    return str(client.get(desk.url("fulfillment_reach_changelist"), query).content.decode())


def test_the_list_says_who_why_and_what_was_meant_with_the_acts_beside(desk: Desk, sign: Sign) -> None:
    shown = page(desk, sign("agent"))
    for words in (TYPED, MEANT, "Refused", "550", "Correct and resend", "Correct all suggestions"):
        assert words in shown, words
    assert "It arrived" not in shown, "what was refused did not arrive"
    assert TYPED in page(desk, sign("agent"), why="slip") and TYPED not in page(desk, sign("agent"), why="silent")


def test_who_may_not_see_customers_data_sees_no_address(desk: Desk, sign: Sign) -> None:
    shown = page(desk, sign("auditor"))
    assert TYPED not in shown and MEANT not in shown and "m••••" in shown


def test_a_stranger_sees_nobody(desk: Desk, sign: Sign) -> None:
    stranger = sign("engineer", Stage(slug="other"))
    assert "Every buyer was reached" in page(desk, stranger)
    assert stranger.get(desk.act("correct_and_resend", row(desk).pk)).status_code == 404


def test_one_press_corrects_the_address_and_resends(desk: Desk, sign: Sign, smtp: MailServer) -> None:
    client = sign("agent")
    opened = client.get(desk.act("correct_and_resend", row(desk).pk))
    form = opened.context["form"]
    assert form["to"].value() == MEANT and "gmial.com instead of gmail.com" in form["because"].value()
    text = opened.content.decode()
    assert f"So far: {TYPED}" in text and f"Likely meant: {MEANT}" in text
    answer = desk.press(client, "correct_and_resend", row(desk).pk, to=MEANT, because=form["because"].value())
    assert answer.status_code == 302
    desk.stage.work()
    assert [message.recipients for message in smtp.messages] == [(MEANT,)]
    assert "Every buyer was reached" in page(desk, client)
    with desk.inside():
        assert Order.objects.get().delivery_email == MEANT
    assert [entry.reason for entry in desk.acts("order.delivery_email_changed")] == [form["because"].value()]


def test_all_suggestions_at_once_with_their_numbers(desk: Desk, sign: Sign, smtp: MailServer) -> None:
    smtp.refuse("noor@hotmial.com")
    buy(desk, 2, "noor@hotmial.com")
    client = sign("lead")
    organization = desk.stage.organization.pk
    opened = client.get(desk.act("correct_all", organization)).content.decode()
    assert "2 orders get another address" in opened
    assert "1 order: gmial.com becomes gmail.com." in opened and "1 order: hotmial.com becomes hotmail.com." in opened
    assert desk.press(client, "correct_all", organization).status_code == 302
    desk.stage.work()
    assert {message.recipients for message in smtp.messages} == {(MEANT,), ("noor@hotmail.com",)}
    assert (
        "No address has a likely correction now." in client.get(desk.act("correct_all", organization)).content.decode()
    )


def test_the_order_says_that_its_buyer_was_not_reached(desk: Desk, sign: Sign) -> None:
    client = sign("agent")
    shown = client.get(desk.order_url).content.decode()
    assert "Buyer not reached" in shown and "Correct the address and resend" in shown
    assert "Buyers not reached" in client.get(desk.url("index")).content.decode()
    orders = client.get(desk.url("orders_order_changelist"), {"needs": "mail"}).content.decode()
    assert str(desk.order) in orders


def test_resend_asks_for_a_corrected_address_where_mail_came_back(desk: Desk, sign: Sign, smtp: MailServer) -> None:
    from fulfillment.actions import bounces

    client = sign("agent")
    assert "to" not in client.get(desk.act("resend", right(desk))).context["form"].fields
    with desk.inside():
        bounces.record(Email.objects.get(), reason="550 5.1.1 user unknown", at=clock.now(), by=BY)
    opened = client.get(desk.act("resend", right(desk)))
    assert "came back: correct the address first" in opened.content.decode()
    assert opened.context["form"]["to"].value() == MEANT
    assert desk.press(client, "resend", right(desk), to=MEANT).status_code == 302
    desk.stage.work()
    assert [message.recipients for message in smtp.messages] == [(MEANT,)]


def test_resend_to_an_address_from_which_mail_came_back_still_goes_out(
    desk: Desk, sign: Sign, smtp: MailServer
) -> None:
    from fulfillment.actions import bounces

    with desk.inside():
        bounces.record(Email.objects.get(), reason="mailbox full", at=clock.now(), by=BY)
    smtp.accept(TYPED)
    assert desk.press(sign("agent"), "resend", right(desk)).status_code == 302
    desk.stage.work()
    assert [message.recipients for message in smtp.messages] == [(TYPED,)], "a bounce never silences a buyer"


@pytest.fixture
def doubtful(desk: Desk) -> Email:
    """Its mail was sent twice and nobody answered."""
    with desk.inside():
        Email.objects.update(state="unknown", attempts=2, due_at=clock.now() + timedelta(days=36500))
        looking.request([desk.order.pk])
    desk.stage.work()
    with desk.inside():
        return Email.objects.get()


def test_a_message_without_an_answer_is_resolved_by_a_person(desk: Desk, doubtful: Email, sign: Sign) -> None:
    client = sign("agent")
    shown = page(desk, client)
    assert "It arrived" in shown and "Send again" in shown
    assert "Buyer perhaps not reached" in client.get(desk.order_url).content.decode()
    assert desk.press(client, "it_arrived", doubtful.pk).status_code == 302
    assert "Every buyer was reached" in page(desk, client)
    assert "That is known" in client.get(desk.act("it_arrived", doubtful.pk)).content.decode()
    assert len(desk.acts("email.arrived")) == 1


def test_it_is_sent_again_once_for_a_press_and_its_repetition(
    desk: Desk, doubtful: Email, sign: Sign, smtp: MailServer
) -> None:
    smtp.accept(TYPED)
    client = sign("agent")
    url = desk.act("send_again", doubtful.pk)
    data = {"because": "She has nothing", "act": str(client.get(url).context["form"]["act"].value())}
    for _ in range(2):
        assert client.post(url, data).status_code == 302
    desk.stage.work()
    assert len(smtp.messages) == 1 and "Every buyer was reached" in page(desk, client)


def test_the_hours_are_chosen_by_a_lead_and_not_by_an_agent(desk: Desk, sign: Sign) -> None:
    organization = desk.stage.organization.pk
    assert "After how many hours" not in page(desk, sign("agent"))
    assert desk.press(sign("lead"), "reach_policy", organization, hours="48").status_code == 302
    with desk.inside():
        assert Organization.objects.get().policies == {"delivery": {"hours": 48}}
    assert len(desk.acts("policy.changed")) == 1


def test_a_silenced_address_is_listed_and_lifted_with_a_reason(desk: Desk, sign: Sign) -> None:
    with desk.inside():
        suppressions.add(TYPED, organization_id=desk.stage.organization.pk, reason="unsubscribed", by=BY)
        silenced = Suppression.objects.get()
    client = sign("agent")
    listed = desk.url("fulfillment_suppression_changelist")
    assert TYPED in client.get(listed).content.decode()
    assert TYPED in client.get(listed, {"q": TYPED}).content.decode()
    assert TYPED not in client.get(listed, {"q": "else@example.org"}).content.decode()
    assert TYPED not in sign("auditor").get(listed).content.decode()
    assert desk.press(client, "lift_suppression", silenced.pk).status_code == 302
    with desk.inside():
        assert suppressions.silenced([TYPED]) == set()
    assert len(desk.acts("suppression.lifted")) == 1
    assert sign("finance").get(desk.act("lift_suppression", silenced.pk)).status_code in (302, 403)


def test_the_list_asks_as_little_for_many_as_for_one(desk: Desk, sign: Sign, smtp: MailServer) -> None:
    client = sign("agent")
    few = _queries(client, desk.url("fulfillment_reach_changelist"))
    for number in range(2, 6):
        smtp.refuse(f"buyer{number}@gmial.com")
        buy(desk, number, f"buyer{number}@gmial.com")
    assert _queries(client, desk.url("fulfillment_reach_changelist")) == few <= 25


def _queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


# Providers ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def providers(desk: Desk, settings: Any) -> Iterator[str]:
    settings.EMAIL_PROVIDERS = ["smtp", "postmark"]
    settings.ANYMAIL = {**settings.ANYMAIL, "WEBHOOK_SECRET": "a:b"}
    yield desk.url("mail_providers")


def test_each_provider_shows_its_state_its_figures_and_its_acts(desk: Desk, providers: str, sign: Sign) -> None:
    Circuit.objects.update_or_create(
        provider="postmark", defaults={"failures": 3, "opened_at": clock.real(), "last_error": "It answered 503."}
    )
    with desk.inside():
        Email.objects.update(provider="postmark", state="sent", done_at=clock.now(), bounced_at=clock.now())
    client = sign("engineer")
    shown = client.get(providers).content.decode()
    for words in (
        "1. Mail server (SMTP)",
        "2. Postmark",
        "In use",
        "Resting",
        "It answered 503.",
        "100.0 %",
        "Over 1 %",
        "Not told",
    ):
        assert words in shown, words
    assert shown.count("Send a test mail to me") == 2 and "Use again" in shown
    assert _queries(client, providers) <= 25
    agent = sign("agent").get(providers).content.decode()
    assert "1. Mail server" in agent and "Send a test mail" not in agent, "a button that is not permitted is not drawn"


def test_without_a_provider_the_page_says_what_to_do(desk: Desk, providers: str, sign: Sign, settings: Any) -> None:
    settings.EMAIL_PROVIDERS = []
    assert "No mail goes out" in sign("engineer").get(providers).content.decode()


def test_an_engineer_rests_a_provider_and_uses_it_again(desk: Desk, providers: str, sign: Sign) -> None:
    client, number = sign("engineer"), chains.number("smtp")
    assert desk.press(client, "rest_provider", number, hours="4").status_code == 302
    assert "Rested by hand" in client.get(providers).content.decode()
    assert desk.press(client, "use_provider", number).status_code == 302
    assert "Rested by hand" not in client.get(providers).content.decode()
    assert sign("lead").get(desk.act("rest_provider", number)).status_code == 302
    assert client.get(desk.act("rest_provider", chains.number("pigeon"))).status_code == 404


def test_a_test_mail_goes_to_who_presses(desk: Desk, providers: str, sign: Sign, smtp: MailServer) -> None:
    client, number = sign("engineer"), chains.number("smtp")
    refused = desk.press(client, "try_provider", number)
    assert "no e-mail address on record" in refused.content.decode()
    User.objects.filter(pk=client.session["_auth_user_id"]).update(email="eva@lantern.example")
    assert desk.press(client, "try_provider", number).status_code == 302
    assert [message.recipients for message in smtp.messages] == [("eva@lantern.example",)]
    with desk.inside():
        assert AuditEntry.objects.filter(action=chains.TESTED).count() == 1


def test_what_its_provider_reported_stands_on_the_order_and_in_its_story(desk: Desk, sign: Sign) -> None:
    from fulfillment.actions import tracking as reported
    from fulfillment.tracking import Kind

    with desk.inside():
        message = Email.objects.get()
        Email.objects.update(state="sent")
        for hours, kind in enumerate((Kind.DELIVERED, Kind.OPENED, Kind.COMPLAINED)):
            at = clock.now() + timedelta(hours=hours)
            reported.say(message, kind, provider="postmark", at=at)
    shown = sign("agent").get(desk.order_url).content.decode()
    for words in ("was delivered", "was opened", "was complained about", "Complained about"):
        assert words in shown, words
    listed = sign("agent").get(desk.url("fulfillment_email_changelist")).content.decode()
    assert "Complained about" in listed
    assert TYPED not in sign("auditor").get(desk.order_url).content.decode()
