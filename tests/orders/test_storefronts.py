"""What a shop's page says is read however it is written there, and compared with the catalogue in sentences."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from config import dues, storefronts
from orders import storefronts as rules
from orders.actions import products
from orders.actions import storefronts as actions
from orders.models import Channel, StorefrontPage
from orders.providers.storefronts import fetch
from orders.storefronts import Seen
from profiles import clock
from profiles.actors import Invalid
from tests.stage import BY, Stage

State = StorefrontPage.State
PRODUCT = {"@type": "Product", "name": "Tide Atlas", "offers": {"price": "39.00", "priceCurrency": "EUR"}}


def page(thing: Any, *, title: str = "Lantern Press") -> bytes:
    script = f'<script type="application/ld+json">{json.dumps(thing)}</script>'
    return f"<html><head><title>{title}</title>{script}</head><body>…</body></html>".encode()


@pytest.mark.parametrize(
    "thing",
    [
        PRODUCT,
        [PRODUCT],
        {"@graph": [{"@type": "WebSite", "name": "Lantern"}, PRODUCT]},
        {**PRODUCT, "@type": ["Product", "Book"]},
        {**PRODUCT, "offers": [{"price": 39.00, "priceCurrency": "EUR"}]},
        {**PRODUCT, "offers": {"lowPrice": "39.00", "priceCurrency": "EUR"}},
        {**PRODUCT, "offers": {"priceSpecification": [{"price": "39.00", "priceCurrency": "EUR"}]}},
    ],
)
def test_structured_data_is_read_however_it_is_nested(thing):
    seen = rules.read(page(thing))
    assert (seen.title, seen.currency) == ("Tide Atlas", "EUR")
    assert rules.differences(seen, title="Tide Atlas", price_minor=3900, currency="EUR") == []


def test_meta_tags_are_read_where_there_is_nothing_better():
    html = (
        '<meta property="og:title" content="Tide Atlas – Lantern">'
        '<meta property="product:price:amount" content="39,00">'
        '<meta property="product:price:currency" content="EUR">'
    )
    seen = rules.read(html.encode())
    assert seen == Seen("Tide Atlas – Lantern", "39,00", "EUR")
    assert rules.differences(seen, title="tide  atlas", price_minor=3900, currency="EUR") == []


@pytest.mark.parametrize(("price", "unit", "shown"), [("3900", 2, "39.00"), ("1500", 0, "1500"), ("5", 2, "0.05")])
def test_the_store_api_counts_minor_units(price, unit, shown):
    told = {"name": "Tide Atlas", "prices": {"price": price, "currency_code": "EUR", "currency_minor_unit": unit}}
    assert rules.read(json.dumps(told).encode()) == Seen("Tide Atlas", shown, "EUR")


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Seen("Tide Atlas", "38.99", "EUR"), "The page says 38.99 EUR"),
        (Seen("Tide Atlas", "39.00", "USD"), "The page says 39.00 USD"),
        (Seen("Tide Atlas", "", ""), "names no price"),
        (Seen("Tide Atlas", "ask us", "EUR"), "is not an amount"),
        (Seen("Tide Atlas", "39.001", "EUR"), "is not an amount"),
        (Seen("Harbour", "39.00", "EUR"), "“Harbour”"),
        (Seen("", "39.00", "EUR"), "names no product"),
    ],
)
def test_what_differs_is_said_in_a_sentence(seen, words):
    (said,) = rules.differences(seen, title="Tide Atlas", price_minor=3900, currency="EUR")
    assert words in said


@given(body=st.binary(max_size=300), charset=st.text(max_size=20))
def test_no_page_makes_the_reading_raise(body, charset):
    assert isinstance(rules.read(body, charset=charset), Seen)
    assert isinstance(rules.read(b'<script type="application/ld+json">' + body, charset="utf-8"), Seen)


# A shop ------------------------------------------------------------------------------------------------------------


class Shop:
    """Serves pages by path; `moved` leads on."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {"/tide": page(PRODUCT), "/checkout": b"<html>pay</html>"}
        self.moved: dict[str, str] = {}
        self.asked: list[str] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shop.asked.append(self.path)
                if target := shop.moved.get(self.path):
                    self.send_response(302)
                    self.send_header("Location", target)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                body = shop.pages.get(self.path)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def shop() -> Iterator[Shop]:
    found = Shop()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def watch(stage: Stage, url: str, **more: Any) -> StorefrontPage:
    with stage.inside():
        more.setdefault("product", stage.book if not more.get("checkout") else None)
        return actions.watch(stage.channels["shopify"], url, by=BY, because="A test", **more)


def looked(stage: Stage, found: StorefrontPage) -> StorefrontPage:
    storefronts.verify(stage.organization.pk)
    with stage.inside():
        found.refresh_from_db()
    return found


def test_a_page_that_agrees_is_well(stage, shop):
    found = looked(stage, watch(stage, f"{shop.base}/tide"))
    assert (found.state, found.title_seen, found.price_seen) == (State.WELL, "Tide Atlas", "39.00 EUR")


