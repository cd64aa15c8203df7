"""What is written after a purchase: when, to whom, how often, and what stops it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from config import pipeline
from fulfillment import followups
from fulfillment.actions import bounces, bundles, entitlements, suppressions
from fulfillment.actions import followups as acting
from fulfillment.followups import Kind, Policy, Standing, Terms, Verdict, Why
from fulfillment.models import Email, Entitlement, Followup, Offer
from orders.models import Product
from profiles import clock
from profiles.actors import Actor, NotPermitted
from profiles.models import Organization, Profile
from tests.buyers import Buyer, buyer, terms
from tests.events import event, post
from tests.fulfillment.conftest import Later
from tests.servers import MailServer
from tests.stage import BY, Stage

NOON = datetime(2026, 11, 13, 12, tzinfo=UTC)
ALL_ON = Policy({kind: Terms(True, 24) for kind in Kind})

# The rules ---------------------------------------------------------------------------------------------------------


def judge(kind: Kind, policy: Policy = ALL_ON, *, now: datetime = NOON, **known: Any) -> Verdict:
    return followups.judge(kind, Standing(**known), planned_at=NOON - timedelta(hours=24), now=now, policy=policy)


@pytest.mark.parametrize(
    ("known", "why", "spared"),
    [
        ({"money_stands": False}, Why.REFUNDED, []),
        ({"has_rights": False}, Why.WITHDRAWN, []),
        ({"has_address": False}, Why.NO_ADDRESS, []),
        ({"silenced": True}, Why.UNSUBSCRIBED, [Kind.KICKOFF]),
        ({"replied": True}, Why.REPLIED, [Kind.KICKOFF]),
        ({"bounced": True}, Why.BOUNCED, [Kind.KICKOFF]),
    ],
)
def test_each_reason_stops_every_kind_but_what_is_owed(known: dict[str, Any], why: Why, spared: list[Kind]) -> None:
    downloaded = NOON - timedelta(days=2)
    for kind in Kind:
        found = judge(kind, downloaded_at=downloaded if kind is not Kind.REMINDER else None, **known)
        assert found == (Verdict() if kind in spared else Verdict(why)), kind


def test_what_was_downloaded_needs_no_reminder() -> None:
    assert judge(Kind.REMINDER).sends
    assert judge(Kind.REMINDER, downloaded_at=NOON).why == Why.DOWNLOADED
    assert judge(Kind.REMINDER, reminded=True).why == Why.REMINDED


@pytest.mark.parametrize(("hours", "sends"), [(23, False), (24, True), (25, True)])
def test_a_check_in_counts_from_the_first_download(hours: int, sends: bool) -> None:
    first = NOON - timedelta(hours=hours)
    found = judge(Kind.CHECKIN, downloaded_at=first)
    assert found == (Verdict() if sends else Verdict(again_at=first + timedelta(hours=24)))


def test_who_never_downloads_is_not_asked_how_they_like_it() -> None:
    assert judge(Kind.CHECKIN).again_at == NOON + timedelta(days=1)
    assert judge(Kind.REVIEW, now=NOON + timedelta(days=13)).why == Why.NEVER_FETCHED


def test_offers_need_a_product_that_is_not_owned() -> None:
    for kind in (Kind.CROSS_SELL, Kind.UPSELL):
        assert judge(kind).sends and judge(kind, offered=False).why == Why.NO_OFFER
        assert judge(kind, owned=True).why == Why.OWNED


def test_nobody_gets_advertising_before_an_organization_wants_it() -> None:
    on = {kind for kind in Kind if followups.read({}).of(kind).on}
    assert on == {Kind.REMINDER, Kind.KICKOFF, Kind.INTAKE}
    assert judge(Kind.REVIEW, Policy()).why == Why.SWITCHED_OFF


@pytest.mark.parametrize(
    "values",
    [{"newsletter": {}}, {"review": True}, {"review": {"on": "yes"}}, {"review": {"hours": 0}},
     {"review": {"hours": True}}, {"review": {"hours": 5000}}],
)  # fmt: skip
def test_terms_that_make_no_sense_are_refused_and_read_as_usual(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        followups.checked(values)
    assert followups.read({"followups": values}) == Policy()


@pytest.mark.parametrize(
    ("bought", "arrived", "now", "historic"),
    [(0, 0, 0, False), (0, 48, 48, False), (0, 49, 49, True), (0, 0, 49, True), (0, 30, 60, False), (60, 0, 60, False)],
)
def test_what_came_late_is_historic(bought: int, arrived: int, now: int, historic: bool) -> None:
    at = [NOON + timedelta(hours=hours) for hours in (bought, arrived, now)]
    assert followups.is_historic(bought_at=at[0], arrived_at=at[1], now=at[2]) is historic


# The whole way -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bob(db: None, smtp: MailServer) -> Buyer:
    return buyer(Stage(), smtp)


def test_who_downloaded_nothing_is_reminded_once_with_a_link_that_works(bob: Buyer, later: Later) -> None:
    bob.buy()
    assert len(bob.subjects()) == 1 and bob.rows() == {"reminder": "waiting"}
    later(23)
    bob.stage.work()
    assert len(bob.subjects()) == 1
    later(2)
    bob.stage.work()
    assert bob.subjects()[1] == "Tide Atlas is waiting for you"
    assert bob.rows() == {"reminder": "sent"}
    bob.download()
    later(24 * 60)
    bob.stage.work()
    assert [
        row for row in bob.stage.snapshot()["emails"] if row["template"] == "reminder" and "api:" in row["about"]
    ] == [
        {
            "to": "bob@example.org",
            "template": "reminder",
            "about": f"{bob.stage.channels['api'].label}/api-9001",
            "count": 1,
        }
    ]


def test_who_downloaded_is_not_reminded(bob: Buyer, later: Later) -> None:
    bob.buy()
    bob.download()
    later(25)
    bob.stage.work()
    assert len(bob.subjects()) == 1 and bob.rows() == {"reminder": "skipped downloaded"}


def test_after_the_first_download_come_the_check_in_and_the_request_for_a_review(bob: Buyer, later: Later) -> None:
    terms(bob.stage)
    bob.buy()
    bob.download()
    later(25)
    bob.stage.work()
    assert bob.subjects()[1:] == ["How do you get on with Tide Atlas?"]
    later(24 * 7)
    bob.stage.work()
    assert "What do you think of Tide Atlas?" in bob.subjects()[2:]
    later(24 * 60)
    bob.stage.work()
    assert bob.mails("followup") == 2, "nothing to offer was chosen"


def test_a_chosen_product_is_offered_unless_it_is_owned(bob: Buyer, later: Later) -> None:
    terms(bob.stage)
    with bob.stage.inside():
        harbour = Product.objects.get(sku="EBOOK-HARB-EN")
        for kind in ("cross_sell", "upsell"):
            Offer.objects.create(
                organization=bob.stage.organization, product=bob.stage.book, kind=kind, offered=harbour,
                url="https://shop.example/harbour",
            )  # fmt: skip
    bob.buy()
    later(24 * 14 + 1)
    bob.stage.work()
    assert "Something that goes well with Tide Atlas" in bob.subjects()
    assert "https://shop.example/harbour" in bob.last_mail() and "Harbour Sketches" in bob.last_mail()
    with bob.stage.inside():
        entitlements.grant(Profile.objects.get(), harbour, by=BY, because="A present", key="1")
    later(24 * 20)
    bob.stage.work()
    assert bob.rows()["upsell"] == "skipped owned"


def test_a_cancellation_stops_what_waits(bob: Buyer, later: Later) -> None:
    bob.buy()
    bob.buy(status="cancelled")
    assert bob.order().cancelled
    assert bob.rows() == {"reminder": "stopped refunded"}
    later(25)
    bob.stage.work()
    assert not [subject for subject in bob.subjects() if "waiting" in subject]


def test_a_bundle_is_followed_by_its_order_once_it_holds_something_to_download(bob: Buyer, later: Later) -> None:
    bundle = bob.stage.product("SET-SEA", "Everything about the sea", kind="bundle")
    bob.buy(sku="SET-SEA")
    assert bob.rows() == {}
    with bob.stage.inside():
        bundles.fill(bundle, ["EBOOK-TIDE-EN", "EBOOK-HARB-EN"], by=BY)
    bob.stage.work()
    assert states(bob) == ["waiting "]
    later(25)
    bob.stage.work()
    assert bob.mails("reminder") == 1 and bob.last_mail().count("/download/") == 2


def test_a_revoked_product_is_not_reminded_of(bob: Buyer, later: Later) -> None:
    bob.buy()
    with bob.stage.inside():
        entitlements.revoke(Entitlement.objects.get(), by=BY, because="The test")
    later(25)
    bob.stage.work()
    assert bob.rows() == {"reminder": "stopped withdrawn"}


def test_a_reply_stops_it_and_a_message_before_the_purchase_does_not(bob: Buyer, later: Later) -> None:
    bob.buy()
    told = {"email": bob.address}
    before = (clock.real() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    after = clock.real().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert post(bob.stage, {**event(1, "message", **told), "occurred_at": before}).status_code == 201
    bob.buy(9002)
    assert (
        post(bob.stage, {**event(2, "email_replied", email="ann@example.org"), "occurred_at": after}).status_code == 201
    )
    bob.stage.work()
    later(25)
    bob.stage.work()
    assert sorted(row for row in states(bob)) == ["sent ", "skipped reminded"], "one reminder for two orders of a day"


def test_a_reply_after_the_purchase_stops_it(bob: Buyer, later: Later) -> None:
    bob.buy()
    after = clock.real().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert post(bob.stage, {**event(1, "message", email=bob.address), "occurred_at": after}).status_code == 201
    bob.stage.work()
    later(25)
    bob.stage.work()
    assert bob.rows() == {"reminder": "stopped replied"}


def states(bob: Buyer) -> list[str]:
    with bob.stage.inside():
        return [f"{row.state} {row.why}" for row in Followup.objects.order_by("pk")]


def test_complaints_and_mail_that_came_back_stop_it(bob: Buyer, later: Later) -> None:
    bob.buy()
    ann = buyer(bob.stage, bob.smtp, "ann@example.org")
    ann.buy(9002)
    with bob.stage.inside():
        suppressions.add(bob.address, organization_id=bob.stage.organization.pk, reason="complained", by=BY)
        bounces.record(Email.objects.get(to=ann.address), reason="550", at=clock.real(), by=BY)
    later(25)
    bob.stage.work()
    assert states(bob) == ["stopped unsubscribed", "stopped bounced"]


def test_what_was_bought_long_ago_or_is_made_up_is_followed_by_nothing(bob: Buyer) -> None:
    bob.buy(ago=timedelta(days=3))
    assert bob.rows() == {}
    with bob.stage.inside():
        bob.stage.channels["api"].made_up = True
        bob.stage.channels["api"].save()
    bob.buy(9002)
    assert bob.rows() == {}


def test_an_organization_may_switch_the_reminder_off(bob: Buyer, later: Later) -> None:
    bob.buy()
    terms(bob.stage, reminder={"on": False})
    bob.buy(9002)
    later(25)
    bob.stage.work()
    assert states(bob) == ["skipped switched_off"] and len(bob.subjects()) == 2


PART = st.booleans()


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(list(Kind)), stands=PART, rights=PART, address=PART, replied=PART, silenced=PART, back=PART)
def test_whatever_else_is_known_nothing_goes_out_after_a_stop(
    kind: Kind, stands: bool, rights: bool, address: bool, replied: bool, silenced: bool, back: bool
) -> None:
    found = judge(
        kind, money_stands=stands, has_rights=rights, has_address=address, replied=replied, silenced=silenced,
        bounced=back,
    )  # fmt: skip
    said = not kind.owed and (replied or silenced or back)
    stopped = not (stands and rights and address) or said
    assert (found.why not in (None, *followups.NEEDLESS)) == stopped


def test_settling_and_working_again_sends_nothing_twice(bob: Buyer, later: Later) -> None:
    bob.buy()
    later(25)
    for _ in range(3):
        with bob.stage.inside():
            pipeline.settle([bob.order().pk], Organization.objects.get(pk=bob.stage.organization.pk))
            ids = list(Followup.objects.values_list("pk", flat=True))
            acting.work(ids, talked=lambda people: {})
    bob.stage.work()
    assert bob.mails("reminder") == 1 and len(bob.subjects()) == 2


def test_the_price_of_a_batch_does_not_grow_with_it(bob: Buyer, later: Later) -> None:
    def cost(numbers: range) -> int:
        for number in numbers:
            buyer(bob.stage, bob.smtp, f"b{number}@example.org").buy(number)
        later(25)
        with bob.stage.inside():
            due = acting.due(500)
            assert len(due) == len(numbers)
            with CaptureQueriesContext(connection) as asked:
                acting.work(due, talked=lambda people: {})
        return len(asked)

    assert cost(range(1, 2)) == cost(range(2, 6)) <= 26


# Staff -------------------------------------------------------------------------------------------------------------


def test_a_person_may_stop_one_and_send_it_after_all(bob: Buyer) -> None:
    bob.buy()
    with bob.stage.inside():
        row = acting.stop(Followup.objects.get(), by=BY, because="They called")
        assert (row.state, row.why) == ("stopped", "staff")
        with pytest.raises(acting.NotWaiting):
            acting.stop(row, by=BY, because="Again")
        with pytest.raises(NotPermitted):
            acting.send_now(row, by=Actor(label="Ann", role="auditor"), because="Please")
        acting.send_now(row, by=BY, because="They called again")
    bob.stage.work()
    assert bob.rows() == {"reminder": "sent"}
    with bob.stage.inside(), pytest.raises(acting.NotWaiting):
        acting.send_now(Followup.objects.get(), by=BY, because="Twice")
