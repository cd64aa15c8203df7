"""Keeping what a comparison finds: new discrepancies, changed ones, found again, and closed where the records agree."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from profiles import bulk, clock, prepared
from support import differences
from support.models import Discrepancy
from support.queries import differences as questions
from support.queries.findings import COLUMNS, Rows, Window

Status = Discrepancy.Status
BY = "Reconciliation"
AGREES = "The records agree."
FOUND_AGAIN = "Found again"

_REFERENCES = [name for name in COLUMNS if name.endswith("_id") and name != "external_id"]
_KEPT = ", ".join(COLUMNS)
_SAME = ("amount_minor", "currency", "ours", "theirs", *_REFERENCES)
_CHANGED = ", ".join(f"{name} = f.{name}" for name in _SAME)
_DIFFERS = f"({', '.join(f'd.{name}' for name in _SAME)}) IS DISTINCT FROM ({', '.join(f'f.{name}' for name in _SAME)})"

_LIKELY = "CREATE TEMPORARY TABLE likely_{name} ON COMMIT DROP AS {question}"
_LOOK = "CREATE TEMPORARY TABLE found_now ON COMMIT DROP AS {question}"
# By these alone it is compared with what is known; to sum up both sides of each row took longer than to find them.
# In a narrow window nothing is summed up: what little there is the planner guesses well enough from the size.
_ANALYZE = "ANALYZE found_now (kind, subject)"
_FORGET = "DROP TABLE IF EXISTS {names}"
_COUNT = "SELECT kind, count(*) FROM found_now GROUP BY kind"
_REOPENS = """d.status = 'closed' OR (d.status = 'written_off' AND
                   (d.amount_minor, d.currency) IS DISTINCT FROM (f.amount_minor, f.currency))"""
# How many there are of each kind, how many of them are known otherwise, and how many are not known.
_TELL_APART = f"""
SELECT f.kind, count(*), count(*) FILTER (WHERE d.id IS NOT NULL AND ({_REOPENS} OR {_DIFFERS})),
       count(*) FILTER (WHERE d.id IS NULL)
  FROM found_now f LEFT JOIN support_discrepancy d ON d.kind = f.kind AND d.subject = f.subject
 GROUP BY f.kind
"""
# What was written off stays so while it is the same sum: a person has decided about that sum.
_UPDATE = f"""
WITH again AS (
  UPDATE support_discrepancy d
     SET {_CHANGED},
         status = CASE WHEN f.reopens THEN 'open' ELSE d.status END,
         found_at = CASE WHEN f.reopens THEN %(now)s ELSE d.found_at END,
         due_at = CASE WHEN f.reopens THEN %(due)s ELSE d.due_at END,
         closed_at = CASE WHEN f.reopens THEN NULL ELSE d.closed_at END,
         closed_because = CASE WHEN f.reopens THEN '' ELSE d.closed_because END,
         closed_by = CASE WHEN f.reopens THEN '' ELSE d.closed_by END
    FROM (SELECT f.*, d.id AS known_id,
                 {_REOPENS} AS reopens
            FROM found_now f JOIN support_discrepancy d ON d.kind = f.kind AND d.subject = f.subject) f
   WHERE d.id = f.known_id AND (f.reopens OR {_DIFFERS})
  RETURNING d.organization_id, d.id, d.kind, f.reopens
), told AS (
  INSERT INTO support_discrepancyentry (organization_id, discrepancy_id, at, by, words, because)
  SELECT organization_id, id, %(now)s, %(by)s, %(again)s, '' FROM again WHERE reopens
)
SELECT kind, count(*) FROM again WHERE reopens GROUP BY kind
"""
_INSERT = f"""
WITH fresh AS (
  INSERT INTO support_discrepancy (organization_id, kind, status, repair, found_at, due_at, closed_because, closed_by,
                                   {_KEPT})
  SELECT %(organization)s, f.kind, 'open', r.repair, %(now)s, %(due)s, '', '', {_KEPT}
    FROM found_now f JOIN unnest(%(every)s::text[], %(repairs)s::text[]) AS r (kind, repair) ON r.kind = f.kind
   WHERE NOT EXISTS (SELECT FROM support_discrepancy d WHERE d.kind = f.kind AND d.subject = f.subject)
  ON CONFLICT DO NOTHING RETURNING kind
)
SELECT kind, count(*) FROM fresh GROUP BY kind
"""
_ABOUT = "id, kind, order_id, payment_id, payout_id, payout_line_id"
_GONE = f"""
SELECT {_ABOUT} FROM support_discrepancy d
 WHERE d.kind = ANY(%(asked)s) AND d.status = 'open' AND d.at >= %(since)s AND d.at < %(until)s
   AND NOT EXISTS (SELECT FROM found_now f WHERE f.kind = d.kind AND f.subject = d.subject)
