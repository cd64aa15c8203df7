"""Coupons, missions and bundles at the desk: made, stopped, taken back and issued again by dialogs with a reason."""

from typing import Any

import pytest
from django.core.cache import cache

from fulfillment.actions import coupons, redemptions
from fulfillment.models import Coupon, Entitlement, Mission, MissionCompletion, Redemption
from orders.models import BundleItem, Product
from profiles.actors import Actor
from tests.desk import Desk, Sign
from tests.stage import BY, Stage

LEAD = Actor(label="Lea", role="lead")
MISSION: dict[str, Any] = {
    "title": "First purchase",
    "slug": "first",
    "rule": "reported",
    "times": 1,
    "period": "once",
    "rewards": "EBOOK-TIDE-EN, NO-SUCH",
}


@pytest.fixture
def redeemed(desk: Desk) -> Redemption:
    cache.clear()
    with desk.inside():
        coupons.add(organization=desk.stage.organization, code="GIFT", kind="full", limit=2, by=LEAD, because="test")
        row = redemptions.redeem(
            "GIFT",
            organization=desk.stage.organization,
            identifiers={"email": desk.profile.identifiers.get(kind="email").value},
            by=BY,
            key="k",
            sku="EBOOK-TIDE-EN",
        )
    desk.stage.work()
    return row


def test_a_coupon_is_added_changed_stopped_and_resumed(desk: Desk, sign: Sign) -> None:
    lead, organization = sign("lead"), desk.stage.organization.pk
    empty = lead.get(desk.url("fulfillment_coupon_changelist"))
    assert b"No coupon yet" in empty.content
    data = {"code": "Spring", "kind": "amount", "amount": "5.00", "currency": "EUR", "skus": "", "limit_each": 1}
    assert desk.press(lead, "add_coupon", organization, **data).status_code == 302
    with desk.inside():
        made = Coupon.objects.get()
    assert (made.normalised, made.amount_minor) == ("SPRING", 500)
    assert desk.press(lead, "change_coupon", made.pk, limit=7, limit_each=1, skus="").status_code == 302
    assert desk.press(lead, "stop_coupon", made.pk).status_code == 302
    listed = lead.get(desk.url("fulfillment_coupon_changelist"))
    assert b"0 of 7" in listed.content and b"Stopped" in listed.content
    assert desk.press(lead, "resume_coupon", made.pk).status_code == 302
    assert [desk.acts(f"coupon.{what}") != [] for what in ("added", "changed", "stopped", "resumed")] == [True] * 4


def test_a_use_is_taken_back_from_its_page(desk: Desk, sign: Sign, redeemed: Redemption) -> None:
    lead = sign("lead")
    page = lead.get(desk.url("fulfillment_coupon_change", redeemed.coupon_id))
    assert page.status_code == 200 and b"Take back" in page.content
    opened = lead.get(desk.act("revoke_redemption", redeemed.pk))
    assert b"1 link" in opened.content and b"1 use is given back" in opened.content
    assert desk.press(lead, "revoke_redemption", redeemed.pk).status_code == 302
    with desk.inside():
        assert Coupon.objects.get().used == 0 and Entitlement.objects.get(source="coupon").status == "revoked"
    assert b"Take back" not in lead.get(desk.url("fulfillment_coupon_change", redeemed.coupon_id)).content


def test_a_coupon_is_issued_again_from_the_customers_page(desk: Desk, sign: Sign, redeemed: Redemption) -> None:
    lead, agent = sign("lead"), sign("agent")
    assert b"Reissue coupon" in lead.get(desk.profile_url).content
    assert b"Reissue coupon" not in agent.get(desk.profile_url).content
    assert agent.get(desk.act("reissue_coupon", redeemed.pk)).status_code == 302
    shown = desk.press(lead, "reissue_coupon", redeemed.pk)
    with desk.inside():
        made = Coupon.objects.get(parent__isnull=False)
    assert shown.status_code == 200 and made.code.encode() in shown.content


