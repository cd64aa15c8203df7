"""One box finds a customer or an order, by anything a person may have at hand, in any spelling (SPEC SUP-1)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from fulfillment.models import DownloadLink
from orders.models import Dispute, Line, Order, Payment, Product, Refund
from profiles import identifiers
from profiles.models import Identifier, Organization, Profile

AT_MOST = 25
SHORTEST_FRAGMENT = 3


@dataclass(frozen=True, slots=True)
class Hit:
    """One result and the reason it is one."""

    kind: str
    id: int
    label: str
    because: str


def find(text: str, *, organization: Organization, at_most: int = AT_MOST) -> list[Hit]:
    """The best matches first: exact, then near misses of an e-mail, then fragments. A bounded number of queries."""
    asked = " ".join(text.replace("\0", " ").split())[:200]
    if not asked:
        return []
    hits: dict[tuple[str, int], Hit] = {}
    for source in (_exact, _misspelt, _fragments):
        for hit in source(asked, organization, at_most):
            hits.setdefault((hit.kind, hit.id), hit)
        if len(hits) >= at_most:
            break
    return list(hits.values())[:at_most]


def fragment_ids(function: str, text: str, at_most: int) -> list[int]:
    """Ids by one of the search functions; they name the organization of the running transaction themselves."""
    if len(text) < SHORTEST_FRAGMENT:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {connection.ops.quote_name(function)}(%s, %s)", [text, at_most])
        return [row[0] for row in cursor.fetchall()]


def _exact(asked: str, organization: Organization, at_most: int) -> Iterable[Hit]:
    keys = _identifier_values(asked, organization)
    owners = Identifier.objects.filter(value__in=keys).values_list("profile_id", "spelled") if keys else []
    yield from _profiles({profile_id: f"is {spelled}" for profile_id, spelled in owners})
    number = asked.removeprefix("#")
    ids = _order_ids([asked, number, f"#{number}"], asked, keys, at_most)
    yield from _orders(Order.objects.filter(pk__in=ids).order_by("-placed_at"), "exact match")
    for model, name in ((Refund, "refund"), (Dispute, "dispute"), (Payment, "payment")):
        rows = model._base_manager.filter(external_id=asked, order__isnull=False)[:at_most]
        orders = [row.order_id for row in rows if row.order_id]
        yield from _orders(Order.objects.filter(pk__in=orders), f"{name} {asked}")
    if re.fullmatch(r"\d{4}", asked):
        paid = Payment.objects.filter(last4=asked, order__isnull=False).values("order_id")
        newest = Order.objects.filter(pk__in=paid).order_by("-placed_at")[:at_most]
        yield from _orders(newest, f"card ending in {asked}")
    if re.fullmatch(r"[0-9a-f]{6,64}…?", asked):
        links = DownloadLink.objects.filter(hint=asked[:6]).select_related("entitlement")
        linked = [link.entitlement.order_id for link in links if link.entitlement.order_id]
        yield from _orders(Order.objects.filter(pk__in=linked)[:at_most], f"link {asked[:6]}…")
    for product in Product.objects.filter(sku=asked):
        lines = Line.objects.filter(product=product).order_by("-pk").values("order_id")[:at_most]
        yield from _orders(Order.objects.filter(pk__in=lines).order_by("-placed_at"), f"bought {product.sku}")


# Each condition by its own index: one WHERE with all of them would read the whole table.
_EXACT = """
SELECT id FROM (
  (SELECT id FROM orders_order WHERE number = ANY(%(numbers)s) LIMIT %(most)s) UNION
  (SELECT id FROM orders_order WHERE external_id = %(asked)s LIMIT %(most)s) UNION
  (SELECT id FROM orders_order WHERE payment_reference = %(asked)s AND payment_reference <> '' LIMIT %(most)s) UNION
  (SELECT id FROM orders_order WHERE charge_reference = %(asked)s AND charge_reference <> '' LIMIT %(most)s) UNION
  (SELECT id FROM orders_order WHERE email = ANY(%(values)s) LIMIT %(most)s) UNION
  (SELECT id FROM orders_order WHERE phone = ANY(%(values)s) AND phone <> '' LIMIT %(most)s)
) found LIMIT %(most)s
"""


def _order_ids(numbers: Sequence[str], asked: str, values: Sequence[str], at_most: int) -> list[int]:
    parameters: Any = {"numbers": list(numbers), "asked": asked, "values": list(values), "most": at_most}
    with connection.cursor() as cursor:
        cursor.execute(_EXACT, parameters)
        return [row[0] for row in cursor.fetchall()]


def _misspelt(asked: str, organization: Organization, at_most: int) -> Iterable[Hit]:
    """E-mails one slip of the keyboard away, each looked up exactly: no index over all spellings is needed."""
    if "@" not in asked:
        return
    found = Identifier.objects.filter(kind="email", value__in=list(identifiers.variants(asked.lower())))[:at_most]
    yield from _profiles({i.profile_id: f"{i.value}, one letter off" for i in found if i.profile_id})


def _fragments(asked: str, organization: Organization, at_most: int) -> Iterable[Hit]:
    ids = fragment_ids("profiles_search", asked, at_most)
    yield from _profiles(dict.fromkeys(ids, f"contains “{asked}”"))
    found = fragment_ids("orders_search", asked, at_most)
    yield from _orders(Order.objects.filter(pk__in=found).order_by("-placed_at"), f"contains “{asked}”")


def _identifier_values(asked: str, organization: Organization) -> list[str]:
    values = {asked, asked.lower()}
    for kind in ("email", "phone", "loyalty_id"):
        known = identifiers.normalise(kind, asked, region=organization.region)
        if known is not None:
            values.add(known.value)
    return sorted(values)


def _profiles(because: dict[int, str]) -> Iterable[Hit]:
    rows: Sequence[Profile] = list(Profile.objects.filter(pk__in=list(because)).prefetch_related("identifiers"))
    for row in rows:
        known = ", ".join(sorted(i.spelled.partition(":")[2] for i in row.identifiers.all())[:3])
        yield Hit("profile", row.pk, f"{row.name or 'Customer'} · {known}", because[row.pk])


def _orders(rows: Iterable[Order], because: str) -> Iterable[Hit]:
    for row in rows:
        yield Hit("order", row.pk, f"{row} · {row.customer_name or row.email or 'nobody known'}", because)
