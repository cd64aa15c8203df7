"""Using a coupon: once for each customer, never beyond its limit however many ask at once, and taking a use back."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q

from fulfillment import discounts
from fulfillment.actions import coupons, entitlements, gifts
from fulfillment.actions.gifts import Gift
from fulfillment.models import Coupon, Entitlement, Redemption
from orders.models import Order, Product
from profiles import bulk, clock
from profiles.actions import audit, events, settlement, turns
from profiles.actors import Actor, Invalid, Refusal
from profiles.events import Told
from profiles.models import Organization, Profile

State = Redemption.State
RESERVED_FOR = timedelta(minutes=30)
EVENT, SOURCE = "coupon_redeemed", "coupons"
# A personal code: letters and digits that nobody takes for one another.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
PAID = (Order.PaymentStatus.PAID, Order.PaymentStatus.PARTIALLY_REFUNDED)


class UnknownCode(Refusal):
    status = 404
    title = "Unknown code"


class NotGood(Refusal):
    """The coupon's terms do not allow it; the sentence says which."""

    title = "Code not good"


class UsedUp(Refusal):
    title = "Used up"


class AlreadyUsed(Refusal):
    """This customer has had all uses that one customer gets."""

    title = "Already used"


class NotDeliverable(Refusal):
    """A code that gives a product for nothing needs a digital product."""

    title = "Nothing to deliver"


class NotReserved(Refusal):
    """The reservation is over, or was never one."""

    title = "Not reserved"


class AlreadyTakenBack(Refusal):
    title = "Already taken back"


@dataclass(frozen=True, slots=True)
class Quote:
    """What a code is worth for an amount, in minor units of the currency."""

    amount_minor: int
    discount_minor: int
    currency: str

    @property
    def to_pay_minor(self) -> int:
        return self.amount_minor - self.discount_minor


def quote(code: str, *, sku: str = "", amount_minor: int | None = None, currency: str = "") -> Quote:
    """What the code would take off this product's price, or off this amount. Uses nothing up. Raises as `redeem`."""
    coupon = _coupon(code)
    product = _product(sku) if sku else None
    made = _quote(coupon, product, amount_minor, currency)
    _check(coupon, sku, made)
    if _is_used_up(coupon):
        raise UsedUp("This code was used as often as it may be.")
    if made is None:
        raise Invalid("Give an amount and its currency, or a product that has a price.")
    return made


def redeem(
    code: str,
    *,
    organization: Organization,
    identifiers: Mapping[str, str],
    by: Actor,
    key: str,
    sku: str = "",
    amount_minor: int | None = None,
    currency: str = "",
    reference: str = "",
) -> Redemption:
    """Use a coupon. One that is free of charge grants at once; any other is reserved for half an hour.

    Raises UnknownCode, NotGood, UsedUp, AlreadyUsed, NotDeliverable or Invalid, and then nothing has happened. The same
    `key` again returns the same redemption.
    """
    if known := Redemption.objects.select_related("coupon", "product").filter(key=key).first():
        return known
    coupon = _coupon(code)
    product = _product(sku) if sku else None
    made = _quote(coupon, product, amount_minor, currency)
    _check(coupon, sku, made)
    is_free = coupon.kind == Coupon.Kind.FULL
    given = _given(product) if is_free else []
    if made is None and not is_free:
        raise Invalid("Give an amount and its currency, or a product that has a price.")
    turns.together(organization.pk)
    if _is_used_up(coupon) and not release(coupon):
        raise UsedUp("This code was used as often as it may be.")
    with transaction.atomic():
        told = Told(
            event_id=key[:255],
            type=EVENT,
            occurred_at=clock.now(),
            source=SOURCE,
            identifiers={name: value for name, value in identifiers.items() if value},
            payload={"coupon": coupon.pk, **({"sku": product.sku} if product else {})},
        )
        (event,) = events.record([told], organization=organization).rows
        (event,), _ = events.settle([event.pk], organization=organization)
        if event.profile_id is None:
            raise Invalid("Give an e-mail address or a phone number that a customer can be known by.")
        take(coupon)
        redemption = _note(coupon, event.profile_id, by=by)
        redemption.event, redemption.product, redemption.key = event, product, key
        redemption.email = next((k[6:] for k in event.identifiers if k.startswith("email:")), "")[:320]
        redemption.reference = reference[:200]
        if made is not None:
            redemption.amount_minor, redemption.discount_minor = made.amount_minor, made.discount_minor
            redemption.currency = made.currency
        redemption.state = State.REDEEMED if is_free else State.RESERVED
        redemption.reserved_until = None if is_free else redemption.redeemed_at + RESERVED_FOR
        redemption.save(force_insert=True)
        if is_free:
            _grant(redemption, given, organization.pk)
        audit.record(
            "coupon.redeemed" if is_free else "coupon.reserved",
            by=by,
            subject=redemption,
            profile_id=redemption.profile_id,
            details={"coupon": coupon.pk, "sku": product.sku if product else ""},
        )
    return redemption


