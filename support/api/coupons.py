"""Coupons: list, what one is worth, using one, and confirming what a checkout had reserved."""

import hashlib
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from fulfillment.actions import redemptions
from fulfillment.models import Coupon, Redemption
from orders.records import Record
from profiles.actors import Invalid, Refusal
from support.api import problems, rows
from support.api.endpoints import Bearer, Endpoint, TokenThrottle, plain
from support.queries import lookups, redeeming

ROWS = Redemption.objects.select_related("coupon", "product")


class CustomerThrottle(SimpleRateThrottle):
    """So many tries an hour for one customer, whoever asks for them."""

    rate = "30/hour"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        bearer: object = request.user
        customer = Endpoint.body(request).get("customer")
        if not isinstance(bearer, Bearer) or not isinstance(customer, dict):
            return None
        said = repr(sorted((str(name), str(value).strip().lower()) for name, value in customer.items()))
        return f"throttle:coupon:{bearer.token.pk}:{hashlib.sha256(said.encode()).hexdigest()[:32]}"


class GuessThrottle(TokenThrottle):
    """A ceiling for each token on asking for codes."""

    scope = "coupons"
    rate = "300/min"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        key = super().get_cache_key(request, view)
        return f"{key}:coupons" if key else None


class Coupons(Endpoint):
    resource = "coupons"

    @extend_schema(operation_id="coupons_list", responses=rows.CouponRow(many=True))
    def get(self, request: Request) -> Response:
        found = Coupon.objects.all()
        if status := plain(request, "status"):
            found = found.filter(active=status == "active")
        return self.page(request, found, lambda page: redeeming.coupons(list(page)), order="-created_at")


class Quote(Endpoint):
    """What a code is worth; uses nothing up."""

    resource = "coupons"
    http_method_names = ["post", "options"]
    throttle_classes = [GuessThrottle]

    @extend_schema(operation_id="coupons_quote", request=rows.QuoteBody, responses=rows.QuoteRow)
    def post(self, request: Request) -> Response:
        made = redemptions.quote(**_asked(self.body(request)))
        return Response(redeeming.quote(made))


class Redeem(Endpoint):
    """201: redeemed, or reserved for half an hour where something is left to pay."""

    resource = "coupons"
    http_method_names = ["post", "options"]
    throttle_classes = [GuessThrottle, CustomerThrottle]

    @extend_schema(operation_id="coupons_redeem", request=rows.RedeemBody, responses={201: rows.RedemptionRow})
    def post(self, request: Request) -> Response:
        body = Record(self.body(request))
        customer = body.record_or_empty("customer")
        identifiers = {name: customer.exact(name) for name in ("email", "phone")}
        asked, reference = _asked(self.body(request)), body.text("reference")

        def act(key: str) -> tuple[Any, int]:
            row = redemptions.redeem(
                organization=self.organization,
                identifiers=identifiers,
                by=self.actor(request),
                key=f"api:{key}",
                reference=reference,
                **asked,
            )
            self.reread = lambda: redeeming.redemption(ROWS.get(pk=row.pk))
            return self.reread(), 201

        try:
            with transaction.atomic():
                return self.once(request, act)
        except Refusal as refusal:
            # Answered, not raised: what is raised undoes the whole request, and with it the count of tries.
            return problems.document(refusal.status, refusal.title, str(refusal))


class Confirm(Endpoint):
    """The checkout went through; twice is once."""

    resource = "coupons"
    http_method_names = ["post", "options"]

    @extend_schema(operation_id="coupons_confirm", request=rows.ConfirmBody, responses=rows.RedemptionRow)
    def post(self, request: Request) -> Response:
        number = self.body(request).get("redemption")
        if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**63:
            raise Invalid("redemption: give the id that redeeming answered.")

        def act(key: str) -> tuple[Any, int]:
            row = lookups.found(ROWS.all(), number)
            redemptions.confirm(row, by=self.actor(request))
            self.reread = lambda: redeeming.redemption(ROWS.get(pk=row.pk))
            return self.reread(), 200

        return self.once(request, act)


def _asked(data: dict[str, Any]) -> dict[str, Any]:
    """The code, and what it is asked for: a product, or an amount of a currency."""
    body = Record(data)
    code = data.get("code")
    if not isinstance(code, str) or "\0" in code or len(code) > 400:
        raise Invalid("code: give the coupon's code as a text.")
    found: dict[str, Any] = {"code": code, "sku": body.text("sku")}
    if data.get("amount") is not None:
        currency = body.currency("currency")
        found |= {"amount_minor": body.money("amount", currency), "currency": currency}
    return found
