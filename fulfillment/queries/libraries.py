"""What a customer's library shows: products with their files, what is withheld and why, services, and receipts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fulfillment.models import Asset, DownloadLink, Entitlement, Service
from orders import money
from orders.models import Line, Order, Refund
from profiles.models import Profile

READY, WAITING, PAUSED, GONE = "ready", "waiting", "paused", "gone"
Status = Entitlement.Status
# A word of ours for the facts' own sentences; what staff wrote for each other is not shown.
BY_PERSON = "The seller withdrew it."
WORDS = {
    "The order was refunded in full": "Your order was refunded.",
    "A partial refund covers this line": "It was refunded.",
    "A refund is under way at the provider": "A refund is under way. If it does not come about, this opens again.",
    "A dispute is open": "The payment is disputed at your bank. It opens again when that is settled.",
    "The dispute was lost": "The payment was taken back by your bank.",
    "The order was cancelled": "Your order was cancelled.",
    "The line was taken off the order": "It was taken off your order.",
    "The order is not paid": "The payment has not arrived.",
}
WITHDRAWN_LINK = "The seller withdrew this link."
WORDS_OF_LINKS = {
    "A new link took its place.": "A newer link took its place.",
    "A new link was mailed after an outage.": "A newer link was mailed to you.",
}


SAID = {
    Service.State.INTAKE: "We need a few answers from you before we begin.",
    Service.State.READY: "We have your answers and will be in touch.",
    Service.State.STARTED: "We are at work.",
    Service.State.DONE: "It is done.",
    Service.State.ENDED: "It ended with your order.",
}
FORMS = {
    Service.State.INTAKE: "Answer the questions",
    Service.State.READY: "Change your answers",
    Service.State.STARTED: "See your answers",
    Service.State.DONE: "See your answers",
}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a product with its files; `is_new` came after the purchase."""

    name: str
    files: list[Asset]
    is_new: bool


@dataclass(frozen=True, slots=True)
class Item:
    """One product on the shelf. `why` says why it cannot be had now; `several`: more than one current file."""

    entitlement: Entitlement
    title: str
    kind: str
    state: str
    why: str
    since: datetime
    order: Order | None
    latest: Version | None = None
    earlier: list[Version] = field(default_factory=list)
    several: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """One service: how far it is in words, and what its form is for now ('' where there is nothing to see)."""

    service: Service
    title: str
    part_of: str
    said: str
    form: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """One order as a small bill."""

    order: Order
    total_text: str
    state: str


@dataclass(frozen=True, slots=True)
class Library:
    """Everything the page shows; five queries whatever its size."""

    items: list[Item]
    works: list[Work]
    receipts: list[Receipt]


def of(profile: Profile) -> Library:
    """The library of this customer; five queries whatever they bought."""
    rows = Entitlement.objects.filter(profile=profile).select_related("product", "order").order_by("-created_at", "-pk")
    best: dict[int, Entitlement] = {}
    for row in rows:
        known = best.get(row.product_id)
        # Bought twice, it stands once: by the right that opens it.
        if known is None or (row.downloadable and not known.downloadable):
            best[row.product_id] = row
    files: dict[int, list[Asset]] = {}
    for asset in Asset.objects.filter(product__in=best, withdrawn=False).order_by("-current", "-created_at", "format"):
        files.setdefault(asset.product_id, []).append(asset)
    items = [_item(row, files.get(row.product_id, [])) for row in best.values()]
    items.sort(key=lambda item: (item.state in (PAUSED, GONE), -item.since.timestamp()))
    orders = Order.objects.filter(profile=profile).order_by("-placed_at", "-pk")
    unpaid = [Order.PaymentStatus.UNPAID, Order.PaymentStatus.FAILED]
    services = Service.objects.filter(profile=profile).select_related("product", "order", "line__product")
    works = [_work(row) for row in services.order_by("-created_at", "-pk")]
    works.sort(key=lambda work: work.service.state == Service.State.ENDED)
    return Library(items, works, [_receipt(order) for order in orders.exclude(payment_status__in=unpaid)])


def why(entitlement: Entitlement) -> str:
    """Why it cannot be had, in a sentence for its buyer."""
    if entitlement.decision == Entitlement.Decision.REVOKED:
        return BY_PERSON
    if entitlement.status == Status.EXPIRED:
        return "Its time is over."
    return WORDS.get(entitlement.because, "It is not available at the moment.")


def why_dead(link: DownloadLink) -> str:
    """Why a link gives nothing any more, in a sentence for whoever opens it."""
    if not link.entitlement.downloadable:
        return why(link.entitlement)
    return WORDS_OF_LINKS.get(link.revoked_because, WITHDRAWN_LINK)


def _item(row: Entitlement, assets: Sequence[Asset]) -> Item:
    since = (row.order.paid_at or row.order.placed_at) if row.order else row.created_at
    state = READY if row.downloadable else PAUSED if row.status == Status.SUSPENDED else GONE
    versions: dict[str, list[Asset]] = {}
    for asset in assets:
        versions.setdefault(asset.version, []).append(asset)
    made = [
        Version(name, files, is_new=len(versions) > 1 and all(one.created_at > since for one in files))
        for name, files in versions.items()
    ]
    latest = made[0] if made and made[0].files[0].current else None
    if state == READY and latest is None:
        state = WAITING
    return Item(
        entitlement=row,
        title=row.product.title,
        kind=row.product.kind,
        state=state,
        why="" if row.downloadable else why(row),
        since=since,
        order=row.order,
        latest=latest if row.downloadable else None,
        earlier=made[1 if latest else 0 :] if row.downloadable else [],
        several=row.downloadable and sum(asset.current for asset in assets) > 1,
    )


def _work(row: Service) -> Work:
    bundle = row.line.product if row.line and row.source == Service.Source.BUNDLE else None
    said = SAID[Service.State(row.state)]
    if row.state == Service.State.ENDED and row.source == Service.Source.MANUAL:
        said = BY_PERSON
    form = FORMS.get(Service.State(row.state), "")
    # Work may begin before the form was filled in: then there is nothing to look at.
    if row.state in (Service.State.STARTED, Service.State.DONE) and not row.answers:
        form = ""
    return Work(row, row.product.title, bundle.title if bundle else "", said, form)


def _receipt(order: Order) -> Receipt:
    text = f"{money.to_text(order.total_minor, order.currency)} {order.currency}"
    state = "" if order.payment_status == Order.PaymentStatus.PAID else order.get_payment_status_display()
    return Receipt(order, text, state)


@dataclass(frozen=True, slots=True)
class Bill:
    """An order as its buyer keeps it: what, for how much, and what came back."""

    order: Order
    lines: list[dict[str, str | int]]
    total_text: str
    refunds: list[dict[str, object]]


def bill(profile: Profile, order_id: int) -> Bill | None:
    """The receipt of one of this customer's orders; None for any other. Three queries."""
    order = Order.objects.filter(pk=order_id, profile=profile).first()
    if order is None:
        return None
    lines = Line.objects.filter(order=order, removed=False).select_related("product").order_by("position", "pk")
    made = Refund.objects.filter(order=order, status="succeeded").order_by("at", "pk")
    return Bill(
        order,
        [
            {
                "title": (line.title if line.title != line.sku else "")
                or (line.product and line.product.title)
                or line.sku,
                "quantity": line.quantity,
                "total_text": money.to_text(line.total_minor, order.currency),
            }
            for line in lines
        ],
        money.to_text(order.total_minor, order.currency),
        [{"at": row.at, "text": f"{money.to_text(row.amount_minor, row.currency)} {row.currency}"} for row in made],
    )
