"""The items of the checklists that run by themselves: what `manage.py ops` does of each list (SPEC SUP-9)."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.core.management import CommandError, call_command

from config import filing, reconciling, storefronts
from fulfillment.actions import verifications
from orders.models import StorefrontPage
from orders.queries import proofs_of_the_ledger
from profiles import clock, tenancy
from profiles.actions import audit
from profiles.actors import Actor, Refusal
from profiles.models import Organization
from support import checklists
from support.actions import checklists as ticks
from support.actions import drills, reconciliation
from support.checklists import Cadence
from support.queries import proofs_of_tallies

BY = Actor.system("ops")
BECAUSE = "Run by manage.py ops"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of doing one item: `ok` None where there was nothing to do."""

    ok: bool | None
    told: str


@dataclass(frozen=True, slots=True)
class Files:
    """The export files that the environment names: channel as kind:domain, and the path."""

    orders: tuple[tuple[str, str], ...] = ()
    payouts: tuple[tuple[str, str], ...] = ()


def do(code: str, organization: Organization, files: Files) -> Outcome:
    """Do one item now and tick it off; a refusal is told, not raised."""
    try:
        outcome = ACTS[code](organization, files)
    except (Refusal, CommandError) as refused:
        outcome = Outcome(False, str(refused))
    if outcome.ok is not None:
        with tenancy.organization(organization.pk):
            ticks.tick(code, organization, by=BY, because=BECAUSE, told=outcome.told, failed=not outcome.ok)
    return outcome


def _import(organization: Organization, files: Files) -> Outcome:
    """Each file on its own: one that cannot be read keeps none of the others."""
    told, ok = [], True
    for mode, named in (("orders", files.orders), ("payouts", files.payouts)):
        for channel, path in named:
            try:
                said = io.StringIO()
                arguments = ["--organization", organization.slug, "--channel", channel, "--mode", mode, path]
                call_command("import_csv", *arguments, stdout=said)
                told.append(f"{path}: {said.getvalue().partition(chr(10))[0]}")
            except CommandError as refused:
                ok = False
                told.append(f"{path}: {refused}")
    return Outcome(ok if told else None, " ".join(told) or "The environment names no file (OPS_ORDERS_FILES).")


def _compare(organization: Organization, since: datetime, until: datetime) -> Outcome:
    run = reconciliation.now(organization.pk, since=since, until=until, by=BY, because=BECAUSE, ask=reconciling.ask)
    counts = reconciliation.counted(run)
    found = sum(kind.get("found", 0) for kind in counts.values())
    away = ", ".join(row["channel"] for row in run.unreachable)
    told = f"{found} differences found." + (f" Not reached: {away}." if away else "")
    return Outcome(run.state == run.State.DONE, told)


def _week(organization: Organization, files: Files) -> Outcome:
    zone, now = ZoneInfo(organization.timezone), clock.now()
    start = checklists.period(Cadence.WEEKLY, now, zone)
    return _compare(organization, _at(checklists.week_before(start), zone), now)


def _month(organization: Organization, files: Files) -> Outcome:
    zone = ZoneInfo(organization.timezone)
    month, end = checklists.last_month(clock.now(), zone)
    return _compare(organization, _at(month, zone), _at(end, zone))


def _at(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _files(organization: Organization, files: Files) -> Outcome:
    with tenancy.organization(organization.pk):
        count = verifications.request(by=BY, because=BECAUSE)
    while filing.files(organization.pk):
        pass
    with tenancy.organization(organization.pk):
        odd = verifications.at_fault()
    return Outcome(not odd, f"{count} files read, {odd} not whole.")


def _pages(organization: Organization, files: Files) -> Outcome:
    pages = storefronts.verify(organization.pk)
    odd = sum(page.state != StorefrontPage.State.WELL for page in pages)
    return Outcome(not odd if pages else None, f"{len(pages)} pages looked at, {odd} differ or do not answer.")


def _proved(organization: Organization, files: Files) -> Outcome:
    found = _counted_again(organization, "ledger.proved", proofs_of_the_ledger.differences)
    return Outcome(not found, f"{found} sums differ from the facts." if found else "The ledger agrees.")


def _figures(organization: Organization, files: Files) -> Outcome:
    found = _counted_again(organization, "figures.proved", proofs_of_tallies.differences)
    return Outcome(not found, f"{found} figures differ from the orders." if found else "The boards agree.")


def _counted_again(
    organization: Organization, action: str, differences: Callable[[Organization], Sequence[object]]
) -> int:
    """How many differences there are; that it was looked at, and how it stood, is in the audit log."""
    with tenancy.organization(organization.pk):
        found = differences(organization)
        audit.record(action, by=BY, because=BECAUSE, organization_id=organization.pk, details={"ok": not found})
    return len(found)


def _email(organization: Organization, files: Files) -> Outcome:
    done = drills.email(organization.pk, by=BY)
    return Outcome(done.ok, f"Without {done.without}, {done.took_over or 'nobody'} took over in {done.seconds} s.")


def _storage(organization: Organization, files: Files) -> Outcome:
    done = drills.storage(organization.pk, by=BY)
    return Outcome(done.ok, f"Without {done.without}, {done.took_over or 'nobody'} took over in {done.seconds} s.")


ACTS: Mapping[str, Callable[[Organization, Files], Outcome]] = {
    "import": _import,
    "reconcile": _week,
    "files": _files,
    "pages": _pages,
    "month": _month,
    "proved": _proved,
    "figures": _figures,
    "drill_email": _email,
    "drill_storage": _storage,
}
