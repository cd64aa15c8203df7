"""Follow-ups: planned as the facts say, sent when their time has come, each at most once (SPEC FUL-6)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from fulfillment import followups as rules
from fulfillment import wordings
from fulfillment.actions import emails, links, matters, own_words, phrasing, services, suppressions, unsubscribes
from fulfillment.actions.entitlements import DIGITAL
from fulfillment.actions.links import Given
from fulfillment.actions.matters import Matter
from fulfillment.actions.phrasing import Saying
from fulfillment.actions.unsubscribes import Issued
from fulfillment.followups import Kind, Standing, Verdict, Why
from fulfillment.models import Email, Entitlement, Followup, Offer, Service
from fulfillment.queries import followups as known_of
from fulfillment.queries.followups import Known
from orders.models import Line, Order, Product
from profiles import bulk, clock
from profiles.actions import audit, settlement
from profiles.actors import Actor, Refusal
from profiles.prepared_queries import PreparedQuery

State = Followup.State
AGAIN = timedelta(minutes=10)
# What `agree` may change.
AGREEING = ("state", "why", "ended_at", "profile")
# Since when each of these customers last wrote to us in a chat; asked of whoever keeps conversations.
Talked = Callable[[Collection[int]], Mapping[int, datetime]]

_OF_ORDERS = PreparedQuery(lambda orders: Followup.objects.filter(order__in=orders))


class NotWaiting(Refusal):
    """It was sent, stopped or passed over already."""

    title = "Not waiting"


# Planned ----------------------------------------------------------------------------------------------------------


def settle(orders: Sequence[Order], lines: Sequence[Line]) -> None:
    """Plan what these orders ask for, stop what their money no longer stands for, and let it wait again if it does.

    Nothing is planned for made-up shops, for what was imported or bought long before it came, nor twice. Fixed queries.
    """
    if not orders:
        return
    now, policy = clock.now(), rules.read(orders[0].organization.policies)
    by_order: dict[int, list[Line]] = {}
    for line in lines:
        if line.product is not None:
            by_order.setdefault(line.order_id, []).append(line)
    known = {row.source_key: row for row in _OF_ORDERS([order.pk for order in orders])}
    whole = [order for order in orders if order.pk in by_order and _is_whole(order)]
    new = [order for order in whole if _is_new(order, now)]
    offered, filled = _offered(new, by_order, policy), _filled(new, by_order)
    planned = [row for order in new for row in _plan(order, by_order[order.pk], offered, filled, policy, now)]
    planned += _plan_services(whole, by_order, policy, now)
    fresh = [row for row in planned if row.source_key not in known]
    by_id = {order.pk: order for order in orders}
    changed = [row for row in known.values() if _agree(row, by_id[row.order_id or 0], now)]
    bulk.insert(Followup, fresh)
    bulk.update(Followup, changed, AGREEING)


def _is_whole(order: Order) -> bool:
    return (
        order.profile_id is not None
        and order.payment_status in matters.WHOLE
        and not order.cancelled
        and not order.channel.made_up
        and not order.quiet
    )


def _is_new(order: Order, now: datetime, opened_at: datetime | None = None) -> bool:
    bought_at = order.paid_at or order.placed_at
    return not rules.is_historic(bought_at=bought_at, arrived_at=order.arrived_at, now=now, opened_at=opened_at)


def _offered(
    orders: Sequence[Order], lines: Mapping[int, Sequence[Line]], policy: rules.Policy
) -> set[tuple[int, str]]:
    if not any(kind.offers and policy.of(kind).on for kind in Kind):
        return set()
    products = {line.product_id for order in orders for line in lines[order.pk] if line.product_id}
    return set(known_of.offers(products))


def _filled(orders: Sequence[Order], lines: Mapping[int, Sequence[Line]]) -> set[int]:
    """The lines of bundles that hold something digital, as it was granted. One query, or none."""
    kind = Product.Kind.BUNDLE
    ids = [line.pk for order in orders for line in lines[order.pk] if line.product and line.product.kind == kind]
    if not ids:
        return set()
    granted = Entitlement.objects.filter(line__in=ids, status__in=Entitlement.DOWNLOADABLE)
    return {pk for pk in granted.values_list("line_id", flat=True).distinct() if pk}


def _plan(
    order: Order,
    lines: Sequence[Line],
    offered: set[tuple[int, str]],
    filled: set[int],
    policy: rules.Policy,
    now: datetime,
) -> list[Followup]:
    digital = [line for line in lines if line.product and (line.product.kind in DIGITAL or line.pk in filled)]
    made = []
    if digital:
        mine = frozenset(kind for kind in Kind if any((line.product_id, kind) in offered for line in digital))
        kinds = rules.planned(digital=True, offered=mine, policy=policy)
        made += [_of_order(f"order:{order.pk}:{kind}", kind, order, policy, now) for kind in kinds]
    return made


def _plan_services(
    orders: Sequence[Order], lines: Mapping[int, Sequence[Line]], policy: rules.Policy, now: datetime
) -> list[Followup]:
    """Each service that lines of these orders opened is followed by itself. One query, or none."""
    kinds = (Product.Kind.SERVICE, Product.Kind.BUNDLE)
    by_id = {
        order.pk: order for order in orders if any(one.product and one.product.kind in kinds for one in lines[order.pk])
    }
    if not by_id:
        return []
    opened = Service.objects.filter(order__in=list(by_id), source__in=Service.OF_LINES).order_by("pk")
    return [
        _of_order(f"{row.source_key}:{kind}", kind, order, policy, now, line_id=row.line_id, service=row)
        for row in opened.exclude(state=Service.State.ENDED)
        if (order := by_id[row.order_id or 0]) and _is_new(order, now, row.created_at)
        for kind in rules.planned(digital=False, offered=frozenset(), policy=policy)
    ]


def _of_order(key: str, kind: Kind, order: Order, policy: rules.Policy, now: datetime, **of: Any) -> Followup:
    owner, customer = order.organization_id, order.profile_id
    return plan(key, kind, policy, now, organization_id=owner, profile_id=customer, order=order, **of)


def plan(key: str, kind: Kind, policy: rules.Policy, now: datetime, **of: Any) -> Followup:
    """One that is not kept yet, due when the terms say; `of` names whose it is and what it is about."""
    return Followup(source_key=key, kind=kind, planned_at=now, due_at=now + policy.of(kind).span, **of)


def _agree(row: Followup, order: Order, now: datetime) -> bool:
    return agree(row, order.profile_id, matters.stands(order, Kind(row.kind)), Why.REFUNDED, now)


def agree(row: Followup, profile_id: int | None, stands: bool, otherwise: Why, now: datetime) -> bool:
    """Make one that is not sent agree with what it is about; true if anything changed.

    What no longer stands stops it, with `otherwise` as the reason; where it stands again in time, it waits again.
    """
    former = (row.state, row.profile_id)
    row.profile_id = profile_id or row.profile_id
    if row.state == State.WAITING and not stands:
        row.state, row.why, row.ended_at = State.STOPPED, otherwise, now
    elif row.state == State.STOPPED and row.why == otherwise and stands and row.due_at > now:
        row.state, row.why, row.ended_at = State.WAITING, "", None
    return former != (row.state, row.profile_id)


# Sent -------------------------------------------------------------------------------------------------------------


def due(limit: int) -> list[int]:
    """Those whose time has come, the oldest first."""
    rows = Followup.objects.filter(state=State.WAITING, due_at__lte=clock.now()).order_by("due_at", "pk")
    return list(rows.values_list("pk", flat=True)[:limit])


def work(followup_ids: Sequence[int], *, talked: Talked) -> None:
    """Look at each of these once more, and write the mails of those that still make sense; fixed queries."""
    now = clock.now()
    wanted = Followup.objects.filter(pk__in=followup_ids, state=State.WAITING, due_at__lte=now)
    held = matters.hold(wanted)
    rows = list(wanted.select_for_update(of=("self",), no_key=True).order_by("pk"))
    if not rows:
        return
    about = matters.read(held)
    policy = rules.read(about[rows[0].matter].organization.policies)
    known = known_of.gather(rows, held.orders, held.gifts, held.services.values(), now=now)
    _hear(known, talked({matter.profile_id for matter in about.values() if matter.profile_id}))
    addresses = {matter.to for matter in about.values() if matter.to}
    silenced, back = suppressions.silenced(addresses), suppressions.undeliverable(addresses)
    sending = []
    for row in rows:
        standing = _standing(row, about[row.matter], known, silenced, back)
        verdict = rules.judge(Kind(row.kind), standing, planned_at=row.planned_at, now=now, policy=policy)
        if _conclude(row, verdict, now):
            sending.append(row)
            if row.kind == Kind.REMINDER and row.entitlement_id:
                _carry_all(row, about, known)
            elif row.kind == Kind.REMINDER and row.profile_id:
                known.reminded.add(row.profile_id)
    _send(sending, about, known)
    bulk.update(Followup, rows, ["state", "why", "due_at", "ended_at", "email"])


def postpone(followup_id: int, *, error: str) -> None:
    """Something of ours failed on this one: look again soon."""
    Followup.objects.filter(pk=followup_id).update(due_at=clock.now() + AGAIN, note=error[:300])


def _hear(known: Known, talked: Mapping[int, datetime]) -> None:
    for profile_id, at in talked.items():
        known.spoke[profile_id] = max(at, known.spoke.get(profile_id, at))


def _standing(
    row: Followup, matter: Matter, known: Known, silenced: Collection[str], back: Collection[str]
) -> Standing:
    kind, profile = Kind(row.kind), matter.profile_id or 0
    spoke = known.spoke.get(profile)
    service = known.services.get(rules.about(row.source_key))
    offer = _offer(kind, matter, known)
    return Standing(
        money_stands=matter.stands(kind),
        has_rights=_is_open(service) if kind.of_service else bool(known.rights.get(row.matter)),
        has_address=bool(matter.to),
        replied=spoke is not None and spoke > matter.since,
        silenced=matter.to in silenced,
        bounced=matter.to in back,
        reminded=(profile, matter.to) in known.reminded_of_gifts if matter.gift else profile in known.reminded,
        downloaded_at=known.downloaded.get(row.matter),
        offered=offer is not None,
        owned=offer is not None and (profile, offer.offered_id) in known.owned,
        waits_for_answers=service is not None and service.state == Service.State.INTAKE,
    )


def _carry_all(row: Followup, about: Mapping[str, Matter], known: Known) -> None:
    """One reminder for all gifts that a customer has not opened yet: their own need not go out any more."""
    matter = about[row.matter]
    known.reminded_of_gifts.add((matter.profile_id or 0, matter.to))
    for lead in sorted(known.unreminded - {row.entitlement_id}):
        other, key = about[f"gift:{lead}"], f"gift:{lead}"
        if (other.profile_id, other.to) == (matter.profile_id, matter.to) and key not in known.downloaded:
            known.rights[row.matter] = [*known.rights[row.matter], *known.rights[key]]


def _is_open(service: Service | None) -> bool:
    return service is not None and service.state not in (Service.State.ENDED, Service.State.DONE)


def _offer(kind: Kind, matter: Matter, known: Known) -> Offer | None:
    if not kind.offers or matter.order is None:
        return None
    found = (known.offers.get((line.product_id or 0, kind)) for line in known.lines.get(matter.order.pk, ()))
    return next((one for one in found if one), None)


def _conclude(row: Followup, verdict: Verdict, now: datetime) -> bool:
    """Write what was decided; true where the mail goes out."""
    if verdict.again_at is not None:
        row.due_at = verdict.again_at
        return False
    row.ended_at = now
    if verdict.why is not None:
        row.state = State.SKIPPED if verdict.why in rules.NEEDLESS else State.STOPPED
        row.why = verdict.why
        return False
    row.state = State.SENT
    return True


def _send(rows: Sequence[Followup], about: Mapping[str, Matter], known: Known) -> None:
    if not rows:
        return
    reminding = [right for row in rows if row.kind == Kind.REMINDER for right in known.rights[row.matter]]
    given = links.make_mailed(reminding)
    asking = [known.services[rules.about(row.source_key)] for row in rows if Kind(row.kind).of_service]
    forms = services.issue(asking)
    mails: list[tuple[Followup, Email, Issued]] = []
    with own_words.batch(*wordings.AFTER_PURCHASE) as words:
        for row in rows:
            matter, leave = about[row.matter], unsubscribes.issue()
            form = forms[known.services[rules.about(row.source_key)].pk] if Kind(row.kind).of_service else None
            saying = _saying(row, matter, known, given, form, leave)
            template = Email.Template.REMINDER if row.kind == Kind.REMINDER else Email.Template.FOLLOWUP
            mail = emails.draft(
                f"followup:{row.source_key}",
                template,
                matter.to,
                words.write(saying),
                about=matter.about,
                order=matter.order,
                organization_id=row.organization_id,
            )
            mail.profile_id, mail.entitlement, mail.never_send = matter.profile_id, matter.gift, matter.made_up
            mail.secrets_until = _held_until(given, row, known)
            mails.append((row, mail, leave))
    bulk.insert(Email, [mail for _, mail, _ in mails])
    unsubscribes.remember((mail, leave) for _, mail, leave in mails)
    for row, mail, _ in mails:
        row.email = mail
    settlement.wake(rows[0].organization_id)


def _held_until(given: Mapping[int, Given], row: Followup, known: Known) -> datetime | None:
    """Until when the secrets of a mail that is only kept are worth keeping: as long as its links work."""
    mine = [given[right.pk].link.expires_at for right in known.rights.get(row.matter, ()) if right.pk in given]
    return max(mine, default=None) if row.kind == Kind.REMINDER else None


def _saying(
    row: Followup, matter: Matter, known: Known, given: Mapping[int, Given], form: Issued | None, leave: Issued
) -> Saying:
    kind = Kind(row.kind)
    rights = known.rights.get(row.matter, [])
    offer = _offer(kind, matter, known)
    service = known.services.get(rules.about(row.source_key))
    titles = service.product.title if service is not None else phrasing.titled(right.product.title for right in rights)
    values = {"product": titles, "customer_name": matter.customer_name[:60]}
    secrets = {leave.masked: leave.secret}
    if form is not None:
        values["link"], secrets[form.masked] = form.masked_url, form.secret
    if offer is not None:
        values["offered"], values["link"] = offer.offered.title, offer.url
    return Saying(
        sort=kind,
        organization=matter.organization,
        language=phrasing.language_of(matter.order, matter.organization),
        order=matter.order,
        values=values,
        downloads=[(right, given[right.pk]) for right in rights if kind is Kind.REMINDER],
        secrets=secrets,
        unsubscribe_url=leave.masked_url,
    )


# What a person does -----------------------------------------------------------------------------------------------


def stop(followup: Followup, *, by: Actor, because: str) -> Followup:
    """This mail is not to go out. Raises NotWaiting. Inverse: send now."""
    by.require("resend")
    reason = audit.require_reason(because)
    row = _locked(followup)
    if row.state != State.WAITING:
        raise NotWaiting(f"It is {row.get_state_display().lower()} already.")
    row.state, row.why, row.note, row.ended_at = State.STOPPED, Why.STAFF, f"{by.label}: {reason}"[:300], clock.now()
    row.save(update_fields=["state", "why", "note", "ended_at"])
    _audit("followup.stopped", row, by, reason)
    return row


def send_now(followup: Followup, *, by: Actor, because: str) -> Followup:
    """Have it looked at now instead of later; what stops every follow-up stops this one too. Raises NotWaiting."""
    by.require("resend")
    reason = audit.require_reason(because)
    row = _locked(followup)
    if row.state != State.WAITING and row.why != Why.STAFF:
        raise NotWaiting(f"It is {row.get_state_display().lower()} already.")
    row.state, row.why, row.note, row.ended_at, row.due_at = State.WAITING, "", "", None, clock.now()
    row.save(update_fields=["state", "why", "note", "ended_at", "due_at"])
    settlement.wake(row.organization_id)
    _audit("followup.hastened", row, by, reason)
    return row


def _locked(followup: Followup) -> Followup:
    return Followup.objects.select_for_update(no_key=True).get(pk=followup.pk)


def _audit(action: str, row: Followup, by: Actor, because: str) -> None:
    audit.record(
        action,
        by=by,
        subject=row,
        because=because,
        profile_id=row.profile_id,
        order_id=row.order_id,
        details={"kind": row.kind, **({"entitlement": row.entitlement_id} if row.entitlement_id else {})},
    )
