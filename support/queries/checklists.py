"""How it stands with each item of a checklist, read from the rows it is about; a fixed number of queries a list."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Max, Q

from fulfillment.actions.invitations import REMIND_AFTER
from fulfillment.models import Asset, Claim, Email
from orders.models import Import, LedgerEntry, Order, Payout, Period, StorefrontPage
from profiles.actors import Actor
from profiles.models import AuditEntry, Membership, Organization
from support import checklists
from support.checklists import Cadence, Item
from support.models import Alert, ChecklistTick, Discrepancy, ReconcileRun
from support.queries import needs

DAY, WEEK, MONTH = timedelta(days=1), timedelta(days=7), timedelta(days=31)
BANK_AFTER = timedelta(days=5)
NOT_SEEN = timedelta(days=90)
NEEDS = ("stuck", "undelivered", "unreached", "quarantined", "unread", "unmapped", "disputes")


@dataclass(frozen=True, slots=True)
class Stand:
    """How it stands: well, not well, or None where no row tells and only a tick can. `page` names where to act."""

    well: bool | None
    said: str
    page: str = ""
    query: str = ""
    dialog: str = ""


@dataclass(frozen=True, slots=True)
class Live:
    item: Item
    stand: Stand
    tick: ChecklistTick | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What every reader needs to know."""

    organization: Organization
    now: datetime
    needs: dict[str, needs.Need]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.organization.timezone)


def of(cadence: Cadence, organization: Organization, now: datetime, by: Actor | None = None) -> list[Live]:
    """Every item of one list with its state and its tick of this period."""
    counted = {need.key: need for need in needs.counted(now, by)} if cadence is Cadence.DAILY else {}
    asked = Asked(organization, now, counted)
    on = checklists.period(cadence, now, asked.zone)
    items = checklists.of(cadence)
    ticks = {row.item: row for row in ChecklistTick.objects.filter(period_on=on, item__in=[i.code for i in items])}
    return [Live(item, READERS[item.code](asked), ticks.get(item.code)) for item in items]


def period_of(cadence: Cadence, organization: Organization, now: datetime) -> date:
    """The first day of the list's running period."""
    return checklists.period(cadence, now, ZoneInfo(organization.timezone))


def _need(key: str) -> Callable[[Asked], Stand]:
    """A trouble that the first page counts as well."""

    def read(asked: Asked) -> Stand:
        need = asked.needs[key]
        said = f"{need.amount} open. {need.advice}." if need.count else "Nothing open."
        return Stand(not need.count, said, f"{need.model}_changelist", need.query)

    return read


def _alerts(asked: Asked) -> Stand:
    count = Alert.objects.filter(resolved_at__isnull=True, acknowledged_at__isnull=True).count()
    return Stand(not count, f"{count} not looked at yet." if count else "None is waiting.", "support_alert_changelist")


def _bank(asked: Asked) -> Stand:
    due = Payout.objects.filter(status=Payout.Status.PAID, test=False, at__lt=asked.now - BANK_AFTER)
    row = due.filter(at__gte=asked.now - 93 * DAY).aggregate(
        waiting=Count("pk", filter=Q(bank_minor__isnull=True)),
        other=Count("pk", filter=Q(bank_minor__isnull=False) & ~Q(bank_minor=F("amount_minor"))),
    )
    said = []
    if row["waiting"]:
        said.append(f"{row['waiting']:,} of the last three months not confirmed yet.")
    if row["other"]:
        said.append(f"{row['other']:,} came with another sum.")
    return Stand(not said, " ".join(said) or "Every payout is confirmed.", "orders_payout_changelist")


def _unclaimed(asked: Asked) -> Stand:
    due = Claim.objects.filter(created_at__lt=asked.now - REMIND_AFTER[0], remind_at__lt=asked.now).count()
    said = f"{due:,} reminders are due." if due else "Every reminder that was due went out."
    return Stand(not due, said, "fulfillment_unclaimed_changelist")


def _files(asked: Asked) -> Stand:
    row = Asset.objects.filter(current=True).aggregate(
        all=Count("pk"),
        odd=Count("pk", filter=~Q(fault="")),
        old=Count("pk", filter=Q(verified_at__isnull=True) | Q(verified_at__lt=asked.now - WEEK)),
    )
    said = f"{row['odd']} of {row['all']} are not whole." if row["odd"] else f"{row['all']} files are whole."
    if row["old"]:
        said = f"{said} {row['old']} were not read this week."
    return Stand(not row["odd"] and not row["old"], said, "fulfillment_asset_changelist")


def _pages(asked: Asked) -> Stand:
    state = StorefrontPage.State
    row = StorefrontPage.objects.aggregate(
        all=Count("pk"), odd=Count("pk", filter=Q(state__in=[state.DIFFERS, state.AWAY])), last=Max("checked_at")
    )
    if not row["all"]:
        return Stand(None, "No page is looked at yet: add the addresses.", "orders_storefrontpage_changelist")
    fresh = row["last"] is not None and row["last"] >= asked.now - WEEK
    said = f"{row['odd']} of {row['all']} differ or do not answer." if row["odd"] else f"{row['all']} pages agree."
    return Stand(not row["odd"] and fresh, said if fresh else f"{said} Not looked at this week.",
                 "orders_storefrontpage_changelist")  # fmt: skip


def _closed(asked: Asked) -> Stand:
    month, _ = checklists.last_month(asked.now, asked.zone)
    closed = Period.objects.filter(month__gte=month).exists()
    if not closed and not LedgerEntry.objects.filter(month__lte=month).exists():
        return Stand(True, f"{month:%B %Y} has no entries.", "orders_period_changelist")
    return Stand(closed, f"{month:%B %Y} is {'closed' if closed else 'open'}.", "orders_period_changelist")


