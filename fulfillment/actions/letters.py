"""What a message says: subject, text and HTML of one template about one order, from the facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.template.loader import render_to_string

from fulfillment.actions.invitations import Issued
from fulfillment.actions.links import Given
from fulfillment.models import Entitlement
from orders import money
from orders.models import Line, Order, Refund
from profiles.models import Organization


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it is kept: link secrets masked, `secrets` maps each mask to what it hides."""

    subject: str
    text: str
    html: str
    secrets: Mapping[str, str] = field(default_factory=dict)
    # Why it is not in the seller's own words, where they have some for it.
    instead: str = ""


def _title(line: Line) -> str:
    """What the customer knows it by: the shop's title, or the product's where the shop only told a SKU."""
    told = "" if line.title == line.sku else line.title
    return told or (line.product.title if line.product else "") or line.sku


def write(
    template: str,
    *,
    organization: Organization,
    order: Order | None = None,
    lines: Sequence[Line] = (),
    given: Sequence[tuple[Entitlement, Given]] = (),
    refund: Refund | None = None,
    reason: str = "",
    customer_name: str = "",
    invited: Issued | None = None,
) -> Letter:
    """Render one template. Every value is data: nothing a customer or shop sent is ever run as a template."""
    context: dict[str, Any] = {
        "organization_name": organization.name,
        "support_email": organization.support_email,
        "customer_name": customer_name or (order.customer_name if order else ""),
        "downloads": [
            {
                "title": entitlement.product.title,
                "url": link.masked_url,
                "expires_text": f"{link.link.expires_at:%-d %B %Y, %H:%M} UTC",
            }
            for entitlement, link in given
        ],
        "reason": reason,
        "claim_url": invited.masked_url if invited else "",
        "refund_timeline": "Banks usually show it within 5 to 10 working days.",
    }
    if order is not None:
        context |= {
            "order_number": str(order),
            "order_reference": order.external_id,
            "placed_at": order.placed_at,
            "currency": order.currency,
            "total_text": money.to_text(order.total_minor, order.currency),
            "lines": [
                {
                    "title": _title(line),
                    "quantity": line.quantity,
                    "total_text": money.to_text(line.total_minor, order.currency),
                }
                for line in lines
            ],
        }
    if refund is not None:
        context |= {
            "refunded_text": money.to_text(refund.amount_minor, refund.currency),
            "currency": refund.currency,
        }
    secrets = {link.masked: link.secret for _, link in given}
    if invited is not None:
        secrets[invited.masked] = invited.secret
    folder = f"email/{template}"
    return Letter(
        subject=" ".join(render_to_string(f"{folder}.subject.txt", context).split())[:300],
        text=render_to_string(f"{folder}.txt", context),
        html=render_to_string(f"{folder}.html", context),
        secrets=secrets,
    )
