"""Sending webhooks: calls beside each other, so that a slow endpoint holds nobody up, and apart from all other work.

The calls are made by threads that know no database; claims and outcomes are written here, each committed before the
next step. A process that is killed leaves claims that end by themselves, and what they held is sent again with the same
id.
"""

import json
import logging
import threading
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import Error, close_old_connections

from config import publishing
from orders.providers import standard
from profiles import retries, tenancy
from profiles.actions import sendings, streams
from profiles.actions.sendings import Outcome
from profiles.models import WebhookDelivery
from profiles.providers import outgoing

log = logging.getLogger(__name__)

AT_ONCE = 32
SECONDS = 15.0
LONGEST_WAIT = 9_999_999
POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Parcel:
    """One attempt, ready to go: all that a thread needs to know."""

    organization_id: int
    delivery_id: int
    url: str
    message_id: str
    body: bytes
    secrets: tuple[str, ...]


@dataclass
class Sender:
    """Keeps up to AT_ONCE calls under way. Used by one thread; the calls are made by its pool."""

    pool: ThreadPoolExecutor
    flying: dict[Future[Outcome], Parcel] = field(default_factory=dict)

    def turn(self, organization_ids: Iterable[int], *, seconds: float = POLL_SECONDS) -> int:
        """Begin what is due and write what has ended, waiting at most so long for an end; returns how many began."""
        began = 0
        for organization_id in organization_ids:
            for parcel in self._claim(organization_id):
                self.flying[self.pool.submit(_call, parcel)] = parcel
                began += 1
        if self.flying:
            ended, _ = wait(self.flying, timeout=seconds, return_when=FIRST_COMPLETED)
            for future in ended:
                parcel = self.flying.pop(future)
                _conclude(parcel, _outcome(future))
        return began

    def _claim(self, organization_id: int) -> list[Parcel]:
        """What cannot be prepared (a secret no key reads, say) is logged, and holds no other organization up."""
        free = AT_ONCE - len(self.flying)
        try:
            return _claim(organization_id, free) if free else []
        except Error:
            raise
        except Exception:
            log.exception("webhook.unprepared", extra={"organization": organization_id})
            return []


def send(organization_id: int) -> int:
    """Send until nothing of this organization is due and every call has ended; returns how many calls were made."""
    if organization_id not in sendings.organizations():
        return 0
    count = 0
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
        sender = Sender(pool)
        while (began := sender.turn([organization_id])) or sender.flying:
            count += began
    return count


def is_busy(organization_id: int) -> bool:
    """Whether anything is due or with another sender."""
    with tenancy.organization(organization_id):
        return sendings.is_busy()


def _claim(organization_id: int, limit: int) -> list[Parcel]:
    """The claims are committed when this returns."""
    with tenancy.organization(organization_id):
        claimed = sendings.claim(limit)
        payloads = publishing.payloads_of([row.entry for row in claimed]) if claimed else {}
        return [_packed(row, payloads[row.entry_id]) for row in claimed]


def _packed(row: WebhookDelivery, payload: str) -> Parcel:
    entry = row.entry
    head = f'{{"type":{json.dumps(entry.type)},"timestamp":{json.dumps(streams.instant(entry.occurred_at))}'
    return Parcel(
        organization_id=row.organization_id,
        delivery_id=row.pk,
        url=row.endpoint.url,
        message_id=str(entry.event_id),
        body=f'{head},"data":{payload}}}'.encode(),
        secrets=tuple(sendings.secrets_of(row.endpoint)),
    )


def _call(parcel: Parcel) -> Outcome:
    """One signed request. Never raises what another side can cause."""
    began = time.monotonic()
    headers = standard.headers(
        parcel.secrets, message_id=parcel.message_id, timestamp=int(time.time()), body=parcel.body
    )
    try:
        answer = outgoing.request(
            "POST",
            parcel.url,
            content=parcel.body,
            headers={"content-type": "application/json", **headers},
            seconds=SECONDS,
            inside=not settings.PRODUCTION,
        )
    except (outgoing.Forbidden, outgoing.Unreachable) as failed:
        return Outcome(_since(began), error=str(failed))
    asked = answer.headers.get("retry-after", "")
    return Outcome(
        _since(began),
        status=answer.status,
        answer=answer.body[:2000].decode("utf-8", "replace"),
        retry_after=timedelta(seconds=retries.asked_to_wait(asked, at_most=LONGEST_WAIT) or 0),
    )


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _outcome(future: Future[Outcome]) -> Outcome:
    error = future.exception()
    if error is None:
        return future.result()
    log.error("webhook.failed", exc_info=error)
    return Outcome(0, error=f"{type(error).__name__}: {error}"[:500])


def _conclude(parcel: Parcel, outcome: Outcome) -> None:
    with tenancy.organization(parcel.organization_id):
        sendings.conclude(parcel.delivery_id, outcome)


# Beside the workers ----------------------------------------------------------------------------------------------


@dataclass
class Running:
    """A sender in a thread of its own, for as long as the worker process lives."""

    thread: threading.Thread
    ending: threading.Event

    def end(self) -> None:
        """Begin nothing more, and give the calls under way the time they have."""
        self.ending.set()
        self.thread.join(SECONDS + 2)


def start() -> Running:
    """Start sending for every organization."""
    ending = threading.Event()
    thread = threading.Thread(target=_run, args=(ending,), name="webhooks", daemon=True)
    thread.start()
    return Running(thread, ending)


def _run(ending: threading.Event) -> None:
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
        sender = Sender(pool)
        while not ending.is_set() or sender.flying:
            try:
                began = sender.turn(() if ending.is_set() else sendings.organizations())
            except Error:
                # The database is away; what was claimed comes due again.
                log.warning("webhook.database_away")
                close_old_connections()
                ending.wait(1)
            except Exception:
                log.exception("webhook.sender_failed")
                ending.wait(1)
            else:
                if not began and not sender.flying:
                    ending.wait(POLL_SECONDS)