def test_a_mission_is_made_completed_and_its_reward_issued_again(desk: Desk, sign: Sign) -> None:
    lead = sign("lead")
    assert b"No mission yet" in lead.get(desk.url("fulfillment_mission_changelist")).content
    assert desk.press(lead, "add_mission", desk.stage.organization.pk, **MISSION).status_code == 302
    with desk.inside():
        mission = Mission.objects.get()
        completion = MissionCompletion.objects.create(
            organization=desk.stage.organization,
            mission=mission,
            profile=desk.profile,
            holder=desk.profile.pk,
            fact="event:1",
            completed_at=mission.starts_at,
        )
    url = desk.url("fulfillment_mission_change", mission.pk)
    page = lead.get(url)
    assert page.status_code == 200 and b"There is no product of this SKU" in page.content
    assert desk.press(lead, "reissue_reward", completion.pk).status_code == 302
    assert b"Reward issued again" in lead.get(url).content
    assert b"First purchase" in lead.get(desk.profile_url).content
    assert desk.press(lead, "stop_mission", mission.pk).status_code == 302
    assert desk.press(lead, "start_mission", mission.pk).status_code == 302


def test_a_bundle_is_filled_and_emptied_on_its_page(desk: Desk, sign: Sign) -> None:
    lead = sign("lead")
    bundle = desk.stage.product("SET-SEA", "Everything", kind="bundle")
    data = {"component": desk.stage.book.pk, "to_owners": ""}
    assert desk.press(lead, "add_component", bundle.pk, **data).status_code == 302
    page = lead.get(desk.url("orders_product_change", bundle.pk))
    assert b"EBOOK-TIDE-EN" in page.content and b"Take out" in page.content and b"Upload file" not in page.content
    with desk.inside():
        item = BundleItem.objects.get()
        assert Product.objects.get(pk=item.component_id).sku == "EBOOK-TIDE-EN"
    assert desk.press(lead, "remove_component", item.pk).status_code == 302
    with desk.inside():
        assert not BundleItem.objects.exists()


@pytest.mark.parametrize("name", ["coupon", "mission"])
def test_a_stranger_sees_none_of_it(desk: Desk, sign: Sign, redeemed: Redemption, name: str) -> None:
    stranger = sign("lead", Stage(slug="stranger"))
    assert b"GIFT" not in stranger.get(desk.url(f"fulfillment_{name}_changelist")).content
    assert stranger.get(desk.url("fulfillment_coupon_change", redeemed.coupon_id)).status_code == 404


def test_the_terms_of_a_mission_are_changed_after_it_is_told_what_that_does(desk: Desk, sign: Sign) -> None:
    lead = sign("lead")
    desk.press(lead, "add_mission", desk.stage.organization.pk, **MISSION)
    with desk.inside():
        mission = Mission.objects.get()
    data = {
        "title": "First purchase",
        "times": 2,
        "rewards": "EBOOK-TIDE-EN",
        "starts_at": f"{mission.starts_at:%Y-%m-%dT%H:%M}",
        "ends_at": "",
    }
    seen = desk.press(lead, "change_mission", mission.pk, **data)
    assert seen.context["will"][:2] == ["Nobody has completed it yet.", "From now on it takes 2 instead of 1."]
    with desk.inside():
        assert Mission.objects.get().times == 1, "nothing was pressed yet"
    form = seen.context["form"]
    told = {name: form[name].value() for name in ("because", "act", "foretold")}
    assert lead.post(desk.act("change_mission", mission.pk), {**data, **told}).status_code == 302
    with desk.inside():
        assert (Mission.objects.get().times, Mission.objects.get().starts_at) == (2, mission.starts_at)
    page = lead.get(desk.url("fulfillment_mission_change", mission.pk)).content
    assert b"Former terms" in page and desk.act("change_mission", mission.pk).encode() in page
    assert desk.act("change_mission", mission.pk).encode() not in sign("agent").get(desk.profile_url).content
