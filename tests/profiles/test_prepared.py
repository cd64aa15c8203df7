"""Statements prepared by name: values arrive as they are, errors are Django's, and a dead session is noticed."""

from typing import Any
from unittest import mock

import psycopg
import pytest
from django.db import (
    DEFAULT_DB_ALIAS,
    DataError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
    transaction,
)
from psycopg import IsolationLevel, pq

from profiles import prepared

pytestmark = pytest.mark.django_db(transaction=True)


def names_of_ours() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'aftersale%%'")
        return int(cursor.fetchone()[0])


def end_the_session() -> None:
    """The server hangs up, as where it was restarted."""
    connection.ensure_connection()
    own = connection.connection
    with pytest.raises(OperationalError):
        prepared.fetch("SELECT pg_terminate_backend(%s::int)", [own.info.backend_pid])
    assert own.closed


@pytest.fixture(autouse=True)
def _fresh_session() -> None:
    connection.close()


def test_values_arrive_as_they_are() -> None:
    told = prepared.fetch(
        "SELECT %s::int + 1, %b::bytea, %s::text, %s::bigint, 7 %% 4, ARRAY[%s, %s]::text[]",
        [41, b"\0\xff%s", "ğ'\"%s", None, "a,b", "{"],
    )
    assert told == [(42, b"\0\xff%s", "ğ'\"%s", None, 3, ["a,b", "{"])]


def test_values_by_name_may_stand_in_several_places() -> None:
    told = prepared.fetch("SELECT %(one)s::int, %(two)b::bytea, %(one)s::int + 1", {"two": b"2", "one": 1, "three": 3})
    assert told == [(1, b"2", 2)]


def test_values_that_a_statement_does_not_name_are_left_out() -> None:
    assert prepared.fetch("SELECT 1", {"one": 1}) == [(1,)]
    assert prepared.fetch("SELECT 100 %% 7", {"one": 1}) == [(2,)]


@pytest.mark.parametrize(("statement", "values"), [("SELECT 1", [1]), ("SELECT %s::int", []), ("SELECT %s", [1, 2])])
def test_too_few_or_too_many_values_are_an_error_of_the_caller(statement: str, values: list[int]) -> None:
    with pytest.raises(ProgrammingError, match="places"):
        prepared.fetch(statement, values)


def test_a_session_that_somebody_cleared_is_prepared_anew() -> None:
    prepared.fetch("SELECT %s::int", [1])
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert prepared.fetch("SELECT %s::int", [2]) == [(2,)]
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    with pytest.raises(ProgrammingError), transaction.atomic():
        prepared.fetch("SELECT 1 + %s::int", [2])  # by the driver, which begins the transaction
        prepared.fetch("SELECT %s::int", [2])
    assert prepared.fetch("SELECT %s::int", [3]) == [(3,)]


def test_it_is_prepared_once_a_session_whatever_the_values() -> None:
    for number in range(5):
        assert prepared.fetch("SELECT %s::int", [number]) == [(number,)]
    assert names_of_ours() == 1
    connection.close()
    assert prepared.fetch("SELECT %s::int", [9]) == [(9,)], "another session has to prepare it for itself"


def test_no_session_keeps_more_than_its_share() -> None:
    for number in range(prepared.KEPT_AT_MOST + 5):
        assert prepared.fetch(f"SELECT {number} + %s::int", [1]) == [(number + 1,)]
    assert names_of_ours() == prepared.KEPT_AT_MOST


def test_errors_are_djangos_and_the_next_statement_works() -> None:
    with pytest.raises(DataError, match="division by zero"):
        prepared.fetch("SELECT 1 / %s::int", [0])
    assert prepared.fetch("SELECT 1 / %s::int", [1]) == [(1,)]


def test_in_a_transaction_it_takes_part_and_begins_one_where_it_is_the_first() -> None:
    insert = "INSERT INTO config_cache (cache_key, value, expires) VALUES (%s, '', now()) RETURNING cache_key"
    with transaction.atomic():
        assert prepared.fetch(insert, ["first"]) == [("first",)]
        assert prepared.fetch(insert, ["second"]) == [("second",)]
        transaction.set_rollback(True)
    assert prepared.fetch("SELECT count(*) FROM config_cache WHERE cache_key IN (%s, %s)", ["first", "second"]) == [
        (0,)
    ]


def test_a_session_that_died_is_told_of_and_asked_anew_only_where_that_is_safe() -> None:
    end_the_session()
    with pytest.raises(OperationalError):
        prepared.fetch("SELECT %s::int", [1])
    connection.close()
    prepared.fetch("SELECT %s::int", [1])
    end_the_session()
    assert prepared.fetch_again("SELECT %s::int", [2]) == [(2,)]


@pytest.mark.parametrize(("by_name", "times"), [(False, 1), (True, 0)])
def test_a_session_that_answered_is_not_asked_whether_it_answers(
    by_name: bool, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    own: Any = connections[DEFAULT_DB_ALIAS]
    own.ensure_connection()
    monkeypatch.setattr(own, "health_check_enabled", True)
    monkeypatch.setattr(own, "health_check_done", False)
    with mock.patch.object(own, "is_usable", return_value=True) as asked:
        if by_name:
            prepared.fetch("SELECT 1", ())
        with own.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert asked.call_count == times


def test_a_transaction_that_django_opened_begins_with_its_first_statement_once() -> None:
    says = "SELECT set_config('app.organization_id', '7', true)"
    read = "SELECT current_setting('app.organization_id', true)"
    assert prepared.begin(says) is False  # none is opened
    with transaction.atomic():
        assert prepared.begin(says) is True
        assert connection.connection.pgconn.transaction_status == pq.TransactionStatus.INTRANS
        assert prepared.fetch(read, []) == [("7",)]
        assert prepared.begin(says) is False  # begun
    assert prepared.fetch(read, []) == [("",)]


def test_a_transaction_of_another_kind_is_begun_by_the_driver() -> None:
    connection.ensure_connection()
    connection.connection.isolation_level = IsolationLevel.SERIALIZABLE
    with transaction.atomic():
        assert prepared.begin("SELECT 1") is False
        assert prepared.fetch("SELECT current_setting('transaction_isolation')", []) == [("serializable",)]


def test_what_the_first_statement_did_is_undone_with_its_transaction() -> None:
    with pytest.raises(ProgrammingError), transaction.atomic():
        prepared.begin("SELECT set_config('app.organization_id', '7', true), nothing_like_it")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert prepared.begin("SELECT set_config('app.organization_id', '7', true)")
        raise ZeroDivisionError
    assert prepared.fetch("SELECT coalesce(current_setting('app.organization_id', true), '')", []) == [("",)]
    assert connection.connection.pgconn.transaction_status == pq.TransactionStatus.IDLE


def test_a_session_that_died_is_told_of_at_the_beginning() -> None:
    connection.ensure_connection()
    victim = connection.connection.info.backend_pid
    with psycopg.connect(connection.connection.info.dsn, password=connection.connection.info.password) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [victim])
    with pytest.raises(OperationalError), transaction.atomic():
        prepared.begin("SELECT 1")
    with transaction.atomic():
        assert prepared.begin("SELECT 1")
