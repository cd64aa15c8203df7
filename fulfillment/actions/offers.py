"""What buyers of a product are offered weeks later: chosen, changed and taken back by a person."""

from urllib.parse import urlsplit

from fulfillment.followups import KINDS, Kind
from fulfillment.models import Followup, Offer
from orders.models import Product
from profiles.actions import audit
from profiles.actors import Actor, Invalid, NotFound, Refusal

PERMISSION = "manage_policies"
LONGEST_ADDRESS = 500
OFFERING = {kind: words for kind, words in KINDS.items() if kind.offers}


class AlreadyOffered(Refusal):
    title = "Offered already"


def choose(product: Product, kind: str, offered: Product, url: str, *, by: Actor, because: str) -> Offer:
    """Offer this to the product's buyers, in place of what was chosen for the kind before.

    Raises Invalid, or AlreadyOffered where it stands so.
    """
    by.require(PERMISSION)
    reason = audit.require_reason(because)
    if kind not in OFFERING:
        raise Invalid(f"There is no offer of this kind: choose {' or '.join(OFFERING.values())}.")
    if offered.pk == product.pk:
        raise Invalid("Buyers own this product already: offer another one.")
    address = _checked(url)
    row, created = Offer.objects.select_for_update(no_key=True).get_or_create(
        organization_id=product.organization_id,
        product=product,
        kind=kind,
        defaults={"offered": offered, "url": address},
    )
    if not created:
        if (row.offered_id, row.url) == (offered.pk, address):
            raise AlreadyOffered(f"{offered.sku} is offered to its buyers already.")
        row.offered, row.url = offered, address
        row.save(update_fields=["offered", "url"])
    _audit("offer.chosen", row, product, by, reason, offered=offered.sku, url=address)
    return row


def withdraw(offer: Offer, *, by: Actor, because: str) -> None:
    """Offer it no more; planned mails of the kind are passed over. Raises NotFound where it is gone already."""
    by.require(PERMISSION)
    reason = audit.require_reason(because)
    row = Offer.objects.select_for_update(no_key=True, of=("self",)).select_related("product", "offered")
    found = row.filter(pk=offer.pk).first()
    if found is None:
        raise NotFound("It is offered no more.")
    _audit("offer.withdrawn", found, found.product, by, reason, offered=found.offered.sku)
    found.delete()


def planned(product: Product, kind: str) -> int:
    """How many planned mails of this kind go to buyers of the product."""
    rows = Followup.objects.filter(state=Followup.State.WAITING, kind=kind, order__lines__product=product)
    return rows.values("pk").distinct().count()


def _checked(url: str) -> str:
    """The address a button leads to. Raises Invalid for what is no page of the web."""
    address = url.strip()
    try:
        parts = urlsplit(address)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.username or parts.password)
    except ValueError:
        whole = False
    if not whole or len(address) > LONGEST_ADDRESS or any(sign.isspace() or ord(sign) < 33 for sign in address):
        raise Invalid("Give the whole address of the page where it is sold, such as https://shop.example/harbour.")
    return address


def _audit(action: str, row: Offer, product: Product, by: Actor, because: str, **details: object) -> None:
    audit.record(
        action,
        by=by,
        subject=row,
        because=because,
        details={"sku": product.sku, "kind": str(Kind(row.kind)), **details},
    )
