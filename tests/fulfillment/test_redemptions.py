"""A coupon is used once for each customer and never beyond its limit; what it grants is delivered like any right."""

import threading
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db.models import F

from fulfillment import discounts
from fulfillment.actions import bundles, coupons, redemptions
from fulfillment.models import Coupon, DownloadLink, Email, Entitlement, Redemption
from orders.models import Product
from profiles import clock
from profiles.actions import merges
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import AuditEntry, Profile
from tests.faults.crowd import at_once
from tests.stage import BY, Stage, sample

LEAD = Actor(label="Lea", role="lead")
WHY = "the spring campaign"
ADA, BOB = "ada@example.org", "bob@example.org"


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def coupon(stage: Stage, code: str = "SPRING", **more: Any) -> Coupon:
    terms = {"kind": "full", "skus": ["EBOOK-TIDE-EN"], **more}
    with stage.inside():
        return coupons.add(organization=stage.organization, code=code, by=LEAD, because=WHY, **terms)


def redeem(stage: Stage, code: str = "SPRING", email: str = ADA, key: str = "", **more: Any) -> Redemption:
    asked = {"sku": "EBOOK-TIDE-EN", "identifiers": {"email": email}, **more}
    with stage.inside():
        return redemptions.redeem(
            code, organization=stage.organization, by=BY, key=key or f"{code} {email} {more}", **asked
        )


def test_a_free_code_promises_no_work(stage: Stage) -> None:
    """Refused where it is made, by itself and in a bundle; one that is good for anything is refused at its use."""
    stage.product("ADVICE", "An hour of advice", kind="service")
    stage.product("SET", "A set", kind="bundle")
    with stage.inside():
        bundles.fill(Product.objects.get(sku="SET"), ["EBOOK-TIDE-EN", "ADVICE"], by=BY)
    for skus, sentence in (
        (["ADVICE"], "ADVICE is a service"),
        (["EBOOK-TIDE-EN", "SET"], "SET holds ADVICE, a service"),
    ):
        with pytest.raises(Invalid, match=f"{sentence}, which a free code cannot give: .* Grant a product"):
            coupon(stage, skus=skus)
    assert coupon(stage, "TENTH", kind="percent", percent=10, skus=["ADVICE"]).pk
    coupon(stage, skus=[])
    with pytest.raises(redemptions.NotDeliverable, match="ADVICE is a service"):
        redeem(stage, sku="ADVICE")
    redeem(stage, sku="SET")
    with stage.inside():
        assert list(Entitlement.objects.values_list("product__sku", flat=True)) == ["EBOOK-TIDE-EN"]


def uses(stage: Stage) -> tuple[int, int]:
    """What the counter says, and how many live uses there are."""
    with stage.inside():
        return Coupon.objects.get().used, Redemption.objects.filter(state__in=Redemption.LIVE).count()


def test_a_free_code_is_delivered_by_mail(stage: Stage) -> None:
    coupon(stage, limit=3)
    redeem(stage)
    stage.work()
    with stage.inside():
        (row,) = Entitlement.objects.all()
        (mail,) = Email.objects.all()
        assert (row.source, row.status) == ("coupon", "active")
        assert mail.to == ADA and "/download/" in mail.text
    assert uses(stage) == (1, 1)


def test_the_same_call_again_is_the_same_redemption(stage: Stage) -> None:
    coupon(stage)
    assert redeem(stage, key="one").pk == redeem(stage, key="one").pk
    assert uses(stage) == (1, 1)


@pytest.mark.parametrize("again", ["SPRING", " spring ", "ＳＰＲＩＮＧ", "spring"])
def test_no_spelling_of_a_code_is_a_second_redemption(stage: Stage, again: str) -> None:
    coupon(stage)
    redeem(stage)
    with pytest.raises(redemptions.AlreadyUsed):
        redeem(stage, again, key="two")
    assert uses(stage) == (1, 1)


@pytest.mark.parametrize("typed", ["%", "_", "SPRIN_", "SPR%", "\\", "", " ", "\0"])
def test_nothing_typed_is_a_pattern(stage: Stage, typed: str) -> None:
    coupon(stage)
    with pytest.raises(redemptions.UnknownCode):
        redeem(stage, typed, key="typed")


def test_a_percent_sign_is_a_code_like_any_other(stage: Stage) -> None:
    coupon(stage, "%")
    assert redeem(stage, "％").state == "redeemed"
    with pytest.raises(coupons.CodeTaken):
        coupon(stage, "％")


