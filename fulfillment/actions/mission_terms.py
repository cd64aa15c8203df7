"""Making, starting and stopping missions, and saying what they give."""

import re
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from fulfillment import missions
from fulfillment.models import Mission, MissionReward
from orders.models import Order
from profiles import clock
from profiles.actions import audit, settlement
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Event, Organization

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}", re.ASCII)


class SlugTaken(Refusal):
    title = "Name taken"


class AlreadySo(Refusal):
    title = "Nothing to change"


def add(
    *,
    organization: Organization,
    slug: str,
    title: str,
    rule: str,
    rewards: Sequence[str],
    by: Actor,
    because: str,
    event_type: str = "",
    times: int = 1,
    skus: Sequence[str] = (),
    period: str = Mission.Period.ONCE,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    keeps: bool = False,
) -> Mission:
    """A new mission; what customers did since it starts counts at once. Raises Invalid or SlugTaken."""
    by.require("manage_coupons")
    reason = audit.require_reason(because)
    if not SLUG.fullmatch(slug):
        raise Invalid("A mission's name in addresses: small letters, digits and hyphens, at most 60.")
    if rule not in Mission.Rule.values or period not in Mission.Period.values:
        raise Invalid("That is no rule or period of missions.")
    if rule == Mission.Rule.EVENTS and not event_type.strip():
        raise Invalid("Say which kind of event counts, such as review.")
    if not title.strip() or times < 1:
        raise Invalid("A mission needs a title, and counts at least to one.")
    starts = starts_at or clock.now()
    if ends_at is not None and ends_at <= starts:
        raise Invalid("It ends before it begins.")
    wanted = list(dict.fromkeys(sku.strip() for sku in rewards if sku.strip()))
    if not wanted:
        raise Invalid("A mission gives at least one product.")
    if Mission.objects.filter(slug=slug).exists():
        raise SlugTaken(f"There is a mission {slug} already.")
    mission = Mission.objects.create(
        organization=organization,
        slug=slug,
        title=title.strip()[:200],
        rule=rule,
        event_type=event_type.strip()[:60],
        times=times,
        skus=sorted({sku.strip() for sku in skus if sku.strip()}),
        period=period,
        starts_at=starts,
        ends_at=ends_at,
        keeps=keeps,
    )
    MissionReward.objects.bulk_create(
        MissionReward(organization=organization, mission=mission, sku=sku[:100]) for sku in wanted
    )
    audit.record("mission.added", by=by, subject=mission, because=reason, details={"slug": slug, "rewards": wanted})
    look_again(mission)
    return mission


def stop(mission: Mission, *, by: Actor, because: str) -> None:
    """Nobody completes it from now on; who has keeps what they got. Raises AlreadySo. Inverse: start."""
    _turn(mission, False, by=by, because=because)


def start(mission: Mission, *, by: Actor, because: str) -> None:
    """It counts again, also what was done meanwhile. Raises AlreadySo. Inverse: stop."""
    _turn(mission, True, by=by, because=because)
    look_again(mission)


def look_again(mission: Mission) -> int:
    """Have everybody settled who did something it may count; returns how many customers."""
    names = missions.types([mission.terms])
    did = Event.objects.filter(type__in=names, occurred_at__gte=mission.starts_at, profile__isnull=False)
    found = set(did.values_list("profile_id", flat=True))
    if mission.rule == Mission.Rule.PURCHASES:
        bought = Order.objects.filter(Q(profile__isnull=False), placed_at__gte=mission.starts_at)
        found |= set(bought.values_list("profile_id", flat=True))
    settlement.request(mission.organization_id, profiles={pk for pk in found if pk is not None})
    return len(found)


def _turn(mission: Mission, active: bool, *, by: Actor, because: str) -> None:
    by.require("manage_coupons")
    reason = audit.require_reason(because)
    if not Mission.objects.filter(pk=mission.pk, active=not active).update(active=active):
        raise AlreadySo(f"It is {'running' if active else 'stopped'} already.")
    audit.record("mission.started" if active else "mission.stopped", by=by, subject=mission, because=reason)