def test_another_price_is_told_and_heals_by_itself(stage, shop):
    shop.pages["/tide"] = page({**PRODUCT, "offers": {"price": "9.00", "priceCurrency": "EUR"}})
    found = watch(stage, f"{shop.base}/tide")
    assert looked(stage, found).trouble == "The page says 9.00 EUR, the catalogue 39.00 EUR."
    assert found.state == State.DIFFERS
    shop.pages["/tide"] = page(PRODUCT)
    assert (looked(stage, found).state, found.trouble) == (State.WELL, "")


def test_a_checkout_only_has_to_answer(stage, shop):
    assert looked(stage, watch(stage, f"{shop.base}/checkout", checkout=True)).state == State.WELL
    gone = looked(stage, watch(stage, f"{shop.base}/gone", checkout=True))
    assert (gone.state, gone.trouble, gone.status_code) == (State.AWAY, "It answers 404.", 404)


def test_a_redirect_is_followed_a_little(shop):
    shop.moved = {"/a": "/b", "/b": f"{shop.base}/tide", "/loop": "/loop"}
    assert fetch(f"{shop.base}/a", inside=True).status == 200
    assert "leads on" in fetch(f"{shop.base}/loop", inside=True).trouble


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/tide", "https://127.0.0.1/tide", "https://user:pw@shop.example/", "ftp://shop.example/",
        "https://169.254.169.254/latest/meta-data", "https://[::1]/", "https://shop.example:8443/", "javascript:x",
    ],
)  # fmt: skip
def test_an_address_that_is_not_of_the_open_internet_is_refused(stage, settings, url):
    settings.PRODUCTION = True
    with pytest.raises(Invalid):
        watch(stage, url)


def test_a_redirect_into_this_machine_is_not_followed(shop, monkeypatch):
    """The first address is allowed by hand, as if it were public; the one it leads to is looked at like any other."""
    from profiles.providers import outgoing

    shop.moved = {"/a": f"{shop.base}/tide"}
    true, calls = outgoing.request, []

    def first_is_public(method: str, url: str, **options: Any) -> Any:
        calls.append(url)
        return true(method, url, **{**options, "inside": len(calls) == 1})

    monkeypatch.setattr(outgoing, "request", first_is_public)
    found = fetch(f"{shop.base}/a", inside=False)
    assert found.trouble.startswith("It is not called") and shop.asked == ["/a"]


def test_listings_whose_address_is_known_are_pages_by_themselves(stage):
    with stage.inside():
        products.add(
            organization=stage.organization, sku="EBOOK-TIDE-EN", title="Tide Atlas", kind="ebook", price="39.00",
            currency="EUR", listings=[("woocommerce", "5512")], by=BY,
        )  # fmt: skip
        actions.derive(stage.organization)
        actions.derive(stage.organization)
        found = StorefrontPage.objects.get()
        assert found.url == "https://store.example.com/wp-json/wc/store/v1/products/5512"
        with pytest.raises(Invalid):
            actions.forget(found, by=BY, because="A test")
        stage.book.listings.all().delete()
        actions.derive(stage.organization)
        assert not StorefrontPage.objects.exists()


def test_the_night_looks_only_where_channels_may_be_called(stage, shop):
    watch(stage, f"{shop.base}/tide")
    with stage.inside():
        assert actions.sweep(stage.organization.pk) == 0
        Channel.objects.update(calls_provider=True)
        assert actions.sweep(stage.organization.pk) == 1
    stage.work()
    with stage.inside():
        assert StorefrontPage.objects.get().state == State.WELL
        assert StorefrontPage.objects.get().due_at is None
    assert shop.asked == ["/tide"]


def test_a_look_that_died_is_due_again_by_itself(stage, shop):
    watch(stage, f"{shop.base}/tide")
    with stage.inside():
        actions.ask(stage.organization, by=BY, because="A test")
        assert len(actions.claim(5)) == 1 and actions.claim(5) == []
        StorefrontPage.objects.update(due_at=clock.real())
    assert dues.outlook(stage.organization.pk)[0] is not None
    stage.work()
    with stage.inside():
        assert StorefrontPage.objects.get().state == State.WELL


def run(*arguments: str) -> Any:
    out = StringIO()
    call_command("verify_storefront", "--organization", "lantern", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_command_adds_a_page_and_says_what_it_found(stage, shop):
    label = stage.channels["shopify"].label
    told = run("--channel", label, "--watch", f"{shop.base}/tide", "--sku", "EBOOK-TIDE-EN")
    assert (told["well"], told["odd"], told["pages"][0]["state"]) == (1, 0, "well")
    with pytest.raises(CommandError, match="no channel"):
        run("--channel", "shopify:nowhere")
    with pytest.raises(CommandError, match="no product"):
        run("--channel", label, "--watch", f"{shop.base}/tide", "--sku", "NONE")
