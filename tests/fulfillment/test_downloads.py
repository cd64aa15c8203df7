"""The customer's way to the file: what scanners, thieves, broken lines and impatient fingers do to a link."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.test import Client

from config import files
from fulfillment.actions import assets, downloads, entitlements, links, renewals
from fulfillment.models import Asset, DownloadLink, DownloadSession, Email, Entitlement
from fulfillment.storages import StoreFailed
from profiles import clock
from support.queries import timelines
from tests.faults.crowd import at_once
from tests.servers import FileServer
from tests.stage import BOOK, BY, Stage, sample

SCANNERS = ("Mozilla/5.0 (compatible; BarracudaCentral)", "SafeLinks", "curl/8", "Slackbot-LinkExpanding 1.0", "")


class Shop(Stage):
    """The stage with one paid order, and a link to its file."""

    def buy(self) -> None:
        assert self.post("stripe", sample("stripe/checkout.session.completed.json")).status_code == 200
        self.work()

    def link(self, *, uses: int | None = None) -> str:
        """A fresh link's path."""
        with self.inside():
            given = links.make_temporary(Entitlement.objects.get(), by=BY, because="asked for", use_limit=uses)
        return "/" + given.url.split("/", 3)[3]

    def used(self) -> int:
        with self.inside():
            return sum(DownloadLink.objects.values_list("uses", flat=True))

    def entitlement(self) -> Entitlement:
        with self.inside():
            return Entitlement.objects.select_related("product", "profile", "order__channel").get()


@pytest.fixture
def shop(db: None) -> Shop:
    made = Shop()
    made.buy()
    return made


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def later(monkeypatch: pytest.MonkeyPatch, **by: float) -> None:
    monkeypatch.setattr(clock, "_offset", timedelta(**by))


# Scanners and strangers -----------------------------------------------------------------------------------------


def test_row_68_whoever_only_looks_uses_nothing_up(shop: Shop) -> None:
    path = shop.link(uses=1)
    for agent in SCANNERS:
        for look in (shop.client.get, shop.client.head):
            answer = look(path, headers={"User-Agent": agent, "Purpose": "prefetch"})
            assert answer.status_code == 200
            assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("no-store, private", "no-referrer")
            assert "noindex" in answer["X-Robots-Tag"]
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert shop.client.generic(method, path).status_code == 405
    with shop.inside():
        assert shop.used() == 0 and not DownloadSession.objects.exists()
    assert content(shop.client.post(path, follow=True)) == BOOK
    assert shop.used() == 1


def test_row_68_the_page_cannot_press_its_own_button(shop: Shop) -> None:
    page = shop.client.get(shop.link()).content.decode()
    assert "<script" not in page and "http-equiv" not in page and "onload" not in page
    assert not re.search(r"(src|href|action)=[\"'](https?:)?//", page), "nothing is loaded from elsewhere"


ODD = [
    "0" * 64, "x", "0" * 63, "0" * 65, "%00", "0" * 32 + "%00" + "0" * 31, "%ff", "..%2f..%2fetc%2fpasswd", "%2e%2e",
    "*", "%25", "'%20OR%201=1--", "é" * 64, "A" * 64, "\U0001f4a3", "0" * 5_000, "٠" * 64,
]  # fmt: skip


@pytest.mark.parametrize("secret", ODD, ids=range(len(ODD)))
def test_row_69_what_is_no_link_of_ours_is_one_page_and_never_an_error(shop: Shop, secret: str) -> None:
    unknown = shop.client.get(f"/download/{'1' * 64}").content
    for path in (f"/download/{secret}", f"/download/file/{secret}", f"/download/{secret}/1"):
        for ask in (shop.client.get, shop.client.post if "/file/" not in path else shop.client.get):
            answer = ask(path)
            assert answer.status_code == 404
            assert answer.content == unknown or b"traceback" not in answer.content.lower()
    assert shop.client.post(f"/download/{secret}/renew").status_code == 404


def test_row_69_a_cut_or_changed_link_gives_nothing(shop: Shop) -> None:
    path = shop.link()
    flipped = path[:-1] + ("0" if path[-1] != "0" else "1")
    for wrong in (path[:-1], path + "0", flipped, path.upper(), path.replace("/download/", "/download/file/")):
        assert shop.client.get(wrong).status_code == 404, wrong
        assert shop.client.post(wrong).status_code in (403, 404)
    assert shop.used() == 0


