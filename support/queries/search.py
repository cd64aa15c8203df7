"""One box finds a customer or an order, by anything a person may have at hand, in any spelling (SPEC SUP-1)."""

import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.db.models import QuerySet

from fulfillment.models import DownloadLink
from orders.models import Line, Order, Payment
from profiles import identifiers, prepared
from profiles.in_arrays import Place
from profiles.models import Identifier, Organization, Profile
from support.queries.together import Reading

KINDS = ("profile", "order")
AT_MOST = 25
SHORTEST_FRAGMENT = 3
ALIKE_AT_MOST = 200
"""So many addresses of one name, as info@, are looked at one by one."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One result and the reason it is one."""

    kind: str
    id: int
    label: str
    because: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, and what of it may be an identifier, in the spelling those are kept in."""

    text: str
    values: tuple[str, ...]
    kinds: frozenset[str]
    at_most: int

    @property
    def is_whole(self) -> bool:
        """Whether it can only mean one thing: an address, an order's number with its #, an id of a provider."""
        return bool(re.fullmatch(r"[^@\s]+@[^@\s]+\.[a-z]{2,}|#\S+|[a-z]{2,8}_\w{6,}", self.text, re.IGNORECASE))

    @property
    def begins_address(self) -> bool:
        """Whether it is the beginning of an address, as far as the @ and perhaps beyond."""
        return bool(re.fullmatch(r"[^@\s]{3,}@[^@\s]*", self.text))


# A row that was found (its kind and id), and why.
Found = tuple[str, int, str]


def find(text: str, *, organization: Organization, at_most: int = AT_MOST) -> list[Hit]:
    """The best matches first, as by `keys`, with their names. A bounded number of queries."""
    found = keys(text, organization=organization, at_most=at_most)
    labels = _labels(found) if found else {}
    return [Hit(*key, labels[key], because) for key, because in found.items() if key in labels]


def keys(
    text: str,
    *,
    organization: Organization,
    kinds: Iterable[str] = KINDS,
    at_most: int = AT_MOST,
    beside_exact: bool = True,
) -> dict[tuple[str, int], str]:
    """What is found of these kinds, as (kind, id) → why, the best first, without reading the rows.

    Exact matches and, of an e-mail, near misses; or what begins with it; or else what contains it. Each is looked for
    only where what was found before does not say already what was meant. Where nothing tells why a row is there, near
    misses of an address that is known do not belong: without `beside_exact` they are left out.
    """
    typed = " ".join(text.replace("\0", " ").split())[:200]
    if not typed:
        return {}
    asked = Asked(typed, tuple(_identifier_values(typed, organization)), frozenset(kinds), at_most)
    hits: dict[tuple[str, int], str] = {}

    def gather(source: Callable[[Asked], Iterator[Found]]) -> None:
        for kind, pk, because in source(asked) if len(hits) < at_most else ():
            hits.setdefault((kind, pk), because)

    gather(_exact)
    known = bool(hits) and asked.is_whole
    begun = not hits and asked.begins_address
    if begun:
        gather(_beginnings)
        begun = bool(hits)
    if (asked.is_whole or not begun) and (beside_exact or not known):
        gather(_misspelt)
    if not hits or not (asked.is_whole or begun):
        gather(_fragments)
    return dict(list(hits.items())[:at_most])


def containing(text: str, kinds: Collection[str], at_most: int) -> list[tuple[str, int]]:
    """(kind, id) of what contains it; the functions name the organization of the running transaction themselves."""
    if len(text) < SHORTEST_FRAGMENT:
        return []
    found = _ask(_CONTAINING, kinds, {"asked": text, "most": at_most})
    return [(kind, pk) for kind, pk in found if pk]


