"""The API: scopes, pages, repeated calls, problems, and verbs that do what the desk's buttons do."""

import json
from typing import Any

import pytest
from django.http import HttpResponse

from profiles.actions import organizations
from tests.stage import BY, Stage, sample


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


@pytest.fixture
def bought(stage: Stage) -> Stage:
    stage.post("stripe", sample("stripe/checkout.session.completed.json"))
    stage.post("shopify", sample("shopify/orders-paid.json"), topic="orders/paid")
    stage.work()
    return stage


def token(stage: Stage, *scopes: str) -> str:
    with stage.inside():
        return organizations.issue_token(stage.organization, name="test", scopes=scopes or ("*",), by=BY)


def call(stage: Stage, method: str, path: str, body: Any = None, *, secret: str = "", **headers: str) -> HttpResponse:
    data = json.dumps(body) if body is not None else None
    return stage.client.generic(
        method,
        path,
        data or "",
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret or token(stage)}", **headers},
    )  # type: ignore[return-value]


def told(answer: HttpResponse) -> Any:
    return json.loads(answer.content)


ORDER: dict[str, Any] = {
    "external_id": "M-1",
    "currency": "EUR",
    "total": "39.00",
    "customer": {"email": "Ada@Example.org"},
    "lines": [{"sku": "EBOOK-TIDE-EN", "title": "Tide Atlas", "quantity": 1, "total": "39.00"}],
}


def test_a_manual_order_is_answered_settled(stage: Stage) -> None:
    answer = call(stage, "POST", "/api/orders", ORDER)
    assert answer.status_code == 201, answer.content
    order = told(answer)
    assert order["channel"] == "api:manual" and order["payment_status"] == "paid"
    assert order["customer"] == ["email:ada@example.org"]
    assert order["entitlements"] == [{"sku": "EBOOK-TIDE-EN", "status": "pending_claim", "source": "order"}]
    stage.work()
    assert [mail["to"] for mail in stage.snapshot()["emails"]] == ["ada@example.org"]


