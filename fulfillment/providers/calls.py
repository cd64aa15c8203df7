"""One call of a mail service's HTTP interface, and what a missing answer says about the message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from fulfillment.providers.outcomes import TryLater, Unknown, single_line
from profiles.retries import asked_to_wait

SECONDS: Final = httpx.Timeout(10, connect=5)
TOO_MANY: Final = 429
MAY_HAVE_SENT: Final = frozenset({502, 504})
# Raised before a byte of the request left: there was no connection to send it on.
_NEVER_LEFT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    httpx.LocalProtocolError,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said: its status, the object in its body ({} where it is none), and its words in one line."""

    status: int
    body: Mapping[str, Any]
    words: str
    retry_after: int | None


def client(**options: Any) -> httpx.Client:
    """A client with time limits that follows no redirect: the key must not travel to an address nobody chose."""
    return httpx.Client(timeout=SECONDS, follow_redirects=False, **options)


def post(client: httpx.Client, url: str, document: Mapping[str, Any], **options: Any) -> Answer | TryLater | Unknown:
    """Post a document; an `Answer` whatever its status, else what the lost connection means."""
    try:
        response = client.post(url, json=document, **options)
    except _NEVER_LEFT:
        return TryLater("The mail service could not be reached.")
    except (httpx.HTTPError, OSError):
        return Unknown("The connection to the mail service was lost before its answer.")
    wait = asked_to_wait(response.headers.get("Retry-After", ""))
    return Answer(response.status_code, _object(response), single_line(response.text)[:200], wait)


def trouble(answer: Answer) -> TryLater | Unknown:
    """What an answer other than the awaited one says about the message."""
    if 300 <= answer.status < 400:
        return TryLater(f"The mail service answered {answer.status}: its address in our settings is not the right one.")
    if answer.status < 300 or answer.status in MAY_HAVE_SENT:
        return Unknown(f"The mail service's answer {answer.status} does not say whether it took the message.")
    if answer.status in (400, 404, 413, 422):
        # It is well, and will not take this message as we put it: another provider may.
        return TryLater(f"The mail service answered {answer.status}: {answer.words}", outage=False)
    return TryLater(f"The mail service answered {answer.status}.", retry_after=answer.retry_after)


def _object(response: httpx.Response) -> Mapping[str, Any]:
    try:
        found = response.json()
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
