"""Moments from the database: the quick reader and Django's own say the same of all of them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DataError, connection
from django.db.backends.postgresql.psycopg_any import register_tzloader
from hypothesis import given
from hypothesis import strategies as st
from psycopg import adapters
from psycopg.pq import Format

from config.moments import MomentLoader

pytestmark = pytest.mark.django_db
TIMESTAMPTZ = adapters.types["timestamptz"].oid
INSTANTS = st.datetimes(timezones=st.just(UTC))


def _read(words: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [words])
        return cursor.fetchone()[0]


def _as_django_does(words: str) -> Any:
    with connection.cursor() as cursor:
        register_tzloader(UTC, cursor)
        cursor.execute("SELECT %s::timestamptz", [words])
        return cursor.fetchone()[0]


def _loader() -> Any:
    return connection.connection.adapters.get_loader(TIMESTAMPTZ, Format.TEXT)


def test_it_is_what_reads_moments_on_every_connection_and_cursor() -> None:
    _read("now")
    assert _loader() is MomentLoader
    with connection.cursor() as cursor:
        assert cursor.adapters.get_loader(TIMESTAMPTZ, Format.TEXT) is MomentLoader


@given(moment=INSTANTS)
def test_any_moment_is_read_as_it_was_written(moment: datetime) -> None:
    found = _read(moment.isoformat())
    assert found == moment == _as_django_does(moment.isoformat())
    assert found.tzinfo is UTC


@pytest.mark.parametrize("words", ["1900-01-01 00:00:00.5+01:23", "2026-02-28 23:59:59.120+00", "0001-01-01 00:00:00Z"])
def test_fractions_and_other_zones_are_the_same_instant(words: str) -> None:
    assert _read(words) == _as_django_does(words)


@pytest.mark.parametrize("words", ["infinity", "0044-03-15 00:00:00Z BC", "10000-01-01 00:00:00Z"])
def test_what_no_moment_can_say_is_refused_as_before(words: str) -> None:
    with pytest.raises(DataError):
        _as_django_does(words)
    with pytest.raises(DataError):
        _read(words)


def test_in_a_session_of_another_zone_a_moment_is_read_as_django_reads_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone TO 'Asia/Kolkata'")
    assert _read("2026-07-01 12:00:00Z") == _as_django_does("2026-07-01 12:00:00Z")
