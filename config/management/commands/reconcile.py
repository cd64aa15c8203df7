"""manage.py reconcile: compare what providers, orders, access, receipts and payouts say, and list what differs."""

import time
from collections.abc import Iterable
from typing import Any

from config import drains, progress, reconciling
from config.commands import Command as Base
from profiles import clock, tenancy
from profiles.actions import organizations
from profiles.actors import Actor, Invalid
from profiles.models import Organization
from support import differences
from support.actions import comparisons, reconciliation
from support.models import ReconcileRun
from support.queries import differences as questions

DAYS = 35
SETTLED_WITHIN_SECONDS = 120


class Command(Base):
    help = (
        "Compare payments, orders, access, receipts, refunds, disputes and payouts, and list each difference."
        " Days are the organization's and both are included; safe to repeat. Example:"
        " reconcile --organization lantern --from 2026-11-01 --to 2026-11-30 --repair"
    )

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--organization", required=True, metavar="SLUG", dest="organization_slug")
        parser.add_argument("--from", default="", dest="since", help=f"day or instant ({DAYS} days before the end)")
        parser.add_argument("--to", default="", dest="until", help="day (included) or instant (not included); now")
        parser.add_argument("--repair", action="store_true", help="do the safe repairs too")
        parser.add_argument("--dry-run", action="store_true", help="only count; ask no provider and keep nothing")
        parser.add_argument("--resume", action="store_true", help="go on with the newest run that was not finished")

    def run(self, **options: Any) -> None:
        organization_id = organizations.find(options["organization_slug"])
        with tenancy.organization(organization_id):
            organization = Organization.objects.get(pk=organization_id)
        window = self._window(organization, **options)
        if options["dry_run"]:
            return self._count(organization, window)
        run = self._do(organization, window, **options)
        if run.repair:
            self._settle(organization_id)
        with tenancy.organization(organization_id):
            standing = reconciliation.standing()
        self._tell(organization, run, standing)
        return None

    @staticmethod
    def _window(organization: Organization, **options: Any) -> tuple[Any, Any]:
        try:
            return differences.window(
                options["since"], options["until"], timezone=organization.timezone, now=clock.now(), days=DAYS
            )
        except ValueError as error:
            raise Invalid(str(error)) from error

    def _do(self, organization: Organization, window: tuple[Any, Any], **options: Any) -> ReconcileRun:
        by = Actor.system("command line")
        with progress.bar("Reconciling", len(reconciliation.PHASES)) as step:
            reached = 0

            def done(position: int) -> None:
                nonlocal reached
                step(position - reached)
                reached = position

            if options["resume"]:
                with tenancy.organization(organization.pk):
                    left = reconciliation.unfinished()
                    if left is not None:
                        reconciliation.revive(left)
                if left is not None:
                    return reconciliation.go_on(organization.pk, left, ask=reconciling.ask, done=done)
            return reconciliation.now(
                organization.pk,
                since=window[0],
                until=window[1],
                by=by,
                repair=options["repair"],
                because="Asked for on the command line",
                ask=reconciling.ask,
                done=done,
            )

    @staticmethod
    def _settle(organization_id: int) -> None:
        """What was repaired agrees before the answer; what takes longer is left to the workers."""
        until = time.monotonic() + SETTLED_WITHIN_SECONDS
        while time.monotonic() < until and drains.settlements(organization_id):
            pass

    def _count(self, organization: Organization, window: tuple[Any, Any]) -> None:
        found: dict[str, int] = {}
        with progress.bar("Comparing", len(questions.PARTS)) as step, tenancy.organization(organization.pk):
            scope = questions.window(*window)
            for kinds in questions.PARTS.values():
                found |= comparisons.count(kinds, scope)
                step(1)
        words = [f"{count} × {differences.KINDS[kind].title}" for kind, count in found.items() if count]
        said = f"{sum(found.values())} differences; nothing was kept."
        document = {"organization": organization.slug, **_dates(*window), "dry_run": True, "found": found}
        self.say("\n".join([said, *words]), document)

    def _tell(self, organization: Organization, run: ReconcileRun, standing: dict[str, int]) -> None:
        repaired: dict[str, int] = run.counts.get(reconciliation.REPAIR, {})
        kinds = {
            kind: {"found": 0, "new": 0, "closed": 0, **counts, "repaired": repaired.get(kind, 0), "open": open_}
            for (kind, counts), open_ in zip(reconciliation.counted(run).items(), standing.values(), strict=True)
        }
        document = {
            "organization": organization.slug,
            "run": run.pk,
            **_dates(run.since, run.until),
            "state": run.state,
            "repair": run.repair,
            "providers": run.counts.get(reconciliation.ASK, {}),
            "unreachable": run.unreachable,
            **{name: sum(counts[name] for counts in kinds.values()) for name in ("found", "new", "closed", "open")},
            "repaired": sum(repaired.values()),
            "kinds": kinds,
        }
        self.say("\n".join(_lines(run, document)), document)


def _dates(since: Any, until: Any) -> dict[str, str]:
    return {"from": since.isoformat().replace("+00:00", "Z"), "to": until.isoformat().replace("+00:00", "Z")}


def _lines(run: ReconcileRun, document: dict[str, Any]) -> Iterable[str]:
    if run.state != ReconcileRun.State.DONE:
        yield "Another process is at this reconciliation; its discrepancies stand in the desk as it finds them."
    yield (
        f"{document['found']} differences found, {document['new']} of them new, {document['closed']} closed,"
        f" {document['repaired']} repairs; {document['open']} are open now."
    )
    for kind, counts in document["kinds"].items():
        if any(counts.values()):
            yield (
                f"  {differences.KINDS[kind].title}: {counts['found']} found, {counts['new']} new,"
                f" {counts['closed']} closed, {counts['repaired']} repaired, {counts['open']} open"
            )
    for row in run.unreachable:
        yield f"  {row['channel']} was not reached: {row['reason']}"