"""
_CLOSE = """
WITH closed AS (
  UPDATE support_discrepancy
     SET status = 'closed', closed_at = %(now)s, closed_because = %(because)s, closed_by = %(by)s
   WHERE id = ANY(%(ids)s) AND status = 'open' RETURNING organization_id, id
)
INSERT INTO support_discrepancyentry (organization_id, discrepancy_id, at, by, words, because)
SELECT organization_id, id, %(now)s, %(by)s, 'Closed', %(because)s FROM closed
"""
_OF_ORDERS = f"SELECT {_ABOUT} FROM support_discrepancy WHERE status = 'open' AND order_id = ANY(%s::bigint[])"
# What only the provider's list told of is over once we have the thing itself.
_ARRIVED = """
SELECT d.id FROM support_discrepancy d
 WHERE d.kind = 'paid_without_order' AND d.status = 'open' AND d.payment_id IS NULL
   AND (EXISTS (SELECT FROM orders_order o WHERE o.organization_id = d.organization_id
                   AND o.channel_id = d.channel_id AND o.external_id = d.external_id)
        OR EXISTS (SELECT FROM orders_order o WHERE o.organization_id = d.organization_id
                      AND o.channel_id = d.channel_id AND o.payment_reference = d.external_id
                      AND o.payment_reference <> '')
        OR EXISTS (SELECT FROM orders_payment p WHERE p.organization_id = d.organization_id
                      AND p.channel_id = d.channel_id AND p.external_id = d.external_id))
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """What one look at one kind came to: discrepancies that stand, those that are new or found again, those closed."""

    found: int = 0
    new: int = 0
    closed: int = 0


def compare(kinds: Sequence[str], window: Window, *, organization_id: int) -> dict[str, Compared]:
    """Look at these kinds in this window and keep what is found; close what is not found any more, by kind.

    A second look is quiet. At most so many statements whatever there is, in the caller's transaction.
    """
    now = clock.now()
    values: dict[str, Any] = {
        **questions.values(window, now),
        "organization": organization_id,
        "asked": list(kinds),
        "every": [kind.code for kind in differences.KINDS.values()],
        "repairs": [kind.repair for kind in differences.KINDS.values()],
        "now": now,
        "due": now + differences.DUE_AFTER,
        "by": BY,
        "again": FOUND_AGAIN,
    }
    with connection.cursor() as cursor:
        tables = _look(cursor, kinds, window, values)
        found, changed, fresh = _told_apart(cursor, window)
        new = _counts(cursor, _UPDATE, values) if changed else {}
        for kind, count in _kept(cursor, values).items() if fresh else ():
            new[kind] = new.get(kind, 0) + count
        cursor.execute(_GONE, values)
        gone = cursor.fetchall()
        _forget(cursor, tables)
    closed = _recheck(gone)
    if Discrepancy.Kind.PAID_WITHOUT_ORDER in kinds and (arrived := close_arrived()):
        closed[Discrepancy.Kind.PAID_WITHOUT_ORDER] = closed.get(Discrepancy.Kind.PAID_WITHOUT_ORDER, 0) + arrived
    return {kind: Compared(found.get(kind, 0), new.get(kind, 0), closed.get(kind, 0)) for kind in kinds}


def count(kinds: Sequence[str], window: Window) -> dict[str, int]:
    """How many of each of these kinds there are in this window; nothing is kept."""
    values = questions.values(window, clock.now())
    with connection.cursor() as cursor:
        tables = _look(cursor, kinds, window, values)
        found = _counts(cursor, _COUNT, values)
        _forget(cursor, tables)
    return {kind: found.get(kind, 0) for kind in kinds}


def _forget(cursor: Any, tables: Sequence[str]) -> None:
    cursor.execute(_FORGET.format(names=", ".join(f"pg_temp.{name}" for name in tables)))


