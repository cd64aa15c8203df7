"""The outbox: which messages have to go out, each once for its effect key, and sending them through the chain."""

import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr

from django.conf import settings

from fulfillment import wordings
from fulfillment.actions import invitations, links, own_words, phrasing, reach, unsubscribes
from fulfillment.actions.invitations import Issued
from fulfillment.actions.letters import Letter
from fulfillment.actions.links import Given
from fulfillment.actions.own_words import Words
from fulfillment.models import Email, Entitlement, Service
from fulfillment.providers.outcomes import OutgoingMail, message_id, sender
from orders.actions.statuses import Money, fully
from orders.messages import RefundStatus
from orders.models import Line, Order, Refund
from profiles import bulk, claims, clock, identifiers
from profiles.actions import audit, proofs, settlement
from profiles.actors import Actor, Refusal
from profiles.models import Organization, Profile
from profiles.prepared_queries import PreparedQuery

State, Template = Email.State, Email.Template
LEASE_SECONDS = 120
NEVER = timedelta(days=36500)
DEATHS = 3
GIVE_UP = "Sending it stopped the worker three times: say under Not reached whether it arrived, or send it again."
ABOUT_LIBRARY = "library"
NOBODY_KNOWS = "It was sent twice, and nobody knows whether it arrived: say so under Not reached, or send it again."
PAID = (Order.PaymentStatus.PAID, Order.PaymentStatus.PARTIALLY_REFUNDED)
_WRITTEN = PreparedQuery(
    lambda effects: Email.objects.filter(effect_key__in=effects).values_list("effect_key", flat=True)
)
_AWAITED = PreparedQuery(
    lambda orders: Entitlement.objects.filter(order__in=orders, status__in=Entitlement.DOWNLOADABLE).values_list(
        "order_id", flat=True
    )
)

_CLAIM = """
UPDATE fulfillment_email e
   SET state = 'claimed', attempts = attempts + 1, deaths = deaths + (state = 'claimed')::int,
       done_at = CASE WHEN state = 'claimed' THEN done_at END,
       lease_until = statement_timestamp() + make_interval(secs => %s)
 WHERE id = ANY(ARRAY(SELECT id FROM fulfillment_email
               WHERE ((state IN ('queued', 'unknown') AND due_at <= %s)
                  OR (state = 'claimed' AND lease_until < statement_timestamp()))
                 AND (state = 'claimed' AND deaths >= 1) = %s
               ORDER BY due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id, CASE WHEN done_at IS NULL THEN deaths ELSE 0 END
"""


class NoAddress(Refusal):
    title = "No address"


def address(given: Entitlement | Service) -> str:
    """Where mail about this goes: the order's delivery address, else the customer's own; '' if nowhere."""
    if given.order is not None:
        return identifiers.mailable(given.order.mail_to) or ""
    owner = given.profile_id or 0
    return next(iter(proofs.mail_addresses([owner]).get(owner, ())), "")


# What has to be said --------------------------------------------------------------------------------------------


