"""How the pages of a long list are counted and found."""

import json
import time
from collections.abc import Callable
from typing import Any

from django.core.paginator import EmptyPage, Page, Paginator
from django.db import connection, models
from django.utils.functional import cached_property

from profiles import prepared_queries

COUNTED_AT_MOST = 10_000
KNOWN_SECONDS, KNOWN_AT_MOST = 60, 256
"""For how long, and of how many lists, a process remembers about how many rows they have."""
_known: dict[tuple[Any, ...], tuple[float, int]] = {}


class EstimatedPaginator(Paginator):
    """Counts at most 10,000 rows; of more it asks the planner, which knows about how many at once.

    Rows that fit on one page are counted by reading them.
    """

    organization_id = 0
    """Whose rows they are: how many these are is not remembered for another."""
    as_it_opens = False
    """Whether nothing was chosen: then the first page is the same statement each time."""
    wanted = 0
    """The page that will be asked for, if known: so far down that they cannot be counted, none are counted in vain."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        if not isinstance(rows, models.QuerySet):
            return len(rows)
        if self.wanted == 1 and len(self.first) <= self.per_page:
            return len(self.first)
        if self.wanted * self.per_page > COUNTED_AT_MOST and (about := estimate(rows)) > COUNTED_AT_MOST:
            return about
        ids = rows.order_by().values("pk")

        def ask() -> int:
            counted: int = ids[: COUNTED_AT_MOST + 1].count()
            return counted if counted <= COUNTED_AT_MOST else max(counted, estimate(rows))

        if not self.organization_id:
            return ask()
        # What can be counted is counted each time.
        return _remembered((self.organization_id, *_words(ids)), ask, least=COUNTED_AT_MOST + 1)

    @cached_property
    def first(self) -> list[Any]:
        """The rows of the first page, and one more where they go on."""
        rows: Any = self.object_list[: self.per_page + 1]
        return prepared_queries.as_it_opens(rows) if self.as_it_opens else list(rows)

    def page(self, number: Any) -> Page:
        """Later pages find their ids in the index alone and read only those rows, from whichever end is nearer.

        Raises EmptyPage where the estimate was too high.
        """
        number = self.validate_number(number)
        bottom = (number - 1) * self.per_page
        rows: Any = self.object_list
        if not bottom or not isinstance(rows, models.QuerySet):
            return Page(self.first[: self.per_page], number, self) if self.wanted == 1 else super().page(number)
        ordered, start, end = rows, bottom, bottom + self.per_page
        if self.estimated and number > self.num_pages // 2:
            ordered, start, end = rows.reverse(), max(self.count - end, 0), self.count - bottom
        found = list(rows.filter(pk__in=ordered.values("pk")[start:end]))
        if not found and self.estimated:
            raise EmptyPage("There are fewer rows than the planner thought.")
        return Page(found, number, self)

    @property
    def estimated(self) -> bool:
        return self.count > COUNTED_AT_MOST


def estimate(rows: models.QuerySet[Any]) -> int:
    """How many rows the planner expects, or expected within the last minute.

    Below row-level security it is low by the number of organizations, and the same for each of them.
    """
    ids = rows.order_by().values("pk")

    def ask() -> int:
        sql, parameters = ids.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
            plan = cursor.fetchone()[0]
        document = json.loads(plan) if isinstance(plan, str) else plan
        return int(document[0]["Plan"]["Plan Rows"])

    return _remembered(("expected", *_words(ids)), ask)


def _words(rows: models.QuerySet[Any]) -> tuple[str, str]:
    sql, parameters = rows.query.sql_with_params()
    return sql, repr(parameters)


def _remembered(asked: tuple[Any, ...], ask: Callable[[], int], *, least: int = 0) -> int:
    """What was found for it within the last minute, or is found now; fewer than `least` are not remembered."""
    known, now = _known.get(asked), time.monotonic()
    if known is not None and now - known[0] < KNOWN_SECONDS:
        return known[1]
    found = ask()
    if found >= least:
        if len(_known) >= KNOWN_AT_MOST:
            _known.clear()
        _known[asked] = (now, found)
    return found