def _look(cursor: Any, kinds: Sequence[str], window: Window, values: Mapping[str, Any]) -> list[str]:
    """Put what is found into a table of this transaction, by way of the first looks; returns the tables made."""
    tables = []
    questions.side_by_side(window)
    firsts = [questions.FINDERS[kind].likely for kind in kinds]
    for likely in {likely.name: likely for likely in firsts if likely is not None}.values():
        tables.append(f"likely_{likely.name}")
        cursor.execute(_LIKELY.format(name=likely.name, question=likely.select(window)), values)
        if window.wide:
            cursor.execute(f"ANALYZE {tables[-1]}")
    questions.as_usual()
    asked = kinds if window.wide else _possible(cursor, kinds, window, values)
    question = " UNION ALL ".join(f"({questions.statement(kind, window)})" for kind in asked)
    cursor.execute(_LOOK.format(question=question), values)
    if window.wide:
        cursor.execute(_ANALYZE)
    return ["found_now", *tables]


def _possible(cursor: Any, kinds: Sequence[str], window: Window, values: Mapping[str, Any]) -> Sequence[str]:
    """Those of which there can be any, or else one: to plan all ten questions takes longer than to answer them."""
    cursor.execute(questions.signs(kinds, window), values)
    return [kind for kind, possible in zip(kinds, cursor.fetchone(), strict=True) if possible] or kinds[:1]


def _told_apart(cursor: Any, window: Window) -> tuple[dict[str, int], bool, bool]:
    """How many of each kind are found, and whether any has to be changed, or kept anew.

    Where much may be found that is not asked beforehand: it would cost as much as the change.
    """
    if window.wide:
        return _counts(cursor, _COUNT, {}), True, True
    cursor.execute(_TELL_APART)
    rows = cursor.fetchall()
    return {row[0]: row[1] for row in rows}, any(row[2] for row in rows), any(row[3] for row in rows)


def _kept(cursor: Any, values: Mapping[str, Any]) -> dict[str, int]:
    """Keep what is not known; returns how many of each kind."""
    questions.at_once()
    counts = _counts(cursor, _INSERT, values)
    questions.as_usual()
    return counts


def _counts(cursor: Any, statement: str, values: Mapping[str, Any]) -> dict[str, int]:
    cursor.execute(statement, values)
    return dict(cursor.fetchall())


def _recheck(rows: Sequence[Sequence[Any]]) -> dict[str, int]:
    """Close those of these rows of `_ABOUT` that are not found any more; returns how many of each kind."""
    by_kind: dict[str, dict[int, int]] = {}
    for pk, kind, *references in rows:
        about = dict(zip(_SORTS, references, strict=True))[questions.FINDERS[kind].of]
        if about is not None:
            by_kind.setdefault(kind, {})[pk] = about
    return {kind: recheck(kind, open_ones) for kind, open_ones in by_kind.items()}


_SORTS = ("order", "payment", "payout", "payout_line")


def recheck(kind: str, open_ones: Mapping[int, int]) -> int:
    """Close those of these (by id, with what each is about) that are not found any more; returns how many."""
    if not open_ones:
        return 0
    now, finder = clock.now(), questions.FINDERS[kind]
    scope = Rows(sorted(set(open_ones.values())))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {finder.of}_id FROM ({questions.statement(kind, scope)}) f", questions.values(scope, now)
        )
        standing = {row[0] for row in cursor.fetchall()}
    return close([pk for pk, about in open_ones.items() if about not in standing])


def close(ids: Sequence[int], *, because: str = AGREES) -> int:
    """Close these open discrepancies with their reason; returns how many were open."""
    if not ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, {"ids": list(ids), "now": clock.now(), "because": because, "by": BY})
        return int(cursor.rowcount)


def settle(order_ids: Iterable[int]) -> int:
    """Close what agrees now about these orders; one query where nothing is open. Returns how many were closed."""
    rows = prepared.fetch(_OF_ORDERS, [bulk.array_of_numbers(sorted(set(order_ids)))])
    return sum(_recheck(rows).values())


def mailed(email_ids: Sequence[int]) -> int:
    """Close the missing receipts that these messages end; one query where there are none."""
    rows = Discrepancy.objects.filter(
        kind=Discrepancy.Kind.MISSING_RECEIPT, status=Status.OPEN, order__emails__in=email_ids
    )
    return recheck(Discrepancy.Kind.MISSING_RECEIPT, dict(rows.values_list("pk", "order_id")))


def look_again(row: Discrepancy) -> bool:
    """Whether this one stands still; where it does not it is closed."""
    about = getattr(row, f"{questions.FINDERS[row.kind].of}_id")
    if about is None:
        return not close_arrived()
    return not recheck(row.kind, {row.pk: about})


def close_arrived() -> int:
    """Close what only a provider's list told of, where we have it by now; returns how many."""
    return close([pk for (pk,) in prepared.fetch(_ARRIVED, ())])
