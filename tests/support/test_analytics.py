"""The figures of attribution and growth, read through their one door."""

from datetime import date

from support.analytics import Asked
from support.queries import analytics
from tests.stage import Stage, sample


def test_an_order_counts_on_its_day_in_its_currency_with_its_products(db: None) -> None:
    stage = Stage()
    assert stage.post("api", sample("api/order.json")).status_code == 200
    stage.work()
    with stage.inside():
        asked = Asked(stage.organization.pk, "Europe/Berlin", date(2026, 11, 13), date(2026, 11, 14), "USD")
        found = analytics.figures(asked)
        assert (found.total.orders, found.total.net_minor, found.attributed.orders) == (1, 8999, 0)
        assert [(one.sku, one.net_minor, one.quantity) for one in found.products] == [
            ("EBOOK-1", 5999, 1),
            ("EBOOK-2", 3000, 2),
        ]
        assert [(cohort.month, cohort.customers) for cohort in analytics.cohorts(asked)] == [(date(2026, 11, 1), 1)]
        assert [(week, one.orders) for week, one in analytics.growth_by_week(asked)] == [(date(2026, 11, 9), 1)]
        assert analytics.growth_by_channel(asked)[stage.channels["api"].pk].with_customer == 1
        assert analytics.figures(asked.before).total.orders == 0