def test_the_same_key_and_body_make_one_order_and_another_body_is_refused(stage: Stage) -> None:
    secret = token(stage)
    first = call(stage, "POST", "/api/orders", ORDER, secret=secret, **{"Idempotency-Key": "k1"})
    again = call(stage, "POST", "/api/orders", ORDER, secret=secret, **{"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201) and told(first) == told(again)
    other = call(stage, "POST", "/api/orders", {**ORDER, "total": "1.00"}, secret=secret, **{"Idempotency-Key": "k1"})
    assert other.status_code == 409 and other["Content-Type"] == "application/problem+json"
    assert len(stage.snapshot()["orders"]) == 1


def test_lists_are_pages_by_cursor(stage: Stage) -> None:
    for number in range(5):
        call(stage, "POST", "/api/orders", {**ORDER, "external_id": f"M-{number}"})
    seen, url = [], "/api/orders?page_size=2"
    while url:
        page = told(call(stage, "GET", url))
        seen += [row["external_id"] for row in page["results"]]
        url = page["next"]
    assert sorted(seen) == [f"M-{number}" for number in range(5)]
    assert call(stage, "GET", "/api/orders?page=2").status_code == 400
    assert call(stage, "GET", "/api/orders?page_size=1e9&nonsense=1").status_code == 200
    assert call(stage, "GET", "/api/orders?cursor=%00").status_code in (200, 404)


def test_filters_find_any_spelling(bought: Stage) -> None:
    def found(query: str) -> list[str]:
        return [row["number"] for row in told(call(bought, "GET", f"/api/orders?{query}"))["results"]]

    assert found("email=MAYA.Okafor@example.com") == ["#LP1071"]
    assert found("phone=%2B1%20503%20555%200142") == ["#LP1071"]
    assert found("external_id=6200407310273") == ["#LP1071"]
    assert found("email=nobody@example.com") == [] and found("email=not%20an%20address") == []
    assert found("since=2026-11-01T00:00:00Z") == ["#LP1071"] and found("until=2026-10-01") == ["ord_01JD4X7Q2M"]
    assert call(bought, "GET", "/api/orders?since=yesterday").status_code == 400


def test_revoke_and_restore_are_the_desks_verbs(bought: Stage) -> None:
    rows = told(call(bought, "GET", "/api/entitlements?email=ines.carvalho@example.org"))["results"]
    pk = rows[0]["id"]
    answer = call(bought, "POST", f"/api/entitlements/{pk}/revoke", {"reason": "asked to"})
    assert answer.status_code == 200 and told(answer)["status"] == "revoked"
    again = call(bought, "POST", f"/api/entitlements/{pk}/revoke", {"reason": "asked to"})
    assert again.status_code == 409 and told(again)["title"] == "Already revoked"
    assert (
        told(call(bought, "POST", f"/api/entitlements/{pk}/restore", {"reason": "a mistake"}))["status"]
        == "pending_claim"
    )
    assert call(bought, "POST", f"/api/entitlements/{pk}/revoke", {}).status_code == 400
    assert call(bought, "POST", "/api/entitlements/999999/revoke", {"reason": "x" * 5}).status_code == 404


def test_a_resend_adds_one_mail_even_if_pressed_twice(bought: Stage) -> None:
    secret = token(bought)
    pk = told(call(bought, "GET", "/api/entitlements?external_id=6200407310273"))["results"][0]["id"]
    before = sum(mail["count"] for mail in bought.snapshot()["emails"])
    for _ in range(2):
        answer = call(
            bought,
            "POST",
            f"/api/entitlements/{pk}/resend",
            {"reason": "lost it"},
            secret=secret,
            **{"Idempotency-Key": "r"},
        )
        assert answer.status_code == 200
    bought.work()
    assert sum(mail["count"] for mail in bought.snapshot()["emails"]) == before + 1


def test_merge_and_undo_leave_the_snapshot_as_it_was(bought: Stage) -> None:
    before = bought.snapshot()
    one, other = sorted(row["id"] for row in told(call(bought, "GET", "/api/profiles"))["results"])
    body = {"profile": other, "reason": "same person on the phone", "verified": ["e-mail", "order number"]}
    answer = call(bought, "POST", f"/api/profiles/{one}/merge", body)
    assert answer.status_code == 200 and (told(answer)["survivor"], told(answer)["absorbed"]) == (one, other)
    (merged,) = bought.snapshot()["profiles"]
    assert merged["orders"] == 2 and merged["lifetime_value"] == {"EUR": "80.80"}
    assert told(call(bought, "GET", f"/api/profiles/{other}"))["id"] == one
    assert call(bought, "POST", f"/api/profiles/{one}/merge", body).status_code == 409
    merge = told(call(bought, "GET", "/api/merges"))["results"][0]
    undone = call(bought, "POST", f"/api/merges/{merge['id']}/undo", {"reason": "two people after all"})
    assert undone.status_code == 200 and told(undone)["undone_at"]
    assert bought.snapshot() == before
    assert call(bought, "POST", f"/api/merges/{merge['id']}/undo", {"reason": "again"}).status_code == 409


def test_one_verified_point_is_not_enough(bought: Stage) -> None:
    one, other = (row["id"] for row in told(call(bought, "GET", "/api/profiles"))["results"])
    for verified in (["e-mail"], ["e-mail", "e-mail"], "e-mail", None):
        body = {"profile": other, "reason": "same person", "verified": verified}
        assert call(bought, "POST", f"/api/profiles/{one}/merge", body).status_code == 400


def test_a_conversation_attributes_the_order_and_updates_add(bought: Stage) -> None:
    body = {
        "external_id": "c-1",
        "email": "maya.okafor@example.com",
        "started_at": "2026-11-12T07:40:00Z",
        "tags": ["product_inquiry"],
    }
    assert call(bought, "POST", "/api/conversations", body).status_code == 201
    order = next(o for o in bought.snapshot()["orders"] if o["number"] == "#LP1071")
    assert order["attribution"] == {"method": "session_match", "confidence": "0.94", "conversation": "c-1"}
    call(bought, "POST", "/api/conversations", {**body, "ended_at": "2026-11-12T07:45:00Z"})
    order = next(o for o in bought.snapshot()["orders"] if o["number"] == "#LP1071")
    assert order["attribution"]["method"] == "time_proximity"
    assert bought.snapshot()["conversations"] == [
        {"external_id": "c-1", "customer": ["email:maya.okafor@example.com", "phone:+15035550142"]}
    ]


def test_a_conversation_tells_its_status_and_labels_and_is_found_by_its_status(stage: Stage) -> None:
    body = {"external_id": "c-1", "started_at": "2026-11-12T07:40:00Z", "tags": ["price_check"]}
    first = told(call(stage, "POST", "/api/conversations", body))
    assert (first["status"], first["labels"], first["tags"]) == ("open", ["price_check"], ["price_check"])
    ended = {"external_id": "c-2", "started_at": "2026-11-12T07:41:00Z", "ended_at": "2026-11-12T07:45:00Z"}
    assert told(call(stage, "POST", "/api/conversations", ended))["status"] == "closed"

    def found(status: str) -> list[str]:
        rows = told(call(stage, "GET", f"/api/conversations?status={status}"))["results"]
        return [row["external_id"] for row in rows]

    assert (found("open"), found("closed"), found("snoozed"), found("nonsense")) == (["c-1"], ["c-2"], [], [])


def test_scopes_bound_what_a_token_may(bought: Stage) -> None:
    reads = token(bought, "orders:read")
    assert call(bought, "GET", "/api/orders", secret=reads).status_code == 200
    assert call(bought, "POST", "/api/orders", ORDER, secret=reads).status_code == 403
    assert call(bought, "GET", "/api/profiles", secret=reads).status_code == 403
    for wrong in ("as_nothing", "", "%00"):
        answer = bought.client.get("/api/orders", headers={"Authorization": f"Bearer {wrong}"})
        assert answer.status_code == 401 and answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"external_id": 1, "external_id": 2}',
        b'{"total": NaN}',
        b"\xff\xfe",
        json.dumps({**ORDER, "total": "29.999"}).encode(),
        json.dumps({**ORDER, "total": True}).encode(),
        json.dumps({**ORDER, "currency": "XXX"}).encode(),
        json.dumps({**ORDER, "lines": None}).encode(),
        json.dumps({**ORDER, "lines": [{**ORDER["lines"][0], "quantity": -1}]}).encode(),
    ],
)
def test_bad_bodies_are_a_clear_400_and_change_nothing(stage: Stage, body: bytes) -> None:
    answer = stage.client.post(
        "/api/orders", body, content_type="application/json", headers={"Authorization": f"Bearer {token(stage)}"}
    )
    assert answer.status_code == 400, answer.content
    assert told(answer)["detail"]  # type: ignore[arg-type]
    assert stage.snapshot()["orders"] == []


