"""F46: Redis goes away under load, publishers are killed after its yes: nothing is missing, nothing swapped."""

import json
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from config import drains, dues, publishing, settling
from profiles import clock
from profiles.actions import outbox, streams
from profiles.models import StreamCircuit, StreamEntry
from tests.faults.crowd import at_once
from tests.profiles.people import People
from tests.servers import RedisServer, run_script, temporary_folder
from tests.stage import BY, Stage, sample

pytestmark = pytest.mark.django_db(transaction=True)


class KeptRedis(RedisServer):
    """It writes everything down before it says yes, so that a stop loses nothing it had taken."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = temporary_folder()
        self.arguments = ("--appendonly", "yes", "--appendfsync", "always", "--dir", str(self.folder))


@pytest.fixture
def redis(settings: Any) -> Iterator[KeptRedis]:
    if not RedisServer.program():
        pytest.skip("redis-server is not installed (apt-get install redis-server)")
    server = KeptRedis()
    settings.REDIS_URL = server.url
    with server:
        yield server
    shutil.rmtree(server.folder, ignore_errors=True)


def came_back() -> None:
    """As time would have it: the next try is due."""
    StreamCircuit.objects.update(retry_at=None)


def read(server: RedisServer, stream: str) -> list[dict[str, str]]:
    return [{n.decode(): v.decode() for n, v in fields.items()} for _, fields in server.client.xrange(stream)]


def once(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """What a consumer is left with that takes each id once."""
    return list({row["id"]: row for row in rows}.values())


def wanted(people: People, topic: str = streams.NORMALIZED) -> list[StreamEntry]:
    with people.inside():
        return list(StreamEntry.objects.filter(topic=topic).order_by("pk"))


def faults(people: People, server: RedisServer) -> list[str]:
    """What is missing, strange or swapped; nothing where all is well."""
    found = []
    for topic in (streams.RAW, streams.NORMALIZED):
        entries, rows = wanted(people, topic), once(read(server, topic))
        ids = {str(entry.event_id) for entry in entries}
        found += [f"missing {one}" for one in ids - {row["id"] for row in rows}]
        found += [f"nobody's {row['id']}" for row in rows if row["id"] not in ids]
        for profile in {entry.profile_id for entry in entries if entry.profile_id}:
            told = [str(entry.event_id) for entry in entries if entry.profile_id == profile]
            if told != [row["id"] for row in rows if row["profile"] == str(profile)]:
                found.append(f"customer {profile} is out of order")
    with people.inside():
        if waiting := StreamEntry.objects.filter(published_at__isnull=True).count():
            found.append(f"{waiting} wait")
    return found


# Redis away ------------------------------------------------------------------------------------------------------


def test_redis_stopped_under_load_and_everything_arrives_afterwards(redis: KeptRedis) -> None:
    people, chance, ending = People(), random.Random(7), threading.Event()
    sent: list[int] = []
    slowest: list[float] = []

    def sell() -> None:
        while not ending.is_set():
            number = chance.randrange(1, 25)
            began = time.monotonic()
            people.send(number, version=len(sent) % 60, total=f"{len(sent) + 1}.00", email=f"p{number % 6}@example.org")
            slowest.append(time.monotonic() - began)
            sent.append(number)
            time.sleep(0.01)
        connection.close()

    def work() -> None:
        while not ending.is_set():
            drains.round_of(people.organization.pk)
        connection.close()

    threads = [threading.Thread(target=one) for one in (sell, work, work)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        time.sleep(1.5)
        redis.stop()
        time.sleep(2.5)
        redis.start()
    time.sleep(1)
    ending.set()
    for thread in threads:
        thread.join(60)
    came_back()
    people.work()
    assert len(sent) > 100 and max(slowest) < 2
    assert faults(people, redis) == []


def test_without_redis_intake_settling_and_the_worker_go_on_and_idle_is_idle(redis: KeptRedis) -> None:
    redis.stop()
    stage = Stage()
    began = time.monotonic()
    assert stage.post("stripe", sample("stripe/checkout.session.completed.json")).status_code == 200
    settling.work(stage.organization.pk)
    assert time.monotonic() - began < 15, "what waits for Redis is not work that is due"
    assert [order["payment_status"] for order in stage.snapshot()["orders"]] == ["paid"]
    unclaimed, claimed = dues.outlook(stage.organization.pk)
    circuit = StreamCircuit.objects.get()
    assert claimed is None and unclaimed == circuit.retry_at and circuit.failures == 1
    assert "Connection" in circuit.last_error
    redis.start()
    assert drains.round_of(stage.organization.pk) == 0, "it rests until the next try"
    came_back()
    stage.work()
    assert len(read(redis, streams.NORMALIZED)) == 1 and not StreamCircuit.objects.filter(failures__gt=0).exists()


def test_the_rest_grows_and_is_never_longer_than_a_minute(redis: KeptRedis) -> None:
    redis.stop()
    people = People()
    people.buy(1, email="a@example.org")
    rests = []
    for _ in range(8):
        came_back()
        publishing.events(people.organization.pk)
        retry_at = StreamCircuit.objects.get().retry_at
        assert retry_at is not None
        rests.append(round((retry_at - clock.real()).total_seconds()))
    assert rests == [4, 8, 16, 32, 60, 60, 60, 60], "after the first of two seconds"


def test_a_full_redis_takes_none_of_a_batch_rather_than_some(redis: KeptRedis) -> None:
    people = People()
    redis.client.config_set("maxmemory", "1")
    for number in range(5):
        people.buy(number, email=f"p{number}@example.org")
    assert redis.client.exists(streams.RAW, streams.NORMALIZED) == 0
    assert "OutOfMemory" in StreamCircuit.objects.get().last_error
    redis.client.config_set("maxmemory", "0")
    came_back()
    people.work()
    assert faults(people, redis) == []


# Killed publishers -----------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
import django
django.setup()
from django.conf import settings
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from config import publishing
from profiles.actions import outbox
settings.REDIS_URL = sys.argv[3]
publishing.BATCH = 7
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
"""
AFTER_THE_YES = KILLED + "outbox.mark = die\npublishing.events(int(sys.argv[2]))\n"
NOTED_FIRST = KILLED + (
    "def note_and_die(entries, organization):\n"
    "    outbox.mark(entries)\n"
    "    connection.connection.commit()\n"
    "    die()\n"
    "publishing._send = note_and_die\npublishing.events(int(sys.argv[2]))\n"
)


