"""The health of the file stores: a dead one is left alone, the second takes over, and a person may switch."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages as configured
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config import files
from fulfillment import circuits, storages
from fulfillment.actions import jobs, stores
from fulfillment.models import Asset, Circuit, Job
from fulfillment.storages import DEFAULT, SECOND, Unreachable
from profiles import clock
from profiles.actors import Actor, NotPermitted
from profiles.models import AuditEntry
from tests.faults.crowd import at_once
from tests.fulfillment.test_downloads import Shop, content
from tests.servers import FileServer, free_port
from tests.stage import BOOK

ENGINEER = Actor(label="Eva", role="engineer")


@pytest.fixture
def second(s3: FileServer, settings: Any, tmp_path: Path) -> Path:
    """Two stores: the first is `s3`, the second this folder."""
    settings.STORAGES = {**settings.STORAGES, SECOND: files.folder(tmp_path / "second")}
    return tmp_path / "second"


@pytest.fixture
def shop(second: Path, db: None) -> Shop:
    made = Shop()
    made.buy()
    return made


@pytest.fixture
def cut(settings: Any, s3: FileServer) -> Callable[[], None]:
    """Close the port of the first store, as an outage does."""

    def close() -> None:
        gone = f"http://127.0.0.1:{free_port()}"
        options = files.bucket(s3.bucket, gone, s3.region, s3.key, s3.secret)
        settings.STORAGES = {**settings.STORAGES, DEFAULT: options}

    return close


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stores that are asked, in order."""
    found: list[str] = []
    whole = storages.inspect

    def inspect(alias: str, path: str, **options: Any) -> Any:
        found.append(alias)
        return whole(alias, path, **options)

    monkeypatch.setattr(storages, "inspect", inspect)
    return found


def circuit(alias: str = DEFAULT) -> Circuit:
    return Circuit.objects.get(provider=stores.PREFIX + alias)


def test_f31_the_second_store_takes_over_and_the_dead_one_is_soon_not_asked(
    shop: Shop, cut: Callable[[], None], asked: list[str]
) -> None:
    cut()
    for number in range(20):
        asked.clear()
        answer = shop.client.post(shop.link(), follow=True)
        assert answer.status_code == 200 and content(answer) == BOOK
        if number > circuits.FAILURES_TO_OPEN:
            assert DEFAULT not in asked, "nobody waits for a store that is known to be away"
    assert circuit().opened_at is not None and "reached" in circuit().last_error
    assert not Circuit.objects.filter(provider=stores.PREFIX + SECOND).exists(), "nothing is written while all is well"


def test_f31_without_a_second_store_the_page_says_so_and_uses_nothing_up(
    shop: Shop, cut: Callable[[], None], settings: Any
) -> None:
    settings.STORAGES = {name: value for name, value in settings.STORAGES.items() if name != SECOND}
    cut()
    path = shop.link(uses=1)
    for _ in range(20):
        answer = shop.client.post(path)
        assert (answer.status_code, answer["Retry-After"]) == (503, "60")
        assert shop.client.get(path).status_code == 200
    assert shop.used() == 0


def test_a_store_that_rested_is_tried_by_one_caller_and_used_again(
    shop: Shop, cut: Callable[[], None], asked: list[str], settings: Any
) -> None:
    well = settings.STORAGES
    cut()
    health = stores.Health()
    with shop.inside():
        asset = Asset.objects.get(product=shop.book)
    for _ in range(circuits.FAILURES_TO_OPEN):
        assert health.where(asset) == SECOND
    settings.STORAGES = well
    assert stores.Health().where(asset) == SECOND, "it rests"
    Circuit.objects.update(opened_at=clock.real() - timedelta(minutes=5))
    first, other = stores.Health(), stores.Health()
    assert first.may(DEFAULT)
    assert not other.may(DEFAULT) and other.inspect(DEFAULT, asset.path) == Unreachable(stores.RESTING)
    first.learn(DEFAULT, "")
    assert stores.Health().where(asset) == DEFAULT
    assert (circuit().failures, circuit().opened_at, circuit().probing_until) == (0, None, None)


def test_a_failed_probe_rests_longer(shop: Shop) -> None:
    Circuit.objects.create(provider="store:default", failures=3, opened_at=clock.real() - timedelta(minutes=5))
    health = stores.Health()
    assert health.may(DEFAULT)
    health.learn(DEFAULT, "it cannot be reached.")
    assert circuit().failures == 4 and not stores.Health().may(DEFAULT)


