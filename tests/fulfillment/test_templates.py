"""What customers read: pages are safe with any words in them, self-contained, and hold what they must."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CLAIM = "http://testserver/claim/" + "cd34" * 16
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}{0.__class__}",
    "=HYPERLINK(1)",
    "' a='",
]
USUAL: dict[str, Any] = {
    "organization_name": "Aurora Books",
    "support_email": "help@aurora.example",
    "product_title": "The Quiet Garden",
    "product_kind": "ebook",
    "order_number": "#1001",
    "order_reference": "cs_1",
    "customer_name": "Ada",
    "placed_at": AT,
    "expires_at": AT,
    "expired_at": AT,
    "uses_left": 3,
    "files": [
        {"format": "pdf", "label": "PDF", "size_text": "8.4 MB", "version": "3", "action_url": "/download/x/pdf"},
        {"format": "epub", "label": "EPUB", "size_text": "2.1 MB", "version": "3", "action_url": "/download/x/epub"},
    ],
    "renew_url": "/download/x/renew",
    "retry_url": "/download/x",
    "masked_email": "a•••@example.com",
    "reason": "The order was refunded.",
    "currency": "EUR",
    "lines": [{"title": "The Quiet Garden", "quantity": 2, "total_text": "38.00"}],
    "total_text": "38.00",
    "claim_url": CLAIM,
    "confirm_url": CLAIM,
    "veto_url": CLAIM,
    "titles": ["The Quiet Garden"],
    "code": "123456",
    "minutes": 10,
    "sentence": "This link was used.",
    "sign_out_url": "/library/aurora/sign-out",
    "addresses_url": "/library/aurora/addresses",
    "back_url": "/library/aurora/",
    "due_at": AT,
    "addresses": ["a@example.com"],
    "open": True,
    "items": [
        {"title": "The Quiet Garden", "state": "ready", "since": AT, "order_number": "#1001",
         "latest": {"name": "3", "is_new": True,
                    "files": [{"label": "PDF", "size_text": "8.4 MB", "action_url": "/library/aurora/file/1/2"}]}},
    ],
    "receipts": [{"number": "#1001", "placed_at": AT, "total_text": "38.00 EUR", "url": "/library/aurora/receipt/1"}],
    "bill": {"order": {"placed_at": AT, "currency": "EUR"}, "total_text": "38.00", "refunds": [],
             "lines": [{"title": "The Quiet Garden", "quantity": 2, "total_text": "38.00"}]},
}  # fmt: skip
PAGES = [
    *(f"download/{name}" for name in ("page", "expired", "renewed", "revoked", "unknown", "unavailable", "limited")),
    *(f"claim/{name}" for name in ("invitation", "sent", "sign_in", "other", "ended", "over", "address")),
    *(f"library/{name}" for name in ("index", "sign_in", "page", "receipt", "addresses")),
]
SELLERLESS = ("download/unknown.html", "download/limited.html", "library/index.html")
ALL = [f"{name}.html" for name in PAGES]


def render(template: str, **changes: Any) -> str:
    return render_to_string(template, USUAL | changes)


def words(html: str) -> str:
    body = re.sub(r"<(style|title)\b.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


class Reader(HTMLParser):
    """Collects elements, and notices tags that are closed without having been opened."""

    VOID = frozenset({"meta", "link", "br", "img", "input", "path", "rect", "circle"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("template", ALL)
def test_what_customers_and_sellers_wrote_stays_text(template: str, hostile: str) -> None:
    changed: dict[str, Any] = {
        name: hostile
        for name, value in USUAL.items()
        if isinstance(value, str) and not name.endswith(("_url", "email", "kind"))
    }
    changed["lines"] = [{"title": hostile, "quantity": 1, "total_text": "1.00"}]
    changed["files"] = [dict.fromkeys(USUAL["files"][0], hostile)]
    html = render(template, **changed)
    read = Reader(html)
    assert read.open == []
    assert not [tag for tag, _ in read.elements if tag in ("script", "img", "iframe", "object")]
    assert not [attrs for _, attrs in read.elements if any(name.startswith("on") or name == "a" for name in attrs)]
    if template not in SELLERLESS:
        assert hostile in unescape(html)


@pytest.mark.parametrize("template", ALL)
def test_nothing_is_loaded_from_elsewhere(template: str) -> None:
    html = render(template)
    assert re.findall(r"https?://[^\s\"'<]+", html.replace(CLAIM, "")) == []
    for tag, attrs in Reader(html).elements:
        for name in ("src", "href", "action"):
            target = attrs.get(name) or "/"
            assert target.startswith(("/", "#", "mailto:")) or (tag == "a" and target == CLAIM)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_obeys_the_strict_content_security_policy(name: str) -> None:
    elements = Reader(render(f"{name}.html")).elements
    assert not [tag for tag, attrs in elements if tag in ("style", "script") or "style" in attrs]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_a_language_a_heading_and_a_main_part_and_stays_out_of_search_engines(name: str) -> None:
    elements = Reader(render(f"{name}.html")).elements
    tags = [tag for tag, _ in elements]
    assert dict(elements)["html"]["lang"] == "en"
    assert tags.count("h1") == tags.count("main") == 1
    metas = {attrs.get("name"): attrs.get("content") for tag, attrs in elements if tag == "meta"}
    assert "noindex" in str(metas["robots"])
    assert metas["referrer"] == "no-referrer"


def test_each_file_has_a_button_that_posts_and_no_page_submits_itself() -> None:
    elements = Reader(render("download/page.html")).elements
    forms = [attrs for tag, attrs in elements if tag == "form"]
    assert forms == [{"method": "post", "action": file["action_url"]} for file in USUAL["files"]]
    assert len([tag for tag, attrs in elements if tag == "button" and attrs.get("type") == "submit"]) == 2


def test_the_download_page_says_what_and_until_when_and_how_often() -> None:
    told = words(render("download/page.html"))
    for fact in (
        "Order #1001",
        "The Quiet Garden",
        "8.4 MB · Version 3",
        "23 November 2026, 09:00 UTC",
        "Downloads left 3",
    ):
        assert fact in told
    assert "as often as you like" in words(render("download/page.html", uses_left=None))


def test_a_product_without_a_file_yet_says_so() -> None:
    html = render("download/page.html", files=[])
    assert "being prepared" in words(html)
    assert not {"ul", "form", "button"} & {tag for tag, _ in Reader(html).elements}


def test_the_expired_page_offers_a_new_link_to_the_masked_address() -> None:
    html = render("download/expired.html")
    assert "expired" in words(html)
    assert {"method": "post", "action": USUAL["renew_url"]} in [a for tag, a in Reader(html).elements if tag == "form"]
    assert "a•••@example.com" in words(html)
    assert "used up" in words(render("download/expired.html", used_up=True))
    without = render("download/expired.html", renew_url="")
    assert "form" not in [tag for tag, _ in Reader(without).elements]
    assert "help@aurora.example" in words(without)


def test_the_revoked_page_says_so_why_and_whom_to_ask() -> None:
    told = words(render("download/revoked.html"))
    for fact in ("revoked", "The order was refunded.", "help@aurora.example", "#1001"):
        assert fact in told


def test_the_unknown_page_is_the_same_without_any_context() -> None:
    assert "no such link" in words(render_to_string("download/unknown.html"))


def _stylesheet() -> str:
    found = finders.find("fulfillment/customer.css")
    assert isinstance(found, str)
    return Path(found).read_text()


def test_the_stylesheet_loads_nothing() -> None:
    assert not re.search(r"url\(|@import|https?:", _stylesheet())


def _contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("accent", ["", "indigo", "ocean", "rose", "amber", "slate"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_accent_is_readable_in_light_and_dark(accent: str, scheme: str) -> None:
    light, dark = _stylesheet().split("@media (prefers-color-scheme: dark)")
    colours: dict[str, str] = {}
    for part in (light, dark)[: 1 if scheme == "light" else 2]:
        for name in (":root", f'[data-accent="{accent}"]'):
            block = re.search(re.escape(name) + r"\s*\{(.*?)\}", part, re.DOTALL)
            colours |= dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block[1] if block else ""))
    pairs = [
        ("ink", "card"),
        ("soft", "card"),
        ("soft", "page"),
        ("soft", "sunk"),
        ("accent", "card"),
        ("accent", "page"),
    ]
    pairs += [("on-accent", "accent"), ("on-accent", "accent-deep"), ("accent", "accent-wash"), ("warn", "warn-wash")]
    assert [pair for pair in pairs if _contrast(colours[pair[0]], colours[pair[1]]) < 4.5] == []
