"""Dialogs about coupons: a new code, other limits, stopping and resuming it; a use taken back or issued again."""

from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest

from fulfillment.actions import coupons, redemptions
from fulfillment.models import Coupon, DownloadLink, Redemption
from orders import money
from profiles import clock
from profiles.actors import Invalid
from profiles.models import Organization
from support.admin.base import address_of, masked
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.admin.lists import counted

AMOUNT = r"^\d{1,12}(\.\d{1,4})?$"
OF_REDEMPTION = ("coupon", "profile", "product", "organization")


class AskLimits(Ask):
    skus = forms.CharField(
        label="Products", max_length=2000, required=False, help_text="Their SKUs with commas between; empty: every one."
    )
    limit = forms.IntegerField(label="Uses in all", required=False, min_value=1, help_text="Empty: any number.")
    limit_each = forms.IntegerField(label="Uses of one customer", min_value=1, max_value=1000, initial=1)
    ends_at = forms.DateTimeField(
        label="Ends", required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}), help_text="UTC."
    )
    campaign = forms.CharField(label="Campaign", max_length=200, required=False)


class AskCoupon(AskLimits):
    code = forms.CharField(label="Code", max_length=60, help_text="Capital or small letters are the same.")
    kind = forms.ChoiceField(label="Kind", choices=Coupon.Kind.choices)
    percent = forms.IntegerField(label="Percent off", required=False, min_value=1, max_value=99)
    amount = forms.RegexField(AMOUNT, label="Amount off", required=False, max_length=20, help_text="Such as 5.00.")
    currency = forms.CharField(label="Currency", max_length=3, required=False)
    field_order = (
        "code",
        "kind",
        "percent",
        "amount",
        "currency",
        "skus",
        "limit",
        "limit_each",
        "ends_at",
        "campaign",
    )


@registered
class AddCoupon(Dialog):
    name, permission, model = "add_coupon", "manage_coupons", Organization
    title, button = "Add a coupon", "Add coupon"
    form = AskCoupon
    inverse = "Stop it: who redeemed it keeps what they got."

    def about(self, subject: Organization) -> str:
        return ""

    def prepare(self, form: AskCoupon, subject: Organization, request: HttpRequest) -> None:
        if not form.is_bound:
            form.initial["currency"] = subject.currency

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return [
            "1 code is good at once, for everybody who knows it.",
            f"Free of charge: customers redeem it at /redeem/{subject.slug}/ and get the link by mail.",
        ]

    def do(self, subject: Organization, press: Press) -> Done:
        data = press.data
        currency = (data["currency"] or "").upper() if data["kind"] == Coupon.Kind.AMOUNT else ""
        made = coupons.add(
            organization=subject,
            code=data["code"],
            kind=data["kind"],
            percent=(data["percent"] or 0) if data["kind"] == Coupon.Kind.PERCENT else 0,
            amount_minor=_minor(data["amount"], currency) if currency else 0,
            currency=currency,
            by=press.by,
            because=press.because,
            **_limits(data),
        )
        return Done(f"1 coupon added: {made.code}.", url=address_of(Coupon, made.pk))


@registered
class ChangeCoupon(Dialog):
    name, permission, model = "change_coupon", "manage_coupons", Coupon
    title, button = "Change the limits", "Change limits"
    form = AskLimits
    inverse = "Change them back."

    def prepare(self, form: AskLimits, subject: Coupon, request: HttpRequest) -> None:
        if not form.is_bound:
            for name in ("limit", "limit_each", "ends_at", "campaign"):
                form.initial[name] = getattr(subject, name)
            form.initial["skus"] = ", ".join(subject.skus)

    def will(self, subject: Coupon, request: HttpRequest) -> list[str]:
        return [f"{counted(subject.used, 'use')} so far stay as they are.", "The new limits hold from now on."]

    def do(self, subject: Coupon, press: Press) -> Done:
        coupons.change(subject, _limits(press.data), by=press.by, because=press.because)
        return Done("1 coupon changed.")


