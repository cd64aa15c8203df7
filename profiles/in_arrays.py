"""`__in` with many values as one array: a statement of one parameter, where Django writes one parameter a value.

Django's own way escapes and joins each value by itself, and psycopg reads the whole text of the statement again to
find its places; on the ids of a batch of 500 that took longer than PostgreSQL took to answer.
"""

from collections.abc import Collection
from typing import Any, Final

from django.db.models import CharField, Expression, ForeignKey, IntegerField, TextField
from django.db.models.fields.related_lookups import RelatedIn
from django.db.models.lookups import In

MANY: Final = 16
"""From so many values on; fewer are written out, and read better in a log."""


class Place(Expression):
    """Where a value will stand that is told later: the right side of a lookup; of many values where that is `__in`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


class _InArray(In):
    """Whole numbers and texts only, and only where the values stand there; everything else is Django's."""

    def get_prep_lookup(self) -> Any:
        # What is a whole number already needs no preparing, one by one.
        return self.rhs if _alike(self.rhs) is int else super().get_prep_lookup()

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        if isinstance(self.rhs, Place):
            lhs, parameters = self.process_lhs(compiler, connection)
            return f"{lhs} = ANY(%s::{self._array(connection)})", [*parameters, self.rhs]
        kind = _alike(self.rhs)
        values = list(dict.fromkeys(self.rhs)) if kind else []
        if not kind or (kind is int and not self._fit(values, connection)):
            return super().as_sql(compiler, connection)
        lhs, parameters = self.process_lhs(compiler, connection)
        array = f"{{{','.join(map(str, values))}}}" if kind is int else values
        return f"{lhs} = ANY(%s)", [*parameters, array]

    def _array(self, connection: Any) -> str:
        field = self.lhs.output_field
        cast = getattr(field, "target_field", field).cast_db_type(connection)
        # A cast to a length would cut what is longer, and find it.
        return "text[]" if cast.startswith("varchar") else f"{cast}[]"

    def _fit(self, values: list[int], connection: Any) -> bool:
        """An array holds values of the column's own type; a greater number than it can hold is no error in `IN`."""
        field = self.lhs.output_field
        low, high = connection.ops.integer_field_range(getattr(field, "target_field", field).get_internal_type())
        return bool(low <= min(values) and max(values) <= high)


class _RelatedInArray(_InArray, RelatedIn):
    """The same for a reference."""


def _alike(values: Any) -> type | None:
    """int or str where there are many values, all of that type; else None."""
    if not isinstance(values, Collection) or isinstance(values, str | bytes) or len(values) < MANY:
        return None
    kinds = set(map(type, values))
    kind = kinds.pop()
    return kind if not kinds and kind in (int, str) else None


def install() -> None:
    """From now on, for every model."""
    for field in (IntegerField, CharField, TextField):
        field.register_lookup(_InArray)
    ForeignKey.register_lookup(_RelatedInArray)
