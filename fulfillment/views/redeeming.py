"""The page where a customer redeems a code: its links go by mail only, to an address that is known to be theirs."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from fulfillment.actions import coupons, redemptions
from fulfillment.actions.redemptions import AlreadyUsed
from fulfillment.models import Coupon
from fulfillment.views import pages
from fulfillment.views.libraries import route
from orders.models import Product
from profiles import identifiers, tenancy
from profiles.actions import turns
from profiles.actors import Actor, Refusal
from profiles.models import Organization

TRIES_AN_HOUR = 10
FROM_ONE_NETWORK = 40
CHOICES_AT_MOST = 100
AT_CHECKOUT = "This code takes something off the price: type it in at the checkout."


@csrf_exempt  # see pages.is_forged
def page(request: HttpRequest, slug: str) -> HttpResponseBase:
    """GET and HEAD show the form; POST redeems. Whether an address is known cannot be told from the answer."""
    if request.method not in ("GET", "HEAD", "POST"):
        return pages.wrong_method("GET", "HEAD", "POST")
    organization_id = route(slug)
    if organization_id is None:
        return pages.unknown(request)
    with tenancy.organization(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        context = pages.of_seller(organization)
    if request.method != "POST" or pages.is_forged(request):
        return _form(request, context)
    code, typed = (request.POST.get(name, "").replace("\0", "").strip()[:400] for name in ("code", "email"))
    context |= {"code": code, "typed": typed}
    to = identifiers.mailable(typed)
    if not to or not code:
        return _form(request, {**context, "trouble": "Please give the code and your e-mail address."}, status=400)
    if _is_too_often(request, f"{organization_id} {to}"):
        return pages.limited(request)
    sku = request.POST.get("sku", "").replace("\0", "")[:100]

    def act() -> HttpResponseBase:
        return _redeem(request, organization, context, code, to, sku)

    try:
        return turns.take(organization_id, act)
    except AlreadyUsed:
        return _sent(request, context, to)  # only the customer may know; they have the mail
    except Refusal as refusal:
        return _form(request, {**context, "trouble": str(refusal)}, status=refusal.status)


def _redeem(
    request: HttpRequest, organization: Organization, context: dict[str, Any], code: str, to: str, sku: str
) -> HttpResponseBase:
    coupon = coupons.find(code)
    if coupon is None:
        raise redemptions.UnknownCode("There is no such code.")
    if coupon.kind != Coupon.Kind.FULL:
        return _form(request, {**context, "trouble": AT_CHECKOUT}, status=409)
    offered = list(_offered(coupon))
    if sku not in {product.sku for product in offered}:
        sku = offered[0].sku if len(offered) == 1 else ""
    if not sku and offered:
        return _form(request, {**context, "offered": offered})
    redemptions.redeem(
        code,
        organization=organization,
        identifiers={"email": to},
        by=Actor.customer(),
        key=f"page:{uuid.uuid4().hex}",
        sku=sku,
    )
    return _sent(request, context, to)


def _offered(coupon: Coupon) -> Any:
    kinds = [*Product.DIGITAL, Product.Kind.BUNDLE]
    rows = Product.objects.filter(kind__in=kinds).order_by("title", "pk")
    return (rows.filter(sku__in=coupon.skus) if coupon.skus else rows)[:CHOICES_AT_MOST]


def _form(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponseBase:
    return pages.private(render(request, "redeem/form.html", context, status=status))


def _sent(request: HttpRequest, context: dict[str, Any], to: str) -> HttpResponseBase:
    return pages.private(render(request, "redeem/sent.html", {**context, "shown_address": to}))


def _is_too_often(request: HttpRequest, about: str) -> bool:
    if pages.is_too_often("redeem", about, at_most=TRIES_AN_HOUR):
        return True
    network = pages.network(request)
    return bool(network) and pages.is_too_often("redeem-network", network, at_most=FROM_ONE_NETWORK)
