"""The library's page: versions, formats, receipts, what is withheld, and who sees nothing of it."""

import io
import re
from typing import Any
from zipfile import ZipFile

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fulfillment.actions import assets, bundles, entitlements, given_services
from fulfillment.models import Asset, DownloadLink, DownloadSession, Entitlement, Service
from fulfillment.queries import libraries as shelves
from orders.models import Order, Product
from profiles.models import Profile
from tests.guests import Guest
from tests.servers import MailServer
from tests.stage import BY, Stage

HOME = "/library/lantern/"


@pytest.fixture
def guest(db: None, smtp: MailServer) -> Guest:
    made = Guest(Stage(), smtp)
    made.buy()
    return made


def files(page: Any) -> list[str]:
    return re.findall(r'action="(/library/lantern/file/\d+/\d+)"', page.content.decode())


def test_versions_and_formats_stand_newest_first_and_each_is_given_as_it_is(guest: Guest) -> None:
    guest.open()
    with guest.stage.inside():
        second = b"%PDF the second Tide Atlas"
        assets.add(guest.stage.book, io.BytesIO(second), filename="tide-2.pdf", version="v2", by=BY)
        assets.add(guest.stage.book, io.BytesIO(b"PK epub"), filename="tide-2.epub", version="v2", by=BY)
    page = guest.client.get(HOME)
    text = page.content.decode()
    assert "New version" in text and text.index("Version v2") < text.index("Earlier versions") < text.index(
        "Version v1"
    )
    bodies = {b"".join(guest.client.post(url, follow=True).streaming_content) for url in files(page)}  # type: ignore[attr-defined]
    assert bodies == {b"PK epub", second, b"%PDF-1.7 the whole Tide Atlas"}
    with guest.stage.inside():
        assert DownloadSession.objects.count() == 3
        link = DownloadLink.objects.get(kind=DownloadLink.Kind.LIBRARY)
        assert link.uses == 3
        entitlements.revoke(Entitlement.objects.get(), by=BY, because="refunded by hand")
    for url in files(page):
        assert guest.client.post(url).status_code == 410, "the right is checked at each press"


def test_all_formats_come_as_one_zip_that_counts_as_one_use_and_ends_with_the_right(guest: Guest) -> None:
    guest.open()
    assert "(zip)" not in guest.client.get(HOME).content.decode(), "one file needs no archive"
    with guest.stage.inside():
        assets.add(guest.stage.book, io.BytesIO(b"PK epub"), filename="tide.epub", version="v1", by=BY)
    (url,) = re.findall(r'action="(/library/lantern/file/\d+/all)"', guest.client.get(HOME).content.decode())
    answer: Any = guest.client.post(url, follow=True)
    with ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert archive.testzip() is None and len(archive.namelist()) == 2
    with guest.stage.inside():
        assert DownloadLink.objects.get(kind=DownloadLink.Kind.LIBRARY).uses == 1
        entitlements.revoke(Entitlement.objects.get(), by=BY, because="refunded by hand")
    assert guest.client.post(url).status_code == 410
    assert Client().post(url).status_code == 303, "without a session, to the sign-in form"


def test_what_is_bought_twice_stands_once_and_what_is_withheld_says_why(guest: Guest) -> None:
    guest.buy(9002)
    guest.buy(9003, "EBOOK-HARB-EN")
    guest.open()
    with guest.stage.inside():
        first = Entitlement.objects.order_by("pk").first()
        assert first is not None
        entitlements.revoke(first, by=BY, because="we suspect something")
        harbour = Entitlement.objects.get(product__sku="EBOOK-HARB-EN")
        Entitlement.objects.filter(pk=harbour.pk).update(status="suspended", because="A dispute is open")
    text = guest.client.get(HOME).content.decode()
    assert text.count("Tide Atlas</h2>") == 1 and "suspect" not in text
    assert "On hold." in text and "disputed at your bank" in text
    assert len(files(guest.client.get(HOME))) == 1
    assert [number in text for number in ("#9001", "#9002", "#9003")] == [True, True, True]


def test_every_reason_of_the_facts_has_words_for_its_buyer() -> None:
    import inspect

    said = set(re.findall(r'Verdict\(Status\.(?:REVOKED|SUSPENDED), "([^"]+)"\)', inspect.getsource(entitlements)))
    assert said - {"The order belongs to no customer"} <= set(shelves.WORDS)