@registered
class StopCoupon(Dialog):
    name, permission, model, danger = "stop_coupon", "manage_coupons", Coupon, True
    title, button = "Stop the coupon", "Stop"
    inverse = "Resume it."

    def cannot(self, subject: Coupon) -> str:
        return "" if subject.active else "It was stopped before."

    def will(self, subject: Coupon, request: HttpRequest) -> list[str]:
        return ["Nobody can redeem it from now on.", f"{counted(subject.used, 'use')} so far stay as they are."]

    def do(self, subject: Coupon, press: Press) -> Done:
        coupons.stop(subject, by=press.by, because=press.because)
        return Done("1 coupon stopped.")


@registered
class ResumeCoupon(Dialog):
    name, permission, model = "resume_coupon", "manage_coupons", Coupon
    title, button = "Resume the coupon", "Resume"
    inverse = "Stop it again."

    def cannot(self, subject: Coupon) -> str:
        return "It is good already." if subject.active else ""

    def will(self, subject: Coupon, request: HttpRequest) -> list[str]:
        return ["It can be redeemed again, within its dates and limits."]

    def do(self, subject: Coupon, press: Press) -> Done:
        coupons.resume(subject, by=press.by, because=press.because)
        return Done("1 coupon is good again.")


class OfRedemption(Dialog):
    """An act on one use of a coupon."""

    permission, model, related, danger = "manage_coupons", Redemption, OF_REDEMPTION, True

    def about(self, subject: Redemption) -> str:
        return f"{subject.coupon.code}, redeemed {subject.redeemed_at:%-d %b %Y}"

    def cannot(self, subject: Redemption) -> str:
        return "" if subject.state in Redemption.LIVE else f"It is over: {subject.get_state_display().lower()}."

    def losses(self, subject: Redemption, request: HttpRequest) -> list[str]:
        rights = redemptions.granted(subject)
        live = DownloadLink.objects.filter(entitlement__in=rights, revoked_at__isnull=True, expires_at__gt=clock.now())
        given = DownloadLink.objects.filter(entitlement__in=rights, uses__gt=0)
        name = masked(str(subject.profile), request)
        return [
            f"{name} loses {counted(len(rights), 'entitlement')}; {counted(live.count(), 'link')} die at once.",
            *(["It was downloaded already."] if given.exists() else []),
        ]


@registered
class RevokeRedemption(OfRedemption):
    name, title, button = "revoke_redemption", "Take the use back", "Take back"
    inverse = "The customer redeems the code again."

    def will(self, subject: Redemption, request: HttpRequest) -> list[str]:
        return [*self.losses(subject, request), "1 use is given back: somebody else may have it."]

    def do(self, subject: Redemption, press: Press) -> Done:
        dead = redemptions.revoke(subject, by=press.by, because=press.because)
        return Done(f"Taken back. {counted(dead, 'link')} dead, 1 use free again.")


@registered
class ReissueCoupon(OfRedemption):
    name, title, button = "reissue_coupon", "Reissue the coupon", "Reissue coupon"
    inverse = "Stop the personal code."

    def will(self, subject: Redemption, request: HttpRequest) -> list[str]:
        return [
            *self.losses(subject, request),
            "1 personal code for one use is made and shown to you once; it counts in place of this use.",
        ]

    def do(self, subject: Redemption, press: Press) -> Done:
        made = redemptions.reissue(subject, by=press.by, because=press.because)
        return Done("1 personal code made.", shown=made.code, note="Good for one use. Give it to the customer.")


def _limits(data: Any) -> dict[str, Any]:
    ends: datetime | None = data["ends_at"]
    return {
        "skus": [sku for sku in data["skus"].split(",") if sku.strip()],
        "limit": data["limit"],
        "limit_each": data["limit_each"],
        "ends_at": ends,
        "campaign": data["campaign"],
    }


def _minor(amount: str, currency: str) -> int:
    try:
        return money.to_minor(amount or "0", currency)
    except money.MoneyError as error:
        raise Invalid(str(error)) from error
