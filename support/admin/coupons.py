"""Coupons: how far each is used, and each use with the customer who made it."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from fulfillment.models import Coupon, Redemption
from profiles import clock
from profiles.models import Profile
from support.admin import dialogs
from support.admin.base import address_of, amount, masked, moment, when, word
from support.admin.lists import ActiveAdmin

SHOWN_AT_MOST = 100
TONES = {"reserved": "waiting", "redeemed": "well", "released": "over", "revoked": "bad"}


class ByStanding(SimpleListFilter):
    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("good", "Good now"), ("used", "Used up"), ("over", "Over or stopped")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        over = Q(active=False) | Q(ends_at__lte=clock.now())
        used = Q(limit__isnull=False, used__gte=F("limit"))
        return {
            "good": lambda: queryset.exclude(over).exclude(used),
            "used": lambda: queryset.filter(used),
            "over": lambda: queryset.filter(over),
        }.get(self.value() or "", lambda: queryset)()


class CouponAdmin(ActiveAdmin):
    list_title = "Coupons"
    row_named = "coupon"
    list_display = ("code_shown", "worth_shown", "used_shown", "state_shown", "ends_shown")
    list_filter = (ByStanding,)
    chips = "standing"
    above = ("add_coupon",)
    ordering = ("-created_at", "-id")
    search_fields = ("code",)
    search_help_text = "The code"
    explains = "Codes that give a product, or take something off its price. None is used beyond its limit."
    empty_title = "No coupon yet"
    empty_text = "Add the first one above: customers redeem it on your own page, or your shop by the API."

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return queryset.filter(normalised__startswith=text.upper())

    @display(description="Code")
    def code_shown(self, row: Coupon) -> SafeString:
        below = row.campaign or ("Personal" if row.parent_id else ", ".join(row.skus) or "Every product")
        return format_html(
            '<a class="pair link" href="{}"><span class="strong">{}</span><span class="quiet cut">{}</span></a>',
            address_of(row, row.pk),
            row.code,
            below,
        )

    @display(description="Worth")
    def worth_shown(self, row: Coupon) -> str:
        return worth(row)

    @display(description="Used")
    def used_shown(self, row: Coupon) -> SafeString:
        return used(row)

    @display(description="State")
    def state_shown(self, row: Coupon) -> SafeString:
        return standing(row)

    @display(description="Ends")
    def ends_shown(self, row: Coupon) -> SafeString:
        return when(row.ends_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: Coupon = self.found(request, object_id, "parent", "organization")
        actor = request.actor  # type: ignore[attr-defined]
        uses = Redemption.objects.filter(coupon=row).select_related("profile", "product", "coupon")
        context = {
            **self.admin_site.each_context(request),
            "title": row.code,
            "coupon": row,
            "state": standing(row),
            "worth": worth(row),
            "used": used(row),
            "starts": when(row.starts_at),
            "ends": when(row.ends_at),
            "parent_url": address_of(Coupon, row.parent_id) if row.parent_id else "",
            "uses": [use(one, request) for one in uses.order_by("-redeemed_at", "-pk")[:SHOWN_AT_MOST]],
            "acts": dialogs.buttons(
                actor,
                ("change_coupon", row.pk, row.parent_id is None),
                ("stop_coupon", row.pk, row.active),
                ("resume_coupon", row.pk, not row.active),
            ),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/coupon.html", context)


def worth(row: Coupon) -> str:
    """What it gives, in words."""
    if row.kind == Coupon.Kind.FULL:
        return "Free of charge"
    return f"{row.percent} % off" if row.kind == Coupon.Kind.PERCENT else amount(row.amount_minor, row.currency)


def used(row: Coupon) -> SafeString:
    """How far it is used, as a bar where there is a limit."""
    if row.limit is None:
        return format_html('{} <span class="quiet">of any number</span>', row.used)
    return format_html(
        '<span class="gauge" title="{0} of {1}"><span class="gauge__bar" style="--share:{2}%"></span>{0} of {1}</span>',
        row.used,
        row.limit,
        row.used * 100 // max(row.limit, 1),
    )


def standing(row: Coupon) -> SafeString:
    """Whether it is good now."""
    if not row.active:
        return word("stopped", "Stopped", "over")
    if row.ends_at is not None and row.ends_at <= moment():
        return word("expired", "Over")
    if row.limit is not None and row.used >= row.limit:
        return word("done", "Used up", "look")
    if row.starts_at is not None and row.starts_at > moment():
        return word("waiting", "Not yet")
    return word("active", "Good")


def use(row: Redemption, request: HttpRequest) -> dict[str, Any]:
    """One use as pages show it, with its buttons (give it with coupon, product and profile selected)."""
    live = row.state in Redemption.LIVE
    return {
        "row": row,
        "who": masked(str(row.profile), request),
        "url": address_of(Profile, row.profile_id),
        "coupon_url": address_of(Coupon, row.coupon_id),
        "state": word(row.state, row.get_state_display(), TONES[row.state]),
        "at": when(row.redeemed_at),
        "acts": dialogs.buttons(
            request.actor,  # type: ignore[attr-defined]
            ("reissue_coupon", row.pk, live),
            ("revoke_redemption", row.pk, live),
        ),
    }