def test_nobody_else_sees_a_file_or_a_receipt(guest: Guest) -> None:
    page = guest.open()
    (url,) = files(page)
    with guest.stage.inside():
        order = Order.objects.get()
    ada = Guest(guest.stage, guest.smtp, "ada@example.org")
    ada.buy(9002, "EBOOK-HARB-EN")
    ada.open()
    for path, ask in ((url, ada.client.post), (f"{HOME}receipt/{order.pk}", ada.client.get)):
        assert ask(path).status_code == 404, path
    signed_out = Client()
    for path, ask in ((url, signed_out.post), (f"{HOME}receipt/{order.pk}", signed_out.get)):
        assert ask(path)["Location"] == HOME
    assert signed_out.get(f"{HOME}addresses")["Location"] == HOME
    assert guest.client.get(url).status_code == 405
    assert guest.client.post(url, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 404


def test_a_receipt_is_a_page_to_print_with_lines_and_refunds(guest: Guest) -> None:
    guest.open()
    with guest.stage.inside():
        order = Order.objects.get()
    page = guest.client.get(f"{HOME}receipt/{order.pk}").content.decode()
    for fact in ("Order #9001", "Tide Atlas", "89.99 USD", "Bob Larsen", "Sold by Lantern"):
        assert fact in page, fact


def test_a_missing_file_uses_nothing_up(guest: Guest) -> None:
    (url,) = files(guest.open())
    with guest.stage.inside():
        Asset.objects.update(size=1)
    answer = guest.client.post(url)
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    with guest.stage.inside():
        assert not DownloadLink.objects.filter(kind=DownloadLink.Kind.LIBRARY).exists()
        Asset.objects.all().delete()
    assert "being prepared" in guest.client.get(HOME).content.decode()


def test_a_library_costs_the_same_queries_whatever_it_holds(guest: Guest) -> None:
    guest.open()

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert guest.client.get(HOME).status_code == 200
        return len([one for one in captured.captured_queries if "SAVEPOINT" not in one["sql"]])

    few = cost()
    for number in range(3):
        guest.buy(9100 + number, "EBOOK-HARB-EN")
    assert cost() == few <= 15


def test_the_page_without_a_seller_leads_on_or_explains(guest: Guest) -> None:
    assert "Each shop keeps its own" in Client().get("/library/").content.decode()
    assert Client().post("/library/").status_code == 405
    wrong = guest.client.post(HOME, {"email": "no address <script>"})
    assert wrong.status_code == 400 and "<script>" not in wrong.content.decode()
    with guest.stage.inside():
        assert Profile.objects.get().claimed_at is None


# Services ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def advised(guest: Guest) -> Guest:
    """Somebody signed in who bought a set with an hour of advice in it."""
    guest.stage.product("ADVICE", "An hour of advice", kind="service")
    guest.stage.product("SET", "The writer's set", kind="bundle")
    with guest.stage.inside():
        bundles.fill(Product.objects.get(sku="SET"), ["EBOOK-HARB-EN", "ADVICE"], by=BY)
    guest.buy(9002, "SET")
    guest.open()
    return guest


def form_of(guest: Guest) -> str:
    found = re.search(rf'action="({HOME}service/\d+)"', guest.client.get(HOME).content.decode())
    return found[1] if found else ""


def test_a_service_stands_on_the_page_with_its_bundle_and_leads_to_its_form(advised: Guest) -> None:
    page = advised.client.get(HOME).content.decode()
    assert "An hour of advice" in page and "part of The writer&#x27;s set" in page
    assert "We need a few answers" in page
    answer = advised.client.post(form_of(advised))
    assert answer.status_code == 303 and answer["Location"].startswith("/intake/")
    assert advised.client.post(answer["Location"], {"answer_0": "A novel."}).status_code == 200
    page = advised.client.get(HOME).content.decode()
    assert "We have your answers" in page and "Change your answers" in page
    for state, said in (
        ("started", "We are at work."),
        ("done", "It is done."),
        ("ended", "It ended with your order."),
    ):
        with advised.stage.inside():
            Service.objects.update(state=state)
        page = advised.client.get(HOME).content.decode()
        assert said in page and bool(form_of(advised)) == (state != "ended")


def test_one_given_by_hand_stands_there_and_so_does_that_it_was_withdrawn(advised: Guest) -> None:
    with advised.stage.inside():
        profile, product = Profile.objects.get(), Product.objects.get(sku="ADVICE")
        row = given_services.give(profile, product, by=BY, because="a secret reason", key="1")
    page = advised.client.get(HOME).content.decode()
    assert page.count("An hour of advice</h2>") == 2 and "a secret reason" not in page
    with advised.stage.inside():
        given_services.withdraw(row, by=BY, because="a secret reason")
    page = advised.client.get(HOME).content.decode()
    assert "The seller withdrew it." in page and "a secret reason" not in page


def test_nobody_else_opens_a_form(advised: Guest) -> None:
    url = form_of(advised)
    ada = Guest(advised.stage, advised.smtp, "ada@example.org")
    ada.buy(9003, "EBOOK-HARB-EN")
    ada.open()
    assert ada.client.post(url).status_code == 404
    assert Client().post(url)["Location"] == HOME
    assert advised.client.get(url).status_code == 405
    assert advised.client.post(url, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 404
    answers = [advised.client.post(url).status_code for _ in range(21)]
    assert answers == [303] * 20 + [429]
