"""What could not be read from a provider, at the desk: seen, given access to, and read."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.messages import get_messages

from orders.actions import channels
from orders.models import Channel, Lookup, Order
from orders.queries import refunding
from tests.desk import Desk, Sign
from tests.orders.test_lookups import ETSY_PATH, KEY, RECEIPT, tell_etsy
from tests.shop_servers import ApiServer
from tests.stage import BY

ACCESS = {"keystring": "key", "shared_secret": "half", "access_token": "token-1", "shop_id": "52217734"}


@pytest.fixture
def etsy() -> Iterator[ApiServer]:
    with ApiServer({ETSY_PATH: RECEIPT}) as server:
        yield server


@pytest.fixture
def channel(desk: Desk) -> Channel:
    with desk.inside():
        found = channels.connect(desk.stage.organization, kind="etsy", domain="lantern", secret=KEY, by=BY)
    tell_etsy(found)
    desk.stage.work()
    return found


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def test_what_could_not_be_read_is_seen_wherever_one_looks(desk: Desk, sign: Sign, channel: Channel) -> None:
    client = sign("engineer")
    assert "Named and not read" in client.get(desk.url("index")).content.decode()
    assert "1 could not be read" in client.get(desk.url("orders_channel_changelist")).content.decode()
    page = client.get(desk.url("orders_lookup_changelist"), {"state__exact": "failed"}).content.decode()
    assert "3489120077" in page and "keystring" in page


def test_access_given_reads_what_waited(desk: Desk, sign: Sign, channel: Channel, etsy: ApiServer) -> None:
    client = sign("engineer")
    opened = client.get(desk.act("give_access", channel.pk)).content.decode()
    assert "1 thing that could not be read" in opened and 'name="refresh_token"' in opened
    answer = desk.press(client, "give_access", channel.pk, api_base=etsy.base + "/application", **ACCESS)
    assert "5 credentials were replaced" in said(answer)
    desk.stage.work()
    with desk.inside():
        assert Order.objects.filter(channel=channel).count() == 1
        channel.refresh_from_db()
        assert refunding.credentials(channel)["access_token"] == "token-1"
    again = client.get(desk.act("give_access", channel.pk)).content.decode()
    assert "token-1" not in again and "Given; empty keeps it." in again


def test_what_is_left_empty_is_kept(desk: Desk, sign: Sign, channel: Channel, etsy: ApiServer) -> None:
    client = sign("engineer")
    desk.press(client, "give_access", channel.pk, **ACCESS)
    desk.press(client, "give_access", channel.pk, access_token="token-2")
    with desk.inside():
        channel.refresh_from_db()
        known = refunding.credentials(channel)
    assert (known["keystring"], known["access_token"]) == ("key", "token-2")
    assert b"Nothing was given" in desk.press(client, "give_access", channel.pk).content


def test_an_agent_may_neither_give_access_nor_see_the_secret(desk: Desk, sign: Sign, channel: Channel) -> None:
    client = sign("agent")
    assert "may not" in said(client.get(desk.act("give_access", channel.pk)))
    assert json.dumps(KEY) not in client.get(desk.url("orders_channel_changelist")).content.decode()


def test_many_are_read_again_by_hand(desk: Desk, sign: Sign, channel: Channel, etsy: ApiServer) -> None:
    with desk.inside():
        channels.connect(
            desk.stage.organization, kind="etsy", domain="lantern", calls_provider=False, by=BY,
            credentials={**ACCESS, "api_base": etsy.base + "/application"},
        )  # fmt: skip
        row = Lookup.objects.get()
    client = sign("lead")
    answer = desk.press(client, "read_many", desk.stage.organization.pk, ids=str(row.pk))
    assert "1 thing is being read" in said(answer)
    desk.stage.work()
    with desk.inside():
        assert Lookup.objects.get().state == Lookup.State.DONE
