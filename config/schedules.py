"""What is done by the clock rather than because a fact arrived: its name, how often, and the call for an organization.

Schedules stand in code, never in a table that a form could write to. The table only remembers when each is due again:
whoever moves that instant first runs it, so that on any number of machines each runs once. A run that dies is due
again after its interval; what must not wait that long is a row with a due time of its own.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django_q.tasks import async_task

from attribution.actions import messages
from fulfillment.actions import redemptions, tracking, verifications
from orders.actions import backfills, storefronts
from profiles import tenancy
from profiles.models import OrganizationRoute
from support.actions import alerts, approvals, reconciliation

log = logging.getLogger(__name__)

TASK = "config.schedules.run"

_CLAIM = """
WITH wanted AS (SELECT * FROM unnest(%s::text[], %s::float8[]) AS w(name, seconds)),
fresh AS (
  INSERT INTO config_schedule (name, due_at, began_at)
  SELECT name, statement_timestamp() + make_interval(secs => seconds), statement_timestamp()
    FROM wanted w WHERE NOT EXISTS (SELECT FROM config_schedule s WHERE s.name = w.name)
  ON CONFLICT DO NOTHING RETURNING name
), due AS (
  UPDATE config_schedule s
     SET due_at = statement_timestamp() + make_interval(secs => w.seconds), began_at = statement_timestamp()
    FROM wanted w WHERE s.name = w.name AND s.due_at <= statement_timestamp() RETURNING s.name
)
SELECT name FROM fresh UNION ALL SELECT name FROM due
"""
_FINISHED = "UPDATE config_schedule SET finished_at = clock_timestamp(), error = %s WHERE name = %s"


@dataclass(frozen=True, slots=True)
class Schedule:
    """`act` gets an organization's id within that organization's context and must be safe to run twice."""

    name: str
    every: timedelta
    act: Callable[[int], object]


SCHEDULES: tuple[Schedule, ...] = (
    Schedule("alerts", timedelta(minutes=1), alerts.settle),
    Schedule("mail_reports", timedelta(minutes=1), tracking.sweep),
    Schedule("coupon_reservations", timedelta(minutes=1), redemptions.release_due),
    Schedule("assets", timedelta(hours=24), verifications.sweep),
    Schedule("conversation_texts", timedelta(hours=24), messages.forget),
    Schedule("storefronts", timedelta(hours=24), storefronts.sweep),
    Schedule("backfills", timedelta(minutes=30), backfills.schedule),
    Schedule("approvals", timedelta(minutes=15), approvals.expire),
    Schedule("reconciliation_nightly", timedelta(hours=24), reconciliation.nightly),
    Schedule("reconciliation_weekly", timedelta(days=7), reconciliation.weekly),
)


def claim_due() -> list[Schedule]:
    """The schedules that are due now; each is given to one caller only, whatever the number of machines.

    One statement that writes nothing while none is due, since an idle worker asks many times a minute.
    """
    names = [schedule.name for schedule in SCHEDULES]
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [names, [schedule.every.total_seconds() for schedule in SCHEDULES]])
        claimed = {row[0] for row in cursor.fetchall()}
    return [schedule for schedule in SCHEDULES if schedule.name in claimed]


def wake() -> int:
    """Hand each due schedule to the workers; returns how many."""
    claimed = claim_due()
    for schedule in claimed:
        async_task(TASK, schedule.name)
    return len(claimed)


def run_due() -> int:
    """Run each due schedule here and now; returns how many."""
    claimed = claim_due()
    for schedule in claimed:
        run(schedule.name)
    return len(claimed)


def run(name: str) -> None:
    """Run one schedule for every organization; an organization where it fails does not stop the others."""
    schedule = next((known for known in SCHEDULES if known.name == name), None)
    if schedule is None:
        return  # a task of an older edition
    failed = ""
    for organization_id in OrganizationRoute.objects.order_by("pk").values_list("pk", flat=True):
        try:
            with tenancy.organization(organization_id):
                schedule.act(organization_id)
        except Exception as error:
            log.exception("schedule.failed", extra={"schedule": name, "organization": organization_id})
            failed = f"{type(error).__name__}: {error}"[:500]
    with connection.cursor() as cursor:
        cursor.execute(_FINISHED, [failed, name])