def _rates(asked: Asked) -> Stand:
    month, end = checklists.last_month(asked.now, asked.zone)
    without = Order.objects.filter(base_rate__isnull=True, test=False, placed_at__gte=_start(month, asked.zone))
    count = without.filter(placed_at__lt=_start(end, asked.zone)).count()
    said = f"{count:,} orders of {month:%B} have no rate." if count else f"Every order of {month:%B} has its rate."
    return Stand(not count, said)


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _bounced(asked: Asked) -> Stand:
    rows = Email.objects.filter(created_at__gte=asked.now - MONTH, state=Email.State.SENT)
    row = rows.aggregate(sent=Count("pk"), bounced=Count("pk", filter=Q(bounced_at__isnull=False)))
    if not row["sent"]:
        return Stand(None, "No mail was sent in these 31 days.", "mail_providers")
    permille = row["bounced"] * 1000 // row["sent"]
    said = f"{row['bounced']:,} of {row['sent']:,} came back ({permille // 10}.{permille % 10} %)."
    return Stand(row["bounced"] * 100 < row["sent"], said, "mail_providers")


def _drill(part: str) -> Callable[[Asked], Stand]:
    def read(asked: Asked) -> Stand:
        rows = AuditEntry.objects.filter(action="drill.run", at__gte=asked.now - MONTH, details__drill=part)
        last = rows.order_by("-at").first()
        if last is None:
            return Stand(False, "Not tried in these 31 days.", dialog="")
        ok = bool(last.details.get("ok"))
        took = last.details.get("took_over") or "nobody"
        return Stand(ok, f"On {last.at:%-d %B} {took} took over in {last.details.get('seconds')} s.", "")

    return read


def _staff(asked: Asked) -> Stand:
    row = Membership.objects.filter(user__is_active=True).aggregate(
        all=Count("pk"),
        away=Count("pk", filter=Q(user__last_login__lt=asked.now - NOT_SEEN)),
    )
    said = f"{row['all']} people may enter; {row['away']} of them were not here for 90 days."
    return Stand(None, said, "profiles_membership_changelist")


def _late(asked: Asked) -> Stand:
    due = Discrepancy.objects.filter(status=Discrepancy.Status.OPEN, due_at__lt=asked.now)
    count = due.count()
    return Stand(not count, f"{count:,} overdue." if count else "None is overdue.", "support_discrepancy_changelist")


def _discrepancies(asked: Asked) -> Stand:
    count = Discrepancy.objects.filter(status=Discrepancy.Status.OPEN).count()
    return Stand(not count, f"{count:,} open." if count else "Everything agrees.", "support_discrepancy_changelist")


def _reconciled(since: Callable[[Asked], tuple[datetime, datetime]]) -> Callable[[Asked], Stand]:
    """Whether one finished run covers all of a span."""

    def read(asked: Asked) -> Stand:
        start, end = since(asked)
        done = ReconcileRun.objects.filter(state=ReconcileRun.State.DONE, since__lte=start, until__gte=end)
        run = done.order_by("-finished_at").first()
        said = f"Compared on {run.finished_at:%-d %B}." if run and run.finished_at else "Not compared as a whole yet."
        return Stand(run is not None, said, "support_discrepancy_changelist")

    return read


def _this_week(asked: Asked) -> tuple[datetime, datetime]:
    start = _start(checklists.period(Cadence.WEEKLY, asked.now, asked.zone), asked.zone)
    return start - WEEK, start


def _last_month(asked: Asked) -> tuple[datetime, datetime]:
    month, end = checklists.last_month(asked.now, asked.zone)
    return _start(month, asked.zone), _start(end, asked.zone)


def _imports(asked: Asked) -> Stand:
    done = Import.objects.filter(state=Import.State.DONE, version__gte=asked.now - WEEK).count()
    waiting = Import.objects.filter(state__in=[Import.State.ASKING, Import.State.CHECKED]).count()
    said = f"{done} imported in seven days." + (f" {waiting} wait for a person." if waiting else "")
    return Stand(False if waiting else bool(done) or None, said, "orders_import_changelist")


def _proved(action: str, page: str) -> Callable[[Asked], Stand]:
    """What was counted again from nothing in the last month, and whether it agreed."""

    def stand(asked: Asked) -> Stand:
        last = AuditEntry.objects.filter(action=action, at__gte=asked.now - MONTH).order_by("-at").first()
        if last is None:
            return Stand(None, "Not counted again in these 31 days.", page)
        ok = bool(last.details.get("ok"))
        return Stand(ok, f"On {last.at:%-d %B}: {'it agrees' if ok else 'it differs'}.", page)

    return stand


def _by_hand(said: str, page: str = "") -> Callable[[Asked], Stand]:
    """Nothing tells whether it was done but the tick."""
    return lambda asked: Stand(None, said, page)


READERS: dict[str, Callable[[Asked], Stand]] = {
    **{key: _need(key) for key in NEEDS},
    "alerts": _alerts,
    "late": _late,
    "discrepancies": _discrepancies,
    "reconcile": _reconciled(_this_week),
    "month": _reconciled(_last_month),
    "import": _imports,
    "proved": _proved("ledger.proved", "orders_ledgerentry_changelist"),
    "figures": _proved("figures.proved", "board"),
    "bank": _bank,
    "unclaimed": _unclaimed,
    "files": _files,
    "pages": _pages,
    "closed": _closed,
    "rates": _rates,
    "bounced": _bounced,
    "drill_email": _drill("email"),
    "drill_storage": _drill("storage"),
    "staff": _staff,
    "report": _by_hand("Open the report of last month and compare it with the month before.", "month_report"),
}
