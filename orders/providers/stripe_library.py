"""Stripe's official library, whose calls are made by our own transport: each has a deadline, none is repeated unseen.

It is loaded where it is used: the library is large, and most processes never call Stripe.
"""

from collections.abc import Mapping
from typing import Any

import stripe

from orders.providers.refunding import (
    READ_AT_MOST,
    SECONDS,
    Outcome,
    RefusedForGood,
    Shop,
    TryLater,
    Unknown,
    asked_to_wait,
)
from profiles.providers import outgoing


class Transport(stripe.HTTPClient):
    """The library's calls by `outgoing`."""

    name = "aftersale"

    def __init__(self, *, inside: bool, seconds: int = SECONDS, at_most: int = READ_AT_MOST) -> None:
        super().__init__()
        self.inside, self.seconds, self.at_most = inside, seconds, at_most

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        content = post_data.encode() if isinstance(post_data, str) else post_data or b""
        try:
            answer = outgoing.request(
                method.upper(),
                url,
                content=content,
                headers=headers,
                seconds=self.seconds,
                inside=self.inside,
                at_most=self.at_most,
            )
        except (outgoing.Unreachable, outgoing.Forbidden) as failed:
            raise stripe.APIConnectionError(str(failed)) from failed  # type: ignore[no-untyped-call]
        return answer.body.decode("utf-8", "replace"), answer.status, answer.headers

    def close(self) -> None:
        """Nothing is kept open."""


def client(shop: Shop, *, seconds: int = SECONDS, at_most: int = READ_AT_MOST) -> stripe.StripeClient:
    """Speaks for one channel, by its api_key; a call is over after so many seconds."""
    return stripe.StripeClient(
        shop.credentials["api_key"],
        base_addresses={"api": shop.stripe_base.rstrip("/")},
        max_network_retries=0,
        http_client=Transport(inside=shop.inside, seconds=seconds, at_most=at_most),
    )


def outcome(error: stripe.StripeError) -> Outcome:
    """What an error says about the effect that was asked for."""
    if isinstance(error, stripe.APIConnectionError):
        cause = error.__cause__
        if isinstance(cause, outgoing.Forbidden):
            return RefusedForGood(str(cause))
        sent = not isinstance(cause, outgoing.Unreachable) or cause.sent
        return Unknown(sentence(error)) if sent else TryLater(sentence(error))
    status = error.http_status or 0
    if isinstance(error, stripe.RateLimitError) or status == 429:
        return TryLater("Stripe asked to wait: too many calls.", retry_after=wait(error))
    # 409: another call with our key is under way. 2xx: the body was no JSON.
    if status >= 500 or status == 409 or status < 400:
        return Unknown(sentence(error))
    if status in (401, 403):
        return RefusedForGood(f"Stripe does not accept the channel's api_key for refunds: {sentence(error)}"[:500])
    return RefusedForGood(sentence(error))


def sentence(error: Exception) -> str:
    """Stripe's own words, as one line."""
    told = getattr(error, "user_message", None) or str(error) or type(error).__name__
    return f"Stripe: {' '.join(str(told).split())}"[:300]


def wait(error: Exception) -> int:
    """The seconds Stripe asked to wait."""
    headers = getattr(error, "headers", None) or {}
    return asked_to_wait(str(headers.get("retry-after") or headers.get("Retry-After") or ""))
