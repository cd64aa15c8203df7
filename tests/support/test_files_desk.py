"""Files and stores at the desk: what the runbook's buttons do, the list of files, and links made anew and tested."""

import io
from typing import Any

import pytest
from django.core.files.storage import storages as configured
from django.urls import reverse

from config import files
from fulfillment.actions import assets, links, reach, stores
from fulfillment.models import Asset, DownloadLink, DownloadSession, Email, Entitlement, Reach, Renewal
from profiles import clock
from support.admin import dialogs
from support.queries import verdicts
from support.runbooks import RUNBOOKS
from tests.desk import Desk, Sign
from tests.stage import BY

DIALOGS = ("switch_storage", "verify_assets", "renew_links")


@pytest.fixture
def two(settings: Any, tmp_path: Any) -> None:
    """Two stores; this fixture goes before the desk."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": files.folder(tmp_path / "first"),
        "second": files.folder(tmp_path / "second"),
    }


@pytest.fixture
def desk(two: None, desk: Desk) -> Desk:
    return desk


def right(desk: Desk) -> Entitlement:
    assert desk.entitlement is not None
    return desk.entitlement


def test_every_button_of_the_storage_runbook_exists() -> None:
    named = {name for step in RUNBOOKS["storage"] for name in step.dialogs} - {"drill_storage"}
    assert named == set(DIALOGS) <= set(dialogs.DIALOGS)


def test_a_person_switches_the_store_and_back(desk: Desk, sign: Sign) -> None:
    client = sign("engineer")
    owner = desk.stage.organization.pk
    opened = client.get(desk.act("switch_storage", owner))
    assert opened.context["form"].initial["to"] == "second" and "nobody notices" in opened.context["will"][1]
    desk.press(client, "switch_storage", owner, to="second")
    assert stores.Health().switched()
    assert "because a person switched" in client.get(desk.url("fulfillment_asset_changelist")).content.decode()
    again = desk.press(client, "switch_storage", owner, to="second")
    assert b"already" in again.content or again.status_code in (302, 409)
    assert client.get(desk.act("switch_storage", owner)).context["form"].initial["to"] == "default"
    desk.press(client, "switch_storage", owner, to="default")
    assert not stores.Health().switched() and len(desk.acts("storage.switched")) == 2
    assert sign("agent").get(desk.act("switch_storage", owner)).status_code == 302, "said on the first page"
    assert (
        desk.act("switch_storage", owner)
        not in sign("agent").get(desk.url("fulfillment_asset_changelist")).content.decode()
    )


def test_the_check_runs_in_the_worker_and_the_list_says_what_it_found(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    with desk.inside():
        book = Asset.objects.get(product=desk.stage.book)
    configured["second"].delete(book.path)
    url = reverse("admin:fulfillment_asset_changelist")
    assert "Not checked yet" in client.get(url).content.decode()
    desk.press(client, "verify_assets", desk.stage.organization.pk)
    assert "Being checked" in client.get(url).content.decode()
    desk.stage.work()
    page = client.get(url).content.decode()
    assert "First: whole" in page and "Second: whole" in page and "tide-atlas.pdf" in page
    assert configured["second"].exists(book.path) and len(desk.acts("assets.verified")) == 1
    configured["default"].delete(book.path)
    configured["second"].delete(book.path)
    desk.press(client, "copy_file", book.pk)
    desk.stage.work()
    page = client.get(f"{url}?state=fault").content.decode()
    assert "Look at it" in page and "harbour" not in page and "Check and copy" in page


def test_links_are_made_anew_after_the_numbers_were_seen(desk: Desk, sign: Sign) -> None:
    client, owner = sign("lead"), desk.stage.organization.pk
    first = desk.press(client, "renew_links", owner, hours="48")
    assert first.context["will"][0].startswith(("1 link dies", "2 links die"))
    with desk.inside():
        assert not Renewal.objects.exists()
    told = first.context["form"]
    data = {name: told.data[name] for name in ("because", "act", "hours", "foretold")}
    client.post(desk.act("renew_links", owner), data)
    client.post(desk.act("renew_links", owner), data)
    desk.stage.work()
    with desk.inside():
        count = Renewal.objects.count()
        assert count == Email.objects.filter(effect_key__startswith="renewed:").count() > 0
    assert len(desk.acts("links.renewed")) == 1


def test_a_link_is_made_anew_tested_and_shown_once(desk: Desk, sign: Sign) -> None:
    client = sign("agent")
    done = desk.press(client, "regenerate_links", right(desk).pk, hours="3", use_limit="2")
    page = done.content.decode()
    assert "Tested: the page opens and 1 file is there and whole" in page and "/download/" in page
    with desk.inside():
        live = DownloadLink.objects.get(entitlement=right(desk), revoked_at__isnull=True)
        assert (live.use_limit, live.uses, live.kind) == (2, 0, "temporary")
        configured["default"].delete(path := Asset.objects.get(product=right(desk).product_id).path)
        configured["second"].delete(path)
    page = desk.press(client, "regenerate_links", right(desk).pk, hours="3").content.decode()
    assert "no store gives" in page


def test_staff_open_the_file_as_the_customer_would(desk: Desk, sign: Sign) -> None:
    client = sign("agent")
    with desk.inside():
        asset = Asset.objects.get(product=right(desk).product_id)
    page = desk.press(client, "open_as_customer", right(desk).pk, file=asset.pk).content.decode()
    assert "/download/file/" in page
    with desk.inside():
        assert DownloadSession.objects.get().staff and DownloadLink.objects.get(kind="staff").uses == 0
        assert right(desk).pk in (known := verdicts.Known.of([right(desk)]).links)
        assert known[right(desk).pk].kind == "mailed", "the verdict speaks of the customer's own link"
        Email.objects.update(bounced_at=clock.now(), state=Email.State.SENT)
        row, _ = Reach.objects.get_or_create(order=desk.order, defaults={"organization_id": desk.stage.organization.pk})
        reach.settle([row.pk])
        assert Reach.objects.filter(pk=row.pk).exists(), "the customer has not fetched it"
        DownloadSession.objects.update(staff="")
        reach.settle([row.pk])
        assert not Reach.objects.filter(pk=row.pk).exists(), "the control: they have"
        DownloadSession.objects.update(staff="Ann")
    assert len(desk.acts("file.opened_by_staff")) == 1
    shown = client.get(desk.order_url).content.decode()
    assert "as the customer would" in shown and "Downloaded tide-atlas.pdf" not in shown


def test_one_link_is_revoked_from_the_page_that_shows_it(desk: Desk, sign: Sign) -> None:
    client = sign("agent")
    with desk.inside():
        given = links.make_temporary(right(desk), by=BY, because="for the chat")
    page = client.get(desk.order_url).content.decode()
    assert desk.act("revoke_link", given.link.pk) in page and "for the chat" in page
    desk.press(client, "revoke_link", given.link.pk)
    assert desk.act("revoke_link", given.link.pk) not in client.get(desk.order_url).content.decode()
    with desk.inside():
        assert DownloadLink.objects.get(pk=given.link.pk).revoked_at


def test_a_version_is_offered_and_withdrawn_from_the_products_page(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    product = right(desk).product_id
    with desk.inside():
        book = Asset.objects.select_related("product").get(product=product)
    url = desk.url("orders_product_change", product)
    assert "offer_version" not in client.get(url).content.decode(), "there is nothing new"
    with desk.inside():
        newer = assets.add(book.product, io.BytesIO(b"better"), filename=book.filename, by=BY)
    page = client.get(url).content.decode()
    assert desk.act("offer_version", newer.pk) in page and desk.act("withdraw_file", newer.pk) in page
    opened = client.get(desk.act("offer_version", newer.pk))
    assert opened.context["will"][0] == "1 e-mail with a new link to 1 owner, each once."
    desk.press(client, "offer_version", newer.pk)
    desk.stage.work()
    with desk.inside():
        assert Email.objects.filter(effect_key__startswith="version:").count() == 1
    desk.press(client, "withdraw_file", newer.pk)
    page = client.get(url).content.decode()
    assert "Withdrawn" in page and "offer_version" not in page