@pytest.mark.django_db(transaction=True)
def test_of_many_callers_one_probes() -> None:
    def probe() -> bool:
        return stores.Health().may(DEFAULT)

    for _ in range(5):
        Circuit.objects.all().delete()
        Circuit.objects.create(provider="store:default", failures=3, opened_at=clock.real() - timedelta(minutes=5))
        assert at_once([probe] * 8).count(True) == 1


@pytest.mark.django_db(transaction=True)
def test_the_control_without_the_comparison_many_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(8)

    def probe() -> bool:
        health = stores.Health()
        together.wait()
        allowed, _ = circuits.ask(health._state(DEFAULT), now=clock.real())
        return allowed

    Circuit.objects.create(provider="store:default", failures=3, opened_at=clock.real() - timedelta(minutes=5))
    assert at_once([probe] * 8).count(True) > 1


# By hand --------------------------------------------------------------------------------------------------------


def test_a_person_switches_and_back(shop: Shop, asked: list[str], second: Path) -> None:
    with shop.inside():
        asset = Asset.objects.get(product=shop.book)
        stores.switch(by=ENGINEER, because="the bucket is slow")
        assert stores.Health().switched() and stores.Health().away() == [DEFAULT]
        with pytest.raises(stores.AlreadySo):
            stores.switch(by=ENGINEER, because="once more")
    asked.clear()
    assert stores.Health().where(asset) == SECOND and asked == [SECOND]
    shop.product("EBOOK-LATER", "Later", file=b"later")
    with shop.inside():
        later = Asset.objects.get(product__sku="EBOOK-LATER")
        assert later.in_second and not configured[DEFAULT].exists(later.path) and (second / later.path).exists()
        stores.switch_back(by=ENGINEER, because="it is well")
        with pytest.raises(stores.AlreadySo):
            stores.switch_back(by=ENGINEER, because="once more")
        told = AuditEntry.objects.filter(action="storage.switched").order_by("pk")
        assert [row.details["to"] for row in told] == ["the second store", "the first store"]
    assert stores.Health().where(asset) == DEFAULT
    assert stores.Health().where(later) == SECOND, "what is in one store only is found there"


def test_what_failed_by_itself_is_used_at_once_when_a_person_says_so(shop: Shop) -> None:
    Circuit.objects.create(provider="store:default", failures=3, opened_at=clock.real())
    with shop.inside():
        stores.switch_back(by=ENGINEER, because="it is well")
    assert stores.Health().may(DEFAULT)


def test_who_may_not_connect_may_not_switch_and_where_there_is_none_nobody_can(shop: Shop, settings: Any) -> None:
    with shop.inside():
        with pytest.raises(NotPermitted):
            stores.switch(by=Actor(label="Ann", role="agent"), because="why not")
        settings.STORAGES = {name: value for name, value in settings.STORAGES.items() if name != SECOND}
        with pytest.raises(stores.NoSecond):
            stores.switch(by=ENGINEER, because="the bucket is slow")


def test_jobs_that_waited_go_on_with_the_switch(shop: Shop) -> None:
    with shop.inside():
        Job.objects.update(state=Job.State.PENDING_STORAGE, due_at=clock.now() + timedelta(hours=1))
        stores.switch(by=ENGINEER, because="the bucket is slow")
        assert Job.objects.get().due_at <= clock.now()


def test_files_in_the_first_store_alone_are_counted(shop: Shop) -> None:
    with shop.inside():
        assert stores.only_in_first() == 0
        Asset.objects.filter(product=shop.book).update(in_second=False)
        assert stores.only_in_first() == 1


# What it costs --------------------------------------------------------------------------------------------------


def test_a_download_reads_the_health_of_the_stores_only_where_one_is_in_trouble(shop: Shop) -> None:
    """Whether one is comes with the files themselves (`fulfillment_find_files`)."""
    path = shop.link()
    for failures, expected in ((0, 0), (1, 1)):
        Circuit.objects.update_or_create(provider=f"{stores.PREFIX}second", defaults={"failures": failures})
        with CaptureQueriesContext(connection) as told:
            assert shop.client.post(path).status_code == 303
        about = [query["sql"] for query in told if "fulfillment_circuit" in query["sql"]]
        assert len(about) == expected, about


def test_a_batch_of_jobs_asks_for_the_health_once(shop: Shop) -> None:
    with shop.inside():
        checked = jobs.files_of([Job.objects.get().pk])
    for product in range(50):
        checked.assets[-product] = checked.assets[shop.book.pk]
    with CaptureQueriesContext(connection) as told:
        jobs.inspect(checked)
    assert len(told) == 1


def test_a_look_at_a_store_waits_for_seconds_and_is_not_repeated(s3: FileServer) -> None:
    store: Any = configured[DEFAULT]
    config = store.looking.meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (2, 5, 1)