def settle(orders: Sequence[Order], facts: Mapping[int, Money], lines: Mapping[int, Sequence[Line]]) -> None:
    """Refund and cancellation mails the facts ask for, and receipts of paid orders with nothing to deliver."""
    wanted: dict[str, tuple[Order, str, Refund | None]] = {}
    for order in (one for one in orders if not one.quiet):
        for made in facts[order.pk].refunds:
            if made.status == RefundStatus.SUCCEEDED and made.amount_minor:
                wanted[f"refund:{made.pk}"] = (order, Template.REFUND, made)
        if order.cancelled and order.payment_status == Order.PaymentStatus.PAID:
            wanted[f"cancellation:{order.pk}"] = (order, Template.CANCELLATION, None)
        if order.payment_status in PAID and not order.cancelled and not fully(order):
            wanted[f"receipt:{order.pk}"] = (order, Template.RECEIPT, None)
    if not wanted:
        return
    known = set(_WRITTEN(wanted))
    receipts = [o.pk for key, (o, template, _) in wanted.items() if template == Template.RECEIPT and key not in known]
    awaited = set(_AWAITED(receipts))
    rows = []
    with own_words.batch(*wordings.OF_ORDER) as words:
        for key, (order, template, refund) in wanted.items():
            to = identifiers.mailable(order.mail_to)
            # A receipt with something to download is written together with its links, by the job.
            if key in known or not to or (template == Template.RECEIPT and order.pk in awaited):
                continue
            bought, owner = lines.get(order.pk, ()), order.organization
            letter = words.write(phrasing.of_order(template, owner, order, lines=bought, refund=refund))
            about = f"{order.channel.label}/{refund.external_id if refund else order.external_id}"
            rows.append(draft(key, template, to, letter, about=about, order=order, organization_id=owner.pk))
    bulk.insert(Email, rows, ignore_conflicts=True)


def deliver(entitlements: Sequence[Entitlement], given: Mapping[int, Given], words: Words) -> None:
    """Write the mail that carries these links: the order's receipt if it has none yet, else a delivery of its own."""
    by_order: dict[int, list[Entitlement]] = {}
    alone: list[Entitlement] = []
    for entitlement in entitlements:
        if entitlement.order_id:
            by_order.setdefault(entitlement.order_id, []).append(entitlement)
        else:
            alone.append(entitlement)
    receipted = set(
        Email.objects.filter(effect_key__in=[f"receipt:{pk}" for pk in by_order]).values_list("effect_key", flat=True)
    )
    lines: dict[int, list[Line]] = {}
    for line in (
        Line.objects.filter(order__in=list(by_order), removed=False).select_related("product").order_by("position")
    ):
        lines.setdefault(line.order_id, []).append(line)
    mails: dict[str, list[Entitlement]] = {}
    for order_id, group in by_order.items():
        first = f"receipt:{order_id}" not in receipted and group[0].source in Entitlement.OF_LINES
        mails[f"receipt:{order_id}" if first else _key(group, given)] = group
    mails |= {_key([entitlement], given): [entitlement] for entitlement in alone}
    invited, owners = invitations.invite(mails), unreal(alone)
    rows = [
        _delivery(
            key, group, given, lines.get(group[0].order_id or 0, []), words, invited=invited.get(key), unreal=owners
        )
        for key, group in mails.items()
    ]
    bulk.insert(Email, rows, ignore_conflicts=True)
    if wanted := [row.order_id for row in rows if row.order_id and not row.never_send]:
        reach.watch(wanted, entitlements[0].organization.policies)


def _key(group: Sequence[Entitlement], given: Mapping[int, Given]) -> str:
    """The effect key of a mail that is no receipt: its first link is in no other."""
    return f"delivery:{given[group[0].pk].link.pk}"


def receipts_without_links(orders: Iterable[Order], words: Words) -> None:
    """The receipt of paid orders whose files cannot be delivered yet; the link follows by itself."""
    found = [order for order in orders if not order.quiet]
    if not found:
        return
    lines: dict[int, list[Line]] = {}
    for line in (
        Line.objects.filter(order__in=[o.pk for o in found], removed=False)
        .select_related("product")
        .order_by("position")
    ):
        lines.setdefault(line.order_id, []).append(line)
    rows = []
    for order in found:
        if to := identifiers.mailable(order.mail_to):
            saying = phrasing.of_order(Template.RECEIPT, order.organization, order, lines=lines.get(order.pk, ()))
            about, letter = f"{order.channel.label}/{order.external_id}", words.write(saying)
            owner, key = order.organization_id, f"receipt:{order.pk}"
            rows.append(draft(key, Template.RECEIPT, to, letter, about=about, order=order, organization_id=owner))
    bulk.insert(Email, rows, ignore_conflicts=True)