def _exact(asked: Asked) -> Iterator[Found]:
    number = asked.text.removeprefix("#")
    parameters: dict[str, Any] = {
        "numbers": [asked.text, number, f"#{number}"],
        "asked": asked.text,
        "values": list(asked.values),
        "most": asked.at_most,
    }
    found = [row[:3] for row in sorted(_ask(_EXACT, asked.kinds, parameters), key=itemgetter(3))]
    yield from (("profile", pk, because) for sort, pk, because in found if sort == "profile" and pk)
    if "order" not in asked.kinds:
        return
    yield from (("order", pk, because) for sort, pk, because in found if sort == "order")
    if re.fullmatch(r"\d{4}", asked.text):
        paid = Payment.objects.filter(last4=asked.text, order__isnull=False).values("order_id")
        newest = Order.objects.filter(pk__in=paid).order_by("-placed_at").values_list("pk", flat=True)[: asked.at_most]
        yield from (("order", pk, f"card ending in {asked.text}") for pk in newest)
    if re.fullmatch(r"[0-9a-f]{6,64}…?", asked.text):
        links = DownloadLink.objects.filter(hint=asked.text[:6], entitlement__order__isnull=False)
        linked = links.values_list("entitlement__order_id", flat=True)[: asked.at_most]
        yield from (("order", pk, f"link {asked.text[:6]}…") for pk in linked)
    for product, sku in ((pk, because) for sort, pk, because in found if sort == "product"):
        newest_lines = Line.objects.filter(product=product).order_by("-pk").values("order_id")[: asked.at_most]
        bought = Order.objects.filter(pk__in=newest_lines).order_by("-placed_at").values_list("pk", flat=True)
        yield from (("order", pk, f"bought {sku}") for pk in bought)


# Each condition by its own index: one WHERE with all of them would read the whole table.
_OF_ORDERS = """
    (SELECT id, 1 AS rank, 'exact match' AS because, placed_at FROM orders_order
      WHERE number = ANY(%(numbers)s) LIMIT %(most)s)
    UNION ALL
    (SELECT id, 1, 'exact match', placed_at FROM orders_order WHERE external_id = %(asked)s LIMIT %(most)s)
    UNION ALL
    (SELECT id, 1, 'exact match', placed_at FROM orders_order
      WHERE payment_reference = %(asked)s AND payment_reference <> '' LIMIT %(most)s)
    UNION ALL
    (SELECT id, 1, 'exact match', placed_at FROM orders_order
      WHERE charge_reference = %(asked)s AND charge_reference <> '' LIMIT %(most)s)
    UNION ALL
    (SELECT id, 1, 'exact match', placed_at FROM orders_order WHERE email = ANY(%(values)s) LIMIT %(most)s)
    UNION ALL
    (SELECT id, 1, 'exact match', placed_at FROM orders_order
      WHERE phone = ANY(%(values)s) AND phone <> '' LIMIT %(most)s)
    UNION ALL
    (SELECT order_id, 2, 'refund ' || external_id, NULL FROM orders_refund
      WHERE external_id = %(asked)s LIMIT %(most)s)
    UNION ALL
    (SELECT order_id, 3, 'dispute ' || external_id, NULL FROM orders_dispute
      WHERE external_id = %(asked)s LIMIT %(most)s)
    UNION ALL
    (SELECT order_id, 4, 'payment ' || external_id, NULL FROM orders_payment
      WHERE external_id = %(asked)s LIMIT %(most)s)
"""
# Identifiers by their kinds too, of which there are few: the index is by kind and value.
_EXACT = {
    "profile": f"""
SELECT 'profile', profile_id, 'is ' || spelled, 0 AS place FROM profiles_identifier
 WHERE kind = ANY('{{{", ".join(identifiers.Kind)}}}') AND value = ANY(%(values)s)
""",
    "order": f"""
SELECT 'product', id, sku, 0 AS place FROM orders_product WHERE sku = %(asked)s
UNION ALL
(SELECT 'order', f.id, (array_agg(f.because ORDER BY f.rank))[1],
        row_number() OVER (ORDER BY min(f.rank), max(f.placed_at) DESC NULLS LAST, f.id DESC) AS place
   FROM ({_OF_ORDERS}) f WHERE f.id IS NOT NULL GROUP BY f.id ORDER BY place LIMIT %(most)s)
""",
}


def _beginnings(asked: Asked) -> Iterator[Found]:
    """Addresses that begin with it, as a range of the index: those that contain it elsewhere are not what was meant."""
    begin = asked.text.lower()
    values = {"begin": begin, "end": begin + chr(sys.maxunicode), "most": asked.at_most}
    for kind, pk in _ask(_BEGINNING, asked.kinds, values):
        if pk:
            yield kind, pk, f"begins with “{asked.text}”"


