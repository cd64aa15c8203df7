"""Customer events as a program posts them, and the till's sale most of the tests are about."""

import json
from typing import Any

from django.http import HttpResponse

from profiles.actions import organizations
from tests.stage import BY, Stage, sample

TIDE = "EBOOK-TIDE-EN"


def event(number: int | str, type_: str = "page_view", at: str = "2026-11-10T10:00:00Z", **more: Any) -> dict[str, Any]:
    """One event; `more` are identifiers, or its payload."""
    payload = more.pop("payload", {})
    return {"event_id": f"e-{number}", "type": type_, "occurred_at": at, "identifiers": more, "payload": payload}


def sale(
    number: int | str = 1, at: str = "2026-11-15T14:30:00Z", *, sku: str = "PROD-002", **more: Any
) -> dict[str, Any]:
    """A till's JSON of one item for 125.50, by nobody unless `more` says so."""
    body = sample("pos-generic/pos_transaction.json")
    del body["customer"]
    body["items"][0]["product_id"] = sku
    body.update(transaction_id=f"TXN-{number}", timestamp=at, currency="EUR")
    return {**body, **more}


def token(stage: Stage, *scopes: str) -> str:
    with stage.inside():
        return organizations.issue_token(stage.organization, name="test", scopes=scopes or ("events:write",), by=BY)


def post(stage: Stage, body: Any, *, secret: str = "", path: str = "/api/events", **headers: str) -> HttpResponse:
    return stage.client.post(  # type: ignore[return-value]
        path,
        body if isinstance(body, bytes) else json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret or token(stage, '*')}", **headers},
    )


def tell(stage: Stage, *bodies: dict[str, Any]) -> dict[str, Any]:
    """Post these one by one; the answer to the last."""
    answer = None
    for body in bodies:
        answer = post(stage, body)
        assert answer.status_code in (200, 201), answer.content
    assert answer is not None
    return dict(json.loads(answer.content))
