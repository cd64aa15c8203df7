"""Coupons and their uses as documents for programs."""

from collections.abc import Sequence

from fulfillment.actions import redemptions
from fulfillment.actions.redemptions import Quote
from fulfillment.models import Coupon, Redemption
from orders import money
from support.queries.documents import Document, instant


def coupons(rows: Sequence[Coupon]) -> list[Document]:
    """One document a coupon, in the order given. No query."""
    return [
        {
            "id": row.pk,
            "code": row.code,
            "kind": row.kind,
            "percent": row.percent if row.kind == Coupon.Kind.PERCENT else None,
            "amount": _text(row.amount_minor, row.currency) if row.kind == Coupon.Kind.AMOUNT else None,
            "currency": row.currency,
            "skus": list(row.skus),
            "starts_at": instant(row.starts_at),
            "ends_at": instant(row.ends_at),
            "limit": row.limit,
            "limit_each": row.limit_each,
            "used": row.used,
            "active": row.active,
            "campaign": row.campaign,
        }
        for row in rows
    ]


def quote(made: Quote) -> Document:
    """What is to pay, as decimal texts."""
    return {
        "amount": _text(made.amount_minor, made.currency),
        "discount": _text(made.discount_minor, made.currency),
        "to_pay": _text(made.to_pay_minor, made.currency),
        "currency": made.currency,
    }


def redemption(row: Redemption) -> Document:
    """One use, with what it granted (give it with coupon and product selected). One query."""
    amount, off = row.amount_minor, row.discount_minor
    return {
        "id": row.pk,
        "code": row.coupon.code,
        "state": row.state,
        "sku": row.product.sku if row.product else None,
        "profile": row.profile_id,
        "amount": _text(amount, row.currency),
        "discount": _text(off, row.currency),
        "to_pay": _text(amount - off, row.currency) if amount is not None and off is not None else None,
        "currency": row.currency,
        "redeemed_at": instant(row.redeemed_at),
        "reserved_until": instant(row.reserved_until),
        "reference": row.reference,
        "entitlements": [
            {"sku": one.product.sku, "status": one.status, "source": one.source} for one in redemptions.granted(row)
        ],
    }


def _text(minor: int | None, currency: str) -> str | None:
    return money.to_text(minor, currency) if minor is not None and currency else None
