"""What is written after a gift: planned once for each occasion, stopped by its revocation, resumed if it is undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config import pipeline
from fulfillment import followups as rules
from fulfillment.actions import (
    bundles,
    coupons,
    emails,
    entitlements,
    gift_followups,
    mission_terms,
    missions,
    redemptions,
    suppressions,
)
from fulfillment.actions import followups as acting
from fulfillment.followups import Kind, Policy, Terms
from fulfillment.models import Email, Entitlement, Followup, MissionCompletion, Offer, Redemption
from orders.actions import products
from orders.models import Order, Product
from profiles import clock
from profiles.actions import merges
from profiles.actors import Actor
from profiles.models import Organization, Profile
from tests.buyers import Buyer, buyer, terms
from tests.events import event, post
from tests.fulfillment.conftest import Later
from tests.profiles.people import People, broken
from tests.servers import MailServer
from tests.stage import BY, Stage

LEAD = Actor(label="Lea", role="lead")
TIDE, HARBOUR = "EBOOK-TIDE-EN", "EBOOK-HARB-EN"
WHY = "A present"

# The rules ---------------------------------------------------------------------------------------------------------


def test_a_gift_is_helped_with_and_asked_about_and_nothing_is_sold_after_it() -> None:
    on = Policy({kind: Terms(True, 24) for kind in Kind})
    assert rules.planned_for_gift(on) == [Kind.REMINDER, Kind.CHECKIN, Kind.REVIEW]
    assert rules.planned_for_gift(Policy()) == [Kind.REMINDER]
    assert rules.planned_for_gift(Policy({kind: Terms(False, 24) for kind in Kind})) == []


@pytest.mark.parametrize(
    ("key", "occasion"),
    [
        ("manual:a:b", "manual:a:b"),
        ("coupon:7:31", "coupon:7"),
        ("coupon:7:32", "coupon:7"),
        ("reward:7:1:31", "reward:7:1"),
        ("reward:7:2:31", "reward:7:2"),
    ],
)
def test_all_that_one_act_gave_is_one_occasion(key: str, occasion: str) -> None:
    assert rules.occasion(key) == occasion


# The whole way -----------------------------------------------------------------------------------------------------


@pytest.fixture
def gia(db: None, smtp: MailServer) -> Buyer:
    """Somebody who bought nothing."""
    return somebody(Stage(), smtp)


def somebody(stage: Stage, smtp: MailServer, address: str = "gia@example.org") -> Buyer:
    known = {**event(address, "page_view", email=address), "occurred_at": f"{clock.real():%Y-%m-%dT%H:%M:%SZ}"}
    assert post(stage, known).status_code == 201
    stage.work()
    return buyer(stage, smtp, address)


def profile_of(one: Buyer) -> Profile:
    return Profile.objects.get(identifiers__value=one.address, merged_into=None)


def by_hand(one: Buyer, sku: str = TIDE, key: str = "1") -> None:
    with one.stage.inside():
        product = Product.objects.get(sku=sku)
        entitlements.grant(profile_of(one), product, by=BY, because=WHY, key=f"{one.address}:{key}")
    one.stage.work()


def by_coupon(one: Buyer, sku: str = TIDE, key: str = "1") -> None:
    with one.stage.inside():
        organization = one.stage.organization
        coupons.add(organization=organization, code=f"FREE{key}", kind="full", skus=[sku], by=LEAD, because=WHY)
        identifiers = {"email": one.address}
        redemptions.redeem(f"FREE{key}", organization=organization, by=BY, key=key, sku=sku, identifiers=identifiers)
    one.stage.work()


def by_mission(one: Buyer, sku: str = TIDE, key: str = "1") -> None:
    with one.stage.inside():
        mission_terms.add(
            organization=one.stage.organization, slug=f"m{key}", title="A review", rule="events", event_type="review",
            times=1, rewards=[sku], starts_at=clock.real() - timedelta(days=1), by=LEAD, because=WHY,
        )  # fmt: skip
    told = {**event(f"review {key}", "review", email=one.address), "occurred_at": f"{clock.real():%Y-%m-%dT%H:%M:%SZ}"}
    assert post(one.stage, told).status_code == 201
    one.stage.work()


WAYS = [by_hand, by_coupon, by_mission]
Way = Callable[[Buyer], None]


@pytest.mark.parametrize("give", WAYS)
def test_who_was_given_something_is_reminded_once_with_a_link_that_works(gia: Buyer, later: Later, give: Way) -> None:
    give(gia)
    assert len(gia.subjects()) == 1 and gia.rows() == {"reminder": "waiting"}
    later(25)
    gia.stage.work()
    assert gia.subjects()[1:] == ["Tide Atlas is waiting for you"] and gia.rows() == {"reminder": "sent"}
    assert "because of something you were given" in gia.last_mail() and "order" not in gia.last_mail()
    mail = gia.smtp.to(gia.address)[-1]
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    gia.download()
    later(24 * 60)
    gia.stage.work()
    assert gia.mails("reminder") == 1
    with gia.stage.inside():
        mail_row, row = Email.objects.get(template="reminder"), Followup.objects.get()
        assert mail_row.profile_id == row.profile_id == profile_of(gia).pk and row.order_id is None
        assert mail_row.entitlement_id == row.entitlement_id and mail_row.about == f"manual/{TIDE}"


def test_who_downloaded_it_is_asked_about_it_and_nothing_is_sold(gia: Buyer, later: Later) -> None:
    terms(gia.stage)
    with gia.stage.inside():
        harbour = Product.objects.get(sku=HARBOUR)
        for kind in ("cross_sell", "upsell"):
            Offer.objects.create(
                organization=gia.stage.organization, product=gia.stage.book, kind=kind, offered=harbour,
                url="https://shop.example/harbour",
            )  # fmt: skip
    by_hand(gia)
    assert set(gia.rows()) == {"reminder", "checkin", "review"}
    gia.download()
    for hours in (25, 24 * 7, 24 * 60):
        later(hours)
        gia.stage.work()
    assert gia.subjects()[1:] == ["How do you get on with Tide Atlas?", "What do you think of Tide Atlas?"]
    assert gia.rows() == {"reminder": "skipped downloaded", "checkin": "sent", "review": "sent"}


def test_five_books_by_one_code_bring_one_reminder_with_all_their_links(gia: Buyer, later: Later) -> None:
    bundle = gia.stage.product("SET-SEA", "Everything about the sea", kind="bundle")
    with gia.stage.inside():
        bundles.fill(bundle, [TIDE, HARBOUR], by=BY)
    by_coupon(gia, "SET-SEA")
    assert gia.rows() == {"reminder": "waiting"}
    later(25)
    gia.stage.work()
    assert gia.subjects()[-1] == "Harbour Sketches (+1) is waiting for you" and gia.mails("reminder") == 1
    assert gia.last_mail().count("/download/") == 2


def test_gifts_of_a_day_bring_one_reminder_with_the_links_of_all_that_were_not_opened(gia: Buyer, later: Later) -> None:
    pearl = gia.stage.product("EBOOK-PEARL", "Pearl", file=b"%PDF-1.7 Pearl", filename="pearl.pdf")
    by_hand(gia, pearl.sku, "0")
    gia.download()
    by_hand(gia, TIDE, "1")
    later(1)
    by_hand(gia, HARBOUR, "2")
    later(23.5)
    gia.stage.work()
    assert states(gia) == ["skipped downloaded", "sent", "waiting"]
    later(2)
    gia.stage.work()
    assert [subject for subject in gia.subjects() if "waiting" in subject] == ["Tide Atlas (+1) is waiting for you"]
    assert gia.last_mail().count("/download/") == 2 and "Pearl" not in gia.last_mail()
    assert states(gia) == ["skipped downloaded", "sent", "skipped reminded"]


def test_a_purchase_and_a_gift_of_a_day_are_each_reminded_of(gia: Buyer, later: Later) -> None:
    gia.buy()
    by_hand(gia, HARBOUR)
    later(25)
    gia.stage.work()
    assert sorted(gia.subjects()[-2:]) == ["Harbour Sketches is waiting for you", "Tide Atlas is waiting for you"]
    assert states(gia) == ["sent", "sent"]


def test_what_was_bought_is_followed_by_its_order_alone(gia: Buyer) -> None:
    gia.buy()
    with gia.stage.inside():
        assert Entitlement.objects.exists()
        assert [(row.kind, row.entitlement) for row in Followup.objects.all()] == [("reminder", None)]


def test_what_is_given_on_an_order_goes_where_the_orders_mail_goes(gia: Buyer, later: Later) -> None:
    gia.buy()
    gia.download()
    with gia.stage.inside():
        order, harbour = gia.order(), Product.objects.get(sku=HARBOUR)
        assert order.profile is not None
        order.delivery_email = "desk@example.org"
        order.save()
        entitlements.grant(order.profile, harbour, by=BY, because=WHY, key="1", order=order)
    gia.stage.work()
    later(25)
    gia.stage.work()
    sent = [str(mail.subject) for mail in gia.smtp.to("desk@example.org")]
    assert sent[-1] == "Harbour Sketches is waiting for you"
    assert "order #9001" in gia.smtp.to("desk@example.org")[-1].text()


# Stopped, and going on ---------------------------------------------------------------------------------------------


def states(one: Buyer) -> list[str]:
    with one.stage.inside():
        return [f"{row.state} {row.why}".strip() for row in Followup.objects.order_by("pk")]


@pytest.mark.parametrize("give", WAYS)
def test_a_revocation_stops_it_and_its_undoing_lets_it_wait_again(gia: Buyer, later: Later, give: Way) -> None:
    give(gia)
    with gia.stage.inside():
        entitlements.revoke(Entitlement.objects.get(), by=BY, because="The test")
    gia.stage.work()
    assert states(gia) == ["stopped withdrawn"]
    with gia.stage.inside():
        entitlements.restore(Entitlement.objects.get(), by=BY, because="A mistake")
    gia.stage.work()
    assert states(gia) == ["waiting"]
    later(25)
    gia.stage.work()
    assert states(gia) == ["sent"]


def test_what_comes_back_after_its_time_is_not_reminded_of(gia: Buyer, later: Later) -> None:
    by_hand(gia)
    with gia.stage.inside():
        entitlements.revoke(Entitlement.objects.get(), by=BY, because="The test")
    later(25)
    gia.stage.work()
    with gia.stage.inside():
        entitlements.restore(Entitlement.objects.get(), by=BY, because="A mistake")
    gia.stage.work()
    assert states(gia) == ["stopped withdrawn"] and gia.mails("reminder") == 0


def test_a_code_of_which_one_book_is_left_is_reminded_of_that_book(gia: Buyer, later: Later) -> None:
    bundle = gia.stage.product("SET-SEA", "Everything about the sea", kind="bundle")
    with gia.stage.inside():
        bundles.fill(bundle, [TIDE, HARBOUR], by=BY)
    by_coupon(gia, "SET-SEA")
    with gia.stage.inside():
        entitlements.revoke(Entitlement.objects.get(product__sku=TIDE), by=BY, because="The test")
    later(25)
    gia.stage.work()
    assert gia.subjects()[-1] == "Harbour Sketches is waiting for you"


def test_a_use_that_is_taken_back_and_a_reward_that_is_issued_again(gia: Buyer) -> None:
    by_coupon(gia)
    with gia.stage.inside():
        redemptions.revoke(Redemption.objects.get(), by=LEAD, because="The test")
    gia.stage.work()
    assert states(gia) == ["stopped withdrawn"]
    by_mission(gia)
    with gia.stage.inside():
        missions.reissue(MissionCompletion.objects.get(), by=LEAD, because="The mail was lost")
    gia.stage.work()
    assert states(gia) == ["stopped withdrawn", "stopped withdrawn", "waiting"]


def test_what_earned_a_reward_is_taken_back_and_stands_again(gia: Buyer) -> None:
    by_mission(gia)
    for status, state in ((Entitlement.Status.REVOKED, "stopped withdrawn"), (Entitlement.Status.ACTIVE, "waiting")):
        with gia.stage.inside():
            Entitlement.objects.update(status=status)
            pipeline.settle([], organization(gia.stage), profile_ids=[profile_of(gia).pk])
        assert states(gia) == [state]


def test_a_word_of_the_customer_after_the_gift_stops_it(gia: Buyer, later: Later) -> None:
    by_hand(gia)
    told = {**event("m", "message", email=gia.address), "occurred_at": f"{clock.real():%Y-%m-%dT%H:%M:%S.%fZ}"}
    assert post(gia.stage, told).status_code == 201
    gia.stage.work()
    later(25)
    gia.stage.work()
    assert states(gia) == ["stopped replied"]


def test_complaints_stop_it(gia: Buyer, later: Later) -> None:
    by_hand(gia)
    with gia.stage.inside():
        suppressions.add(gia.address, organization_id=gia.stage.organization.pk, reason="complained", by=BY)
    later(25)
    gia.stage.work()
    assert states(gia) == ["stopped unsubscribed"]


def test_one_click_ends_what_waits_after_every_gift_and_a_change_of_mind_brings_it_back(
    gia: Buyer, later: Later
) -> None:
    terms(gia.stage)
    stranger = somebody(gia.stage, gia.smtp, "ann@example.org")
    by_hand(gia)
    by_hand(stranger)
    later(25)
    gia.stage.work()
    address = gia.address_in(gia.last_mail(), "unsubscribe")
    assert gia.client.post(address, "List-Unsubscribe=One-Click", content_type="text/plain").status_code == 200
    assert gia.rows_of(gia.address) == {
        "reminder": "sent", "checkin": "stopped unsubscribed", "review": "stopped unsubscribed"
    }  # fmt: skip
    assert gia.rows_of("ann@example.org") == {"reminder": "sent", "checkin": "waiting", "review": "waiting"}
    assert gia.client.post(address, {"what": "back"}).status_code == 200
    assert gia.rows_of(gia.address) == {"reminder": "sent", "checkin": "waiting", "review": "waiting"}


def test_one_click_in_an_orders_mail_ends_what_follows_gifts_to_the_same_address_too(gia: Buyer, later: Later) -> None:
    gia.buy()
    later(25)
    gia.stage.work()
    by_hand(gia)
    with gia.stage.inside():
        entitlements.grant(profile_of(gia), gia.stage.book, by=BY, because=WHY, key="on the order", order=gia.order())
    gia.stage.work()
    assert states(gia) == ["sent", "waiting", "waiting"]
    address = gia.address_in(gia.smtp.to(gia.address)[1].text(), "unsubscribe")
    gia.client.post(address, "List-Unsubscribe=One-Click", content_type="text/plain")
    assert states(gia) == ["sent", "stopped unsubscribed", "stopped unsubscribed"]


# Who is told nothing -----------------------------------------------------------------------------------------------


def test_what_was_given_long_ago_is_followed_by_nothing(gia: Buyer, later: Later) -> None:
    with gia.stage.inside():
        book = gia.stage.book
        entitlements.grant(profile_of(gia), book, by=BY, because=WHY, key="old")
        Entitlement.objects.update(created_at=clock.real() - timedelta(days=3))
    gia.stage.work()
    assert states(gia) == []


def test_customers_of_made_up_shops_are_followed_by_nothing(gia: Buyer) -> None:
    with gia.stage.inside():
        gia.stage.channels["api"].made_up = True
        gia.stage.channels["api"].save()
    gia.buy()
    by_hand(gia)
    assert states(gia) == []


def test_customers_known_by_old_purchases_alone_hear_nothing_of_a_reward(gia: Buyer) -> None:
    gia.buy()
    with gia.stage.inside():
        Order.objects.update(quiet=True)
    by_mission(gia)
    with gia.stage.inside():
        assert Entitlement.objects.filter(source="reward").exists()
        assert not Followup.objects.filter(entitlement__isnull=False).exists()


# Any order, any number of times ------------------------------------------------------------------------------------


def organization(stage: Stage) -> Organization:
    return Organization.objects.get(pk=stage.organization.pk)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["settle", "work", "revoke", "restore", "give", "day"]), max_size=9))
def test_whatever_happens_each_goes_out_once_at_most_and_agrees_with_the_rights(
    gia: Buyer, monkeypatch: pytest.MonkeyPatch, steps: Sequence[str]
) -> None:
    hours = 0
    with transaction.atomic():
        for step in [*steps, "settle"]:
            with gia.stage.inside():
                if step == "day":
                    hours += 12
                    monkeypatch.setattr(clock, "_offset", timedelta(hours=hours))
                elif step == "give":
                    entitlements.grant(profile_of(gia), gia.stage.book, by=BY, because=WHY, key="1")
                elif step == "settle":
                    gift_followups.settle([profile_of(gia).pk])
                elif step == "work":
                    acting.work(acting.due(50), talked=lambda people: {})
                for right in Entitlement.objects.all():
                    if step == "revoke" and right.downloadable:
                        entitlements.revoke(right, by=BY, because=WHY)
                    elif step == "restore" and not right.downloadable:
                        entitlements.restore(right, by=BY, because=WHY)
        with gia.stage.inside():
            given_ = Entitlement.objects.first()
            rows = list(Followup.objects.all())
            assert len(rows) <= (given_ is not None)
            assert Email.objects.filter(template="reminder").count() == sum(row.state == "sent" for row in rows)
            for row in rows:
                assert given_ is not None and row.profile_id == given_.profile_id
                assert row.state != "waiting" or given_.downloadable
                assert row.state != "stopped" or not given_.downloadable or row.due_at <= clock.now()
        transaction.set_rollback(True)


# Merged and parted -------------------------------------------------------------------------------------------------


def test_it_goes_where_its_gift_goes_by_a_merge_and_its_undo(gia: Buyer, later: Later) -> None:
    other = somebody(gia.stage, gia.smtp, "old@example.org")
    by_hand(gia)
    by_hand(other)
    with gia.stage.inside():
        low, high = sorted(Profile.objects.values_list("pk", flat=True))
        made = merges.merge(low, high, by=LEAD, because="The same person")
    gia.stage.work()
    assert owners(gia) == [low, low]
    with gia.stage.inside():
        merges.undo(made, by=LEAD, because="They are two")
    gia.stage.work()
    assert set(owners(gia)) == {low, high}
    with gia.stage.inside():
        assert all(row.profile_id == row.entitlement.profile_id for row in Followup.objects.all() if row.entitlement)
    later(25)
    gia.stage.work()
    assert len(gia.subjects()) == len(other.subjects()) == 2, "each is reminded of their own"


def test_it_goes_back_with_its_gift_when_what_joined_two_turns_out_to_be_a_shops_phone(db: None) -> None:
    till = "+4930901820"
    people = People()
    ada, bob = people.customer(1, email="ada@example.org"), people.customer(2, email="bob@example.org")
    with people.inside():
        book = products.add(
            organization=people.organization, sku=TIDE, title="Tide Atlas", kind="ebook", price="39.00",
            currency="EUR", by=BY,
        )  # fmt: skip
        entitlements.grant(Profile.objects.get(pk=bob), book, by=BY, because=WHY, key="1")
    people.work()
    people.buy(3, email="ada@example.org", phone=till)
    assert people.buy(4, email="bob@example.org", phone=till) == ada
    with people.inside():
        assert {row.profile_id for row in (Followup.objects.get(), Entitlement.objects.get())} == {ada}
    people.buy(5, email="cem@example.org", phone=till)
    with people.inside():
        assert {row.profile_id for row in (Followup.objects.get(), Entitlement.objects.get())} == {bob}
    assert broken(people) == []


def owners(one: Buyer) -> list[int | None]:
    with one.stage.inside():
        return list(Followup.objects.order_by("pk").values_list("profile_id", flat=True))


# The price ---------------------------------------------------------------------------------------------------------


def test_who_was_given_nothing_costs_one_query_and_nobody_costs_none(gia: Buyer) -> None:
    with gia.stage.inside():
        with CaptureQueriesContext(connection) as asked:
            gift_followups.settle([profile.pk for profile in Profile.objects.all()])
        assert len(asked) == 2, "that of the profiles, and one"
        with CaptureQueriesContext(connection) as asked:
            gift_followups.settle([])
        assert not asked


def test_any_number_of_gifts_costs_the_same_queries(gia: Buyer, later: Later) -> None:
    def cost(numbers: range) -> tuple[int, int]:
        ids = []
        for number in numbers:
            one = somebody(gia.stage, gia.smtp, f"g{number}@example.org")
            with gia.stage.inside():
                ids.append(profile_of(one).pk)
                entitlements.grant(profile_of(one), gia.stage.book, by=BY, because=WHY, key=str(number))
        with gia.stage.inside(), CaptureQueriesContext(connection) as planning:
            gift_followups.settle(ids)
        later(25)
        with gia.stage.inside():
            due = acting.due(500)
            assert len(due) == len(numbers)
            with CaptureQueriesContext(connection) as sending:
                acting.work(due, talked=lambda people: {})
        return len(planning), len(sending)

    few, many = cost(range(1, 2)), cost(range(2, 6))
    assert few == many and few[0] <= 5 and few[1] <= 28, few


# Staff -------------------------------------------------------------------------------------------------------------


def test_a_person_may_stop_one_and_send_it_after_all(gia: Buyer) -> None:
    by_hand(gia)
    with gia.stage.inside():
        acting.stop(Followup.objects.get(), by=BY, because="They called")
    gia.stage.work()
    assert states(gia) == ["stopped staff"], "settling lets a person's word stand"
    with gia.stage.inside():
        acting.send_now(Followup.objects.get(), by=BY, because="They called again")
    gia.stage.work()
    assert states(gia) == ["sent"]


def test_a_follow_up_is_of_an_order_or_of_a_gift(gia: Buyer) -> None:
    by_hand(gia)
    with gia.stage.inside(), pytest.raises(IntegrityError, match="followup_of_one"), transaction.atomic():
        Followup.objects.update(entitlement=None)


def test_a_mail_about_nothing_bought_names_no_order(gia: Buyer) -> None:
    by_hand(gia)
    with gia.stage.inside():
        html = Email.objects.get(template="delivery").html
        right = Entitlement.objects.select_related("product", "order").get()
    assert "because of something you were given" in html and "your order" not in html
    assert emails.about_of(right) == f"manual/{TIDE}"
