"""A download's button, pressed through Django's layers and past them: the same answer and count, by two statements."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from config.wsgi import application
from fulfillment.actions import downloads, links
from fulfillment.models import DownloadLink, DownloadSession, Entitlement, LinkRoute, Reach
from profiles import clock, prepared
from profiles.actors import Refusal
from tests.fulfillment.test_downloads import Shop, content
from tests.stage import BOOK, BY

AGENT = "Mozilla/5.0 (a reader)"
FROM = "203.0.113.77"
Told = tuple[int, dict[str, str], bytes]
Door = Callable[..., Told]


def by_django(path: str, *, method: str = "POST", **more: Any) -> Told:
    headers = {"User-Agent": AGENT}
    found: Any = Client(enforce_csrf_checks=True).generic(method, path, headers=headers, REMOTE_ADDR=FROM, **more)
    return found.status_code, dict(found.items()), found.content


def past_django(path: str, *, method: str = "POST", **more: Any) -> Told:
    headers = {"User-Agent": AGENT, "Host": "testserver"}
    environ = dict(RequestFactory().generic(method, path, headers=headers, REMOTE_ADDR=FROM).environ) | more
    told: list[Any] = []
    pieces = application(environ, lambda status, fields: told.extend([status, fields]))
    return int(told[0].split()[0]), dict(told[1]), b"".join(pieces)


@pytest.fixture(params=[by_django, past_django])
def door(request: Any, db: None, monkeypatch: pytest.MonkeyPatch) -> Door:
    # The test's own transaction would look like one that a request forgot.
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)
    found: Door = request.param
    return found


@pytest.fixture
def shop(db: None) -> Shop:
    made = Shop()
    made.buy()
    return made


def test_a_press_counts_logs_and_leads_to_the_file(shop: Shop, door: Door) -> None:
    status, headers, body = door(shop.link(uses=1))
    assert (status, body) == (303, b"")
    assert content(shop.client.get(headers["Location"])) == BOOK
    assert shop.used() == 1
    with shop.inside():
        session = DownloadSession.objects.get()
        assert (session.agent, session.address) == (AGENT, "203.0.113.0/24"), "the network and not the address"
        assert session.asset and session.expires_at - session.started_at == timedelta(minutes=30)


def test_both_ways_say_the_same_of_themselves(shop: Shop, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)
    one, other = by_django(shop.link())[1], past_django(shop.link())[1]
    own = {"Location", "X-Request-ID", "Content-Security-Policy"}
    assert {k: v for k, v in one.items() if k not in own} == {k: v for k, v in other.items() if k not in own}
    assert own <= set(one) and own <= set(other)
    assert "default-src 'none'" in other["Content-Security-Policy"]
    settings.SECURE_HSTS_SECONDS = 100
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    safe = {"wsgi.url_scheme": "https"}
    name = "Strict-Transport-Security"
    assert by_django(shop.link(), **safe)[1][name] == past_django(shop.link(), **safe)[1][name]


def test_only_a_press_of_a_living_link_gives_a_file(shop: Shop, door: Door) -> None:
    path = shop.link(uses=1)
    assert door(path, method="GET")[0] == door(path, method="HEAD")[0] == 200
    assert door(path, method="PUT")[0] == 405
    assert door("/download/" + "0" * 64)[0] == door(f"{path}/999999")[0] == door(f"{path}/{'9' * 30}")[0] == 404
    assert shop.used() == 0
    assert door(path)[0] == 303
    status, _, page = door(path)
    assert status == 410 and b"used" in page and shop.used() == 1


def test_over_plain_http_and_under_a_foreign_name_nothing_is_counted(
    shop: Shop, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)
    settings.SECURE_SSL_REDIRECT = True
    monkeypatch.setattr("config.wsgi._django", lambda environ, start: start("400 Of Django", []) or [b""])
    assert past_django(shop.link())[0] == 400
    settings.SECURE_SSL_REDIRECT = False
    assert past_django(shop.link(), HTTP_HOST="elsewhere.example")[0] == 400
    assert shop.used() == 0
    assert past_django(shop.link())[0] == 303


def test_a_link_pressed_by_a_machine_rests(shop: Shop, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "USES_AN_HOUR", 2)
    path = shop.link()
    assert [door(path)[0] for _ in range(3)] == [303, 303, 429]
    assert door(path)[1]["Retry-After"] == "3600" and shop.used() == 2
    monkeypatch.setattr(clock, "_offset", timedelta(minutes=61))
    assert door(path)[0] == 303


@pytest.mark.parametrize("before", [0, 60])
def test_a_press_is_two_statements_whatever_went_before(shop: Shop, door: Door, before: int) -> None:
    path = shop.link()
    for _ in range(before):
        door(path)
    with CaptureQueriesContext(connection) as captured:
        assert door(path)[0] == 303
    assert len(captured) == 2, [query["sql"] for query in captured]


def test_who_was_not_reached_and_fetches_the_file_is_looked_at_again(shop: Shop, door: Door) -> None:
    with shop.inside():
        order = Entitlement.objects.get().order
        Reach.objects.update_or_create(order=order, defaults={"organization": shop.organization, "why": "silent"})
        Reach.objects.update(due_at=None)
    assert door(shop.link())[0] == 303
    with shop.inside():
        assert Reach.objects.get(order=order).due_at <= clock.now()  # type: ignore[operator]


# Whether and why ------------------------------------------------------------------------------------------------


def test_the_database_counts_exactly_where_nothing_speaks_against_it(shop: Shop) -> None:
    """`fulfillment_gives` says whether and `links.check` says why: over every mixture of what ends a link."""
    secret = shop.link().rpartition("/")[2]
    now = clock.now()
    ends = (None, now - timedelta(seconds=1), now + timedelta(hours=1))
    given = 0
    with shop.inside():
        for status, right_ends, revoked, link_ends, limit in itertools.product(
            Entitlement.Status.values, ends, (None, now), ends[1:], (None, 1, 2)
        ):
            Entitlement.objects.update(status=status, expires_at=right_ends)
            DownloadLink.objects.update(uses=1, use_limit=limit, revoked_at=revoked, expires_at=link_ends)
            link = DownloadLink.objects.select_related("entitlement").latest("pk")
            allowed = True
            try:
                links.check(link)
            except Refusal:
                allowed = False
            given += allowed
            said = f"{status} {right_ends} {revoked} {link_ends} {limit}"
            assert (downloads.find(secret) is not None) is allowed, said
            try:
                downloads.count(shop.organization.pk, link.pk, None, network="", agent="")
            except downloads.NotGiven:
                assert not allowed, said
            else:
                assert allowed, said
    assert given == 2 * 2 * 2, "waiting or active, not ended, not revoked, not used up"


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_was_lost_is_not_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    shop.buy()
    path, whole, cut = shop.link(uses=5), prepared.fetch, [0]

    def cut_after_counting(statement: str, values: Any) -> Any:
        rows = whole(statement, values)
        if "count_use" in statement and not cut[0]:
            cut[0] += 1
            raise OperationalError("the connection was lost")
        return rows

    monkeypatch.setattr(prepared, "fetch", cut_after_counting)
    status, headers, _ = past_django(path)
    assert (status, cut, shop.used()) == (303, [1], 1)
    assert content(shop.client.get(headers["Location"])) == BOOK
    monkeypatch.setattr(LinkRoute.objects, "filter", lambda **_: LinkRoute.objects.none())
    cut[0] = 0
    assert past_django(path)[0] == 503, "the control: who does not look tells it again, and the database refuses"
    monkeypatch.undo()
    assert shop.used() == 2


def test_a_file_that_has_no_store_uses_nothing_up(shop: Shop, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fulfillment.actions.stores.having", lambda asset: ())
    status, headers, _ = door(shop.link(uses=1))
    assert (status, headers["Retry-After"], shop.used()) == (503, "60", 0)


def test_a_stranger_counts_nothing_on_our_link(shop: Shop) -> None:
    with shop.inside():
        link = links.make_temporary(Entitlement.objects.get(), by=BY, because="asked for").link
    with pytest.raises(downloads.NotGiven):
        downloads.count(shop.organization.pk + 1, link.pk, None, network="", agent="")
    assert shop.used() == 0