def _delivery(
    key: str,
    group: Sequence[Entitlement],
    given: Mapping[int, Given],
    lines: Sequence[Line],
    words: Words,
    *,
    invited: Issued | None,
    unreal: Collection[int],
) -> Email:
    first = group[0]
    order = first.order
    pairs = [(entitlement, given[entitlement.pk]) for entitlement in group]
    template = Template.RECEIPT if key.startswith("receipt:") else Template.DELIVERY
    saying = phrasing.of_order(
        template,
        first.organization,
        order,
        lines=lines,
        given=pairs,
        customer_name=first.profile.name,
        invited=invited,
    )
    owner, letter = first.organization_id, words.write(saying)
    row = draft(key, template, address(first), letter, about=about_of(first), order=order, organization_id=owner)
    row.profile_id = first.profile_id
    row.never_send = row.never_send or (order is None and first.profile_id in unreal)
    row.entitlement = first if len(group) == 1 else None
    row.secrets_until = max(link.link.expires_at for _, link in pairs)
    return row


def about_of(given: Entitlement | Service) -> str:
    """What a mail about this is kept under: its order, or the product alone."""
    if given.order is not None:
        return f"{given.order.channel.label}/{given.order.external_id}"
    return f"manual/{given.product.sku}"


def unreal(given: Iterable[Entitlement | Service]) -> set[int]:
    """The owners of what no order gave who bought in made-up shops: their mail is kept. One query, or none."""
    owners = {one.profile_id for one in given if one.order_id is None and one.profile_id is not None}
    if not owners:
        return set()
    bought = Order.objects.filter(profile__in=owners, channel__made_up=True)
    return {pk for pk in bought.order_by().values_list("profile_id", flat=True).distinct() if pk is not None}


def post(
    key: str,
    template: str,
    to: str,
    letter: Letter,
    *,
    profile: Profile,
    by: Actor,
    until: datetime | None = None,
) -> Email | None:
    """Queue one message to a customer about no single order, once for its key; None where it is known already.

    Who only ever bought in made-up shops is never written to; the message is kept like theirs.
    """
    if Email.objects.filter(effect_key=key).exists():
        return None
    row = draft(key, template, to, letter, about=ABOUT_LIBRARY, order=None, organization_id=profile.organization_id)
    row.profile, row.by_person, row.secrets_until = profile, by.role not in ("system", "customer"), until
    row.never_send = Order.objects.filter(profile=profile, channel__made_up=True).exists()
    row.save(force_insert=True)
    settlement.wake(profile.organization_id)
    return row


def draft(
    key: str, template: str, to: str, letter: Letter, *, about: str, order: Order | None, organization_id: int
) -> Email:
    """A message that is not in the outbox yet, for whoever puts a batch of them there."""
    return Email(
        organization_id=organization_id,
        effect_key=key,
        template=template,
        to=to,
        about=about[:600],
        order=order,
        profile_id=order.profile_id if order else None,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        secrets=json.dumps(dict(letter.secrets)) if letter.secrets else "",
        instead=letter.instead[:300],
        message_id=message_id(uuid.uuid4().hex, parseaddr(settings.DEFAULT_FROM_EMAIL)[1]),
        never_send=bool(order and order.channel.made_up),
    )


# A person mails again -------------------------------------------------------------------------------------------


def resend(entitlement: Entitlement, *, by: Actor, because: str, key: str) -> Email:
    """Mail a new link for this entitlement to the address on record; `key` makes a double press one mail."""
    return resend_all([entitlement], by=by, because=because, effect=f"resend:{entitlement.pk}:{key}")


