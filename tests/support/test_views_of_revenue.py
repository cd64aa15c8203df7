"""The database's own views: what finance reads by SQL is what the API tells, for one organization alone."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from orders import money
from orders.models import Rate
from profiles import tenancy
from profiles.actions import organizations
from profiles.models import Organization
from tests.handmade import Autumn
from tests.house.catalogue import rows
from tests.stage import BY, Stage

VIEWS = ("revenue_by_platform", "high_value_customers", "attribution_performance")


def read(organization: Organization, view: str, columns: str) -> list[Any]:
    with tenancy.organization(organization.pk), connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {view} ORDER BY {columns}")
        return [tuple(str(value) for value in row) for row in cursor.fetchall()]


def test_the_views_say_what_was_counted_by_hand_and_what_the_api_says(db: None) -> None:
    autumn = Autumn()
    autumn.play()
    organization = autumn.stage.organization
    # October of tests/support/test_hand_counted.py, with E01 before and E32 and E33 after it; J07 among the yen.
    assert read(organization, "revenue_by_platform", "currency, platform, orders, gross, refunded, net") == [
        ("EUR", "api", "11", "171.50", "0.00", "171.50"),
        ("EUR", "shopify", "8", "156.60", "18.40", "138.20"),
        ("EUR", "stripe", "5", "138.20", "73.20", "65.00"),
        ("EUR", "woocommerce", "9", "209.73", "24.87", "184.86"),
        ("JPY", "api", "4", "4650", "0", "4650"),
        ("JPY", "shopify", "2", "3981", "1980", "2001"),
        ("JPY", "stripe", "1", "5000", "2000", "3000"),
        ("KWD", "api", "2", "12.345", "0.000", "12.345"),
    ]
    found = read(organization, "attribution_performance", "currency, band, method, orders, conversations, net")
    assert found == [
        ("EUR", "high", "session_match", "8", "6", "157.20"),
        ("EUR", "high", "time_proximity", "2", "2", "65.00"),
        ("EUR", "low", "email_match", "3", "3", "66.50"),
        ("EUR", "medium", "email_match", "1", "1", "0.00"),
        ("EUR", "medium", "time_proximity", "4", "3", "106.50"),
        ("EUR", "none", "no_match", "15", "0", "164.36"),
        ("JPY", "high", "session_match", "2", "1", "3500"),
        ("JPY", "low", "email_match", "2", "1", "3450"),
        ("JPY", "none", "no_match", "3", "0", "2701"),
        ("KWD", "high", "session_match", "2", "1", "12.345"),
    ]
    for currency in ("EUR", "JPY", "KWD"):
        told = autumn.call("GET", f"/api/analytics/revenue?start=2026-09-01&end=2026-12-01&currency={currency}")
        platforms = read(organization, "revenue_by_platform", "currency, platform, net")
        assert told["revenueByPlatform"] == {row[1]: row[2] for row in platforms if row[0] == currency}
        bands: dict[str, Decimal] = {}
        for _, band, _, _, _, net in (row for row in found if row[0] == currency):
            bands[band] = bands.get(band, Decimal(0)) + Decimal(net)
        bands.pop("none", None)
        assert {name: Decimal(net) for name, net in told["revenueByConfidence"].items() if Decimal(net)} == bands
        assert Decimal(told["chatAttributedRevenue"]) == sum(bands.values())


@pytest.mark.parametrize(
    ("currency", "just", "more"), [("EUR", "500.00", "500.01"), ("JPY", "500", "501"), ("KWD", "500.000", "500.001")]
)
def test_a_customer_of_high_value_brought_more_than_500_of_the_base_currency(
    db: None, currency: str, just: str, more: str
) -> None:
    stage = Stage()
    with stage.inside():
        Organization.objects.filter(pk=stage.organization.pk).update(currency=currency)
    for name, total in (("just", just), ("more", more)):
        buy(stage, name, total, currency)
    stage.work()
    assert read(stage.organization, "high_value_customers", "name, currency, lifetime_value, orders") == [
        ("more", currency, more, "1")
    ]


def test_every_currency_counts_where_its_rate_is_known(db: None) -> None:
    stage = Stage()
    with stage.inside():
        Rate.objects.create(organization=stage.organization, currency="JPY", on="2026-10-01", rate="0.00625")
    buy(stage, "ada", "400.00", "EUR")
    buy(stage, "ada", "20000", "JPY")  # 125.00
    buy(stage, "bob", "600.00", "EUR")
    buy(stage, "bob", "900.00", "USD")  # nobody entered a rate: what is known is enough, and the view says so
    buy(stage, "eve", "900.00", "USD")
    stage.work()
    columns = "name, currency, lifetime_value, orders, every_rate_known"
    assert read(stage.organization, "high_value_customers", columns) == [
        ("ada", "EUR", "525.00", "2", "True"),
        ("bob", "EUR", "600.00", "2", "False"),
    ]


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_shows_nobody_elses_rows(db: None, view: str) -> None:
    stage = Stage()
    buy(stage, "ada", "900.00", "EUR")
    stage.work()
    stranger = organizations.create("stranger", name="S", currency="EUR", region="DE", timezone="UTC", by=BY)
    assert read(stage.organization, view, "currency") == [("EUR",)]
    assert read(stranger, view, "currency") == []
    assert rows(f"SELECT * FROM {view}") == []


def test_an_amount_has_the_decimals_of_its_currency(db: None) -> None:
    codes = ",".join(money.EXPONENTS)
    told = rows(f"SELECT code, support_amount(123456, code)::text AS text FROM unnest('{{{codes}}}'::text[]) code")
    assert {row["code"]: row["text"] for row in told} == {code: money.to_text(123456, code) for code in money.EXPONENTS}


def buy(stage: Stage, name: str, total: str, currency: str) -> None:
    body = {
        "external_id": f"{name}-{currency}",
        "currency": currency,
        "total": total,
        "placed_at": "2026-10-02T12:00:00Z",
        "customer": {"email": f"{name}@example.com", "name": name},
        "lines": [{"sku": "EBOOK-TIDE-EN", "quantity": 1, "total": total}],
    }
    assert stage.post("api", body).status_code == 200
