"""What a row was before is kept by triggers: bulk statements and raw SQL leave their trace too."""

from typing import Any

import pytest
from django.db import connection

from fulfillment.models import Entitlement
from orders.models import Channel
from tests.stage import Stage, sample


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def test_a_bulk_statement_and_raw_sql_leave_the_former_state(stage: Stage) -> None:
    stage.post("stripe", sample("stripe/checkout.session.completed.json"))
    stage.work()
    with stage.inside():
        row: Any = Entitlement.objects.get()
        Entitlement.objects.filter(pk=row.pk).update(status="suspended")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE fulfillment_entitlement SET status = 'revoked' WHERE id = %s", [row.pk])
        assert [event.status for event in row.history.order_by("pgh_id")][-2:] == ["suspended", "revoked"]


def test_history_is_behind_the_wall_and_holds_no_secret(stage: Stage) -> None:
    with stage.inside():
        channel: Any = stage.channels["stripe"]
        Channel.objects.filter(pk=channel.pk).update(test=True)
        event = channel.history.get()
        assert not {"secret", "former_secret", "credentials"} & {field.name for field in event._meta.fields}
    stranger = Stage(slug="stranger")
    with stranger.inside():
        assert type(event).objects.count() == 0
