"""Runs of the reconciliation: one more queue of `config.drains`, and the calls to the providers that begin each.

The calls are made outside of any transaction, each provider with a time of its own: one that does not answer is named,
and the rest is compared (SURFACE, `reconcile`).
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from datetime import datetime
from types import MappingProxyType

from django.db import connections

from config import listing, pipeline
from orders.messages import Message
from orders.models import Channel
from orders.providers import TRUTHS
from profiles import tenancy
from profiles.models import Organization
from support.actions import listings, reconciliation
from support.actions.reconciliation import Asked
from support.models import ReconcileRun

log = logging.getLogger(__name__)

Lister = Callable[[Channel, datetime, datetime], Iterable[Message]]
LISTERS: Mapping[str, Lister] = MappingProxyType(dict.fromkeys(TRUTHS, listing.read))
"""By the kind of channel, what reads from its provider all that happened from one instant to before another."""
AT_MOST_SECONDS = 10.0
"""A provider that tells nothing more for so long is named as not reached; one that goes on telling may take longer."""
ALTOGETHER_SECONDS = 900.0
AT_ONCE = 8


def runs(organization_id: int) -> int:
    """Work on one run that is due; returns how many."""
    with tenancy.organization(organization_id):
        run_id = reconciliation.claim()
    if run_id is None:
        return 0
    try:
        reconciliation.work(organization_id, run_id, ask=ask)
    except Exception as error:
        if not connections["default"].is_usable():
            raise  # the claim runs out by itself
        log.exception("reconciliation.failed", extra={"run": run_id})
        with tenancy.organization(organization_id):
            reconciliation.postpone(run_id, error=f"{type(error).__name__}: {error}")
    return 1


def ask(run: ReconcileRun) -> Asked:
    """Read each provider's own list of the run's window: what we lack is noted, and with a repair recorded as facts."""
    asked = Asked()
    with tenancy.organization(run.organization_id):
        rows = Channel.objects.filter(kind__in=list(LISTERS)).order_by("pk")
        channels = [row for row in rows if run.by_hand or row.calls_provider]
    for channel, outcome in _read(channels, run.since, run.until):
        if isinstance(outcome, str):
            asked.unreachable.append({"channel": channel.label, "reason": outcome})
            continue
        with tenancy.organization(run.organization_id):
            listed = listings.compare(channel, outcome, organization_id=run.organization_id)
            for name, count in listed.items():
                asked.counts[name] = asked.counts.get(name, 0) + count
        if run.repair:
            with tenancy.organization(run.organization_id):
                organization = Organization.objects.get(pk=run.organization_id)
                fetched = pipeline.record_listed(channel, outcome, organization)
            asked.counts["fetched"] = asked.counts.get("fetched", 0) + fetched
    return asked


def _read(channels: list[Channel], since: datetime, until: datetime) -> list[tuple[Channel, list[Message] | str]]:
    """Each channel with what its provider listed, or the sentence why it did not; all are asked at once."""
    if not channels:
        return []
    pool = ThreadPoolExecutor(min(AT_ONCE, len(channels)), thread_name_prefix="listing")
    try:
        heard = {channel.pk: time.monotonic() for channel in channels}
        futures = [(channel, pool.submit(_list, channel, since, until, heard)) for channel in channels]
        return [(channel, _outcome(future, channel, heard)) for channel, future in futures]
    finally:
        # One that hangs is left behind; it ends with its own time-out and can do no harm: it only reads.
        pool.shutdown(wait=False, cancel_futures=True)


def _list(channel: Channel, since: datetime, until: datetime, heard: dict[int, float]) -> list[Message]:
    """All that is told, noting when something was last heard."""
    heard[channel.pk], found = time.monotonic(), []
    try:
        for message in LISTERS[channel.kind](channel, since, until):
            found.append(message)
            heard[channel.pk] = time.monotonic()
        return found
    finally:
        connections.close_all()


def _outcome(future: "Future[list[Message]]", channel: Channel, heard: dict[int, float]) -> list[Message] | str:
    began = time.monotonic()
    while True:
        left = heard[channel.pk] + AT_MOST_SECONDS - time.monotonic()
        if left <= 0 or time.monotonic() - began > ALTOGETHER_SECONDS:
            return f"did not answer within {AT_MOST_SECONDS:g} seconds"
        try:
            return future.result(timeout=left)
        except TooLate:
            continue
        except Exception as error:
            log.warning("reconciliation.unreachable", exc_info=error)
            return f"{error}"[:300] or type(error).__name__