def test_fields_outside_the_schema_change_nothing(stage: Stage) -> None:
    call(stage, "POST", "/api/orders", {**ORDER, "organization": 999, "refunded": "39.00", "is_staff": True})
    (order,) = stage.snapshot()["orders"]
    assert order["refunded"] == "0.00"


def test_get_on_a_verb_is_refused(bought: Stage) -> None:
    pk = told(call(bought, "GET", "/api/entitlements"))["results"][0]["id"]
    assert call(bought, "GET", f"/api/entitlements/{pk}/resend").status_code == 405


def test_a_stranger_finds_nothing(bought: Stage) -> None:
    stranger = Stage(slug="stranger")
    secret = token(stranger)
    for path in ("orders", "profiles", "entitlements", "conversations", "merges"):
        assert told(call(stranger, "GET", f"/api/{path}", secret=secret)) == {"results": [], "next": None}
    ids = {
        "orders/{}": told(call(bought, "GET", "/api/orders"))["results"][0]["id"],
        "profiles/{}": told(call(bought, "GET", "/api/profiles"))["results"][0]["id"],
        "profiles/{}/timeline": told(call(bought, "GET", "/api/profiles"))["results"][0]["id"],
    }
    for path, pk in ids.items():
        assert call(stranger, "GET", f"/api/{path.format(pk)}", secret=secret).status_code == 404
    pk = told(call(bought, "GET", "/api/entitlements"))["results"][0]["id"]
    for verb in ("resend", "revoke", "restore"):
        answer = call(stranger, "POST", f"/api/entitlements/{pk}/{verb}", {"reason": "let me in"}, secret=secret)
        assert answer.status_code == 404


def test_the_schema_is_complete(stage: Stage) -> None:
    answer = stage.client.get("/api/schema", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert answer.status_code == 200
    assert stage.client.get("/api/docs").status_code == 200
