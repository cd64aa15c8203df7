"""Orders: the list, and the page that tells one order's whole story."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from attribution import tiers
from attribution.models import Conversation
from fulfillment.actions import receipts
from orders.models import Line, Order, RefundRequest
from profiles.actors import NotPermitted
from support.admin import dialogs, file_conflicts, followups, stories
from support.admin.base import DeskAdmin, address_of, amount, masked, moment, redacted, when, word
from support.admin.lists import counted
from support.admin.order_filters import BEHIND_FIGURES, Attention, ByChannel, Placed, labels
from support.models import Approval
from support.queries import conversations, pages

JOINED = {"profile": "The same customer", "email": "The same e-mail address", "person": "A person's decision"}
BOOSTERS = {"many_messages": "many messages", "product_inquiry": "product enquiry", "price_check": "price check"}


class OrderAdmin(DeskAdmin):
    """A million orders, newest first."""

    search_kind = "order"
    list_title = "Orders"
    chips = "needs"
    list_display = (
        "number_shown",
        "payment_shown",
        "status_shown",
        "placed_shown",
        "total_shown",
    )
    list_filter = (Attention, "payment_status", "status", ByChannel, Placed, *BEHIND_FIGURES)
    list_only = (
        *("number", "external_id", "test", "customer_name", "email", "phone", "payment_status", "status"),
        *("needs_person", "placed_at", "total_minor", "currency", "channel"),
    )
    ordering = ("-placed_at", "-id")
    empty_title = "No orders here"
    empty_text = "Orders come by the channels' webhooks. Connect a channel, or take a filter away."

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The customer's column hides what the role does not see; the few channels are read once."""

        @display(description="Customer")
        def customer_shown(order: Order) -> SafeString:
            return customer(order, request)

        @display(description="Channel")
        def channel_shown(order: Order) -> SafeString:
            # Connected since the channels were read: asked of the row.
            label = labels(request).get(order.channel_id) or order.channel.label
            return format_html('<span class="quiet cut">{}</span>', label)

        number, payment, status, *rest = self.list_display
        return [number, customer_shown, payment, status, channel_shown, *rest]

    @display(description="Order")
    def number_shown(self, order: Order) -> SafeString:
        flag = format_html(' <span class="tag">test</span>') if order.test else ""
        return format_html('<span class="strong cut" title="{}">{}</span>{}', order, order, flag)

    @display(description="Payment")
    def payment_shown(self, order: Order) -> SafeString:
        return word(order.payment_status, order.get_payment_status_display())

    @display(description="Status")
    def status_shown(self, order: Order) -> SafeString:
        if order.needs_person:
            return format_html(
                '{} <span class="tag tag--look" title="{}">look</span>', self._status(order), order.needs_person
            )
        return self._status(order)

    def _status(self, order: Order) -> SafeString:
        return word(order.status, order.get_status_display())

    @display(description="Placed")
    def placed_shown(self, order: Order) -> SafeString:
        return when(order.placed_at)

    @display(description="Total")
    def total_shown(self, order: Order) -> SafeString:
        return amount(order.total_minor, order.currency)

    # One order.

    def get_urls(self) -> list[Any]:
        raw = self.admin_site.admin_view(self.deliveries_view)
        return [path("<int:order_id>/deliveries/", raw, name="orders_order_deliveries"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        order = self._order(request, object_id)
        page = pages.of_order(order, now=moment())
        actor = request.actor  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Order {order}",
            "page": page,
            "order": order,
            "heads": stories.heads(page.verdicts, request),
            "acts": _acts(page, actor),
            "payment_word": word(order.payment_status, order.get_payment_status_display()),
            "status_word": word(order.status, order.get_status_display()),
            "lines": [_line(line, order) for line in page.lines],
            "moneys": _moneys(page),
            "refund_requests": _refund_requests(page, request),
            "otherwise": file_conflicts.card(page, request),
            "why": _why(page, request),
            "facts": _facts(order, page, request),
            "rights": stories.rights(page, actor),
            "letters": stories.letters(page.emails, request),
            **followups.card(request, page.followups, page.services),
            "timeline": stories.shown(page.entries(), request),
            "raw_url": dialogs.url_of("orders_order_deliveries", order.pk) if actor.may("view_pii") else "",
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/order.html", context)

    def deliveries_view(self, request: HttpRequest, order_id: int) -> HttpResponse:
        """The raw deliveries that made this order."""
        if not request.actor.may("view_pii"):  # type: ignore[attr-defined]
            raise NotPermitted("Raw deliveries hold customers' data, which your role does not see.")
        order = self._order(request, str(order_id))
        rows = [
            {
                "row": row,
                "url": address_of(row, row.pk),
                "state": word(row.state, row.get_state_display()),
                "at": when(row.received_at),
            }
            for row in pages.deliveries_of(order)
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Deliveries of order {order}",
            "order": order,
            "order_url": address_of(order, order.pk),
            "rows": rows,
        }
        return TemplateResponse(request, "admin/order_deliveries.html", context)

    def _order(self, request: HttpRequest, object_id: str) -> Order:
        if not self.has_view_permission(request):
            raise NotPermitted("Your role may not see orders.")
        order = pages.order(int(object_id)) if object_id.isdigit() and len(object_id) < 19 else None
        if order is None:
            raise Http404("There is no such order.")
        return order


def _why(page: pages.OrderPage, request: HttpRequest) -> dict[str, Any]:
    """Which conversation led to it, by what, and which others also fitted."""
    row = page.attribution
    if row is None:
        return {}
    rest = [(one, redacted(one.source, request)) for one in conversations.assists_of(row, page.order)]
    factors = row.factors if isinstance(row.factors, dict) else {}
    boosters = factors.get("boosters") or {}
    facts = [
        ("Band", tiers.band(Decimal(row.confidence_cents).scaleb(-2)).capitalize() if row.conversation_id else ""),
        ("Joined by", JOINED.get(row.joined_by, "") if row.conversation_id else ""),
        ("Before it", counted(int(factors["messages_before"]), "message") if "messages_before" in factors else ""),
        ("Raised by", ", ".join(f"{BOOSTERS[name]} +{boosters[name]}" for name in BOOSTERS if name in boosters)),
    ]
    return {
        "row": row,
        "sentence": factors.get("sentence") or row.get_method_display(),
        "conversation_url": address_of(Conversation, row.conversation_id) if row.conversation_id else "",
        "facts": [(name, value) for name, value in facts if value],
        "assists": [
            {
                "name": one.external_id,
                "source": source,
                "url": address_of(one, one.pk),
                "at": when(one.last_activity_at),
            }
            for one, source in rest
        ],
    }


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the facts panel."""

    name: str
    value: Any
    note: str = ""


def customer(order: Order, request: HttpRequest) -> SafeString:
    """Who bought it, in a list."""
    name, mail = masked(order.customer_name, request), masked(order.email or order.phone, request)
    if not name and not mail:
        return format_html('<span class="quiet">{}</span>', "Nobody known")
    below = format_html('<span class="quiet cut">{}</span>', mail) if name and mail else ""
    return format_html('<span class="pair"><span class="cut">{}</span>{}</span>', name or mail, below)


def _facts(order: Order, page: pages.OrderPage, request: HttpRequest) -> list[Fact]:
    who = stories.person(order.profile, request) if order.profile else "Nobody yet"
    contact = _contact(order, request)
    if order.linked_by_staff:
        contact = f"{contact} · linked by staff" if contact else "linked by staff"
    found = [
        Fact("Customer", who, contact),
        Fact("Channel", order.channel.label, f"external id {order.external_id}"),
        Fact("Placed", when(order.placed_at), f"{order.placed_at:%-d %b %Y, %H:%M:%S} UTC"),
        Fact("Paid", _paid(order), order.payment_reference),
    ]
    if order.delivery_email:
        found.insert(
            1, Fact("Mail goes to", masked(order.delivery_email, request), "corrected by staff, this order only")
        )
    sums = [("Discount", -order.discount_minor), ("Tax", order.tax_minor), ("Shipping", order.shipping_minor)]
    found += [Fact(name, amount(minor, order.currency)) for name, minor in sums if minor]
    found.append(Fact("Total", amount(order.total_minor, order.currency, strong=True)))
    if order.presentment_currency not in ("", order.currency) and order.presentment_total_minor is not None:
        found.append(Fact("As charged", amount(order.presentment_total_minor, order.presentment_currency)))
    if order.refunded_minor or order.disputed_minor:
        found.append(Fact("Refunded", amount(order.refunded_minor + order.disputed_minor, order.currency)))
        found.append(Fact("Kept", amount(order.net_minor, order.currency, strong=True)))
    return found


def _paid(order: Order) -> Any:
    if order.paid_at:
        return when(order.paid_at)
    return "Yes; the channel does not say when" if order.captured_minor else "Not yet"


def _contact(order: Order, request: HttpRequest) -> str:
    parts = [masked(order.email_raw, request), masked(order.phone_raw, request)]
    return " · ".join(part for part in parts if part)


def _line(line: Line, order: Order) -> dict[str, Any]:
    sku = line.product.sku if line.product else f"{line.sku or 'no SKU'}, maps to no product"
    return {
        "title": line.title or line.sku,
        "sku": sku,
        "quantity": line.quantity,
        "total": amount(line.total_minor, order.currency),
    }


def _moneys(page: pages.OrderPage) -> list[dict[str, Any]]:
    """Payments, refunds and disputes, each by the provider's own id."""
    found = []
    sorts: list[tuple[str, Sequence[Any]]] = [
        ("Payment", page.payments),
        ("Refund", page.refunds),
        ("Dispute", page.disputes),
    ]
    for name, rows in sorts:
        for row in rows:
            card = f", card ending in {row.last4}" if getattr(row, "last4", "") else ""
            found.append(
                {
                    "name": name,
                    "state": word(row.status, row.get_status_display()),
                    "note": f"{row.external_id}{card}",
                    "amount": amount(row.amount_minor, row.currency),
                }
            )
    return found


def _refund_requests(page: pages.OrderPage, request: HttpRequest) -> list[dict[str, Any]]:
    """Refunds asked for here that are not made: where they stand, and what can be done about each."""
    actor = request.actor  # type: ignore[attr-defined]
    found = []
    for row in page.refund_requests:
        stuck = row.state in (RefundRequest.State.FAILED, RefundRequest.State.UNKNOWN)
        if row.state in (RefundRequest.State.DONE, RefundRequest.State.CANCELLED):
            continue  # it stands among the money, or came to nothing by a person's word
        found.append(
            {
                "state": word(row.state, row.get_state_display()),
                "amount": amount(row.amount_minor, row.currency),
                "note": redacted(row.last_error or row.reason, request),
                "by": row.by,
                "at": when(row.created_at),
                "buttons": dialogs.buttons(actor, ("refund_again", row.pk, stuck), ("refund_give_up", row.pk, stuck)),
                "approvals_url": address_of(Approval) if row.state == RefundRequest.State.AWAITING else "",
            }
        )
    return found


def _acts(page: pages.OrderPage, actor: Any) -> list[dialogs.Button]:
    order = page.order
    downloadable = any(row.downloadable for row in page.entitlements)
    return dialogs.buttons(
        actor,
        ("change_delivery_email", order.pk, bool(page.entitlements) and downloadable),
        ("resend_receipt", order.pk, not receipts.cannot(order)),
        ("grant_for_order", order.pk, order.profile_id is not None),
        ("link", order.pk, order.profile_id is None),
        ("unlink", order.pk, order.profile_id is not None and order.linked_by_staff),
        ("override_attribution", order.pk, True),
        ("refund", order.pk, order.net_minor > 0),
    )
