"""Statements that the database plans once for a connection, and that get their values apart from their text.

They are told in one call of the client library that gives the interpreter's lock away once, until the answer is there.
The driver's own cursor waits in steps, each of which asks for the lock again: that way a delivery's statement takes
half as much again of the processor, in one thread alone.
"""

import re
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, OperationalError, ProgrammingError, connections
from psycopg import Connection, Cursor, errors, pq
from psycopg.adapt import PyFormat, Transformer

KEPT_AT_MOST = 200
"""Statements prepared in one session; what comes after them is planned each time."""
_PLACE = re.compile(r"%(?:\((\w+)\))?([sb%])")
_names: weakref.WeakKeyDictionary[Any, dict[tuple[str, Any], bytes]] = weakref.WeakKeyDictionary()


def fetch(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """All rows of a statement that is run often and takes longer to plan than to run; bytes travel as bytes.

    Not for what the database plans better with the values at hand. Raises Django's database errors. Values by name may
    be more than the statement names; values in order are as many as its places, else it is a ProgrammingError.
    """
    return _asked(statement, values)[0]


def run(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> int:
    """The same for a statement that yields no rows; returns how many it wrote."""
    return _asked(statement, values)[1]


def fetch_again(
    statement: str, values: Sequence[Any] | Mapping[str, Any], *, unless: Callable[[], bool] = lambda: False
) -> list[tuple[Any, ...]]:
    """The same, once more where the connection had died while it rested: only for what may be told twice.

    It is not told again where `unless` knows that it was done and only its answer lost: then there are no rows.
    """
    try:
        return fetch(statement, values)
    except OperationalError:
        own = connections[DEFAULT_DB_ALIAS]
        if own.in_atomic_block:
            raise
        own.close()
        return [] if unless() else fetch(statement, values)


def begin(statement: str) -> bool:
    """Begin the transaction that Django has opened, and run a statement without values in it, by one message.

    False, and nothing told, where it is begun already or is to be one of another kind. Raises Django's database errors.
    """
    own = connections[DEFAULT_DB_ALIAS]
    own.ensure_connection()
    session: Connection[Any] = own.connection
    usual = session.isolation_level is None and session.read_only is None and session.deferrable is None
    if session.autocommit or not usual or session.pgconn.transaction_status != pq.TransactionStatus.IDLE:
        return False
    began = time.monotonic()
    with own.wrap_database_errors:
        _checked(session, session.pgconn.exec_(b"BEGIN; " + statement.encode()))
    _noted(own, statement, began)
    return True


Answer = tuple[list[tuple[Any, ...]], int]


def _asked(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> Answer:
    """The rows, and how many there were or were written."""
    own = connections[DEFAULT_DB_ALIAS]  # looked up once: behind the name stands a thread's own
    own.ensure_connection()
    began = time.monotonic()
    with own.wrap_database_errors:
        try:
            answer = _told(own.connection, statement, values)
        except errors.InvalidSqlStatementName:
            # Somebody cleared the session; nothing was done yet.
            _names.pop(own.connection, None)
            if own.connection.pgconn.transaction_status != pq.TransactionStatus.IDLE:
                raise
            answer = _told(own.connection, statement, values)
    _noted(own, statement, began)
    return answer


def _noted(own: Any, statement: str, began: float) -> None:
    # This statement was one: Django need not ask in vain whether the connection still answers.
    own.health_check_done = True
    if own.queries_logged:  # whoever counts statements counts these too
        own.queries_log.append({"sql": statement, "time": f"{time.monotonic() - began:.3f}"})


def _told(connection: Connection[Any], statement: str, values: Any) -> Answer:
    """By the name under which this session knows the statement; by the driver's cursor where it has none."""
    text, forms, keys = _numbered(statement)
    adapted = Transformer(connection)
    told = [values[key] for key in keys] if isinstance(values, Mapping) else values
    if len(told) != len(forms):  # of these the driver's own code takes no notice: it would read past the end of one
        raise ProgrammingError(f"The statement has {len(forms)} places, and {len(told)} values are told.")
    sent = adapted.dump_sequence(told, forms)
    name = _name(connection, statement, text, adapted.types)
    if name is None:
        with Cursor(connection) as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else [], cursor.rowcount
    answer = connection.pgconn.exec_prepared(name, sent, adapted.formats)  # type: ignore[arg-type]  # None is NULL
    result = _checked(connection, answer)
    adapted.set_pgresult(result)
    return adapted.load_rows(0, result.ntuples, tuple), result.command_tuples or 0


def _name(connection: Connection[Any], statement: str, text: bytes, types: Any) -> bytes | None:
    """Prepared in this session; None where the driver has to begin a transaction first, or too many are prepared.

    The driver itself prepares nothing (Django switches that off): otherwise it would clear the session now and then.
    """
    if not connection.autocommit and connection.pgconn.transaction_status != pq.TransactionStatus.INTRANS:
        return None
    names = _names.setdefault(connection, {})
    # The same words mean another thing with values of other types.
    key = (statement, types)
    name = names.get(key)
    if name is None and len(names) < KEPT_AT_MOST:
        name = f"aftersale_{len(names)}".encode()
        _checked(connection, connection.pgconn.prepare(name, text, types))
        names[key] = name
    return name


def _checked(connection: Connection[Any], result: pq.abc.PGresult) -> pq.abc.PGresult:
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        return result
    encoding = connection.info.encoding
    if connection.pgconn.status == pq.ConnStatus.BAD:
        raise errors.OperationalError(pq.error_message(connection.pgconn, encoding))
    raise errors.error_from_result(result, encoding)


@lru_cache(maxsize=256)
def _numbered(statement: str) -> tuple[bytes, tuple[PyFormat, ...], tuple[str, ...]]:
    """The statement with its places numbered for the server; the form of each value, and its name where it has one."""
    forms: list[PyFormat] = []
    keys: list[str] = []

    def place(found: re.Match[str]) -> str:
        key, form = found.groups()
        if form == "%":
            return "%"
        if key in keys:
            return f"${keys.index(key) + 1}"
        forms.append(PyFormat.TEXT if form == "s" else PyFormat.BINARY)
        if key:
            keys.append(key)
        return f"${len(forms)}"

    return _PLACE.sub(place, statement).encode(), tuple(forms), tuple(keys)
