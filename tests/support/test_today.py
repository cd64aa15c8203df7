"""The first page: what needs me is the same, whether the database planned the question before or is asked it anew."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from profiles import clock
from support.models import Approval
from support.queries import dashboards, outflow
from tests.desk import Desk, Sign
from tests.support.test_lists import one_more_of_each


@pytest.mark.parametrize("streamed", [True, False])
def test_every_need_is_what_its_rows_are(desk: Desk, streamed: bool) -> None:
    one_more_of_each(desk, 1)
    with desk.stage.inside():
        later = clock.now() + timedelta(days=2)
        told = (later, later - timedelta(days=30), later, outflow.late_before(later), 0, [*Approval.Kind.values])
        counted = dashboards._NEEDS[streamed](*told)
        expected = {
            one.key: (
                one.rows.values(one.what).distinct().count(),
                one.rows.order_by(one.at).values_list(one.at).first(),
            )
            for one in dashboards._wanted(*told, streamed=streamed)
        }
    assert expected.keys() == dashboards.SHOWN.keys()
    found = {key: (count, (oldest,)) for key, count, oldest in counted if count}
    assert found == {key: answer for key, answer in expected.items() if answer[0]}
    assert len(found) >= 3 and ("streams" in found) is streamed


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
