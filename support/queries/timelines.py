"""The whole story of an order or a customer on one timeline, newest first (SPEC SUP-2)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from attribution import enquiries
from attribution import intents as wanting
from attribution.models import Attribution, Conversation, ProductIntent, StoreAlert
from fulfillment.models import DownloadLink, DownloadSession, Email, Entitlement, Job
from orders import money
from orders.models import Dispute, Order, Payment, Refund, RefundRequest, StatusChange, StoreVisit
from profiles import events as telling
from profiles.models import AuditEntry, Event, Merge, Profile

AT_MOST = 200

# What an act is called on a timeline; any other is shown by its own name.
ACTS = {
    "profile.viewed": "Customer's page opened",
    "email.resent": "Link mailed again",
    "link.made": "Temporary link made",
    "job.retried": "Delivery tried again",
    "entitlement.granted": "Product granted",
    "entitlement.revoked": "Access revoked",
    "entitlement.restored": "Access restored",
    "order.delivery_email_changed": "Delivery e-mail corrected",
    "email.revealed": "Kept mail read with its link",
    "order.linked": "Order linked to this customer",
    "order.unlinked": "Order taken from this customer again",
    "event.linked": "Event linked to this customer",
    "event.unlinked": "Event taken from this customer again",
    "conversation.linked": "Conversation linked to this customer",
    "conversation.unlinked": "Conversation taken from this customer again",
    "store_alert.acknowledged": "Store alert acknowledged",
    "store_alert.reopened": "Store alert opened again",
    "attribution.overridden": "Attribution decided by a person",
    "attribution.override_lifted": "Attribution left to the facts again",
    "claim.asked": "Asked for a sign-in link",
    "claim.sent": "Claim link mailed",
    "claim.reminded": "Reminded of what waits",
    "profile.claimed": "Library claimed",
    "library.opened": "Library opened",
    "library.closed": "Signed out of the library",
    "address.asked": "Said that another address is theirs",
    "identifier.proved": "Another address proved",
    "profile.email_changed": "Address for mail changed",
    "email_change.started": "Change of address begun",
    "email_change.confirmed": "Change of address confirmed",
    "email_change.done": "Change of address in effect",
    "email_change.vetoed": "Change of address stopped by the former one",
    "email_change.expired": "Change of address never confirmed",
    "email_change.stopped": "Change of address could not take effect",
    "followup.stopped": "Follow-up stopped",
    "followup.hastened": "Follow-up sent early",
    "service.answered": "Intake form filled in",
    "service.moved": "Service moved on",
    "service.given": "Service given by hand",
    "service.withdrawn": "Service withdrawn",
    "service.restored": "Service given again",
    "suppression.added": "Wants no more such mail",
    "suppression.lifted": "May be written to again",
    "refund.requested": "Refund asked for",
    "refund.released": "Refund approved and sent",
    "refund.tried_again": "Refund tried again",
    "refund.given_up": "Refund given up",
    "approval.asked": "A second person asked to confirm",
    "approval.approved": "Confirmed by a second person",
    "approval.declined": "Declined by a second person",
    "approval.nobody_else": "Done without a second person",
    "coupon.redeemed": "Coupon redeemed",
    "coupon.reserved": "Coupon reserved for a checkout",
    "coupon.confirmed": "Coupon used in a checkout",
    "coupon.redemption_revoked": "Use of a coupon taken back",
    "coupon.reissued": "Coupon issued again as a personal code",
    "mission.reward_reissued": "Reward of a mission issued again",
    "profile.merged": "Customers merged",
    "profile.merge_undone": "Merge undone",
}
# The rows of these stand on the timeline themselves.
TOLD_ELSEWHERE = ("profile.merged", "profile.merge_undone", "email.bounced")
# What customers do in their library, by the beginning of the act's name.
IN_LIBRARY = ("claim.", "library.", "address.", "email_change.", "profile.claimed", "identifier.proved")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened: when, of which type, in words, who or what says so, and the particulars.

    `ref` names the row it is about as "model:id", '' where there is no page of it.
    """

    at: datetime
    type: str
    title: str
    source: str
    detail: str = ""
    ref: str = ""


def of_order(order: Order, *, limit: int = AT_MOST) -> list[Entry]:
    """The timeline of one order; a constant number of queries, at most `limit` rows of each sort."""
    from support.queries import pages

    return told(pages.of_order(order).entries(), limit=limit)


def of_profile(profile: Profile, *, limit: int = AT_MOST) -> list[Entry]:
    """The timeline of one customer; a constant number of queries, at most `limit` rows of each sort."""
    from support.queries import pages

    return told(pages.of_profile(profile).entries(), limit=limit)


def told(entries: Iterable[Entry], *, limit: int = AT_MOST) -> list[Entry]:
    """Newest first; what happened in one instant in an order that does not change."""
    return sorted(entries, key=lambda entry: (entry.at, entry.type, entry.title), reverse=True)[:limit]


