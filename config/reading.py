"""Things that were only named, asked of their providers: one more queue of `config.drains` (SPEC CHN-14).

As with refunds a claim is committed before the call and the outcome after it; between them there is no transaction.
"""

import logging
import time
from functools import partial

from orders.actions import lookups as actions
from orders.actions.lookups import Try
from orders.providers import READERS
from orders.providers.reading import Outcome, Renewable, Stopped, TryLater
from profiles import clock, tenancy
from profiles.actions import turns

log = logging.getLogger(__name__)

BATCH = 20
AT_MOST_SECONDS = 20
"""No call begins later in a round: with the longest call it ends within the lease."""


def lookups(organization_id: int) -> int:
    """Read a batch of what is due, one by one; returns how many were claimed.

    A channel whose provider is in trouble is asked once, and the rest of its things wait: other channels go on.
    """
    with tenancy.organization(organization_id):
        tries = actions.claim(BATCH)
    began = time.monotonic()
    left = list(tries)
    while left and time.monotonic() - began < AT_MOST_SECONDS:
        tried = left.pop(0)
        outcome = call(organization_id, tried)
        turns.take(organization_id, partial(actions.conclude, tried, outcome))
        if not isinstance(outcome, TryLater):
            continue
        log.warning("lookup.channel_in_trouble", extra={"channel": tried.channel_id, "error": outcome.sentence})
        same = [one for one in left if one.channel_id == tried.channel_id]
        left = [one for one in left if one.channel_id != tried.channel_id]
        with tenancy.organization(organization_id):
            actions.put_back(same, until=clock.real() + actions.REST)
    if left:
        with tenancy.organization(organization_id):
            actions.put_back(left, until=clock.real())
    return len(tries)


def call(organization_id: int, tried: Try) -> Outcome:
    """One try, with a fresh token where the former is over. Never raises."""
    reader = READERS[tried.kind]
    try:
        outcome = reader.read(tried.wanted, tried.shop)
        if not isinstance(outcome, Renewable):
            return outcome
        with tenancy.organization(organization_id):
            shop = actions.renewed(tried)
        return reader.read(tried.wanted, shop)
    except Stopped as stopped:
        told = stopped.outcome
        return told if isinstance(told, Outcome) else TryLater(str(stopped))
    except Exception as error:  # an adapter's own fault must not hold the queue up
        log.exception("lookup.unforeseen", extra={"lookup": tried.lookup_id})
        return TryLater(f"{type(error).__name__}: {error}"[:300])
