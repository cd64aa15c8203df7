"""WooCommerce: the order of a made-up purchase, and the same order once it was refunded."""

from datetime import timedelta

from orders.generated import Purchase
from orders.imitation.wire import Document, Parcel, codes, gmt, letters, number, parcel, tax_inside, text


def order_id(purchase: Purchase) -> str:
    return str(purchase.mark)


def tell(purchase: Purchase) -> list[Parcel]:
    found = [parcel("woocommerce", "order.created", woocommerce_order(purchase), mark=f"{purchase.mark}-1")]
    if purchase.refund:
        refunded = woocommerce_order(purchase, refunded=True)
        found.append(parcel("woocommerce", "order.updated", refunded, mark=f"{purchase.mark}-2", later=True))
    return found


def woocommerce_order(purchase: Purchase, *, refunded: bool = False) -> Document:
    person, currency = purchase.person, purchase.currency
    lines, taxes = [], 0
    for position, article in enumerate(purchase.articles, start=1):
        paid = purchase.paid_for(article)
        tax = tax_inside(paid, article.rate)
        taxes += tax
        lines.append(
            {
                "id": purchase.mark * 10 + position,
                "name": article.title,
                "product_id": int(article.product_id or 0),
                "variation_id": 0,
                "quantity": 1,
                "subtotal": text(article.price_minor - tax_inside(article.price_minor, article.rate), currency),
                "total": text(paid - tax, currency),
                "total_tax": text(tax, currency),
                "sku": article.sku,
                "meta_data": [],
            }
        )
    modified = purchase.refunded_at if refunded and purchase.refunded_at else purchase.placed_at + timedelta(seconds=19)
    status = "pending" if not purchase.paid else "refunded" if refunded and purchase.refund == "full" else "processing"
    off = sum(article.price_minor for article in purchase.articles) - purchase.total_minor
    return {
        "id": purchase.mark,
        "status": status,
        "currency": currency,
        "version": "11.1.0",
        "prices_include_tax": True,
        "date_created_gmt": gmt(purchase.placed_at),
        "date_modified_gmt": gmt(modified),
        "date_paid_gmt": gmt(purchase.placed_at + timedelta(seconds=17)) if purchase.paid else None,
        "discount_total": text(off, currency),
        "discount_tax": "0.00",
        "shipping_total": "0.00",
        "shipping_tax": "0.00",
        "total": text(purchase.total_minor, currency),
        "total_tax": text(taxes, currency),
        "customer_id": person.account if person else 0,
        "number": number(purchase),
        "billing": {
            "first_name": person.first if person else "",
            "last_name": person.last if person else "",
            "city": person.city if person else "",
            "country": person.country if person else "",
            "email": person.email if person else "",
            "phone": person.phone if person else "",
        },
        "payment_method": "stripe",
        "payment_method_title": "Credit / Debit Card",
        "transaction_id": f"ch_3S{letters(purchase.mark, 'woo', 22)}",
        "created_via": "checkout",
        "meta_data": [{"id": purchase.mark, "key": "_wc_order_attribution_source_type", "value": "typein"}],
        "line_items": lines,
        "fee_lines": [],
        "coupon_lines": [{"id": purchase.mark, "code": code["code"].lower()} for code in codes(purchase)],
        "refunds": [
            {
                "id": purchase.mark * 10 + 9,
                "reason": purchase.refund_reason,
                "total": text(-purchase.refund_minor, currency),
            }
        ]
        if refunded
        else [],
    }
