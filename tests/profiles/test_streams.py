"""The outbox of the event streams: what is told, what is told once, and in which order."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config import publishing
from profiles import clock
from profiles.actions import outbox, streams
from profiles.actions.streams import Entry
from profiles.models import Review, StreamBacklog, StreamCircuit, StreamEntry
from tests.profiles.people import People
from tests.servers import RedisServer

AT = datetime(2026, 11, 1, 9, tzinfo=UTC)
AS_SHIPPED = streams._PUBLISH


@pytest.fixture
def people(db: None) -> People:
    return People()


def entry(subject: str = "order:1", state: str = "paid", *, profile: int | None = None, **more: Any) -> Entry:
    return Entry(more.pop("topic", streams.NORMALIZED), "order.updated", subject, profile, AT, {"state": state, **more})


def tell(people: People, *entries: Entry) -> None:
    with people.inside():
        streams.publish(entries, organization_id=people.organization.pk)


def told(people: People, topic: str = streams.NORMALIZED) -> list[StreamEntry]:
    with people.inside():
        return list(StreamEntry.objects.filter(topic=topic).order_by("pk"))


# Once ------------------------------------------------------------------------------------------------------------


def test_what_was_said_last_is_not_said_again(people: People) -> None:
    for state in ("paid", "paid", "refunded", "refunded", "paid"):
        tell(people, entry(state=state))
    assert [(row.revision, row.payload) for row in told(people)] == [
        (1, '{"state":"paid"}'),
        (2, '{"state":"refunded"}'),
        (3, '{"state":"paid"}'),
    ]


def test_a_change_of_customer_is_news(people: People) -> None:
    one, two = people.buy(1, email="a@example.org"), people.buy(2, email="b@example.org")
    for owner in (one, one, two):
        tell(people, entry(profile=owner))
    assert [row.profile_id for row in told(people) if row.subject == "order:1"] == [one, two]


def test_an_event_has_one_id_and_no_other_has_it(people: People) -> None:
    other = People("other")
    for where in (people, other):
        tell(where, entry(state="paid"), entry("order:2"), entry(state="refunded"))
    ids = [row.event_id for where in (people, other) for row in told(where)]
    assert len(set(ids)) == 6
    assert [row.event_id for where in (people, other) for row in told(where)] == ids


WORDS = st.lists(st.tuples(st.integers(1, 3), st.sampled_from("abc")), max_size=12)


@given(WORDS, st.integers(1, 12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_it_is_batched_each_change_is_told_once(people: People, words: list[Any], size: int) -> None:
    with transaction.atomic():
        for first in range(0, len(words), size):
            tell(people, *(entry(f"order:{n}", state) for n, state in words[first : first + size]))
        wanted: dict[str, list[str]] = {}
        for number, state in words:
            said = wanted.setdefault(f"order:{number}", [])
            if said[-1:] != [state]:
                said.append(state)
        found: dict[str, list[str]] = {}
        for row in told(people):
            found.setdefault(row.subject, []).append(row.payload[10:11])
        assert found == wanted
        transaction.set_rollback(True)


def test_a_thousand_cost_one_statement_as_one_does(people: People) -> None:
    def statements(count: int) -> int:
        with people.inside(), CaptureQueriesContext(connection) as captured:
            entries = [entry(f"order:{count}-{n}") for n in range(count)]
            streams.publish(entries, organization_id=people.organization.pk)
        return len(captured)

    assert statements(1) == statements(1000) == 1


def test_what_did_not_happen_is_not_told(people: People) -> None:
    with pytest.raises(RuntimeError), people.inside():
        streams.publish([entry()], organization_id=people.organization.pk)
        raise RuntimeError("and so it is rolled back")
    assert told(people) == []


def test_no_organization_sees_anothers_events(people: People) -> None:
    tell(people, entry())
    assert told(People("other")) == []


# What is told ----------------------------------------------------------------------------------------------------


def test_settling_again_tells_nothing_and_a_change_tells_the_order_anew(people: People) -> None:
    people.buy(1, email="a@example.org")
    people.buy(1, email="a@example.org")
    assert len(told(people)) == 1
    people.buy(1, email="a@example.org", total="12.00", version=3)
    assert [row.revision for row in told(people)] == [1, 2]


def test_a_chat_is_told_without_what_was_written(people: People) -> None:
    people.chat("c-1", email="a@example.org")
    people.chat("c-1", email="a@example.org")
    (row,) = told(people)
    assert row.type == "conversation.updated" and row.profile_id is not None and "messages" not in row.payload


def test_a_merge_and_its_undo_are_told_and_whose_the_orders_are(people: People) -> None:
    one, two = people.buy(1, email="a@example.org"), people.buy(2, email="b@example.org")
    assert one and two
    merge = people.merge(one, two)
    people.undo(merge)
    assert [row.type for row in told(people, streams.MERGED)] == ["profile.merged", "profile.merge_undone"]
    orders = [row.profile_id for row in told(people) if row.subject.endswith("o-2")]
    assert orders == [two, one, two]


def test_a_review_is_told_once(people: People) -> None:
    for number, address in enumerate(("a", "b", "c", "d"), 1):
        people.buy(number, email=f"{address}@example.org")
        people.buy(10 + number, email=f"{address}@example.org", phone=f"+4930901820{number:02d}")
    one, two = people.standing()[:2]
    people.undo(people.merge(one, two))
    for version in (1, 2):
        people.buy(99, email="a@example.org", phone="+493090182002", version=version)
    with people.inside():
        review = Review.objects.get()
    (row,) = told(people, streams.REVIEW)
    assert row.subject == f"review:{review.pk}" and row.profile_id == review.profile_id


# In order --------------------------------------------------------------------------------------------------------


def two_at_once(people: People, server: RedisServer) -> list[str]:
    """One tells of a customer and takes its time; another tells of the same one meanwhile; then a publisher passes."""
    profile = people.buy(1, email="a@example.org")
    people.work()
    server.client.flushall()
    told_first, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with people.inside():
            streams.publish([entry("order:1", profile=profile)], organization_id=people.organization.pk)
            told_first.set()
            go_on.wait(20)
        connection.close()

    def second() -> None:
        tell(people, entry("order:2", profile=profile))
        connection.close()

    slow, quick = threading.Thread(target=first), threading.Thread(target=second)
    slow.start()
    told_first.wait(20)
    quick.start()
    quick.join(1.5)
    publishing.events(people.organization.pk)
    go_on.set()
    slow.join(20)
    quick.join(20)
    publishing.events(people.organization.pk)
    return [fields[b"subject"].decode() for _, fields in server.client.xrange(streams.NORMALIZED)]


@pytest.mark.django_db(transaction=True)
def test_of_one_customer_nothing_overtakes_what_came_before(redis_server: RedisServer) -> None:
    assert two_at_once(People(), redis_server) == ["order:1", "order:2"]


@pytest.mark.django_db(transaction=True)
def test_without_the_customers_lock_the_later_event_would_be_first(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the same two without the lock are swapped."""
    assert "FOR NO KEY UPDATE" in AS_SHIPPED
    monkeypatch.setattr(streams, "_PUBLISH", AS_SHIPPED.replace("FOR NO KEY UPDATE", ""))
    assert two_at_once(People(), redis_server) == ["order:2", "order:1"]


