"""Ticking off what was dealt with in its period, and taking the tick back."""

from zoneinfo import ZoneInfo

from profiles import clock
from profiles.actions import audit
from profiles.actors import Actor, NotFound
from profiles.models import Organization
from support import checklists
from support.models import ChecklistTick


class NotTicked(NotFound):
    title = "Not ticked"


def tick(
    code: str, organization: Organization, *, by: Actor, because: str, told: str = "", failed: bool = False
) -> ChecklistTick:
    """Say that this item is dealt with in its running period; a later word replaces the earlier. Inverse: take_back."""
    by.require("check_off")
    reason = audit.require_reason(because)
    item = checklists.BY_CODE.get(code)
    if item is None:
        raise NotFound(f"There is no item {code} on the checklists.")
    now = clock.now()
    row, _ = ChecklistTick.objects.update_or_create(
        organization=organization,
        item=code,
        period_on=checklists.period(item.cadence, now, ZoneInfo(organization.timezone)),
        defaults={
            "done_at": now,
            "done_by": by.label,
            "by_person": by.is_person,
            "note": reason,
            "told": told[:2000],
            "failed": failed,
        },
    )
    audit.record("checklist.ticked", by=by, subject=row, because=reason, details={"item": code, "failed": failed})
    return row


def take_back(code: str, organization: Organization, *, by: Actor, because: str) -> None:
    """It is not dealt with after all. Raises NotTicked."""
    by.require("check_off")
    reason = audit.require_reason(because)
    item = checklists.BY_CODE.get(code)
    rows = ChecklistTick.objects.filter(item=code)
    if item is not None:
        rows = rows.filter(period_on=checklists.period(item.cadence, clock.now(), ZoneInfo(organization.timezone)))
    row = rows.first()
    if row is None:
        raise NotTicked("It is not ticked in this period.")
    audit.record("checklist.taken_back", by=by, subject=row, because=reason, details={"item": code})
    row.delete()
