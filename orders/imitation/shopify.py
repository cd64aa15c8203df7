"""Shopify: the order and the refund of a made-up purchase, in the shop's own shape."""

from datetime import timedelta

from orders.generated import Article, Purchase
from orders.imitation.wire import Document, Parcel, both, codes, iso, number, parcel, tax_inside, text


def order_id(purchase: Purchase) -> str:
    return str(6_200_000_000_000 + purchase.mark * 7)


def tell(purchase: Purchase) -> list[Parcel]:
    order = shopify_order(purchase)
    topic = "orders/paid" if purchase.paid else "orders/create"
    found = [parcel("shopify", topic, order, mark=f"{purchase.mark}-1")]
    if purchase.refund:
        found.append(
            parcel("shopify", "refunds/create", shopify_refund(purchase), mark=f"{purchase.mark}-2", later=True)
        )
    return found


def shopify_order(purchase: Purchase) -> Document:
    person, total, number_ = purchase.person, purchase.total_minor, number(purchase)
    currency, own_id = purchase.currency, int(order_id(purchase))
    placed = iso(purchase.placed_at)
    lines = [_shopify_line(purchase, own_id, n, article) for n, article in enumerate(purchase.articles, start=1)]
    tax = sum(tax_inside(purchase.paid_for(article), article.rate) for article in purchase.articles)
    gross = sum(article.price_minor for article in purchase.articles)
    order: Document = {
        "id": own_id,
        "admin_graphql_api_id": f"gid://shopify/Order/{own_id}",
        "app_id": 580111,
        "cancel_reason": None,
        "cancelled_at": None,
        "confirmed": True,
        "created_at": placed,
        "currency": currency,
        "customer_locale": "en",
        "discount_codes": codes(purchase),
        "email": person.email if person else "",
        "contact_email": person.email if person else None,
        "financial_status": "paid" if purchase.paid else "pending",
        "fulfillment_status": None,
        "landing_site": f"/products/{purchase.articles[0].sku.lower()}?utm_source=newsletter",
        "name": number_,
        "note": None,
        "note_attributes": [],
        "order_number": purchase.mark,
        "payment_gateway_names": ["shopify_payments"],
        "phone": None,
        "presentment_currency": currency,
        "processed_at": placed,
        "referring_site": "",
        "source_name": "web" if person else "pos",
        "subtotal_price": text(total, currency),
        "tags": "",
        "taxes_included": True,
        "test": False,
        "total_discounts": text(gross - total, currency),
        "total_line_items_price": text(gross, currency),
        "total_price": text(total, currency),
        "total_price_set": both(total, currency),
        "total_shipping_price_set": both(0, currency),
        "total_tax": text(tax, currency),
        "total_tip_received": "0.00",
        "updated_at": iso(purchase.placed_at + timedelta(seconds=4)),
        "line_items": lines,
        "refunds": [],
        "customer": None,
        "billing_address": None,
    }
    if person is not None:
        address = {
            "first_name": person.first,
            "last_name": person.last,
            "name": person.name,
            "city": person.city,
            "country_code": person.country,
            "phone": person.phone or None,
        }
        order["billing_address"] = address
        order["customer"] = {
            "id": 7_400_000_000_000 + (person.account or purchase.mark),
            "first_name": person.first,
            "last_name": person.last,
            "email": person.email,
            "phone": person.phone or None,
            "state": "enabled" if person.account else "disabled",
            "verified_email": bool(person.account),
            "default_address": address,
        }
    return order


def _shopify_line(purchase: Purchase, own_id: int, position: int, article: Article) -> Document:
    off = article.price_minor - purchase.paid_for(article)
    return {
        "id": own_id * 10 + position,
        "name": article.title,
        "price": text(article.price_minor, purchase.currency),
        "product_id": int(article.product_id or 0) or None,
        "quantity": 1,
        "requires_shipping": False,
        "sku": article.sku,
        "title": article.title,
        "total_discount": "0.00",
        "variant_id": int(article.variant_id or 0) or None,
        "vendor": "Lantern Press",
        "discount_allocations": [{"amount": text(off, purchase.currency)}] if off else [],
    }


def shopify_refund(purchase: Purchase) -> Document:
    """The refund of the whole order, or with `line` of its last line alone."""
    own_id, currency, at = int(order_id(purchase)), purchase.currency, purchase.refunded_at
    assert at is not None
    positions = list(enumerate(purchase.articles, start=1))
    covered = positions[-1:] if purchase.refund == "line" else positions if purchase.refund == "full" else []
    amount = purchase.refund_minor or sum(purchase.paid_for(article) for _, article in covered)
    return {
        "id": own_id * 10 + 9,
        "order_id": own_id,
        "created_at": iso(at),
        "processed_at": iso(at),
        "note": purchase.refund_reason,
        "refund_line_items": [
            {
                "id": own_id * 100 + position,
                "quantity": 1,
                "line_item_id": own_id * 10 + position,
                "subtotal_set": both(purchase.paid_for(article), currency),
            }
            for position, article in covered
        ],
        "transactions": [
            {
                "id": own_id * 100,
                "order_id": own_id,
                "kind": "refund",
                "gateway": "shopify_payments",
                "status": "success",
                "amount": text(amount, currency),
                "currency": currency,
                "test": False,
            }
        ],
    }
