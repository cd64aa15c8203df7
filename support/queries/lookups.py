"""Finding one row by an id somebody gave: another organization's is as unknown as one that never was."""

from typing import TypeVar

from django.db import models

from profiles.actors import NotFound
from profiles.models import Profile

LARGEST_ID = 2**63 - 1
Row = TypeVar("Row", bound=models.Model)


def found(rows: models.QuerySet[Row], pk: int) -> Row:
    """The row of this id; raises NotFound."""
    row = rows.filter(pk=pk).first() if 0 < pk <= LARGEST_ID else None
    if row is None:
        raise NotFound(f"There is no such {rows.model._meta.verbose_name} here.")
    return row


def profile(pk: int) -> Profile:
    """The customer of this id, or the one it was merged into: an absorbed id leads to its survivor for ever."""
    row = found(Profile.objects.select_related("merged_into"), pk)
    return row.merged_into or row
