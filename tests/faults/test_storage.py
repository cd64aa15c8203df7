"""What befalls the file store while customers download: closed ports, lost objects, addresses that expire."""

import urllib.request
from pathlib import Path
from typing import Any

import pytest

from config import files
from fulfillment.actions import stores
from fulfillment.models import Asset, DownloadSession, Email
from profiles import clock
from profiles.actors import Actor
from support.alarms import USUAL
from support.queries import troubles
from tests.fulfillment.test_downloads import Shop
from tests.servers import FileServer, free_port
from tests.stage import BOOK, Stage, sample

RUNS = 20


@pytest.fixture
def shop(s3: FileServer, db: None) -> Shop:
    made = Shop()
    made.buy()
    return made


def close_port(settings: Any, s3: FileServer) -> None:
    """Nobody listens where the first store was."""
    gone = files.bucket(s3.bucket, f"http://127.0.0.1:{free_port()}", s3.region, s3.key, s3.secret)
    settings.STORAGES = {**settings.STORAGES, "default": gone}


def alarms(stage: Stage) -> dict[str, str]:
    with stage.inside():
        return {one.key: one.sentence for one in troubles.found(USUAL, clock.now())}


def test_f31_intake_mail_and_desk_go_on_while_the_store_is_away_and_what_waited_is_delivered(
    shop: Shop, settings: Any, s3: FileServer
) -> None:
    well, path = settings.STORAGES, shop.link(uses=1)
    close_port(settings, s3)
    body = sample("shopify/orders-paid.json")
    for number in range(3):
        body["id"] += 1
        answer = shop.post("shopify", body, topic="orders/paid", delivery=str(body["id"]))
        assert answer.status_code == 200, f"order {number} is taken in"
    shop.work()
    for _ in range(RUNS):
        assert shop.client.post(path).status_code == 503
    assert shop.used() == 0
    assert {"storage.outage", "storage.away"} <= set(alarms(shop))
    settings.STORAGES = well
    with shop.inside():
        stores.switch_back(by=Actor(label="Eva", role="engineer"), because="it is well")
        before = Email.objects.count()
    shop.work()
    assert shop.client.post(path).status_code == 303 and shop.used() == 1
    with shop.inside():
        assert Email.objects.count() >= before
    assert "storage.away" not in alarms(shop) and "storage.outage" not in alarms(shop)


def test_f31_with_a_second_store_it_is_a_warning_and_not_an_incident(
    s3: FileServer, settings: Any, db: None, tmp_path: Path
) -> None:
    settings.STORAGES = {**settings.STORAGES, "second": files.folder(tmp_path / "second")}
    shop = Shop()
    shop.buy()
    close_port(settings, s3)
    for _ in range(RUNS):
        assert shop.client.post(shop.link()).status_code == 303
    found = alarms(shop)
    assert "storage.store" in found and "storage.away" not in found and "taken over" in found["storage.store"]


def test_f32_an_object_that_is_gone_or_another_uses_nothing_up(shop: Shop, s3: FileServer) -> None:
    with shop.inside():
        path = Asset.objects.get(product=shop.book).path
    link = shop.link(uses=1)
    kept = s3.client.get_object(Bucket=s3.bucket, Key=path)
    body, metadata = kept["Body"].read(), kept["Metadata"]
    for number in range(RUNS):
        if number % 2:
            s3.client.delete_object(Bucket=s3.bucket, Key=path)
        else:
            s3.client.put_object(Bucket=s3.bucket, Key=path, Body=body, Metadata={"sha256": "0" * 64})
        answer = shop.client.post(link)
        assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert shop.used() == 0
    s3.client.put_object(Bucket=s3.bucket, Key=path, Body=body, Metadata=metadata)
    assert shop.client.post(link).status_code == 303 and shop.used() == 1


def test_f33_who_returns_with_an_expired_address_gets_another_within_one_use(shop: Shop) -> None:
    session = shop.client.post(shop.link(uses=1))["Location"]
    got = b""
    for _ in range(RUNS):
        if len(got) == len(BOOK):
            break
        address = shop.client.get(session)["Location"]
        ask = urllib.request.Request(address, headers={"Range": f"bytes={len(got)}-{len(got) + 4}"})
        with urllib.request.urlopen(ask, timeout=10) as answer:
            assert answer.status == 206
            got += answer.read()
    assert got == BOOK and shop.used() == 1
    with shop.inside():
        assert DownloadSession.objects.get().requests > 1


def test_row_68_a_thousand_looks_use_nothing_up_and_ask_no_store(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shop.link(uses=1)

    def asked(*_: Any, **__: Any) -> None:
        raise AssertionError("a look asks no store")

    monkeypatch.setattr("fulfillment.storages.inspect", asked)
    for _ in range(250):
        for look in (shop.client.get, shop.client.head):
            assert look(path).status_code == look(f"{path}/all").status_code == 200
    assert shop.used() == 0
