"""New links for many owners: each is mailed once, whatever is pressed and repeated, and dead links stay dead."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fulfillment.actions import assets, entitlements, links, renewals
from fulfillment.models import Asset, DownloadLink, Email, Entitlement, Renewal
from profiles import clock
from profiles.actors import Actor, Invalid
from tests.fulfillment.test_downloads import Shop
from tests.stage import BY

LEAD = Actor(label="Lea", role="lead")
DAY = timedelta(hours=24)


@pytest.fixture
def shop(db: None) -> Shop:
    made = Shop()
    made.buy()
    return made


def mails(shop: Shop, prefix: str) -> list[Email]:
    with shop.inside():
        return list(Email.objects.filter(effect_key__startswith=prefix).order_by("pk"))


def newer(shop: Shop, version: str = "") -> Asset:
    import io

    with shop.inside():
        return assets.add(
            shop.book, io.BytesIO(f"better {version}".encode()), filename="tide-atlas.pdf", by=BY, version=version
        )


def test_after_an_outage_each_live_mailed_link_is_replaced_and_mailed_once(shop: Shop) -> None:
    with shop.inside():
        former = DownloadLink.objects.get(kind="mailed")
        for _ in range(3):
            renewals.renew(DAY, by=LEAD, because="the store was away", key="one press")
        assert renewals.renew(DAY, by=LEAD, because="somebody else", key="another press") == 0, "it waits already"
    shop.work()
    [mail] = mails(shop, "renewed:")
    assert mail.template == "delivery" and mail.state == "kept"
    with shop.inside():
        former.refresh_from_db()
        assert former.revoked_because == renewals.REPLACED
        assert DownloadLink.objects.filter(kind="mailed", revoked_at__isnull=True).count() == 1
        row = Renewal.objects.get()
        renewals.work([row.pk])
        assert (row.due_at, row.outcome) == (None, renewals.MAILED)
    assert len(mails(shop, "renewed:")) == 1


def test_links_that_are_old_dead_or_given_out_by_hand_are_left_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand = shop.link()
    with shop.inside():
        with pytest.raises(Invalid):
            renewals.given_out(timedelta(days=31))
        assert renewals.renew(DAY, by=LEAD, because="the store was away", key="k") == 1
    shop.work()
    assert shop.client.get(by_hand).status_code == 200
    with shop.inside():
        monkeypatch.setattr(clock, "_offset", timedelta(hours=30))
        assert renewals.given_out(DAY).count() == 0 and renewals.given_out(2 * DAY).count() == 1
        monkeypatch.setattr(clock, "_offset", timedelta(hours=49))
        assert renewals.given_out(3 * DAY).count() == 0, "it has expired"


def test_who_lost_the_right_meanwhile_gets_nothing(shop: Shop) -> None:
    with shop.inside():
        renewals.renew(DAY, by=LEAD, because="the store was away", key="k")
        entitlements.revoke(Entitlement.objects.get(), by=BY, because="charged back")
    shop.work()
    assert mails(shop, "renewed:") == []
    with shop.inside():
        assert Renewal.objects.get().outcome == renewals.NOT_HAD


def test_without_an_address_the_former_link_lives_on(shop: Shop) -> None:
    with shop.inside():
        renewals.renew(DAY, by=LEAD, because="the store was away", key="k")
        order = Entitlement.objects.select_related("order").get().order
        assert order is not None
        type(order).objects.filter(pk=order.pk).update(delivery_email="", email_raw="")
        renewals.work(list(Renewal.objects.values_list("pk", flat=True)))
        assert Renewal.objects.get().outcome == renewals.NO_ADDRESS
        assert DownloadLink.objects.filter(kind="mailed", revoked_at__isnull=True).exists()


def test_a_new_version_is_offered_to_who_owned_it_before_once(shop: Shop) -> None:
    asset = newer(shop)
    with shop.inside():
        assert renewals.owners(asset) == renewals.Owners(owners=1, kept=0, told=0, left_out=0)
        assert renewals.offer(asset, by=LEAD, because="the maps are corrected") == 1
        assert renewals.offer(asset, by=LEAD, because="once more") == 0
        assert renewals.owners(asset).told == 1
    shop.work()
    [mail] = mails(shop, "version:")
    assert mail.template == "delivery"
    with shop.inside():
        assert DownloadLink.objects.filter(kind="mailed", revoked_at__isnull=True).count() == 2, "none dies of it"
        old = Asset.objects.get(product=shop.book, current=False)
        with pytest.raises(Invalid):
            renewals.offer(old, by=LEAD, because="by mistake")


def test_whose_access_was_taken_back_is_left_out(shop: Shop) -> None:
    asset = newer(shop)
    with shop.inside():
        entitlements.revoke(Entitlement.objects.get(), by=BY, because="charged back")
        assert renewals.owners(asset) == renewals.Owners(owners=0, kept=0, told=0, left_out=1)
        assert renewals.offer(asset, by=LEAD, because="the maps are corrected") == 0


@given(presses=st.lists(st.sampled_from(["renew", "offer", "work", "again"]), min_size=1, max_size=8))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_any_order_of_presses_each_effect_is_mailed_once(shop: Shop, presses: list[str]) -> None:
    from django.db import transaction

    with transaction.atomic():
        asset = newer(shop)
        with shop.inside():
            for press in presses:
                match press:
                    case "renew":
                        renewals.renew(DAY, by=LEAD, because="the store was away", key="one")
                    case "offer":
                        renewals.offer(asset, by=LEAD, because="corrected")
                    case _:
                        renewals.work(list(Renewal.objects.values_list("pk", flat=True)))
            renewals.work(list(Renewal.objects.values_list("pk", flat=True)))
            wanted = {"renew": "renewed:", "offer": "version:"}
            for press, prefix in wanted.items():
                assert Email.objects.filter(effect_key__startswith=prefix).count() == (press in presses)
        transaction.set_rollback(True)


def test_any_number_of_owners_takes_the_same_queries(shop: Shop) -> None:
    counts: list[int] = []
    first = shop.entitlement()
    for number in (2, 6):
        more = [shop.product(f"MORE-{number}-{one}", "More", file=f"{number} {one}".encode()) for one in range(number)]
        with shop.inside():
            for product in more:
                entitlements.grant(
                    first.profile, product, by=LEAD, because="a gift", key=product.sku, order=first.order
                )
            for right in Entitlement.objects.filter(product__in=more):
                Renewal.objects.create(
                    organization_id=right.organization_id,
                    entitlement=right,
                    why=Renewal.Why.VERSION,
                    effect_key=f"version:{right.pk}",
                    due_at=clock.now(),
                )
            ids = renewals.claim(100)
            assert len(ids) == number and not renewals.claim(100)
            with CaptureQueriesContext(connection) as queries:
                renewals.work(ids)
            counts.append(len(queries))
            assert Email.objects.filter(effect_key__startswith="version:").count() >= number
    assert counts[0] == counts[1], "one bulk statement for each table"


# One right ---------------------------------------------------------------------------------------------------------


def test_a_link_made_anew_kills_the_others_and_lives_as_long_as_was_chosen(shop: Shop) -> None:
    path = shop.link()
    with shop.inside():
        right = Entitlement.objects.get()
        given_link, dead = links.regenerate(
            right, by=LEAD, because="it was passed on", lifetime=timedelta(hours=2), use_limit=1
        )
        assert dead == 2
    assert shop.client.get(path).status_code == 410
    fresh = "/" + given_link.url.split("/", 3)[3]
    assert shop.client.get(fresh).status_code == 200
    assert shop.client.post(fresh).status_code == 303 and shop.client.post(fresh).status_code == 410


def test_one_link_is_revoked_with_its_running_download_and_the_right_stays(shop: Shop) -> None:
    path, other = shop.link(), shop.link()
    session = shop.client.post(path)["Location"]
    with shop.inside():
        link = DownloadLink.objects.filter(uses=1).get()
        links.revoke(link, by=LEAD, because="it was posted in public")
        with pytest.raises(links.LinkRevoked):
            links.revoke(link, by=LEAD, because="once more")
    assert shop.client.get(path).status_code == shop.client.get(session).status_code == 410
    assert shop.client.get(other).status_code == 200


def test_staff_get_the_file_as_the_customer_would_and_use_nothing_up(shop: Shop) -> None:
    with shop.inside():
        right = Entitlement.objects.get()
        asset = Asset.objects.get(product=shop.book)
        secret = links.open_for_staff(right, asset, by=LEAD, because="the customer sees an error")
    answer = shop.client.get(f"/download/file/{secret}")
    assert answer.status_code == 200 and "tide-atlas.pdf" in answer["Content-Disposition"]
    assert shop.used() == 0
    with shop.inside():
        from fulfillment.models import DownloadSession
        from support.queries import timelines

        [entry] = list(timelines.downloads(DownloadSession.objects.select_related("asset")))
        assert entry.title == "Opened tide-atlas.pdf as the customer would" and "Lea" in str(entry)
