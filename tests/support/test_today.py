"""The first page: what needs me is the same, whether the database planned the question before or is asked it anew."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from profiles import clock, prepared
from profiles.prepared_queries import spelled
from support.models import Approval
from support.queries import needs, outflow
from tests.desk import Desk, Sign
from tests.support.test_lists import one_more_of_each, unmapped


@pytest.mark.parametrize("streamed", [True, False])
def test_every_need_is_what_its_rows_are(desk: Desk, streamed: bool) -> None:
    one_more_of_each(desk, 1)
    with desk.stage.inside():
        later = clock.now() + timedelta(days=2)
        told = (later, later - timedelta(days=30), later, outflow.late_before(later), 0, [*Approval.Kind.values])
        names = ("before", "since", "parked_before", "late", "person", "decides")
        counted = prepared.fetch(needs._statement(streamed), {n: spelled(t) for n, t in zip(names, told, strict=True)})
        expected = {
            one.key: (
                one.rows.values(one.what).distinct().count(),
                one.rows.order_by(one.at).values_list(one.at).first(),
            )
            for one in needs._wanted(*told, streamed=streamed)
        }
    assert expected.keys() == needs.SHOWN.keys()
    found = {key: (count, (oldest,)) for key, count, oldest, more in counted if count and not more}
    assert found == {key: answer for key, answer in expected.items() if answer[0]}
    assert len(found) >= 3 and ("streams" in found) is streamed


def test_of_very_much_trouble_a_part_is_counted_and_the_page_says_so(
    desk: Desk, sign: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needs, "_statement", needs._statement.__wrapped__)  # written anew each time
    for number in (1, 2, 3):
        unmapped(desk, number)

    def shown(at_most: int) -> tuple[str, str]:
        monkeypatch.setattr(needs, "COUNTED_AT_MOST", at_most)
        page = sign("lead").get("/admin/").content.decode()
        row = page[page.index('data-need="unmapped"') :].split("</li>")[0]
        count = row.split('need__count">')[1].split("<")[0]
        return count, "oldest" if "oldest" in row else ""

    assert [shown(4), shown(3), shown(2)] == [("3", "oldest"), ("3", "oldest"), ("2+", "")]
    assert b"2+ open. Say which product it is." in sign("lead").get(desk.url("checklists")).content


def test_the_first_page_costs_the_same_whatever_waits(desk: Desk, sign: Sign) -> None:
    client = sign("lead")

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/admin/").status_code == 200
        return len(captured)

    asked()
    before = asked()
    one_more_of_each(desk, 1)
    assert asked() == before <= 16