# One generator a sort of row ---------------------------------------------------------------------------------


def orders(rows: Iterable[Order]) -> Iterator[Entry]:
    for order in rows:
        amount = _money(order.total_minor, order.currency)
        test = " · test" if order.test else ""
        yield Entry(
            order.placed_at, "order", f"Order {order} placed", order.channel.label, f"{amount}{test}", _ref(order)
        )


def payments(rows: Iterable[Payment]) -> Iterator[Entry]:
    for row in rows:
        card = f" · card ending in {row.last4}" if row.last4 else ""
        title = f"Payment {row.get_status_display().lower()}"
        detail = f"{_money(row.amount_minor, row.currency)}{card}"
        yield Entry(row.at, "payment", title, row.external_id, detail, f"order:{row.order_id}")


def refunds(rows: Iterable[Refund]) -> Iterator[Entry]:
    for row in rows:
        amount = _money(row.amount_minor, row.currency)
        detail = f"{amount} · {row.reason}" if row.reason else amount
        title = f"Refund {row.get_status_display().lower()}"
        yield Entry(row.at, "refund", title, row.external_id, detail, f"order:{row.order_id}")


def disputes(rows: Iterable[Dispute]) -> Iterator[Entry]:
    for row in rows:
        due = f" · evidence due {row.evidence_due_at:%-d %b %Y}" if row.evidence_due_at else ""
        reason = f" · {row.reason.replace('_', ' ')}" if row.reason else ""
        title = f"Dispute {row.get_status_display().lower()}"
        detail = f"{_money(row.amount_minor, row.currency)}{reason}{due}"
        yield Entry(row.at, "dispute", title, row.external_id, detail, f"order:{row.order_id}")


def refund_requests(rows: Iterable[RefundRequest]) -> Iterator[Entry]:
    """Where one that was asked for here came to nothing, or is silent; that it was asked for stands in the audit."""
    for row in rows:
        if row.state in (RefundRequest.State.FAILED, RefundRequest.State.UNKNOWN):
            title = f"Refund of {_money(row.amount_minor, row.currency)}: {row.get_state_display().lower()}"
            yield Entry(row.done_at or row.due_at, "refund", title, "Provider", row.last_error, f"order:{row.order_id}")


def changes(rows: Iterable[StatusChange]) -> Iterator[Entry]:
    names = dict(Order.Status.choices) | dict(Order.PaymentStatus.choices)
    for row in rows:
        what = "Payment" if row.field == "payment_status" else "Order"
        now = names.get(row.now, row.now).lower()
        was = f" (was {names.get(row.former, row.former).lower()})" if row.former else ""
        yield Entry(row.at, "status", f"{what} {now}{was}", row.cause, ref=f"order:{row.order_id}")


def entitlements(rows: Iterable[Entitlement]) -> Iterator[Entry]:
    for row in rows:
        state = row.get_status_display().lower()
        yield Entry(
            row.created_at, "entitlement", f"Right to {row.product.sku}", row.get_source_display(),
            f"now {state}: {row.because}", f"entitlement:{row.pk}",
        )  # fmt: skip


def jobs(rows: Iterable[Job], products: dict[int, str]) -> Iterator[Entry]:
    for row in rows:
        name = products.get(row.entitlement_id, "")
        tries = f"after {row.attempts} tries" if row.attempts > 1 else ""
        detail = ": ".join(part for part in (tries, row.last_error) if part)
        yield Entry(
            row.changed_at, "job", f"Fulfilment of {name}: {row.get_state_display().lower()}", "Job", detail,
            f"entitlement:{row.entitlement_id}",
        )  # fmt: skip


def links(rows: Iterable[DownloadLink], products: dict[int, str]) -> Iterator[Entry]:
    for row in rows:
        name = products.get(row.entitlement_id, "")
        until = f"{row.hint}…, until {row.expires_at:%-d %b %H:%M} UTC, used {row.uses}×"
        title = f"Link to {name} {row.get_kind_display().lower()}"
        yield Entry(row.created_at, "link", title, row.created_by or "Fulfilment", until)
        if row.revoked_at:
            yield Entry(row.revoked_at, "link", f"Link {row.hint}… dead", "Fulfilment", row.revoked_because)


def downloads(rows: Iterable[DownloadSession]) -> Iterator[Entry]:
    for row in rows:
        often = f"{row.requests} requests" if row.requests > 1 else ""
        where = " · ".join(part for part in (row.address, row.agent[:80], often) if part)
        what = row.asset.filename if row.asset else "everything as one zip"
        title = f"Opened {what} as the customer would" if row.staff else f"Downloaded {what}"
        yield Entry(row.started_at, "download", title, row.staff or "Customer", where)


