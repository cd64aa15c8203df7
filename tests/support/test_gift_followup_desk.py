"""The desk about what is written after a gift: how and when it was given, stopped, sent, and shown on its pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fulfillment.actions import emails, entitlements
from fulfillment.models import Entitlement, Followup
from orders.models import Product
from tests.desk import Desk, Sign
from tests.stage import BY, Stage

HARBOUR = "EBOOK-HARB-EN"


@pytest.fixture
def desk(db: None) -> Desk:
    """One old purchase, which nothing follows, and a book given by hand to its buyer."""
    made = Desk(Stage())
    give(made)
    return made


def give(desk: Desk, key: str = "1", **more: Any) -> None:
    with desk.inside():
        harbour = Product.objects.get(sku=HARBOUR)
        entitlements.grant(desk.profile, harbour, by=BY, because="A present", key=key, **more)
    desk.stage.work()


def row(desk: Desk) -> Followup:
    with desk.inside():
        return Followup.objects.get()


@pytest.mark.parametrize(
    ("source", "words"),
    [("manual", "given by hand on"), ("coupon", "given for a coupon on"), ("reward", "earned by a mission on")],
)
def test_the_list_and_the_customers_page_say_how_it_was_given(desk: Desk, sign: Sign, source: str, words: str) -> None:
    with desk.inside():
        Entitlement.objects.filter(order=None).update(source=source)
    client = sign("agent")
    for url, said in (
        (desk.url("fulfillment_followup_changelist"), words),
        (desk.profile_url, f"{HARBOUR}, {words}"),
    ):
        shown = client.get(url).content.decode()
        assert "Download reminder" in shown and HARBOUR in shown and said in shown and "Send now" in shown, url


def test_a_row_leads_to_the_customer_or_to_the_order_it_was_given_on(desk: Desk, sign: Sign) -> None:
    client = sign("agent")
    answer = client.get(desk.url("fulfillment_followup_change", row(desk).pk))
    assert answer.status_code == 302 and answer["Location"] == desk.profile_url
    give(desk, "2", order=desk.order)
    with desk.inside():
        newest = Followup.objects.get(entitlement__order=desk.order)
    answer = client.get(desk.url("fulfillment_followup_change", newest.pk))
    assert answer.status_code == 302 and answer["Location"] == desk.order_url
    assert f"{HARBOUR}, given by hand on" in client.get(desk.order_url).content.decode()


def test_whose_it_is_is_masked_for_who_may_not_know(desk: Desk, sign: Sign) -> None:
    listed = desk.url("fulfillment_followup_changelist")
    with desk.inside():
        name = desk.profile.name
    assert name and name in sign("agent").get(listed).content.decode()
    assert name not in sign("auditor").get(listed).content.decode()


def test_a_stranger_sees_nothing_of_it(desk: Desk, sign: Sign) -> None:
    stranger = sign("engineer", Stage(slug="other"))
    assert HARBOUR not in stranger.get(desk.url("fulfillment_followup_changelist")).content.decode()
    assert stranger.get(desk.act("followup_now", row(desk).pk)).status_code == 404


def test_it_is_stopped_by_a_press_and_sent_by_another(desk: Desk, sign: Sign) -> None:
    client = sign("agent")
    asked = client.get(desk.act("followup_now", row(desk).pk)).content.decode()
    with desk.inside():
        address = emails.address(Entitlement.objects.select_related("order").get(order=None))
    assert f"1 mail to {address} goes out now" in asked and f"Download reminder: {HARBOUR}, given by hand" in asked
    desk.press(client, "followup_stop", row(desk).pk, because="They called")
    assert "Stopped by a person" in client.get(desk.profile_url).content.decode()
    desk.press(client, "followup_now", row(desk).pk, because="They called again")
    desk.stage.work()
    assert row(desk).state == "sent"
    assert "Harbour Sketches is waiting for you" in client.get(desk.profile_url).content.decode()


def test_granting_and_revoking_say_what_becomes_of_the_follow_ups(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    assert "1 follow-up planned: download reminder." in client.get(desk.act("grant", desk.profile.pk)).content.decode()
    with desk.inside():
        given = Entitlement.objects.get(order=None)
    assert desk.entitlement is not None
    assert "Follow-ups planned after this gift" in client.get(desk.act("revoke", given.pk)).content.decode()
    assert "after this gift" not in client.get(desk.act("revoke", desk.entitlement.pk)).content.decode()
    desk.press(client, "revoke", given.pk)
    desk.stage.work()
    assert row(desk).state == "stopped"
    assert "Access was withdrawn" in client.get(desk.profile_url).content.decode()


def test_a_list_of_many_gifts_costs_as_much_as_one_of_few(desk: Desk, sign: Sign) -> None:
    client, listed = sign("agent"), desk.url("fulfillment_followup_changelist")

    def cost(url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(connection) as asked:
            client.get(url)
        return len(asked)

    few = cost(listed), cost(desk.profile_url)
    for number in range(2, 8):
        give(desk, str(number))
    assert (cost(listed), cost(desk.profile_url)) == few and few[0] <= 12
