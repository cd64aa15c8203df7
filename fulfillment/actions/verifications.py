"""Reading every file on sale in every store: is it there, is it whole, and where one store lacks it, copied.

Due files are rows with a time (`Asset.verify_at`), so that a person, the night and a killed worker lead to the same
work. A file that is not the one that was uploaded is never overwritten: it is told.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from fulfillment import storages
from fulfillment.actions import stores
from fulfillment.models import Asset
from fulfillment.storages import SECOND, Finding, Found, Missing
from profiles import bulk, clock, tenancy
from profiles.actions import audit, settlement
from profiles.actors import Actor

Verdict = Asset.Verdict
# Reading one large file may take long; a worker that died leaves its files due again after this.
AGAIN = timedelta(minutes=30)
# No file is read twice within this by the schedule, however often it runs.
APART = timedelta(hours=20)

_CLAIM = """
UPDATE fulfillment_asset SET verify_at = %s
 WHERE id = ANY(ARRAY(SELECT id FROM fulfillment_asset WHERE verify_at <= %s
                       ORDER BY verify_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the stores gave of one file; `copied` names those that got it from the other."""

    asset: Asset
    verdicts: dict[str, str]
    copied: tuple[str, ...] = ()

    @property
    def fault(self) -> str:
        """What a person has to look at; '' where nothing is wrong, or nothing could be found out."""
        wrong = [
            f"{Verdict(verdict).label.lower()} in {stores.NAMES[alias]}"
            for alias, verdict in self.verdicts.items()
            if verdict in (Verdict.DAMAGED, Verdict.MISSING)
        ]
        return f"{self.asset.path}: {', '.join(wrong)}."[:700] if wrong else ""


def sweep(organization_id: int) -> int:
    """Every file on sale is due now, unless it was read lately; returns how many."""
    rows = Asset.objects.filter(current=True, verify_at__isnull=True).exclude(verified_at__gt=clock.now() - APART)
    count = rows.update(verify_at=clock.now())
    if count:
        settlement.wake(organization_id)
    return count


def request(assets: Iterable[Asset] | None = None, *, by: Actor, because: str) -> int:
    """Have these files read soon by a worker, or all that are on sale; returns how many."""
    by.require("retry")
    reason = audit.require_reason(because)
    wanted = None if assets is None else [asset.pk for asset in assets]
    rows = Asset.objects.filter(current=True) if wanted is None else Asset.objects.filter(pk__in=wanted)
    count = rows.update(verify_at=clock.now())
    organization_id = tenancy.current()
    audit.record(
        "assets.verification_asked", by=by, because=reason, organization_id=organization_id, details={"files": count}
    )
    settlement.wake(organization_id)
    return count


def at_fault() -> int:
    """How many files on sale are not whole."""
    return Asset.objects.filter(current=True).exclude(fault="").count()


def claim(limit: int) -> list[Asset]:
    """Take up to `limit` due files; commit before reading them."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [now + AGAIN, now, limit])
        claimed = [pk for (pk,) in cursor.fetchall()]
    return list(Asset.objects.filter(pk__in=claimed).order_by("pk")) if claimed else []


def look(assets: Sequence[Asset], *, enough: Callable[[], bool] = lambda: False) -> list[Seen]:
    """Read these files in every store, and copy where one lacks what another has whole; outside of any transaction.

    At least the first is read, and no further one once it is `enough`.
    """
    health = stores.Health()
    seen: list[Seen] = []
    for asset in assets:
        if seen and enough():
            break
        seen.append(_look(asset, health))
    return seen


def _look(asset: Asset, health: stores.Health) -> Seen:
    found = {alias: health.inspect(alias, asset.path, thorough=True) for alias in storages.aliases()}
    verdicts = {alias: str(judge(asset, finding)) for alias, finding in found.items()}
    whole = next((alias for alias, verdict in verdicts.items() if verdict == Verdict.WHOLE), None)
    copied: list[str] = []
    for alias, verdict in verdicts.items():
        if whole is None or verdict != Verdict.MISSING:
            continue
        try:
            storages.copy(asset.path, source=whole, target=alias, content_type=asset.content_type)
        except storages.StoreFailed as error:
            health.learn(alias, str(error))
            verdicts[alias] = str(Verdict.UNREACHABLE)
        except storages.VersionTaken:
            verdicts[alias] = str(Verdict.DAMAGED)
        else:
            verdicts[alias] = str(Verdict.WHOLE)
            copied.append(alias)
    return Seen(asset, verdicts, tuple(copied))


def judge(asset: Asset, finding: Finding) -> Asset.Verdict:
    """What a thorough look says of a file."""
    if isinstance(finding, Missing):
        return Verdict.MISSING
    if not isinstance(finding, Found):
        return Verdict.UNREACHABLE
    return Verdict.WHOLE if (finding.size, finding.checksum) == (asset.size, asset.sha256) else Verdict.DAMAGED


def conclude(seen: Sequence[Seen], *, unread: Iterable[Asset] = ()) -> None:
    """Keep what was found, in one transaction with a fixed number of queries, and say it in numbers.

    What was claimed and not read is due again at once.
    """
    now = clock.now()
    if waiting := [asset.pk for asset in unread]:
        Asset.objects.filter(pk__in=waiting).update(verify_at=now)
    found = {one.asset.pk: one for one in seen}
    rows = list(Asset.objects.select_for_update(no_key=True).filter(pk__in=found).order_by("pk"))
    for row in rows:
        _keep(row, found[row.pk], now)
    bulk.update(Asset, rows, ["verify_at", "verified_at", "verdicts", "in_second", "fault"])
    counts = Counter(verdict for one in seen for verdict in one.verdicts.values())
    numbers = {
        "files": len(rows),
        "at_fault": sum(1 for row in rows if row.fault),
        "copied": sum(len(one.copied) for one in seen),
        **{str(verdict): counts[verdict] for verdict in Verdict},
    }
    audit.record(
        "assets.verified",
        by=Actor.system("the check of files"),
        organization_id=tenancy.current(),
        details=numbers,
    )


def _keep(row: Asset, seen: Seen, now: datetime) -> None:
    row.verdicts, row.verified_at, row.verify_at = seen.verdicts, now, None
    reached = [verdict for verdict in seen.verdicts.values() if verdict != Verdict.UNREACHABLE]
    if reached:  # who could not look says nothing of the file
        row.fault = seen.fault
    match seen.verdicts.get(SECOND):
        case Verdict.WHOLE:
            row.in_second = True
        case Verdict.MISSING | Verdict.DAMAGED:
            row.in_second = False