@pytest.mark.parametrize(
    ("terms", "asked", "why"),
    [
        ({"starts_at": timedelta(hours=1)}, {}, "not good yet"),
        ({"ends_at": timedelta(hours=-1)}, {}, "expired"),
        ({"skus": ["EBOOK-HARB-EN"]}, {}, "not for this product"),
        ({"kind": "amount", "amount_minor": 500, "currency": "USD"}, {}, "another currency"),
        ({"minimum_minor": 9999, "currency": "EUR"}, {}, "too small"),
        ({}, {"identifiers": {"email": "no address"}}, "known by"),
        ({}, {"sku": "NO-SUCH"}, "no product"),
    ],
)
def test_a_refusal_says_why_and_leaves_no_trace(
    stage: Stage, terms: dict[str, Any], asked: dict[str, Any], why: str
) -> None:
    with stage.inside():
        now = clock.now()
    moved: dict[str, Any] = {n: now + value if isinstance(value, timedelta) else value for n, value in terms.items()}
    coupon(stage, **moved)
    with pytest.raises(Refusal, match=why):
        redeem(stage, **asked)
    assert uses(stage) == (0, 0)
    with stage.inside():
        assert not Profile.objects.exists() and not Entitlement.objects.exists()


def test_a_stopped_code_is_good_again_once_resumed(stage: Stage) -> None:
    made = coupon(stage)
    with stage.inside():
        coupons.stop(made, by=LEAD, because=WHY)
    with pytest.raises(redemptions.NotGood, match="stopped"):
        redeem(stage)
    with stage.inside():
        coupons.resume(made, by=LEAD, because=WHY)
    assert redeem(stage).state == "redeemed"


def test_part_of_a_price_is_reserved_released_and_confirmed(stage: Stage) -> None:
    coupon(stage, kind="percent", percent=25, limit=1)
    first = redeem(stage)
    assert (first.state, first.amount_minor, first.discount_minor) == ("reserved", 3900, 975)
    with pytest.raises(redemptions.UsedUp):
        redeem(stage, email=BOB)
    with stage.inside():
        Redemption.objects.update(reserved_until=F("reserved_until") - timedelta(minutes=31))
    second = redeem(stage, email=BOB)
    with stage.inside():
        assert redemptions.confirm(second, by=BY).state == "redeemed"
        assert redemptions.confirm(second, by=BY).state == "redeemed"
        assert redemptions.release() == 0
        with pytest.raises(redemptions.NotReserved):
            redemptions.confirm(first, by=BY)
        assert not Entitlement.objects.exists()
    assert uses(stage) == (1, 1)


def test_a_paid_order_with_the_code_confirms_the_reservation(stage: Stage) -> None:
    coupon(stage, kind="percent", percent=25)
    body = sample("shopify/orders-paid.json")
    reserved = redeem(stage, email=body["email"])
    body["discount_codes"] = [{"code": "spring", "amount": "9.75", "type": "percentage"}]
    stage.post("shopify", body, topic="orders/paid")
    stage.work()
    with stage.inside():
        reserved.refresh_from_db()
        assert reserved.state == "redeemed" and reserved.order_id


def test_two_customers_who_become_one_keep_both_uses(stage: Stage) -> None:
    coupon(stage)
    first, second = redeem(stage, email=ADA), redeem(stage, email=BOB)
    stage.work()
    with stage.inside():
        made = merges.merge(first.profile_id, second.profile_id, by=LEAD, because="the same person")
    stage.work()
    with stage.inside():
        rows = list(Redemption.objects.order_by("pk"))
        assert [row.came_by_merge for row in rows] == [False, True]
        assert {row.profile_id for row in Entitlement.objects.all()} == {first.profile_id}
    with pytest.raises(redemptions.AlreadyUsed):
        redeem(stage, email=BOB, key="again")
    with stage.inside():
        merges.undo(made, by=LEAD, because="they are two")
    stage.work()
    with stage.inside():
        assert [row.came_by_merge for row in Redemption.objects.order_by("pk")] == [False, False]
        assert {row.profile_id for row in Entitlement.objects.all()} == {first.profile_id, second.profile_id}
    assert uses(stage) == (2, 2)