# Forgetting ------------------------------------------------------------------------------------------------------


def age(people: People, days: float, **which: Any) -> None:
    back = clock.real() - timedelta(days=days)
    with people.inside():
        StreamEntry.objects.filter(**which).update(published_at=back, recorded_at=back)


def test_after_its_time_the_payload_goes_and_what_was_said_last_is_still_known(people: People) -> None:
    tell(people, entry(state="paid"))
    tell(people, entry(state="refunded"), entry("delivery:1", topic=streams.RAW))
    age(people, 15)
    assert publishing.forget_all() == 3
    (left,) = told(people)
    assert (left.revision, left.payload) == (2, "") and told(people, streams.RAW) == []
    tell(people, entry(state="refunded"))
    assert len(told(people)) == 1, "that was said"
    tell(people, entry(state="paid"))
    assert [row.revision for row in told(people)] == [2, 3]
    assert publishing.forget_all() == 0


def test_what_waits_for_redis_is_kept_however_old(people: People, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    tell(people, entry())
    age(people, 100)
    with people.inside():
        StreamEntry.objects.update(published_at=None)
    assert publishing.forget_all() == 0
    settings.REDIS_URL = ""
    assert publishing.forget_all() == 1, "where there is none, nobody reads it"


def test_many_that_fail_at_once_count_as_one_failure(people: People) -> None:
    with people.inside():
        for _ in range(5):
            outbox.failed("Connection refused")
    assert StreamCircuit.objects.get().failures == 1


def test_the_figures_say_how_long_the_oldest_waits(people: People) -> None:
    assert outbox.backlog_seconds() is None
    tell(people, entry())
    with people.inside():
        StreamEntry.objects.update(recorded_at=clock.real() - timedelta(minutes=5))
        outbox.failed("Connection refused")
        assert outbox.rests()
    age_now = outbox.backlog_seconds()
    assert age_now is not None and 299 < age_now < 320
    with people.inside():
        outbox.worked(people.organization.pk, all_of_it=True)
        assert not outbox.rests()
    assert not StreamBacklog.objects.exists()