def test_a_file_of_another_product_is_not_behind_this_link(shop: Shop) -> None:
    path = shop.link()
    with shop.inside():
        other = Asset.objects.exclude(product=shop.book).get()
    assert shop.client.post(f"{path}/{other.pk}").status_code == 404 and shop.used() == 0


# The last use ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_row_70_of_twenty_presses_on_one_use_one_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    shop.buy()

    def presses(path: str) -> list[Any]:
        press: Callable[[], int] = lambda: Client().post(path).status_code  # noqa: E731
        return at_once([press] * 20, threads=20)

    assert sorted(presses(shop.link(uses=1))) == [303] + [410] * 19
    with shop.inside():
        assert DownloadSession.objects.count() == 1

    def look_then_count(*_: Any, **__: Any) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.2)")
        return "0" * 64

    monkeypatch.setattr(downloads, "count", look_then_count)
    assert presses(shop.link(uses=1)).count(303) > 1, "the control: looking first and counting then"


# Broken lines ---------------------------------------------------------------------------------------------------


def test_row_71_a_download_resumed_in_fifty_pieces_is_one_use(shop: Shop) -> None:
    whole = bytes(range(256)) * 40
    shop.product("EBOOK-TIDE-EN", "Tide Atlas", file=whole, filename="tide-atlas.epub")
    with shop.inside():
        asset = Asset.objects.get(product=shop.book, format="epub")
    path = shop.client.post(f"{shop.link(uses=1)}/{asset.pk}")["Location"]
    step, got, etag = len(whole) // 50 + 1, b"", ""
    while len(got) < len(whole):
        headers = {"Range": f"bytes={len(got)}-{len(got) + step - 1}", **({"If-Range": etag} if etag else {})}
        answer = shop.client.get(path, headers=headers)
        assert answer.status_code == 206 and answer["Content-Range"].endswith(f"/{len(whole)}")
        etag, got = answer["ETag"], got + content(answer)
    assert got == whole and shop.used() == 1
    with shop.inside():
        assert DownloadSession.objects.get().requests == 50


@pytest.mark.parametrize(
    ("header", "status", "length"),
    [
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(299)), 200, len(BOOK)),
        ("bytes=" + "0-,".join([""] * 300), 200, len(BOOK)),
        ("bytes=0-0,0-0", 200, len(BOOK)),
        ("bytes=999999-", 416, 0),
        ("bytes=-5", 206, 5),
        ("bytes=5-2", 200, len(BOOK)),
        ("bytes=" + "9" * 5_000 + "-", 200, len(BOOK)),
        ("lines=1-2", 200, len(BOOK)),
    ],
    ids=range(8),
)
def test_row_71_no_range_makes_more_of_the_file(shop: Shop, header: str, status: int, length: int) -> None:
    path = shop.client.post(shop.link())["Location"]
    answer = shop.client.get(path, headers={"Range": header})
    assert (answer.status_code, len(content(answer))) == (status, length)


# Ends -----------------------------------------------------------------------------------------------------------


