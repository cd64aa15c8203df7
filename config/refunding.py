"""Refunds on their way to their providers: one more queue of `config.drains` (SPEC FUL-9, RELIABILITY F34 to F36).

A claim is committed before the call, the outcome after it; between them there is no transaction. A process killed in
between leaves a claim that ends by itself, and whoever takes it next asks the provider first what is there already.
"""

import logging
import time
from collections.abc import Sequence
from functools import partial

from orders.actions import refund_tries
from orders.actions.refund_tries import Try
from orders.providers import REFUNDERS
from orders.providers.refunding import Outcome, TryLater, Unknown
from profiles import clock, tenancy
from profiles.actions import turns

log = logging.getLogger(__name__)

BATCH = 20
AT_MOST_SECONDS = 20
"""No call begins later in a round: with the longest call it ends within the lease."""


def refunds(organization_id: int) -> int:
    """Send a batch of what is due, one by one; returns how many were claimed.

    A channel whose provider is in trouble is asked once, and the rest of its refunds wait: other stores go on.
    """
    with tenancy.organization(organization_id):
        tries = refund_tries.claim(BATCH)
    began = time.monotonic()
    left = list(tries)
    while left and time.monotonic() - began < AT_MOST_SECONDS:
        tried = left.pop(0)
        outcome = call(tried)
        turns.take(organization_id, partial(refund_tries.conclude, tried, outcome))
        if not is_outage(outcome):
            continue
        log.warning("refund.channel_in_trouble", extra={"channel": tried.channel_id, "error": str(outcome)[:300]})
        same = [one for one in left if one.channel_id == tried.channel_id]
        left = [one for one in left if one.channel_id != tried.channel_id]
        _leave_alone(organization_id, tried, same)
    if left:
        with tenancy.organization(organization_id):
            refund_tries.put_back(left, until=clock.now())
    return len(tries)


def call(tried: Try) -> Outcome:
    """One try. Never raises: what was not foreseen may have come through."""
    try:
        return REFUNDERS[tried.kind].refund(tried.wanted, tried.shop)
    except Exception as error:  # an adapter's own fault must not hold the queue up
        log.exception("refund.unforeseen", extra={"request": tried.request_id})
        return Unknown(f"{type(error).__name__}: {error}"[:300])


def is_outage(outcome: Outcome) -> bool:
    """Whether it says that the provider is in trouble, rather than this refund."""
    return isinstance(outcome, Unknown) or (isinstance(outcome, TryLater) and outcome.outage)


def _leave_alone(organization_id: int, tried: Try, claimed: Sequence[Try]) -> None:
    with tenancy.organization(organization_id):
        refund_tries.put_back(claimed, until=refund_tries.rest(tried))