# `^@` is what is meant; the range is what an index can find, and by the database's own order of letters finds as much.
# Behind the OFFSET the newest orders are chosen of what the range found: by their index, all might be read.
_BEGINNING = {
    "profile": """
(SELECT 'profile', profile_id FROM profiles_identifier
  WHERE kind = 'email' AND value >= %(begin)s AND value < %(end)s AND value ^@ %(begin)s
  ORDER BY value LIMIT %(most)s)
""",
    "order": """
(SELECT 'order', f.id FROM (
    SELECT id, placed_at FROM orders_order
     WHERE email >= %(begin)s AND email < %(end)s AND email ^@ %(begin)s OFFSET 0) f
  ORDER BY f.placed_at DESC, f.id DESC LIMIT %(most)s)
""",
}


def _misspelt(asked: Asked) -> Iterator[Found]:
    """E-mails one slip of the keyboard away: of the same name as a range of the index, of another one each exactly."""
    if "@" not in asked.text or "profile" not in asked.kinds:
        return
    typed = asked.text.lower()
    name = typed[: typed.rindex("@") + 1]
    near = _near(identifiers.variants(typed, among=len(name)), name)
    if sum(value.startswith(name) for _, value in near) >= ALIKE_AT_MOST:
        near = _near(identifiers.variants(typed))
    elif any(value != typed and value.startswith(name) for _, value in near):
        slips = identifiers.variants(typed)
        near = [(pk, value) for pk, value in near if value in slips]
    for pk, value in sorted(near, key=lambda row: row[1])[: asked.at_most]:
        if pk and value != typed:
            yield "profile", pk, f"{value}, one letter off"


def _near(variants: Iterable[str], name: str = "") -> list[tuple[int, str]]:
    """Whose addresses these are, and which begin with the name where one is given: in the order of their texts."""
    values = {"near": "\n".join(sorted(variants)), "begin": name, "end": name + chr(sys.maxunicode)}
    return prepared.fetch(_MISSPELT, values)


# As one text and in order: a thousand spellings take ten times as long to write down one by one as to look up, and
# the database sorts by itself what it looks up.
_MISSPELT = f"""
SELECT profile_id, value FROM profiles_identifier
 WHERE kind = 'email' AND value = ANY(string_to_array(%(near)s, chr(10)))
UNION
(SELECT profile_id, value FROM profiles_identifier
  WHERE kind = 'email' AND value >= %(begin)s AND value < %(end)s AND value ^@ %(begin)s AND %(begin)s <> ''
  LIMIT {ALIKE_AT_MOST})
"""


def _fragments(asked: Asked) -> Iterator[Found]:
    found = containing(asked.text, asked.kinds, asked.at_most)
    yield from ((kind, pk, f"contains “{asked.text}”") for kind, pk in found)


_CONTAINING = {
    "profile": "SELECT 'profile', profiles_search(%(asked)s::text, %(most)s::int)",
    "order": "SELECT 'order', orders_search(%(asked)s::text, %(most)s::int)",
}


def _ask(parts: Mapping[str, str], kinds: Collection[str], values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What the parts for the kinds asked for find, one after the other; one statement, planned once for these kinds."""
    return prepared.fetch(" UNION ALL ".join(parts[kind] for kind in KINDS if kind in kinds), values)


def _identifier_values(asked: str, organization: Organization) -> list[str]:
    values = {asked, asked.lower()}
    for kind in ("email", "phone", "loyalty_id"):
        known = identifiers.normalise(kind, asked, region=organization.region)
        if known is not None:
            values.add(known.value)
    return sorted(values)


def _labels(found: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """What each is called in the list of results; one query."""
    ids: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for kind, pk in found:
        ids[kind].append(pk)
    read = _NAMED.read(profiles=ids["profile"], orders=ids["order"])
    known: dict[int, list[str]] = {}
    for one in read["identifiers"]:
        known.setdefault(one.profile_id, []).append(one.spelled.partition(":")[2])
    labels: dict[tuple[str, int], str] = {}
    for row in read["profiles"]:
        labels["profile", row.pk] = f"{row.name or 'Customer'} · {', '.join(sorted(known.get(row.pk, ()))[:3])}"
    for row in read["orders"]:
        labels["order", row.pk] = f"{row} · {row.customer_name or row.email or 'nobody known'}"
    return labels


def _named() -> dict[str, QuerySet[Any]]:
    orders = Order.objects.only("number", "external_id", "customer_name", "email")
    return {
        "profiles": Profile.objects.filter(pk__in=Place("profiles")).only("name"),
        "identifiers": Identifier.objects.filter(profile__in=Place("profiles")).only("profile_id", "spelled"),
        "orders": orders.filter(pk__in=Place("orders")),
    }


_NAMED = Reading(_named)