def resend_all(
    group: Sequence[Entitlement], *, by: Actor, because: str, effect: str, lines: Sequence[Line] = ()
) -> Email:
    """Mail new links for these entitlements of one order in one message, once for each `effect`."""
    by.require("resend")
    reason = audit.require_reason(because)
    if known := Email.objects.filter(effect_key=effect[:160]).first():
        return known
    first = group[0]
    if gone := [one for one in group if not one.downloadable]:
        raise links.LinkRevoked(f"Nothing to resend: {gone[0].because}.")
    if not address(first):
        raise NoAddress("There is no usable e-mail address on record: correct the delivery e-mail first.")
    key = effect[:160]
    invited = invitations.invite({key: list(group)})
    made = links.make_mailed(group)
    with own_words.batch(*wordings.OF_ORDER) as words:
        row = _delivery(key, group, made, lines, words, invited=invited.get(key), unreal=unreal(group))
    row.by_person = by.is_person
    row.save(force_insert=True)
    if first.order_id:
        reach.touch([first.order_id])
    settlement.wake(first.organization_id)
    audit.record(
        "email.resent", by=by, subject=row, because=reason, profile_id=first.profile_id, order_id=first.order_id
    )
    return row


def mail_again(group: Sequence[Entitlement], given: Mapping[int, Given], effects: Mapping[int, str]) -> int:
    """Mail each of these its own new link, once for its effect; returns how many messages are new."""
    mails = {effects[entitlement.pk][:160]: [entitlement] for entitlement in group}
    invited, owners = invitations.invite(mails), unreal(group)
    with own_words.batch(*wordings.OF_ORDER) as words:
        rows = [
            _delivery(key, one, given, [], words, invited=invited.get(key), unreal=owners) for key, one in mails.items()
        ]
    return bulk.insert(Email, rows, ignore_conflicts=True)


def renew(link_entitlement: Entitlement, *, key: str) -> Email | None:
    """The customer asked on an expired link's page: a new link to the address on record, at most one per `key`."""
    try:
        return resend(
            link_entitlement, by=Actor.system("customer's request"), because="Asked on the expired page", key=key
        )
    except (NoAddress, links.LinkRevoked):
        return None


# Sending --------------------------------------------------------------------------------------------------------


def claim(limit: int) -> list[int]:
    """Take up to `limit` due messages; commit before sending, so that the attempt counts even if the process dies.

    What two workers died of is taken alone; after a third nobody knows, and a person has to say.
    """
    now = clock.now()
    rows = claims.take(_CLAIM, [LEASE_SECONDS, now], limit)
    if poisonous := [pk for pk, deaths in rows if deaths >= DEATHS]:
        Email.objects.filter(pk__in=poisonous).update(
            state=State.UNKNOWN, lease_until=None, last_error=GIVE_UP, due_at=now + NEVER
        )
    return [pk for pk, deaths in rows if deaths < DEATHS]


def keep(email_ids: Sequence[int]) -> list[int]:
    """Where there is no provider, or for made-up data: the message is kept in the database; returns which were."""
    rows = Email.objects.filter(pk__in=email_ids, state=State.CLAIMED)
    if settings.EMAIL_PROVIDERS:
        rows = rows.filter(never_send=True)
    ids = list(rows.values_list("pk", flat=True))
    Email.objects.filter(pk__in=ids).update(state=State.KEPT, done_at=clock.now(), lease_until=None)
    return ids


def compose(email: Email, organization: Organization) -> OutgoingMail:
    """The message as it goes out: masks replaced by the links they hide."""
    text, html = revealed(email)
    return OutgoingMail(
        to=email.to,
        from_email=sender(organization.name, parseaddr(settings.DEFAULT_FROM_EMAIL)[1]),
        subject=email.subject,
        text=text,
        html=html,
        message_id=email.message_id,
        effect_key=email.effect_key,
        headers=unsubscribes.headers(email, text, organization),
    )


def revealed(email: Email) -> tuple[str, str]:
    """Text and HTML with the real links, as long as their secrets are still held."""
    text, html = email.text, email.html
    for mask, secret in (json.loads(email.secrets) if email.secrets else {}).items():
        text, html = text.replace(mask, secret), html.replace(mask, secret)
    return text, html
