"""What is known of customers, gathered for comparing them: in a fixed number of queries whatever their number."""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

from django.db import connection, models

from profiles.likeness import SPELLINGS, Address, Person
from profiles.models import Fact, Identifier, Profile

T = TypeVar("T")
NAMES = ("customer_name", "name")
KINDS = (Identifier.Kind.EMAIL, Identifier.Kind.PHONE, Identifier.Kind.RAW_PHONE, Identifier.Kind.LOYALTY)

_TOLD = """
SELECT profile_id, {name}, {address}, count(*) FROM {table}
 WHERE profile_id = ANY(%s) GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC, 2, 3
"""


def known(profile_ids: Sequence[int]) -> dict[int, Person]:
    """Each standing customer of these as their identifiers and facts tell; absorbed ones are left out.

    What a fact said oftenest comes first. Shared and blocked identifiers tell nothing.
    """
    ids = sorted(set(profile_ids))
    standing = dict(Profile.objects.filter(pk__in=ids, merged_into__isnull=True).values_list("pk", "name"))
    names: dict[int, list[str]] = defaultdict(list)
    places: dict[int, list[Address]] = defaultdict(list)
    for pk, name in standing.items():
        _add(names[pk], name)
    for model in Fact.__subclasses__():
        for profile_id, name, address in _told(model, sorted(standing)):
            _add(names[profile_id], name)
            if address:
                _add(places[profile_id], Address(**address))
    values: dict[tuple[int, str], list[str]] = defaultdict(list)
    rows = Identifier.objects.filter(profile__in=list(standing), kind__in=KINDS, status=Identifier.Status.ACTIVE)
    for profile_id, kind, value in rows.order_by("kind", "value").values_list("profile_id", "kind", "value"):
        _add(values[profile_id, kind], value.partition("|")[2] if kind == Identifier.Kind.RAW_PHONE else value)
    return {
        pk: Person(
            names=tuple(names[pk]),
            emails=tuple(values[pk, "email"]),
            phones=tuple(values[pk, "phone"] + values[pk, "phone_raw"]),
            addresses=tuple(places[pk]),
            numbers=tuple(values[pk, "loyalty"]),
        )
        for pk in standing
    }


def _told(model: type[models.Model], ids: list[int]) -> list[tuple[int, str, dict[str, str]]]:
    """Names and addresses that the facts of this model bear."""
    columns = {field.name for field in model._meta.concrete_fields}
    name = next((column for column in NAMES if column in columns), "''")
    address = "address::text" if "address" in columns else "''"
    if not ids or (name == "''" and address == "''"):
        return []
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(model._meta.db_table)
        cursor.execute(_TOLD.format(name=name, address=address, table=table), [ids])
        return [(row[0], row[1], json.loads(row[2] or "{}")) for row in cursor.fetchall()]


def _add(known: list[T], value: T) -> None:
    if value and value not in known and len(known) < SPELLINGS:
        known.append(value)
