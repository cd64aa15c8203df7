"""Events told at the same moment: each is stored once, and what is derived of them misses none."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection

from attribution.actions import intents
from attribution.models import ProductIntent
from profiles import bulk, locks
from profiles.actions import events
from profiles.events import Told
from profiles.models import Event, Profile
from tests.events import event, tell
from tests.faults.crowd import at_once
from tests.stage import Stage

pytestmark = pytest.mark.django_db(transaction=True)
WRITERS = 6


@pytest.fixture
def stage() -> Stage:
    return Stage()


def told(stage: Stage) -> Told:
    tell(stage, event("first", email="ada@example.org"))
    with stage.inside():
        known = Event.objects.get()
    return Told(event_id="e-1", type="cart", occurred_at=known.occurred_at, source=known.source, payload={"sku": "X"})


def press(stage: Stage, one: Told) -> Callable[[], int]:
    def run() -> int:
        with stage.inside(), connection.cursor() as cursor:
            (row,) = events.record([one], organization=stage.organization).rows
            cursor.execute("SELECT pg_sleep(0.3)")
            return int(row.pk)

    return run


def test_one_event_told_by_six_is_stored_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    found = at_once([press(stage, told(stage))] * WRITERS)
    assert len(set(found)) == 1 and all(isinstance(pk, int) for pk in found)
    whole = bulk.insert
    monkeypatch.setattr(bulk, "insert", lambda model, rows, **_: whole(model, rows))
    with stage.inside():
        Event.objects.all().delete()
    found = at_once([press(stage, told(stage))] * WRITERS)
    assert [one for one in found if isinstance(one, IntegrityError)], "the control: a plain insert meets the others'"


def test_two_batches_of_one_customer_miss_no_signal(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The later has to see what the earlier wrote, or its older view becomes the intent."""
    tell(stage, *(event(n, "product_view", email="ada@example.org", payload={"sku": "X"}) for n in range(2)))
    with stage.inside():
        profile_id, (one, other) = Profile.objects.get().pk, Event.objects.order_by("pk").values_list("pk", flat=True)

    def batch(pk: int, days: int, *, after: float) -> Callable[[], None]:
        def run() -> None:
            with stage.inside(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(%s)", [after])
                row = Event.objects.get(pk=pk)
                Event.objects.filter(pk=pk).update(occurred_at=row.occurred_at - timedelta(days=days))
                intents.settle([profile_id])
                cursor.execute("SELECT pg_sleep(0.5)")

        return run

    def agrees() -> bool:
        with stage.inside():
            row = ProductIntent.objects.get()
            (intent,) = intents.derive([profile_id]).intents.values()
            return (row.first_at, row.last_at, row.points) == (intent.first_at, intent.last_at, intent.points)

    at_once([batch(one, 3, after=0.0), batch(other, 5, after=0.2)])
    assert agrees()
    monkeypatch.setattr(locks, "numbered", lambda space, numbers: None)
    at_once([batch(one, 7, after=0.0), batch(other, 11, after=0.2)])
    assert not agrees(), "the control: without the lock the first is lost"