def take(coupon: Coupon) -> None:
    """Count one use, in one conditional statement that never passes the limit. Raises UsedUp."""
    open_ = Q(limit__isnull=True) | Q(used__lt=F("limit"))
    if not Coupon.objects.filter(open_, pk=coupon.pk, active=True).update(used=F("used") + 1):
        raise UsedUp("This code was used as often as it may be.")


def release(coupon: Coupon | None = None) -> int:
    """Reservations that nobody confirmed in time can be used by others again; returns how many. Safe to run twice."""
    rows = Redemption.objects.filter(state=State.RESERVED, reserved_until__lte=clock.now())
    if coupon is not None:
        rows = rows.filter(coupon=coupon)
    due = list(
        rows.select_for_update(skip_locked=True, no_key=True).order_by("coupon_id", "pk").values_list("pk", "coupon_id")
    )
    Redemption.objects.filter(pk__in=[pk for pk, _ in due]).update(state=State.RELEASED, reserved_until=None)
    counts: dict[int, int] = {}
    for _, coupon_id in due:
        counts[coupon_id] = counts.get(coupon_id, 0) + 1
    for coupon_id, uses in sorted(counts.items()):
        coupons.give_back(coupon_id, uses)
    return len(due)


def release_due(organization_id: int) -> int:
    """What the schedule calls, within the organization's context."""
    return release()


def confirm(redemption: Redemption, *, by: Actor, order: Order | None = None) -> Redemption:
    """The checkout went through: the reservation is a redemption. Twice is once. Raises NotReserved."""
    row = Redemption.objects.select_for_update(of=("self",), no_key=True).get(pk=redemption.pk)
    if row.state == State.REDEEMED:
        return row
    if row.state != State.RESERVED:
        raise NotReserved(f"It is no longer reserved: {row.get_state_display().lower()}.")
    row.state, row.reserved_until, row.order = State.REDEEMED, None, order or row.order
    row.save(update_fields=["state", "reserved_until", "order"])
    audit.record(
        "coupon.confirmed",
        by=by,
        subject=row,
        profile_id=row.profile_id,
        order_id=row.order_id,
        details={"coupon": row.coupon_id},
    )
    return row


def settle(profile_ids: set[int], orders: Sequence[Order]) -> None:
    """Rights follow their redemption's customer; a paid order that names the code confirms what was reserved for it."""
    if not profile_ids:
        return
    rows = Redemption.objects.filter(profile__in=profile_ids, source_keys__len__gt=0)
    owner = {key: profile_id for profile_id, keys in rows.values_list("profile_id", "source_keys") for key in keys}
    held = list(Entitlement.objects.filter(source_key__in=list(owner))) if owner else []
    strays = [row for row in held if row.profile_id != owner[row.source_key]]
    for row in strays:
        row.profile_id = owner[row.source_key]
    bulk.update(Entitlement, strays, ["profile"])
    named = {
        (order.profile_id, discounts.normalise(code)): order
        for order in orders
        if order.payment_status in PAID
        for code in str(order.extra.get("discount_codes", "")).split(",")
        if code.strip()
    }
    if not named:
        return
    waiting = Redemption.objects.filter(
        state=State.RESERVED, profile__in=profile_ids, coupon__normalised__in={code for _, code in named}
    ).select_related("coupon")
    for redemption in waiting:
        if order := named.get((redemption.profile_id, redemption.coupon.normalised)):
            confirm(redemption, by=Actor.system("the order"), order=order)


def revoke(redemption: Redemption, *, by: Actor, because: str) -> int:
    """Take a use back: its entitlements are revoked, the use can be made again; returns how many links died.

    Raises AlreadyTakenBack. Nothing brings it back but redeeming again.
    """
    by.require("manage_coupons")
    reason = audit.require_reason(because)
    row = Redemption.objects.select_for_update(of=("self",), no_key=True).get(pk=redemption.pk)
    if row.state not in Redemption.LIVE:
        raise AlreadyTakenBack(f"Nothing to take back: {row.get_state_display().lower()}.")
    dead = 0
    for entitlement in granted(row):
        if entitlement.status != Entitlement.Status.REVOKED:
            dead += entitlements.revoke(entitlement, by=by, because=reason)
    row.state, row.revoked_at, row.because, row.reserved_until = State.REVOKED, clock.now(), reason[:500], None
    row.save(update_fields=["state", "revoked_at", "because", "reserved_until"])
    coupons.give_back(row.coupon_id)
    audit.record(
        "coupon.redemption_revoked",
        by=by,
        subject=row,
        because=reason,
        profile_id=row.profile_id,
        details={"coupon": row.coupon_id, "links": dead},
    )
    return dead


