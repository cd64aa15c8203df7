"""The analytics API: what may be asked, by whom, and what is answered where there is nothing."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from orders.models import Order
from profiles import clock
from profiles.actions import organizations
from tests.stage import BY, Stage

REVENUE = "/api/analytics/revenue"
KEYS = [
    *("totalRevenue", "grossRevenue", "refundedRevenue", "chatAttributedRevenue", "conversationCount"),
    *("attributedOrders", "conversionRate", "convertedConversationRate", "revenueByPlatform", "revenueByConfidence"),
    *("topProducts", "revenueOverTime", "currency"),
]


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def token(stage: Stage, *scopes: str) -> str:
    with stage.inside():
        return organizations.issue_token(stage.organization, name="test", scopes=scopes or ("*",), by=BY)


def get(stage: Stage, path: str, *, secret: str = "") -> HttpResponse:
    headers = {"Authorization": f"Bearer {secret or token(stage)}"}
    return stage.client.get(path, headers=headers)  # type: ignore[return-value]


def told(answer: HttpResponse) -> Any:
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


def buy(stage: Stage, number: int, total: str = "10.00", *, at: str = "2026-11-02T12:00:00Z", **more: Any) -> None:
    body = {
        "external_id": f"T-{number}",
        "currency": "EUR",
        "total": total,
        "placed_at": at,
        "customer": {"email": f"buyer{number}@example.com"},
        "lines": [{"sku": "EBOOK-TIDE-EN", "quantity": 1, "total": total}],
        **more,
    }
    assert stage.post("api", body).status_code == 200


def test_left_out_it_is_the_last_thirty_days_of_the_organizations_calendar(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 22:30 UTC on the 9th is the 10th in Berlin: the days are 11 October to 10 November.
    monkeypatch.setattr(clock, "_offset", datetime(2026, 11, 9, 23, 30, tzinfo=UTC) - clock.real())
    for number, at in enumerate(["2026-10-11T21:59:59Z", "2026-10-11T22:00:00Z", "2026-11-09T23:10:00Z"]):
        buy(stage, number, f"{number + 1}.00", at=at)
    buy(stage, 9, "70.00", at="2026-11-10T23:00:00Z")
    stage.work()
    usual = told(get(stage, REVENUE))
    assert list(usual) == KEYS and usual["currency"] == "EUR"
    assert usual["revenueOverTime"] == [
        {"date": "2026-10-12", "revenue": "2.00"},
        {"date": "2026-11-10", "revenue": "3.00"},
    ]
    assert told(get(stage, f"{REVENUE}?tz=UTC"))["totalRevenue"] == "6.00"
    assert told(get(stage, f"{REVENUE}?end=2026-11-12"))["totalRevenue"] == "73.00"
    assert told(get(stage, f"{REVENUE}?start=2026-10-11&end="))["totalRevenue"] == "6.00"


def test_one_metric_is_told_with_its_currency_alone(stage: Stage) -> None:
    buy(stage, 1)
    stage.work()
    query = "start=2026-11-01&end=2026-12-01"
    whole = told(get(stage, f"{REVENUE}?{query}"))
    assert whole == told(get(stage, f"{REVENUE}?{query}&metric=all")) and whole["totalRevenue"] == "10.00"
    for key in KEYS:
        one = told(get(stage, f"{REVENUE}?{query}&metric={key}"))
        assert one == {key: whole[key], "currency": "EUR"}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("start=2026-11-02&end=2026-11-02", "later day"),
        ("start=2026-11-03&end=2026-11-02", "later day"),
        ("start=2016-01-01&end=2026-11-02", "3,660"),
        ("start=yesterday", "start is no day"),
        ("end=2026-02-30", "end is no day"),
        ("start=20261101", "start is no day"),
        ("start=2026-W45-1", "start is no day"),
        ("start=2026-11-01T00:00:00Z", "start is no day"),
        ("start=0001-01-01&end=0002-01-02", "start is no day"),
        ("end=9999-12-31", "end is no day"),
        ("start=%D9%A2026-11-01", "start is no day"),
        ("tz=Mars/Olympus", "tz is no IANA"),
        ("tz=../../etc/passwd", "tz is no IANA"),
        ("tz=localtime", "tz is no IANA"),
        ("metric=profit", "convertedConversationRate"),
        ("domain=shop.stranger.example", "domain"),
        ("currency=EURO", "not a currency"),
        ("currency=XXX", "not a currency"),
        ("currency=%E2%82%AC", "not a currency"),
    ],
)
def test_what_cannot_be_asked_is_a_problem_in_a_sentence(stage: Stage, query: str, words: str) -> None:
    answer = get(stage, f"{REVENUE}?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), answer.content
    assert words in json.loads(answer.content)["detail"]


def test_the_longest_range_and_the_outermost_days_are_answered(stage: Stage) -> None:
    for query in (
        "start=2016-01-01&end=2026-01-08",
        "start=0002-01-01&end=0002-01-03&tz=Pacific/Kiritimati",
        "start=9998-12-30&end=9998-12-31&tz=Etc/GMT%2B12",
        "end=0002-01-20",
    ):
        assert told(get(stage, f"{REVENUE}?{query}"))["totalRevenue"] == "0.00"


def test_each_answer_needs_its_own_scope(stage: Stage) -> None:
    customers, analytics = token(stage, "customers:read"), token(stage, "analytics:read")
    buy(stage, 1)
    stage.work()
    with stage.inside():
        ltv = f"/api/customers/{Order.objects.get().profile_id}/ltv"
    for path, may, may_not in ((REVENUE, analytics, customers), (ltv, customers, analytics)):
        assert get(stage, path, secret=may).status_code == 200
        assert get(stage, path, secret=may_not).status_code == 403
        assert get(stage, path, secret="nobody's").status_code == 401
        assert stage.client.post(path, headers={"Authorization": f"Bearer {may}"}).status_code in (403, 405)


def test_a_stranger_sees_none_of_it(stage: Stage) -> None:
    buy(stage, 1)
    stage.work()
    with stage.inside():
        pk = Order.objects.get().profile_id
    stranger = Stage(slug="stranger")
    query = "start=2026-11-01&end=2026-12-01"
    assert told(get(stage, f"{REVENUE}?{query}"))["revenueByPlatform"] == {"api": "10.00"}
    assert told(get(stranger, f"{REVENUE}?{query}"))["revenueByPlatform"] == {}
    assert told(get(stranger, f"{REVENUE}?{query}&domain=till.example"))["totalRevenue"] == "0.00"
    assert get(stage, f"/api/customers/{pk}/ltv").status_code == 200
    for unknown in (pk, 0, 999_999, 2**63, 10**30):
        answer = get(stranger, f"/api/customers/{unknown}/ltv")
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_a_lifetime_without_an_address_or_purchases_says_null_and_nothing(stage: Stage) -> None:
    talk = {"external_id": "c-1", "phone": "+12125550123", "started_at": "2026-11-02T12:00:00Z"}
    headers = {"Authorization": f"Bearer {token(stage)}"}
    answer = stage.client.post("/api/conversations", json.dumps(talk), "application/json", headers=headers)
    assert answer.status_code == 201
    pk = json.loads(answer.content)["profile"]
    assert told(get(stage, f"/api/customers/{pk}/ltv")) == {
        "email": None,
        "totalPurchases": 0,
        "lifetimeValue": "0.00",
        "averageOrderValue": "0.00",
        "firstPurchaseAt": None,
        "lastPurchaseAt": None,
        "conversationCount": 1,
        "attributedPurchases": 0,
        "currency": "EUR",
    }
    assert get(stage, f"/api/customers/{pk}/ltv?currency=EURO").status_code == 400


def test_more_orders_and_days_cost_no_more_questions(stage: Stage) -> None:
    secret = token(stage)

    def asked(path: str) -> int:
        with CaptureQueriesContext(connection) as counted:
            told(get(stage, path, secret=secret))
        return len(counted)

    def paths() -> list[str]:
        with stage.inside():
            pk = Order.objects.order_by("pk").values_list("profile_id", flat=True)[0]
        return [f"{REVENUE}?start=2026-01-01&end=2026-12-01&domain=till.example", f"/api/customers/{pk}/ltv"]

    buy(stage, 1)
    stage.work()
    before = [asked(path) for path in paths()]
    for number in range(2, 14):
        buy(stage, number, at=f"2026-{number % 6 + 1:02}-{number:02}T10:00:00Z")
        buy(stage, number + 100, customer={"email": "buyer1@example.com"})
    stage.work()
    assert [asked(path) for path in paths()] == before
    assert max(before) <= 20


def test_both_are_in_the_schema(stage: Stage) -> None:
    answer = stage.client.get("/api/schema", headers={"Accept": "application/vnd.oai.openapi+json"})
    schema = json.loads(answer.content)
    revenue = schema["components"]["schemas"]["RevenueRow"]
    assert list(revenue["properties"]) == KEYS and revenue["required"] == ["currency"]
    assert revenue["properties"]["conversionRate"]["type"] == "number"
    assert {row["name"] for row in schema["paths"][REVENUE]["get"]["parameters"]} == {
        *("domain", "start", "end", "metric", "currency", "tz")
    }
    lifetime = schema["components"]["schemas"]["LifetimeRow"]
    assert set(lifetime["required"]) == set(lifetime["properties"]) and "/api/customers/{id}/ltv" in schema["paths"]
