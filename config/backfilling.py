"""Readings of providers' own lists: a queue of `config.drains`, and the same by hand for `manage.py backfill`.

Each page is fetched outside of any transaction and recorded in one of its own, with the place where the next begins.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from orders.actions import backfills
from orders.actions.backfills import Reading, Told
from orders.models import Channel
from orders.providers import TRUTHS
from orders.providers.truth import Away, Page
from profiles import tenancy
from profiles.actions import turns
from profiles.models import Organization

log = logging.getLogger(__name__)

AT_MOST_SECONDS = 20
"""No page is begun later in a worker's round."""
PATIENCE = 3
LONGEST_PAUSE = 30
PAGES_AT_MOST = 100_000


@dataclass
class Result:
    """What came of a reading: `error` is the provider's own sentence where it stopped short."""

    channel: str
    since: datetime
    until: datetime
    told: int = 0
    missed: int = 0
    unreadable: list[str] = field(default_factory=list)
    error: str = ""


def due(organization_id: int) -> int:
    """Ask the provider that is due, for twenty seconds; returns how many pages were read."""
    with tenancy.organization(organization_id):
        reading = backfills.claim()
    if reading is None:
        return 0
    began, read = time.monotonic(), 0
    try:
        for page in pages(reading):
            read += 1
            turns.take(organization_id, partial(_take, reading, page, organization_id))
            if page.after is None:
                return read
            if time.monotonic() - began > AT_MOST_SECONDS:
                break
    except Away as away:
        log.warning("backfill.away", extra={"channel": reading.label, "error": str(away)})
        with tenancy.organization(organization_id):
            backfills.put_back(reading, error=str(away), retry_after=away.retry_after)
        return read + 1
    with tenancy.organization(organization_id):
        backfills.put_back(reading)
    return read


def by_hand(
    channel: Channel,
    *,
    since: datetime | None,
    dry_run: bool = False,
    step: Callable[[int], None] = lambda count: None,
) -> Result:
    """Read a channel's lists to the end, outside of any transaction; with `dry_run` only count what nobody told us."""
    organization_id = channel.organization_id
    with tenancy.organization(organization_id):
        reading = backfills.begin(channel, since=since)
    result = Result(channel.label, reading.asked.since, reading.asked.until)
    finished = False
    try:
        for page in pages(reading):
            if dry_run:
                with tenancy.organization(organization_id):
                    told = Told(len(page.messages), backfills.unknown(channel, page))
            else:
                told = turns.take(organization_id, partial(_take, reading, page, organization_id))
                finished = page.after is None
            result.told, result.missed = result.told + told.facts, result.missed + told.missed
            result.unreadable += page.unreadable
            step(told.facts)
    except Away as away:
        result.error = str(away)
    finally:
        if not finished:
            with tenancy.organization(organization_id):
                backfills.put_back(reading, error=result.error, forget=dry_run)
    return result


def pages(reading: Reading) -> Iterator[Page]:
    """Page after page; a provider that asks to wait a little is waited for. Raises `Away`; never goes on for ever."""
    truth, after, seen = TRUTHS[reading.kind], reading.cursor, set[str]()
    for _ in range(PAGES_AT_MOST):
        page = _patiently(partial(truth.page, reading.asked, after, reading.shop))
        yield page
        if page.after is None:
            return
        after = page.after
        if repr(after) in seen:
            raise Away(f"{truth.name} turns the same pages again and again.")
        seen.add(repr(after))
    raise Away(f"{truth.name} has more than {PAGES_AT_MOST} pages.")


def _patiently(ask: Callable[[], Page]) -> Page:
    for _ in range(PATIENCE - 1):
        try:
            return ask()
        except Away as away:
            if not 0 < away.retry_after <= LONGEST_PAUSE:
                raise
            time.sleep(away.retry_after)
    return ask()


def _take(reading: Reading, page: Page, organization_id: int) -> Told:
    turns.together(organization_id)
    return backfills.take(reading, page, organization=Organization.objects.get(pk=organization_id))
