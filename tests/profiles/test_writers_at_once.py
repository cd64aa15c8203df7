"""Eight writers tell and settle customer events at the same moment: none is lost, none counted twice."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from config import drains
from profiles.actions import events, owners, turns
from profiles.events import Told
from profiles.models import Event, Identifier, Profile, SettlementRequest
from tests.faults.crowd import at_once
from tests.profiles.people import People, broken
from tests.profiles.test_remaining_links import by_customer, by_links, everybody

pytestmark = pytest.mark.django_db(transaction=True)
WRITERS, EVENTS, BATCH = 8, 10_000, 125
START = datetime(2026, 11, 1, tzinfo=UTC)


def told(number: int, identifiers: dict[str, str]) -> Told:
    return Told(
        event_id=f"w-{number}",
        source="api:manual",
        type="page_view",
        occurred_at=START + timedelta(seconds=number),
        identifiers=identifiers,
        payload={},
    )


def someone(chance: random.Random) -> dict[str, str]:
    """A person of 1,500 by one or two of their identifiers; now and then two people share a phone."""
    person = chance.randrange(1500)
    own = {
        "email": f"w{person}@example.org",
        "phone": f"+4930{9_000_000 + person // 2 if person % 50 == 0 else 9_100_000 + person}",
        "cookie_id": f"c{person}-{chance.randrange(2)}",
    }
    return {kind: own[kind] for kind in chance.sample(sorted(own), chance.choice([1, 2]))}


def test_ten_thousand_events_by_eight_writers_are_all_there_once(db: None) -> None:
    people = everybody("crowd")
    chance = random.Random(7)
    rows = [told(number, someone(chance)) for number in range(EVENTS)]
    parts = [rows[first : first + BATCH] for first in range(0, EVENTS, BATCH)]
    parts += chance.sample(parts, 8)  # some are told twice, and change nothing

    def write(part: list[Told]) -> Callable[[], None]:
        def run() -> None:
            turns.take(people.organization.pk, lambda: events.record(part, organization=people.organization))
            drains.settlements(people.organization.pk)

        return run

    found = at_once([write(part) for part in parts], threads=WRITERS)
    assert [answer for answer in found if answer is not None] == []
    people.work()
    with people.inside():
        assert Event.objects.count() == EVENTS and not Event.objects.filter(profile__isnull=True).exists()
        assert not SettlementRequest.objects.exclude(state="queued").exists()
        assert not Profile.objects.filter(merged_into__merged_into__isnull=False).exists()
        spelled = Counter(Identifier.objects.values_list("spelled", flat=True))
        assert max(spelled.values()) == 1
    assert by_customer(people) == by_links(people) and broken(people) == []


def meet(people: People, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Two writers settle an event of one new customer; each waits for the other before it writes who it is."""
    line, write = threading.Barrier(2), owners.flush

    def flush_together(*given: Any) -> None:
        try:
            line.wait(1.5)
        except threading.BrokenBarrierError:
            line.reset()
        write(*given)

    for number in (1, 2):
        with people.inside():
            events.record([told(number, {"email": "new@example.org"})], organization=people.organization)
            rows = list(Event.objects.filter(event_id=f"w-{number}").values_list("pk", flat=True))
            SettlementRequest.objects.all().delete()
        line_up.append(rows)
    monkeypatch.setattr(owners, "flush", flush_together)

    def settle(ids: list[int]) -> Callable[[], None]:
        def run() -> None:
            with people.inside():
                events.settle(ids, organization=people.organization)

        return run

    return at_once([settle(ids) for ids in line_up])


line_up: list[list[int]] = []


@pytest.fixture(autouse=True)
def nobody_in_line() -> None:
    line_up.clear()


def test_with_locks_on_the_identifiers_the_second_finds_whom_the_first_made(monkeypatch: pytest.MonkeyPatch) -> None:
    people = everybody("locked")
    assert meet(people, monkeypatch) == [None, None]
    assert len(people.standing()) == 1


def test_without_them_both_would_make_the_same_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: it fails as soon as the locks do nothing."""
    people = everybody("unlocked")
    monkeypatch.setattr(owners, "lock_keys", lambda keys: None)
    errors = [answer for answer in meet(people, monkeypatch) if answer is not None]
    assert [type(error) for error in errors] == [IntegrityError]
