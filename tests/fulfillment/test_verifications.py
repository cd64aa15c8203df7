"""Reading every file on sale: repaired from the good copy, told where it is wrong, and never overwritten."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config import files, filing, schedules
from fulfillment.actions import stores, verifications
from fulfillment.models import Asset, Circuit
from fulfillment.storages import DEFAULT, SECOND
from profiles import clock
from profiles.actors import Actor
from profiles.models import AuditEntry
from support.alarms import USUAL
from support.queries import troubles
from tests.stage import BOOK, Stage

AGENT = Actor(label="Ann", role="agent")


@pytest.fixture
def places(settings: Any, tmp_path: Path) -> dict[str, Path]:
    """Two stores, each a folder."""
    found = {DEFAULT: tmp_path / "first", SECOND: tmp_path / "second"}
    settings.STORAGES = {**settings.STORAGES, **{alias: files.folder(place) for alias, place in found.items()}}
    return found


@pytest.fixture
def stage(places: dict[str, Path], db: None) -> Stage:
    return Stage()


def verify(stage: Stage) -> Asset:
    """Have everything read now; the book as it then stands."""
    with stage.inside():
        verifications.request(by=AGENT, because="after the outage")
    while filing.files(stage.organization.pk):
        pass
    with stage.inside():
        return Asset.objects.get(product=stage.book)


def told(stage: Stage) -> dict[str, Any]:
    with stage.inside():
        return AuditEntry.objects.filter(action="assets.verified").latest("pk").details


def alarm(stage: Stage) -> list[str]:
    with stage.inside():
        return [one.sentence for one in troubles.found(USUAL, clock.now()) if one.key == "assets.fault"]


def test_what_is_whole_is_said_to_be_whole(stage: Stage) -> None:
    book = verify(stage)
    assert (book.verdicts, book.fault, book.verify_at) == ({DEFAULT: "whole", SECOND: "whole"}, "", None)
    assert book.verified_at is not None and alarm(stage) == []
    assert told(stage) == {
        "files": 2, "at_fault": 0, "copied": 0, "whole": 4, "missing": 0, "damaged": 0, "unreachable": 0,
    }  # fmt: skip


@pytest.mark.parametrize("lacking", [DEFAULT, SECOND])
def test_what_one_store_lacks_is_copied_from_the_other(stage: Stage, places: dict[str, Path], lacking: str) -> None:
    with stage.inside():
        path = Asset.objects.get(product=stage.book).path
    (places[lacking] / path).unlink()
    book = verify(stage)
    assert (places[lacking] / path).read_bytes() == BOOK
    assert (book.verdicts[lacking], book.in_second, book.fault) == ("whole", True, "")
    assert told(stage)["copied"] == 1


def test_f32_what_is_damaged_is_told_and_not_overwritten_and_not_given_out(
    stage: Stage, places: dict[str, Path]
) -> None:
    with stage.inside():
        path = Asset.objects.get(product=stage.book).path
    (places[DEFAULT] / path).write_bytes(BOOK[::-1])
    book = verify(stage)
    assert (places[DEFAULT] / path).read_bytes() == BOOK[::-1]
    assert book.verdicts == {DEFAULT: "damaged", SECOND: "whole"} and "damaged in the first store" in book.fault
    assert stores.Health().where(book) == SECOND, "of the same size, so that only reading it tells"
    [sentence] = alarm(stage)
    assert "EBOOK-TIDE-EN" in sentence and path in sentence
    (places[DEFAULT] / path).write_bytes(BOOK)
    assert verify(stage).fault == "" and alarm(stage) == []


def test_f32_what_is_nowhere_is_told(stage: Stage, places: dict[str, Path]) -> None:
    with stage.inside():
        path = Asset.objects.get(product=stage.book).path
    for place in places.values():
        (place / path).unlink()
    book = verify(stage)
    assert set(book.verdicts.values()) == {"missing"} and not book.in_second and len(alarm(stage)) == 1


def test_a_store_that_is_away_says_nothing_of_the_file(stage: Stage, places: dict[str, Path]) -> None:
    places[DEFAULT].rename(places[DEFAULT].with_name("gone"))
    book = verify(stage)
    assert book.verdicts == {DEFAULT: "unreachable", SECOND: "whole"} and book.fault == ""
    assert Circuit.objects.get(provider="store:default").failures == 2, "learnt here as at a download"


def test_the_night_reads_each_file_once_and_only_what_is_on_sale(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with stage.inside():
        Asset.objects.exclude(product=stage.book).update(current=False)
        assert verifications.sweep(stage.organization.pk) == 1
        assert verifications.sweep(stage.organization.pk) == 0
    assert filing.files(stage.organization.pk) == 1 and filing.files(stage.organization.pk) == 0
    with stage.inside():
        assert verifications.sweep(stage.organization.pk) == 0, "it was read lately"
        monkeypatch.setattr(clock, "_offset", timedelta(days=1))
        assert verifications.sweep(stage.organization.pk) == 1
    assert any(one.name == "assets" and one.every == timedelta(days=1) for one in schedules.SCHEDULES)


def test_what_a_killed_worker_left_is_due_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with stage.inside():
        verifications.request(by=AGENT, because="after the outage")
        assert len(verifications.claim(10)) == 2 and not verifications.claim(10)
        monkeypatch.setattr(clock, "_offset", timedelta(minutes=31))
        assert len(verifications.claim(10)) == 2


def test_any_number_of_files_is_concluded_by_the_same_queries(stage: Stage) -> None:
    counts = []
    for number in (1, 8):
        for more in range(number):
            stage.product(f"MORE-{number}-{more}", "More", file=f"{number} {more}".encode())
        with stage.inside():
            verifications.request(by=AGENT, because="after the outage")
            seen = verifications.look(verifications.claim(100))
            with CaptureQueriesContext(connection) as queries:
                verifications.conclude(seen)
            counts.append(len(queries))
    assert counts[0] == counts[1]


def test_reading_stops_when_it_is_enough_and_the_rest_is_due_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filing, "AT_MOST_SECONDS", -1)
    with stage.inside():
        verifications.request(by=AGENT, because="after the outage")
    assert [filing.files(stage.organization.pk) for _ in range(3)] == [1, 1, 0]
    with stage.inside():
        assert not Asset.objects.filter(verified_at__isnull=True).exists()