def kill_publishers(people: People, redis: KeptRedis, script: str, times: int) -> None:
    database = str(connection.settings_dict["NAME"])
    for _ in range(times):
        arguments = (database, str(people.organization.pk), redis.url)
        process = run_script(script, *arguments, environ=dict(os.environ))
        _, errors = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, errors


def sold(redis: KeptRedis, settings: Any) -> People:
    """Customers who bought while no publisher ran."""
    people = People()
    settings.REDIS_URL = ""
    for number in range(30):
        people.send(number % 12, version=number, total=f"{number + 1}.00", email=f"p{number % 4}@example.org")
        if number % 5 == 0:
            people.work()
    people.work()
    settings.REDIS_URL = redis.url
    return people


def test_a_publisher_killed_after_redis_said_yes_doubles_ids_and_loses_none(redis: KeptRedis, settings: Any) -> None:
    people = sold(redis, settings)
    kill_publishers(people, redis, AFTER_THE_YES, 3)
    people.work()
    rows = read(redis, streams.RAW) + read(redis, streams.NORMALIZED)
    assert len(rows) > len(once(rows)), "what was cut off was sent again"
    by_id: dict[str, set[str]] = {}
    for row in rows:
        by_id.setdefault(row["id"], set()).add(json.dumps(row, sort_keys=True))
    assert all(len(words) == 1 for words in by_id.values()), "the same id says the same"
    assert faults(people, redis) == []


def test_noting_before_redis_says_yes_would_lose_events(redis: KeptRedis, settings: Any) -> None:
    """The control: the other way round, the same kill leaves gaps."""
    people = sold(redis, settings)
    kill_publishers(people, redis, NOTED_FIRST, 1)
    people.work()
    assert [fault for fault in faults(people, redis) if fault.startswith("missing")]


# Two publishers --------------------------------------------------------------------------------------------------


def publish_twice_at_once(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that begin together; whoever may send waits a moment, so that the other has read what waits."""
    send = publishing._send

    def slowly(*given: Any) -> None:
        time.sleep(0.7)
        send(*given)

    monkeypatch.setattr(publishing, "_send", slowly)
    found = at_once([lambda: publishing.events(people.organization.pk)] * 2)
    assert not [one for one in found if isinstance(one, Exception)]
    monkeypatch.setattr(publishing, "_send", send)


def test_two_publishers_take_turns_and_each_event_is_published_once(
    redis: KeptRedis, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = sold(redis, settings)
    publish_twice_at_once(people, monkeypatch)
    people.work()
    rows = read(redis, streams.NORMALIZED)
    assert len(rows) == len(once(rows)) and faults(people, redis) == []
    told = [entry.subject for entry in wanted(people)]
    assert [row["subject"] for row in rows] == told, "without a crash nothing is ever said again after newer word"


def test_without_the_turn_two_publishers_would_say_old_word_after_new(
    redis: KeptRedis, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without the lock of the organization the order in the stream is not that of the outbox."""
    people = sold(redis, settings)
    monkeypatch.setattr(outbox, "take_turn", lambda organization_id: True)
    publish_twice_at_once(people, monkeypatch)
    rows = read(redis, streams.NORMALIZED)
    assert len(rows) > len(once(rows))
    assert [row["subject"] for row in rows] != [entry.subject for entry in wanted(people)]


def test_the_api_answers_without_redis(redis: KeptRedis, settings: Any) -> None:
    """Its throttle counts in the shared cache, which is Redis where there is one."""
    from profiles.actions import organizations

    stage = Stage()
    options = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
    settings.CACHES = {
        "default": {"BACKEND": "config.caches.PatientRedisCache", "LOCATION": redis.url, "OPTIONS": options}
    }
    redis.stop()
    with stage.inside():
        token = organizations.issue_token(stage.organization, name="t", scopes=["*"], by=BY)
    answer = Client().get("/api/orders", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
