"""A reconciliation asks the providers' own lists, page by page, whoever has access to be asked with."""

from datetime import timedelta
from typing import Any

import pytest

from config import listing, reconciling
from orders.actions import channels
from orders.messages import OrderMessage
from orders.providers import TRUTHS
from orders.providers.truth import Asked, Away, Cursor, Page
from profiles import clock
from tests.money import order
from tests.stage import BY, Stage


class Pages:
    """A provider that lists two orders on two pages, or is away."""

    def __init__(self) -> None:
        self.asked: list[Cursor] = []
        self.away = ""

    def page(self, asked: Asked, after: Cursor, shop: Any) -> Page:
        self.asked.append(after)
        if self.away:
            raise Away(self.away)
        if after:
            return Page(messages=(order("second"),))
        return Page(messages=(order("first"),), after={"page": 2})

    def lacking(self, credentials: Any) -> str:
        return "" if credentials.get("api_key") else "api_key"


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Pages:
    found = Pages()
    monkeypatch.setitem(TRUTHS, "stripe", found)
    return found


def channel(stage: Stage, **credentials: str) -> Any:
    with stage.inside():
        return channels.connect(
            stage.organization, kind="stripe", domain="lantern.stripe.example", credentials=credentials, by=BY
        )


def read(found: Any) -> list[str]:
    now = clock.now()
    told = listing.read(found, now - timedelta(days=1), now)
    return [message.external_id for message in told if isinstance(message, OrderMessage)]


def test_every_page_is_read_once(stage: Stage, provider: Pages) -> None:
    assert read(channel(stage, api_key="sk_test_not_real")) == ["first", "second"]
    assert provider.asked == [{}, {"page": 2}]


def test_a_channel_without_access_is_not_asked(stage: Stage, provider: Pages) -> None:
    assert read(channel(stage)) == [] and provider.asked == []


def test_every_provider_with_a_list_is_wired_to_the_reconciliation() -> None:
    assert set(reconciling.LISTERS) == set(TRUTHS)


def test_a_provider_that_is_away_is_named_in_its_own_words(stage: Stage, provider: Pages) -> None:
    provider.away = "Stripe does not accept the api_key."
    now, found = clock.now(), channel(stage, api_key="sk_test_not_real")
    ((_, said),) = reconciling._read([found], now - timedelta(days=1), now)
    assert said == "Stripe does not accept the api_key."


def test_one_that_goes_on_telling_is_heard_to_its_end(
    stage: Stage, provider: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten pages, each within the time that one may take, together far beyond it."""
    import time

    def slowly(*arguments: Any) -> Any:
        for number in range(10):
            time.sleep(0.1)
            yield order(f"o-{number}")

    monkeypatch.setattr(reconciling, "LISTERS", {"stripe": slowly})
    monkeypatch.setattr(reconciling, "AT_MOST_SECONDS", 0.5)
    now, found = clock.now(), channel(stage, api_key="sk_test_not_real")
    ((_, told),) = reconciling._read([found], now - timedelta(days=1), now)
    assert len(told) == 10
