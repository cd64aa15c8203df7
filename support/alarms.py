"""When a trouble becomes an alert, and how grave it is: thresholds as pure rules (SPEC FUL-1, FUL-5, SUP-7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final

WARNING: Final = "warning"
CRITICAL: Final = "critical"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong now: told in counts only, never with a customer's data, since it leaves the house."""

    key: str
    title: str
    sentence: str
    count: int
    severity: str = WARNING
    oldest: datetime | None = None
    model: str = ""
    """The list that shows it, as "app_model"; `query` is its filter."""
    query: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """An organization's own thresholds; what it does not say is the usual."""

    stuck_minutes: int = 5
    failures_an_hour: int = 3
    ungranted_minutes: int = 5
    bounce_permille: int = 10
    bounces_at_least: int = 5
    mail_to: tuple[str, ...] = ()
    """Who is written to; empty: the organization's support address."""

    @property
    def stuck_after(self) -> timedelta:
        return timedelta(minutes=self.stuck_minutes)

    @property
    def ungranted_after(self) -> timedelta:
        return timedelta(minutes=self.ungranted_minutes)


USUAL: Final = Policy()


def read(values: Mapping[str, Any]) -> Policy:
    """The policy that these kept values say; what does not read is the usual."""
    known = {field.name for field in fields(Policy)}
    fit: dict[str, Any] = {}
    for name, value in values.items():
        if name == "mail_to" and isinstance(value, list):
            fit[name] = tuple(str(one) for one in value)
        elif name in known and isinstance(value, int) and not isinstance(value, bool) and value > 0:
            fit[name] = value
    return replace(USUAL, **fit)


def stuck(count: int, oldest: datetime | None, policy: Policy) -> Trouble | None:
    """Jobs under way for longer than they may be."""
    if not count:
        return None
    words = f"{_jobs(count)} under way for more than {policy.stuck_minutes} minutes."
    return Trouble("jobs.stuck", "Jobs are stuck", words, count, WARNING, oldest, "fulfillment_job", "needs=stuck")


def failures(in_the_hour: int, oldest: datetime | None, policy: Policy) -> Trouble | None:
    """Failed jobs of the last hour: more than the policy allows is more than bad luck."""
    if in_the_hour <= policy.failures_an_hour:
        return None
    words = f"{in_the_hour} jobs failed within the hour; up to {policy.failures_an_hour} is usual."
    return Trouble(
        "jobs.failures",
        "Deliveries fail one after the other",
        words,
        in_the_hour,
        CRITICAL,
        oldest,
        "fulfillment_job",
        "state__exact=failed",
    )


def ungranted(count: int, oldest: datetime | None, policy: Policy) -> Trouble | None:
    """Paid lines of a mapped product for which nobody has the right yet."""
    if not count:
        return None
    words = f"{_orders(count)} paid more than {policy.ungranted_minutes} minutes ago and without an entitlement."
    return Trouble("orders.ungranted", "Paid without access", words, count, CRITICAL, oldest, "orders_order")


def rewards(count: int) -> Trouble | None:
    """Rewards of active missions that could not be delivered if somebody earned them now."""
    if not count:
        return None
    words = f"{count} {'reward of a mission' if count == 1 else 'rewards of missions'} cannot be delivered."
    return Trouble("missions.rewards", "Rewards that cannot be delivered", words, count, model="fulfillment_mission")


def bounces(bounced: int, sent: int, policy: Policy) -> Trouble | None:
    """Mails of the last day that came back, against all that were sent."""
    if bounced < policy.bounces_at_least or bounced * 1000 <= sent * policy.bounce_permille:
        return None
    share, most = f"{bounced * 1000 // max(sent, 1) / 10:.1f} %", f"{policy.bounce_permille / 10:g} %"
    words = f"{bounced} of {sent} mails of the last day came back ({share}); up to {most} is usual."
    return Trouble(
        "mail.bounces", "Too much mail comes back", words, bounced, WARNING, None, "orders_order", "needs=mail"
    )


def mail_outage(resting: list[str], chain: list[str], waiting: int, since: datetime | None) -> Trouble | None:
    """Providers that are left alone: with all of them nobody gets mail, with some the next has taken over."""
    if not resting:
        return None
    names = ", ".join(resting)
    if len(resting) == len(chain):
        words = f"No mail provider answers ({names}); {waiting} mails wait and go out by themselves once one is back."
        return Trouble("mail.outage", "No mail goes out", words, waiting, CRITICAL, since, "fulfillment_email")
    words = f"{names} does not answer; the next provider of the chain has taken over."
    return Trouble("mail.provider", "A mail provider is away", words, len(resting), WARNING, since, "fulfillment_email")