def emails(rows: Iterable[Email]) -> Iterator[Entry]:
    for row in rows:
        state = row.get_state_display().lower()
        yield Entry(row.created_at, "email", f"“{row.subject}”", row.to, state, f"email:{row.pk}")
        if row.bounced_at:
            yield Entry(row.bounced_at, "bounce", f"“{row.subject}” bounced", row.to, row.bounce, f"email:{row.pk}")
        for at, kind, what in (
            (row.delivered_at, "email_delivered", "was delivered"),
            (row.opened_at, "email_read", "was opened"),
            (row.complained_at, "complaint", "was complained about"),
            (row.unsubscribed_at, "complaint", "led to unsubscribing"),
        ):
            if at:
                yield Entry(at, kind, f"“{row.subject}” {what}", row.to, "", f"email:{row.pk}")


def conversations(rows: Iterable[Conversation]) -> Iterator[Entry]:
    for row in rows:
        count = f"{row.message_count} message{'' if row.message_count == 1 else 's'}"
        asked = [enquiries.told(one) for one in row.enquiries] or list(row.tags)
        said = " · ".join([f"{count}, last {row.last_activity_at:%-d %b %H:%M} UTC", *asked])
        yield Entry(
            row.started_at, "conversation", f"Conversation {row.external_id}", row.source, said,
            f"conversation:{row.pk}",
        )  # fmt: skip


def events(rows: Iterable[Event]) -> Iterator[Entry]:
    """Each by its own type, as its source called it."""
    for row in rows:
        said = telling.detail(row.payload)
        linked = "linked by staff" if row.linked_by_staff else ""
        detail = " · ".join(part for part in (said, linked) if part)
        title = telling.title(row.type, row.products)
        yield Entry(row.occurred_at, row.type, title, row.source, detail, f"event:{row.pk}")


def visits(rows: Iterable[StoreVisit]) -> Iterator[Entry]:
    for row in rows:
        title = f"Visited {row.store}"
        yield Entry(
            row.visited_at, "store_visit", title, row.order.channel.label, f"Order {row.order}", _ref(row.order)
        )


def intents(rows: Iterable[ProductIntent], now: datetime) -> Iterator[Entry]:
    """Open ones by their last signal, converted ones by the purchase."""
    for row in rows:
        done = wanting.described(row.counts)
        if row.order_id and row.converted_at:
            yield Entry(
                row.converted_at, "intent", f"Intent converted: bought {row.sku}", "Rules", f"Before it: {done}",
                f"order:{row.order_id}",
            )  # fmt: skip
        else:
            score = wanting.score_now(row.points, row.last_at, now)
            yield Entry(row.last_at, "intent", f"Wants {row.sku}: score {score}", "Rules", done.capitalize())


def alerts(rows: Iterable[StoreAlert]) -> Iterator[Entry]:
    for row in rows:
        seen = f" · acknowledged by {row.acknowledged_by}: {row.note}" if row.acknowledged_at else " · open"
        title = f"At {row.store}, {row.because}"
        yield Entry(row.at, "store_alert", title, "Rules", f"score {row.score}{seen}", f"order:{row.order_id}")


def attributions(rows: Iterable[Attribution]) -> Iterator[Entry]:
    for row in rows:
        source = row.overridden_by or f"Rules, version {row.algorithm_version}"
        superseded = "" if row.current else " · superseded since"
        title = f"Attributed: {row.get_method_display().lower()}, {row.confidence_cents} %"
        sentence = row.factors.get("sentence", "") if isinstance(row.factors, dict) else ""
        yield Entry(row.at, "attribution", title, source, f"{sentence}{superseded}", f"order:{row.order_id}")


def merges(rows: Iterable[Merge]) -> Iterator[Entry]:
    for row in rows:
        title = f"Customer {row.absorbed_id} merged into customer {row.survivor_id}"
        yield Entry(row.at, "merge", title, row.actor_label, row.reason, f"merge:{row.pk}")
        if row.undone_at:
            yield Entry(row.undone_at, "merge", "Merge undone", row.undone_by, row.undo_reason, f"merge:{row.pk}")


def staff(rows: Iterable[AuditEntry]) -> Iterator[Entry]:
    for row in rows:
        if row.action not in TOLD_ELSEWHERE:
            title = ACTS.get(row.action, row.action.replace(".", " ").replace("_", " ").capitalize())
            sort = "library" if row.actor_id is None and row.action.startswith(IN_LIBRARY) else "staff"
            yield Entry(row.at, sort, title, row.actor_label, row.reason)


def _money(minor: int, currency: str) -> str:
    return f"{money.to_text(minor, currency)} {currency}"


def _ref(row: Order) -> str:
    return f"order:{row.pk}"


def products_of(rows: Sequence[Entitlement]) -> dict[int, str]:
    return {row.pk: row.product.sku for row in rows}
