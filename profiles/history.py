"""Row history by triggers: what changed in a row, bulk statements and raw SQL included.

The audit log says who did what and why; this says what a row was before. Event tables are tenant tables like any other:
their migration puts them behind the wall with `tenancy.Secure`.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import pghistory
from django.db import models

Model = TypeVar("Model", bound=type[models.Model])


def tracked(name: str, *, without: Sequence[str] = ()) -> Callable[[Model], Model]:
    """Keep each former state of the model's rows, updates and deletions; `without` names fields never to be kept."""
    track: Callable[[Model], Model] = pghistory.track(
        pghistory.UpdateEvent(),
        pghistory.DeleteEvent(),
        model_name=name,
        exclude=list(without) or None,
        obj_field=pghistory.ObjForeignKey(db_index=False, related_name="history", db_constraint=False),
        # Who and why stand in the audit log, tied together by the act.
        context_field=None,  # type: ignore[arg-type]
        meta={
            "indexes": [
                models.Index(fields=["organization", "pgh_obj", "pgh_created_at"], name=f"{name.lower()}_of_row"[:30])
            ]
        },
    )
    return track
