"""Filters that links bring along: drawn in a list only where one is chosen, with a way to take it off."""

from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from support import ranges


class Linked(SimpleListFilter):
    """What a report's figure leads to: drawn only where it is chosen, with a way to take it off."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        value = request.GET.get(str(self.parameter_name), "")
        return [(value, self.words(value))] if value else []

    def words(self, value: str) -> str:
        return value

    def value(self) -> str | None:
        """As it stands in the address, less what no column can hold."""
        value: str | None = super().value()
        return value.replace("\x00", "") if value else value


class Edge(Linked):
    """One end of a range of days by the organization's clock; both ends belong to it. Subclasses name the column."""

    column: ClassVar[str]
    lookup: ClassVar[str]
    later: ClassVar[timedelta] = timedelta()

    def words(self, value: str) -> str:
        day = ranges.read(value)
        return f"{day:%-d %b %Y}" if day else "Any day"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        day = ranges.read(self.value() or "")
        if day is None:
            return queryset
        zone = ZoneInfo(request.organization.timezone)  # type: ignore[attr-defined]
        return queryset.filter(**{f"{self.column}__{self.lookup}": _midnight(day + self.later, zone)})


class Since(Edge):
    title = "from"
    parameter_name = "from"
    lookup = "gte"


class Until(Edge):
    title = "until"
    parameter_name = "until"
    lookup = "lt"
    later = timedelta(days=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
