"""The desk's pages and dialogs of services: where each comes from, given by hand, withdrawn and given again."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fulfillment.actions import bundles, given_services
from fulfillment.models import Entitlement, Service
from orders.models import Order, Product
from profiles.models import AuditEntry, Profile
from tests.buyers import Buyer, buyer
from tests.desk import Desk, Sign
from tests.servers import MailServer
from tests.stage import BY, Stage


@pytest.fixture
def bob(db: None, smtp: MailServer) -> Buyer:
    """Somebody who bought a set of a book and an hour of advice."""
    made = buyer(Stage(), smtp)
    made.stage.product("ADVICE", "An hour of advice", kind="service")
    made.stage.product("SET", "The writer's set", kind="bundle")
    with made.stage.inside():
        bundles.fill(Product.objects.get(sku="SET"), ["EBOOK-TIDE-EN", "ADVICE"], by=BY)
    made.buy(sku="SET")
    return made


@pytest.fixture
def desk(bob: Buyer) -> Desk:
    made = Desk.__new__(Desk)
    made.stage, made.order = bob.stage, bob.order()
    with bob.stage.inside():
        made.profile = Profile.objects.get()
    return made


def given(desk: Desk) -> Service:
    with desk.inside():
        return Service.objects.get(source="manual")


def advice(desk: Desk) -> int:
    with desk.inside():
        return Product.objects.get(sku="ADVICE").pk


def test_the_pages_name_the_bundle_a_service_is_part_of(desk: Desk, sign: Sign) -> None:
    client = sign("agent")
    listed = client.get(desk.url("fulfillment_service_changelist")).content.decode()
    assert "part of The writer&#x27;s set" in listed and "Withdraw" not in listed
    for url in (desk.order_url, desk.profile_url):
        page = client.get(url).content.decode()
        assert "Part of The writer&#x27;s set" in page and "Withdraw" not in page
    with desk.inside():
        asked = client.get(desk.act("service_start", Service.objects.get().pk)).content.decode()
    assert "An hour of advice, order #9001, part of The writer&#x27;s set" in asked


@pytest.mark.parametrize(("act", "on_order"), [("grant", False), ("grant_for_order", True)])
def test_a_service_is_given_withdrawn_and_given_again(desk: Desk, sign: Sign, act: str, on_order: bool) -> None:
    client = sign("lead")
    subject = desk.order.pk if on_order else desk.profile.pk
    asked = client.get(desk.act(act, subject)).content.decode()
    assert "1 service opened, without payment; its form goes out in 1 hour." in asked
    assert "2 follow-ups planned: kick-off, intake reminder." in asked
    assert "ADVICE · An hour of advice (service)" in asked
    desk.press(client, act, subject, product=advice(desk), because="They waited too long")
    row = given(desk)
    assert (row.order_id is not None) == on_order
    listed = desk.url("fulfillment_service_changelist")
    pages = [desk.profile_url, listed, *([desk.order_url] if on_order else [])]
    for url in pages:
        page = client.get(url).content.decode()
        assert "given by hand on" in page.lower() and "Withdraw" in page, url
    assert "They waited too long" in client.get(desk.profile_url).content.decode()
    assert "ADVICE" in client.get(desk.url("fulfillment_followup_changelist")).content.decode()
    asked = client.get(desk.act("service_withdraw", row.pk)).content.decode()
    assert "2 planned mails do not go out." in asked
    desk.press(client, "service_withdraw", row.pk, because="A mistake")
    page = client.get(pages[-1]).content.decode()
    assert "Withdrawn" in page and "Give again" in page
    assert (
        "2 mails that did not go out are planned anew."
        in client.get(desk.act("service_restore", row.pk)).content.decode()
    )
    desk.press(client, "service_restore", row.pk, because="No mistake")
    assert given(desk).state == "intake"
    with desk.inside():
        assert list(
            AuditEntry.objects.filter(action__startswith="service.").order_by("pk").values_list("action", flat=True)
        ) == ["service.given", "service.withdrawn", "service.restored"]
    timeline = client.get(desk.profile_url).content.decode()
    assert "Service given by hand" in timeline and "Service given again" in timeline


def test_a_repeated_press_gives_one_service(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    form = client.get(desk.act("grant", desk.profile.pk)).context["form"]
    data = {"product": advice(desk), "because": "They waited too long", "act": form["act"].value()}
    for _ in range(2):
        client.post(desk.act("grant", desk.profile.pk), data)
    assert given(desk).product_id == advice(desk)


def test_what_was_bought_is_not_withdrawn_and_files_are_granted_as_before(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    with desk.inside():
        bought = Service.objects.get()
    page = client.get(desk.act("service_withdraw", bought.pk)).content.decode()
    assert "refund or cancel that" in page
    desk.press(client, "service_withdraw", bought.pk)
    desk.press(client, "grant", desk.profile.pk, product=desk.stage.book.pk)
    with desk.inside():
        assert Service.objects.get().state == "intake"
        assert Entitlement.objects.filter(source="manual").count() == 1


def test_a_stranger_sees_and_gives_nothing(desk: Desk, sign: Sign) -> None:
    lead = sign("lead")
    desk.press(lead, "grant", desk.profile.pk, product=advice(desk))
    stranger = sign("engineer", Stage(slug="other"))
    assert "No services here" in stranger.get(desk.url("fulfillment_service_changelist")).content.decode()
    for act in ("service_withdraw", "service_restore", "service_start"):
        assert stranger.get(desk.act(act, given(desk).pk)).status_code == 404


def test_pages_of_many_services_cost_as_much_as_those_of_few(desk: Desk, sign: Sign) -> None:
    client, listed = sign("agent"), desk.url("fulfillment_service_changelist")
    mails = desk.url("fulfillment_followup_changelist")

    def give(*keys: str) -> None:
        with desk.inside():
            for key in keys:
                order = Order.objects.get() if key == "on the order" else None
                product = Product.objects.get(sku="ADVICE")
                given_services.give(desk.profile, product, by=BY, because="The test", key=key, order=order)

    def cost(url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(connection) as asked:
            client.get(url)
        return len(asked)

    give("one", "on the order")
    few = [cost(url) for url in (listed, mails, desk.profile_url, desk.order_url)]
    give(*"abcdef")
    assert [cost(url) for url in (listed, mails, desk.profile_url, desk.order_url)] == few
    assert max(few[:2]) <= 12