def reissue(redemption: Redemption, *, by: Actor, because: str) -> Coupon:
    """Take the use back and make a personal code for one use instead, which counts in its place.

    The limit stays as it is: one use given back, one taken. Raises AlreadyTakenBack.
    """
    reason = audit.require_reason(because)
    revoke(redemption, by=by, because=reason)
    former = Coupon.objects.select_related("organization").get(pk=redemption.coupon_id)
    take_for_personal(former)
    made = coupons.add(
        organization=former.organization,
        code=f"{former.normalised[:40]}-{''.join(secrets.choice(ALPHABET) for _ in range(10))}",
        kind=former.kind,
        percent=former.percent,
        amount_minor=former.amount_minor,
        currency=former.currency,
        skus=former.skus,
        limit=1,
        minimum_minor=former.minimum_minor,
        campaign=former.campaign,
        parent=former,
        by=by,
        because=reason,
    )
    audit.record(
        "coupon.reissued",
        by=by,
        subject=made,
        because=reason,
        profile_id=redemption.profile_id,
        details={"coupon": former.pk, "redemption": redemption.pk},
    )
    return made


def take_for_personal(coupon: Coupon) -> None:
    """The use that was just given back, taken again at once: also of a coupon that is stopped by now."""
    open_ = Q(limit__isnull=True) | Q(used__lt=F("limit"))
    if not Coupon.objects.filter(open_, pk=coupon.pk).update(used=F("used") + 1):
        raise UsedUp("Somebody else took the last use meanwhile.")


def granted(redemption: Redemption) -> list[Entitlement]:
    """What this redemption granted."""
    if not redemption.source_keys:
        return []
    rows = Entitlement.objects.filter(source_key__in=redemption.source_keys)
    return list(rows.select_related("product").order_by("pk"))


def _coupon(code: str) -> Coupon:
    found = coupons.find(code)
    if found is None:
        raise UnknownCode("There is no such code.")
    return found


def _product(sku: str) -> Product:
    found = Product.objects.filter(sku=sku).first()
    if found is None:
        raise Invalid("There is no product of this SKU.")
    return found


def _quote(coupon: Coupon, product: Product | None, amount_minor: int | None, currency: str) -> Quote | None:
    if amount_minor is None and product is not None and product.price_minor is not None:
        amount_minor, currency = product.price_minor, product.currency
    if amount_minor is None:
        return None
    if amount_minor < 0:
        raise Invalid("An amount cannot be below zero.")
    return Quote(amount_minor, discounts.discount(coupon.terms, amount_minor), currency)


def _check(coupon: Coupon, sku: str, made: Quote | None) -> None:
    why = discounts.refusal(
        coupon.terms,
        now=clock.now(),
        sku=sku,
        amount_minor=made.amount_minor if made else None,
        currency=made.currency if made else "",
    )
    if why is not None:
        raise NotGood(discounts.SENTENCES[why])


def _is_used_up(coupon: Coupon) -> bool:
    """As far as can be seen without holding it: spares those who come too late the work."""
    return coupon.limit is not None and coupon.used >= coupon.limit


def _note(coupon: Coupon, profile_id: int, *, by: Actor) -> Redemption:
    """A row of this customer's next use; the coupon's row is held, so that the count is final. Raises AlreadyUsed."""
    live = list(
        Redemption.objects.filter(coupon=coupon, profile=profile_id, state__in=Redemption.LIVE).values_list(
            "holder", "slot"
        )
    )
    if len(live) >= coupon.limit_each:
        raise AlreadyUsed("This customer has used the code already.")
    taken = {slot for holder, slot in live if holder == profile_id}
    return Redemption(
        organization_id=coupon.organization_id,
        coupon=coupon,
        profile=Profile.objects.get(pk=profile_id),
        holder=profile_id,
        slot=next(slot for slot in range(1, len(live) + 2) if slot not in taken),
        redeemed_at=clock.now(),
    )


def _given(product: Product | None) -> list[Product]:
    if product is None:
        raise Invalid("Say which product it is for: give its SKU.")
    if product.kind == Product.Kind.SERVICE:
        raise NotDeliverable(f"{product.sku} is a service, which a code cannot give: ask the seller for it.")
    found = gifts.contents([product])[product.pk]
    if not found:
        raise NotDeliverable(f"{product.sku} holds nothing that can be downloaded.")
    return found


def _grant(redemption: Redemption, products: Sequence[Product], organization_id: int) -> None:
    made = [
        Gift(
            profile_id=redemption.profile_id,
            product=product,
            source=Entitlement.Source.COUPON,
            key=f"coupon:{redemption.pk}:{product.pk}",
            because=f"Coupon {redemption.coupon.code}",
        )
        for product in products
    ]
    gifts.give(made, organization_id=organization_id)
    settlement.request(organization_id, profiles=[redemption.profile_id])
    redemption.source_keys = [gift.key for gift in made]
    redemption.save(update_fields=["source_keys"])
