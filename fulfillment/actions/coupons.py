"""Coupons: making and stopping them. Using one is `redemptions`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F

from fulfillment import discounts
from fulfillment.models import Coupon
from orders.models import Product
from orders.money import UnknownCurrency, currency_code
from orders.queries import bundles
from profiles.actions import audit
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Organization

FIELDS = (
    *("kind", "percent", "amount_minor", "currency", "skus", "starts_at", "ends_at"),
    *("limit", "limit_each", "minimum_minor", "campaign"),
)


class CodeTaken(Refusal):
    title = "Code taken"


class AlreadyStopped(Refusal):
    title = "Already stopped"


class NotStopped(Refusal):
    title = "Not stopped"


def add(
    *,
    organization: Organization,
    code: str,
    kind: str,
    by: Actor,
    because: str,
    percent: int = 0,
    amount_minor: int = 0,
    currency: str = "",
    skus: Sequence[str] = (),
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    limit: int | None = None,
    limit_each: int = 1,
    minimum_minor: int = 0,
    campaign: str = "",
    parent: Coupon | None = None,
) -> Coupon:
    """A new code. Amounts are in minor units. Raises Invalid, or CodeTaken for one that reads the same."""
    by.require("manage_coupons")
    reason = audit.require_reason(because)
    coupon = Coupon(
        organization=organization,
        code=code.strip(),
        normalised=_normalised(code),
        kind=kind,
        percent=percent,
        amount_minor=amount_minor,
        currency=currency.upper(),
        skus=_skus(skus),
        starts_at=starts_at,
        ends_at=ends_at,
        limit=limit,
        limit_each=limit_each,
        minimum_minor=minimum_minor,
        campaign=campaign.strip()[:200],
        parent=parent,
    )
    check(coupon)
    if Coupon.objects.filter(normalised=coupon.normalised).exists():
        raise CodeTaken(f"There is a code {coupon.normalised} already.")
    coupon.save(force_insert=True)
    audit.record("coupon.added", by=by, subject=coupon, because=reason, details={"coupon": coupon.pk, "kind": kind})
    return coupon


def change(coupon: Coupon, values: Mapping[str, Any], *, by: Actor, because: str) -> Coupon:
    """Other terms from now on; what was redeemed stays. Raises Invalid, also for a limit below what is used."""
    by.require("manage_coupons")
    reason = audit.require_reason(because)
    if unknown := sorted(set(values) - set(FIELDS)):
        raise Invalid(f"{unknown[0]} of a coupon cannot be changed.")
    row = Coupon.objects.select_for_update(no_key=True).get(pk=coupon.pk)
    before = {name: getattr(row, name) for name in values}
    for name, value in values.items():
        setattr(row, name, _skus(value) if name == "skus" else value)
    check(row)
    changed = sorted(name for name in values if getattr(row, name) != before[name])
    row.save(update_fields=[*values])
    audit.record("coupon.changed", by=by, subject=row, because=reason, details={"changed": changed})
    return row


def stop(coupon: Coupon, *, by: Actor, because: str) -> Coupon:
    """Nobody can use it from now on; what was redeemed stays. Raises AlreadyStopped. Inverse: resume."""
    by.require("manage_coupons")
    reason = audit.require_reason(because)
    if not Coupon.objects.filter(pk=coupon.pk, active=True).update(active=False):
        raise AlreadyStopped("This code was stopped before.")
    audit.record("coupon.stopped", by=by, subject=coupon, because=reason)
    coupon.active = False
    return coupon


def resume(coupon: Coupon, *, by: Actor, because: str) -> Coupon:
    """It is good again, within its dates and limits. Raises NotStopped. Inverse: stop."""
    by.require("manage_coupons")
    reason = audit.require_reason(because)
    if not Coupon.objects.filter(pk=coupon.pk, active=False).update(active=True):
        raise NotStopped("This code is good already.")
    audit.record("coupon.resumed", by=by, subject=coupon, because=reason)
    coupon.active = True
    return coupon


def find(code: str) -> Coupon | None:
    """The coupon of this code by plain equality of its one form: nothing in it is a pattern. One query in any case."""
    return Coupon.objects.filter(normalised=discounts.normalise(code)).exclude(normalised="").first()


def give_back(coupon_id: int, uses: int = 1) -> None:
    """So many uses can be made again."""
    Coupon.objects.filter(pk=coupon_id).update(used=F("used") - uses)


def check(coupon: Coupon) -> None:
    """Refuse terms that make no sense, with the sentence for whoever typed them."""
    kind = coupon.kind
    if kind not in Coupon.Kind.values:
        raise Invalid(f"{kind} is no kind of coupon; choose one of {', '.join(Coupon.Kind.values)}.")
    if kind == Coupon.Kind.PERCENT and not 1 <= coupon.percent <= 99:
        raise Invalid("Percent off is a whole number from 1 to 99; for 100 choose free of charge.")
    if kind == Coupon.Kind.AMOUNT and coupon.amount_minor <= 0:
        raise Invalid("Give the amount that is taken off.")
    if coupon.amount_minor < 0 or coupon.minimum_minor < 0:
        raise Invalid("An amount cannot be below zero.")
    if kind == Coupon.Kind.AMOUNT or coupon.minimum_minor or coupon.currency:
        try:
            currency_code(coupon.currency)
        except UnknownCurrency as error:
            raise Invalid(str(error)) from error
    if coupon.starts_at and coupon.ends_at and coupon.ends_at <= coupon.starts_at:
        raise Invalid("It ends before it begins.")
    if coupon.limit is not None and coupon.limit < 1:
        raise Invalid("A limit is at least 1; leave it empty for none.")
    if coupon.limit is not None and coupon.limit < coupon.used:
        raise Invalid(f"It was used {coupon.used} times already: the limit cannot be less.")
    if coupon.limit_each < 1:
        raise Invalid("A customer may use it at least once.")
    if kind == Coupon.Kind.FULL and coupon.skus:
        _without_services(coupon.skus)


def _without_services(skus: Sequence[str]) -> None:
    """A free code grants files and nobody decides on it; work is promised by a person. Three queries."""
    products = list(Product.objects.filter(sku__in=skus).order_by("sku"))
    inside = bundles.components(one.pk for one in products if one.kind == Product.Kind.BUNDLE)
    for product in products:
        for part in inside.get(product.pk, [product]):
            if part.kind == Product.Kind.SERVICE:
                what = "is" if part.pk == product.pk else f"holds {part.sku},"
                raise Invalid(
                    f"{product.sku} {what} a service, which a free code cannot give: "
                    "open the customer and choose Grant a product."
                )


def _normalised(code: str) -> str:
    if not code.strip():
        raise Invalid("A coupon needs a code.")
    found = discounts.normalise(code)
    if not found or len(code.strip()) > discounts.LONGEST_CODE:
        raise Invalid(f"A code has at most {discounts.LONGEST_CODE} printable characters.")
    return found


def _skus(skus: Sequence[str]) -> list[str]:
    wanted = sorted({sku.strip() for sku in skus if sku.strip()})
    known = set(Product.objects.filter(sku__in=wanted).values_list("sku", flat=True)) if wanted else set()
    if absent := [sku for sku in wanted if sku not in known]:
        raise Invalid(f"There is no product {absent[0]}.")
    return wanted