def storage_outage(waiting: int, oldest: datetime | None) -> Trouble | None:
    """Jobs that wait for a file store."""
    if not waiting:
        return None
    words = f"{_jobs(waiting)} waiting for the file store; they go on by themselves once it is back."
    return Trouble(
        "storage.outage",
        "The file store does not answer",
        words,
        waiting,
        CRITICAL,
        oldest,
        "fulfillment_job",
        "state__exact=pending_storage",
    )


def storage_away(resting: list[str], second: bool, since: datetime | None) -> Trouble | None:
    """Stores that do not answer: with a second one the other has taken over, alone nobody can download."""
    if not resting:
        return None
    names = " and ".join(resting)
    if len(resting) > second:
        words = f"{names[:1].upper()}{names[1:]} does not answer, and no other has the files: nobody can download now."
        return Trouble("storage.away", "Nobody can download", words, len(resting), CRITICAL, since, "fulfillment_asset")
    words = f"{names[:1].upper()}{names[1:]} does not answer; the other has taken over."
    return Trouble("storage.store", "A file store is away", words, len(resting), WARNING, since, "fulfillment_asset")


def file_faults(count: int, named: list[str]) -> Trouble | None:
    """Files on sale that a store lacks or has otherwise than they were uploaded; SKU and path are no customer's."""
    if not count:
        return None
    more = f" And {count - len(named)} more." if count > len(named) else ""
    words = f"{' '.join(named)}{more}"
    return Trouble(
        "assets.fault",
        "A file on sale is missing or damaged",
        words,
        count,
        CRITICAL,
        None,
        "fulfillment_asset",
        "state=fault",
    )


def unsettled(count: int, oldest: datetime | None) -> Trouble | None:
    """Changes of facts that could not be worked, however often they were tried."""
    if not count:
        return None
    changes = "1 change" if count == 1 else f"{count} changes"
    words = f"{changes} could not be worked and were set aside: an engineer has to look."
    return Trouble("settlement.dead", "Changes were set aside", words, count, CRITICAL, oldest)


def quarantined(count: int, oldest: datetime | None) -> Trouble | None:
    """Deliveries nobody could read."""
    if not count:
        return None
    waits = "1 delivery waits" if count == 1 else f"{count} deliveries wait"
    words = f"{waits} in quarantine: read the reason, fix it, replay."
    return Trouble(
        "inbox.quarantined",
        "Deliveries in quarantine",
        words,
        count,
        WARNING,
        oldest,
        "orders_delivery",
        "state__exact=quarantined",
    )


def differences_late(count: int, oldest: datetime | None) -> Trouble | None:
    """Discrepancies that nobody put right within a day."""
    if not count:
        return None
    words = "1 difference is" if count == 1 else f"{count} differences are"
    return Trouble(
        "reconciliation.late",
        "Records that do not agree",
        f"{words} open for more than 24 hours.",
        count,
        WARNING,
        oldest,
        "support_discrepancy",
        "status=late",
    )


def reconciliation_failed(count: int, oldest: datetime | None) -> Trouble | None:
    """Comparisons that could not be finished, however often they were tried."""
    if not count:
        return None
    words = "1 reconciliation" if count == 1 else f"{count} reconciliations"
    return Trouble(
        "reconciliation.failed",
        "A reconciliation could not be finished",
        f"{words} of the last week failed: an engineer has to look.",
        count,
        WARNING,
        oldest,
        "support_reconcilerun",
        "state__exact=failed",
    )


def providers_unread(named: list[str], oldest: datetime | None) -> Trouble | None:
    """Channels whose provider has not told for long what its webhooks may have missed; the channels by kind:domain."""
    if not named:
        return None
    return Trouble(
        "backfill.failing",
        "A provider cannot be asked",
        f"{' and '.join(named)} did not give the list of what happened: what its webhooks missed is not known.",
        len(named),
        WARNING,
        oldest,
        "orders_channel",
    )


def _jobs(count: int) -> str:
    return "1 job is" if count == 1 else f"{count} jobs are"


def _orders(count: int) -> str:
    return "1 order is" if count == 1 else f"{count} orders are"