def test_taking_a_use_back_kills_its_links_and_gives_the_use_back(stage: Stage) -> None:
    coupon(stage, limit=1)
    row = redeem(stage)
    stage.work()
    with stage.inside():
        assert redemptions.revoke(row, by=LEAD, because=WHY) == 1
        assert not DownloadLink.objects.filter(revoked_at__isnull=True).exists()
        assert Entitlement.objects.get().status == "revoked"
        with pytest.raises(redemptions.AlreadyTakenBack):
            redemptions.revoke(row, by=LEAD, because=WHY)
    assert uses(stage) == (0, 0)
    assert redeem(stage, key="again").state == "redeemed"


def test_a_code_issued_again_counts_in_place_of_the_first(stage: Stage) -> None:
    coupon(stage, limit=1)
    row = redeem(stage)
    stage.work()
    by = Actor(label="Lea", role="lead")
    with stage.inside():
        personal = redemptions.reissue(row, by=by, because=WHY)
        acts = set(AuditEntry.objects.filter(act=by.act).values_list("action", flat=True))
    assert acts == {"coupon.redemption_revoked", "entitlement.revoked", "coupon.added", "coupon.reissued"}
    with pytest.raises(redemptions.UsedUp):
        redeem(stage, email=BOB)
    redeem(stage, personal.code)
    with pytest.raises(redemptions.UsedUp):
        redeem(stage, personal.code, email=BOB)
    stage.work()
    with stage.inside():
        assert sorted(Entitlement.objects.values_list("status", flat=True)) == ["active", "revoked"]
        with pytest.raises(redemptions.AlreadyTakenBack):
            redemptions.reissue(row, by=LEAD, because=WHY)


def test_only_who_may_changes_coupons(stage: Stage) -> None:
    made = coupon(stage, limit=2)
    agent = Actor(label="Agnes", role="agent")
    with stage.inside():
        for act in (
            lambda: coupons.stop(made, by=agent, because=WHY),
            lambda: coupons.change(made, {"limit": 9}, by=agent, because=WHY),
        ):
            with pytest.raises(Refusal, match="may not"):
                act()
        with pytest.raises(Invalid, match="from 1 to 99"):
            coupons.change(made, {"kind": "percent", "percent": 100}, by=LEAD, because=WHY)
        assert coupons.change(made, {"limit": 9}, by=LEAD, because=WHY).limit == 9
        assert made.terms.kind == discounts.Kind.FULL


# At once (RELIABILITY F41, L19) ---------------------------------------------------------------------------------


def crowd(stage: Stage) -> tuple[int, int]:
    """Fifty customers redeem at the same moment: how many did, and how many were told it is used up."""
    asked = [partial(redeem, stage, email=f"reader{n}@example.org") for n in range(50)]
    told = at_once(asked, threads=25)
    refused = [one for one in told if isinstance(one, redemptions.UsedUp)]
    done = [one for one in told if isinstance(one, Redemption)]
    assert len(done) + len(refused) == 50, [one for one in told if one not in refused and one not in done]
    return len(done), len(refused)


@pytest.mark.django_db(transaction=True)
def test_the_last_use_asked_for_fifty_times_at_once_is_given_once(transactional_db: None) -> None:
    stage = Stage()
    coupon(stage, limit=1)
    assert crowd(stage) == (1, 49)
    assert uses(stage) == (1, 1)
    with stage.inside():
        assert Entitlement.objects.count() == 1 and Profile.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_condition_more_than_one_would_be_given(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: both have read the counter before either writes it."""
    gate = threading.Barrier(2, timeout=20)
    find = coupons.find

    def slow(code: str) -> Coupon | None:
        seen = find(code)
        gate.wait()
        return seen

    def unguarded(seen: Coupon) -> None:
        if seen.limit is not None and seen.used >= seen.limit:
            raise redemptions.UsedUp("Used up.")
        Coupon.objects.filter(pk=seen.pk).update(used=seen.used + 1)

    monkeypatch.setattr(coupons, "find", slow)
    monkeypatch.setattr(redemptions, "take", unguarded)
    stage = Stage()
    coupon(stage, limit=1)
    at_once([partial(redeem, stage, email=email) for email in (ADA, BOB)])
    assert uses(stage)[1] > 1


@pytest.mark.django_db(transaction=True)
def test_one_customer_asking_ten_times_at_once_redeems_once(transactional_db: None) -> None:
    stage = Stage()
    coupon(stage)
    told = at_once([partial(redeem, stage, key=f"press {n}") for n in range(10)])
    assert sum(isinstance(one, Redemption) for one in told) == 1
    assert sum(isinstance(one, redemptions.AlreadyUsed) for one in told) == 9