def test_an_expired_link_says_so_and_mails_a_new_one(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shop.link()
    session = shop.client.post(path)["Location"]
    later(monkeypatch, hours=25)
    for ask in (shop.client.get, shop.client.head, shop.client.post):
        assert ask(path).status_code == 410
    assert shop.client.get(session).status_code == 410
    page = shop.client.get(path).content.decode()
    form = re.search(r'action="([^"]*/renew)"', page)
    assert form and 'method="post"' in page.lower()
    to = shop.entitlement().order.mail_to.lower()  # type: ignore[union-attr]
    assert to not in page.lower(), "whoever holds an old link does not learn the address"
    for _ in range(3):
        assert shop.client.post(form[1]).status_code == 200
    assert shop.client.get(form[1]).status_code == 405
    shop.work()
    with shop.inside():
        mailed = Email.objects.filter(template="delivery")
        assert [(mail.to, mail.state) for mail in mailed] == [(to, "kept")], "at most one an hour"


def test_a_revoked_link_is_dead_at_once_and_so_is_the_running_download(shop: Shop) -> None:
    path = shop.link()
    session = shop.client.post(path)["Location"]
    assert shop.client.get(session).status_code == 200
    with shop.inside():
        entitlements.revoke(Entitlement.objects.get(), by=BY, because="charged back, a known fraud")
    for dead in (path, session):
        answer = shop.client.get(dead)
        assert answer.status_code == 410 and b"The seller withdrew it." in answer.content
        assert b"fraud" not in answer.content and BY.label.encode() not in answer.content, "staff's words are theirs"
    assert shop.client.post(path).status_code == 410
    assert shop.client.post(f"{path}/renew").status_code == 410
    shop.work()
    with shop.inside():
        assert not Email.objects.filter(template="delivery").exists()


def test_a_dead_link_says_whether_a_newer_one_came_and_never_what_staff_wrote(shop: Shop) -> None:
    path = shop.link()
    with shop.inside():
        links.revoke(DownloadLink.objects.latest("pk"), by=BY, because="sent to the wrong person")
    answer = shop.client.get(path)
    assert answer.status_code == 410 and b"The seller withdrew this link." in answer.content
    assert b"wrong person" not in answer.content
    with shop.inside():
        DownloadLink.objects.update(revoked_because=renewals.REPLACED)
    assert b"A newer link was mailed to you." in shop.client.get(path).content
    with shop.inside():
        DownloadLink.objects.update(revoked_because=links.REPLACED)
    assert b"A newer link took its place." in shop.client.get(path).content


def test_a_session_lasts_half_an_hour_and_the_link_gives_another(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shop.link(uses=2)
    session = shop.client.post(path)["Location"]
    later(monkeypatch, minutes=31)
    assert shop.client.get(session).status_code == 410
    assert content(shop.client.post(path, follow=True)) == BOOK
    assert shop.client.post(path).status_code == 410 and shop.used() == 2


def test_a_restored_right_needs_a_new_link(shop: Shop) -> None:
    path = shop.link()
    with shop.inside():
        entitlements.revoke(Entitlement.objects.get(), by=BY, because="a mistake")
        entitlements.restore(Entitlement.objects.get(), by=BY, because="a mistake indeed")
    assert shop.client.get(path).status_code == 410
    assert shop.client.get(shop.link()).status_code == 200


def test_a_missing_object_uses_nothing_up(db: None, tmp_path: Path, settings: Any) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": files.folder(tmp_path / "files")}
    shop = Shop()
    shop.buy()
    path = shop.link(uses=1)
    with shop.inside():
        asset = Asset.objects.get(product=shop.book)
    storage = storages["default"]
    with storage.open(asset.path) as held:
        kept = held.read()
    storage.delete(asset.path)
    answer = shop.client.post(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "60") and shop.used() == 0
    for changed, status in ((b"another file of another size", 503), (kept, 303)):
        storage.delete(asset.path)
        storage.save(asset.path, ContentFile(changed))
        assert shop.client.post(path).status_code == status
    assert shop.used() == 1


# From S3 --------------------------------------------------------------------------------------------------------


def test_from_a_bucket_the_file_comes_byte_for_byte_by_a_signed_address(s3: FileServer, db: None) -> None:
    import urllib.request

    shop = Shop()
    shop.buy()
    session = shop.client.post(shop.link())["Location"]
    answer = shop.client.get(session)
    assert answer.status_code == 302 and answer["Location"].startswith(s3.endpoint)
    assert re.search(r"X-Amz-Expires=([0-9]+)", answer["Location"])[1] <= "300"  # type: ignore[index]
    with urllib.request.urlopen(answer["Location"], timeout=10) as got:
        assert got.read() == BOOK
        assert "tide-atlas.pdf" in got.headers["Content-Disposition"]
    s3.client.delete_object(Bucket=s3.bucket, Key=path_of_the_book(shop))
    assert shop.client.get(session).status_code == 503
    assert shop.client.post(shop.link()).status_code == 503 and shop.used() == 1


def path_of_the_book(shop: Shop) -> str:
    with shop.inside():
        return Asset.objects.get(product=shop.book).path


# Several files -------------------------------------------------------------------------------------------------


@pytest.fixture
def several(db: None, tmp_path: Path, settings: Any) -> Shop:
    """The book in three formats, one under an odd name, in a store of its own."""
    settings.STORAGES = {**settings.STORAGES, "default": files.folder(tmp_path / "files")}
    shop = Shop()
    shop.buy()
    with shop.inside():
        assets.add(shop.book, io.BytesIO(EPUB), filename="tide-atlas.epub", by=BY)
        assets.add(shop.book, io.BytesIO(b"letters"), filename="../../ä?.txt", by=BY)
    return shop


EPUB = bytes(range(256)) * 700


def test_everything_comes_as_one_zip_and_is_one_use(several: Shop) -> None:
    path = several.link(uses=1)
    page = several.client.get(path).content.decode()
    assert f'action="{path}/all"' in page and "<script" not in page
    assert several.client.get(f"{path}/all").status_code == 200 and several.used() == 0, "only a press counts"
    session = several.client.post(f"{path}/all")
    assert session.status_code == 303
    head = several.client.head(session["Location"])
    answer = several.client.get(session["Location"], headers={"Range": "bytes=0-10"})
    whole = content(answer)
    assert (answer.status_code, answer["Content-Type"], answer["Accept-Ranges"]) == (200, "application/zip", "none")
    assert answer["Content-Length"] == head["Content-Length"] == str(len(whole))
    assert "EBOOK-TIDE-EN.zip" in answer["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "tide-atlas.epub": EPUB,
            "tide-atlas.pdf": BOOK,
            "ä_.txt": b"letters",
        }
    assert several.used() == 1 and several.client.post(f"{path}/all").status_code == 410
    with several.inside():
        assert DownloadSession.objects.get().asset is None
        assert "everything as one zip" in str(list(timelines.downloads(DownloadSession.objects.all())))


def test_a_single_file_is_not_offered_as_a_zip(shop: Shop) -> None:
    assert b"/all" not in shop.client.get(shop.link()).content


def test_a_zip_of_which_one_file_is_gone_is_not_begun(several: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = several.link(uses=1)
    session = several.client.post(f"{path}/all")["Location"]
    with several.inside():
        storages["default"].delete(Asset.objects.get(product=several.book, format="pdf").path)
    answer = several.client.get(session)
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    other = several.link(uses=1)
    assert several.client.post(f"{other}/all").status_code == 503 and several.used() == 1


def test_a_store_that_goes_away_midway_ends_the_zip_before_it_could_open(
    several: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = several.client.post(f"{several.link()}/all")["Location"]
    answer = several.client.get(session)
    with several.inside():
        storages["default"].delete(Asset.objects.get(product=several.book, format="txt").path)
    sent = b""
    with pytest.raises(StoreFailed):
        for piece in answer.streaming_content:  # type: ignore[attr-defined]
            sent += piece
    assert len(sent) > len(EPUB) and not zipfile.is_zipfile(io.BytesIO(sent))
    assert len(sent) < int(answer["Content-Length"]), "the browser knows that something is missing"


def test_who_had_an_earlier_version_still_gets_it_and_nobody_else(shop: Shop) -> None:
    with shop.inside():
        Entitlement.objects.update(created_at=clock.now() - timedelta(days=30))
        Asset.objects.update(created_at=clock.now() - timedelta(days=60))
        first = Asset.objects.get(product=shop.book)
        second = assets.add(shop.book, io.BytesIO(b"better"), filename="tide-atlas.pdf", by=BY, version="2026")
    path = shop.link()
    page = shop.client.get(path).content.decode()
    assert "Version 2026" in page and "Earlier versions" in page
    assert content(shop.client.post(f"{path}/{first.pk}", follow=True)) == BOOK
    assert content(shop.client.post(path, follow=True)) == b"better"
    with shop.inside():
        Entitlement.objects.update(created_at=clock.now() + timedelta(seconds=1))
    assert "Earlier versions" not in shop.client.get(path).content.decode()
    assert shop.client.post(f"{path}/{first.pk}").status_code == 404
    with shop.inside():
        assert assets.withdraw(second, by=BY, because="a page is missing") == first
        with pytest.raises(assets.NotCurrent):
            assets.withdraw(second, by=BY, because="once more")
        with pytest.raises(assets.NoFormer):
            assets.withdraw(first, by=BY, because="that one too")
    assert content(shop.client.post(path, follow=True)) == BOOK
    assert shop.client.post(f"{path}/{second.pk}").status_code == 404, "nobody is given a withdrawn version"
