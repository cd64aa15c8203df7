"""What the page of an order or a customer shows is read at once, and belongs to what is shown."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fulfillment.models import Entitlement
from profiles import clock
from support.queries import pages
from support.queries.together import Reading
from tests.desk import Desk, Sign


def test_what_belongs_to_an_order_or_a_customer_comes_in_one_statement(desk: Desk) -> None:
    with desk.inside():
        order, profile = pages.order(desk.order.pk), pages.profile(desk.profile.pk)
        assert order is not None and profile is not None
        with CaptureQueriesContext(connection) as captured:
            of_order = pages.of_order(order, now=clock.now())
        assert len(captured) == 2  # with that for the moment
        with CaptureQueriesContext(connection) as captured:
            of_customer = pages.of_profile(profile, now=clock.now())
        assert len(captured) <= 5
        assert of_order.lines and of_order.entitlements and of_order.emails
        assert [row.pk for row in of_customer.orders] == [order.pk] and of_customer.identifiers
        assert pages.order(order.pk + 1) is None and pages.profile(profile.pk + 1) is None


def test_a_customers_page_has_the_links_and_jobs_of_the_rights_it_shows(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.buy(id=9_600, name="#second")
    with desk.inside():
        *older, newest = Entitlement.objects.order_by("created_at", "pk")
        assert older
        assert {job.entitlement_id for job in pages.of_profile(desk.profile).jobs} > {newest.pk}
        monkeypatch.setattr(pages, "AT_MOST", 1)
        found = Reading(pages._of_profile).read(profile=desk.profile.pk)
        assert found["entitlements"] == [newest]
        assert {row.entitlement_id for row in (*found["jobs"], *found["links"])} == {newest.pk}


def test_the_whole_page_is_few_statements(desk: Desk, sign: Sign) -> None:
    client = sign("agent")
    # One more than alone: inside a test's transaction the former organization is set again.
    for url, at_most in ((desk.order_url, 9), (desk.profile_url, 13)):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        asked = [one["sql"] for one in captured.captured_queries if "SAVEPOINT" not in one["sql"]]
        assert len(asked) <= at_most, asked


def test_what_the_list_of_customers_shows_beside_them_comes_in_one_statement(desk: Desk, sign: Sign) -> None:
    client, url = sign("agent"), desk.url("profiles_profile_changelist")
    for query in ({}, {"q": desk.order.email}, {"all": ""}, {"q": "nobody@nowhere.example"}):
        with CaptureQueriesContext(connection) as captured:
            page = client.get(url, query).content.decode()
        asked = [one["sql"] for one in captured.captured_queries]
        beside = [sql for sql in asked if "profiles_identifier" in sql and "orders_profiletotal" in sql]
        if "nobody" in query.get("q", ""):
            assert not beside and "Nobody known" not in page
            continue
        assert len(beside) == 1
        with desk.inside():
            total = desk.profile.totals.get()
        assert desk.order.email in page and f'<span class="money">{total.orders}</span>' in page
