"""Bulk statements against PostgreSQL: what is written is what was meant, for one row or many."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import DataError, connection
from django.db.models.expressions import DatabaseDefault

from profiles import bulk, tenancy
from profiles.actions import organizations
from profiles.actors import Actor
from profiles.models import AuditEntry, Event, Organization

AT = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
AWKWARD = ["", " ", "a\x1fb", "\x1e", "NULL", "{}", '"', "\\", "%s", "ü\n\t,", "😀", "E'\\x1f'"]


@pytest.fixture
def organization(db: None) -> Organization:
    by = Actor.system("the test")
    return organizations.create("lantern", name="L", currency="EUR", region="DE", timezone="UTC", by=by)


def events(organization: Organization, names: list[str], **more: Any) -> list[Event]:
    return [
        Event(
            organization=organization, event_id=f"{number}", source="s", type="t", occurred_at=AT, digest="d",
            customer_name=name, given={"name": name}, payload=[name, None, 1], products=[name, "x"], **more,
        )
        for number, name in enumerate(names)
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, len(AWKWARD)])
def test_every_value_comes_back_as_it_was(organization: Organization, count: int) -> None:
    with tenancy.organization(organization.pk):
        rows = events(organization, AWKWARD[:count])
        assert bulk.insert(Event, rows) == count and all(row.pk for row in rows)
        found = list(Event.objects.order_by("pk"))
        assert [row.pk for row in found] == [row.pk for row in rows]
        for row, name in zip(found, AWKWARD, strict=False):
            assert (row.customer_name, row.given, row.payload) == (name, {"name": name}, [name, None, 1])
            assert (row.products, row.occurred_at, row.profile_id) == ([name, "x"], AT, None)
        for row, name in zip(found, reversed(AWKWARD[:count]), strict=True):
            row.customer_name, row.products = name, [name]
        bulk.update(Event, found, ["customer_name", "products"])
        again = Event.objects.order_by("pk").values_list("customer_name", "products")
        assert list(again) == [(name, [name]) for name in reversed(AWKWARD[:count])]


def test_nothing_and_something_stand_in_one_column(organization: Organization) -> None:
    with tenancy.organization(organization.pk):
        subjects = [1, None, 0]
        rows = [
            AuditEntry(
                organization=organization, at=AT, action="a", subject_type="s", subject_id=subject, act=UUID(int=place)
            )
            for place, subject in enumerate(subjects)
        ]  # fmt: skip
        bulk.insert(AuditEntry, rows)
        found = AuditEntry.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk")
        assert list(found.values_list("subject_id", "act")) == [(1, UUID(int=0)), (None, UUID(int=1)), (0, UUID(int=2))]


@pytest.mark.parametrize("count", [1, 2, len(AWKWARD)])
def test_columns_are_written_as_objects_are(organization: Organization, count: int) -> None:
    with tenancy.organization(organization.pk):
        rows = events(organization, AWKWARD[:count])
        names = [f.attname for f in Event._meta.local_concrete_fields if f.attname not in ("id", "recorded_at")]
        own = [name for name in names if not isinstance(getattr(rows[0], name), DatabaseDefault)]
        ids = bulk.insert_columns(Event, {name: tuple(getattr(row, name) for row in rows) for name in own})
        by_columns = list(Event.objects.order_by("pk").values_list("pk", *own))
        assert [pk for pk, *_ in by_columns] == ids
        Event.objects.all().delete()
        bulk.insert(Event, rows)
        assert [rest for _, *rest in by_columns] == [
            list(one) for one in Event.objects.order_by("pk").values_list(*own)
        ]
        assert bulk.insert_columns(Event, dict.fromkeys(own, ())) == []


def test_a_known_row_is_passed_over_where_that_is_asked_for(organization: Organization) -> None:
    with tenancy.organization(organization.pk):
        bulk.insert(Event, events(organization, ["a", "b"]))
        assert bulk.insert(Event, events(organization, ["a", "b", "c"]), ignore_conflicts=True) == 1


def test_what_is_too_long_is_refused_and_never_cut(organization: Organization) -> None:
    with pytest.raises(DataError), tenancy.organization(organization.pk):
        bulk.insert(Event, events(organization, ["a", "b" * 301]))


def test_a_session_that_fills_tables_plans_its_statements_anew(organization: Organization) -> None:
    """The plan of a foreign key's check, made while the table was empty, is not kept for ever."""
    bulk._inserted.clear()
    with tenancy.organization(organization.pk):
        with connection.cursor() as cursor:
            # New statistics would plan it anew as well.
            cursor.execute("LOCK TABLE profiles_event IN SHARE UPDATE EXCLUSIVE MODE")
            for name in ("indexscan", "indexonlyscan", "bitmapscan"):
                cursor.execute(f"SET LOCAL enable_{name} = off")
            cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            cursor.execute("PREPARE kept AS SELECT 1 FROM profiles_event")
        empty = expected()
        bulk.insert(Event, events(organization, ["early"] * (bulk.REPLAN_AFTER - 1)))
        assert expected() == empty
        bulk.insert(Event, late(organization, 1))
        assert expected() != empty
        assert bulk._inserted[connection.connection] == (bulk.REPLAN_AFTER, 2 * bulk.REPLAN_AFTER)


def late(organization: Organization, count: int) -> list[Event]:
    rows = events(organization, ["late"] * count)
    for row in rows:
        row.source = "later"
    return rows


def expected() -> int:
    """What reading the whole table costs by the plan that is kept."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) EXECUTE kept")
        return int(cursor.fetchone()[0][0]["Plan"]["Total Cost"])
