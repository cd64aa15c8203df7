"""The lists of the day, the week and the month: read from the rows, ticked by people, run by the command."""

import html
import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.messages import get_messages
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config import ops
from orders.models import Delivery, Import, Payout
from profiles import clock
from profiles.actors import Actor, NotPermitted
from profiles.models import AuditEntry
from support import checklists as rules
from support.actions import checklists as ticks
from support.checklists import Cadence
from support.models import ChecklistTick, ReconcileRun
from support.queries import checklists
from tests.desk import Desk, Sign

BERLIN = ZoneInfo("Europe/Berlin")


def live(desk: Desk, cadence: Cadence) -> dict[str, checklists.Live]:
    with desk.inside():
        return {row.item.code: row for row in checklists.of(cadence, desk.stage.organization, clock.now())}


@pytest.mark.parametrize(
    ("cadence", "at", "first"),
    [
        (Cadence.DAILY, datetime(2026, 11, 21, 22, 59, tzinfo=UTC), date(2026, 11, 21)),
        (Cadence.DAILY, datetime(2026, 11, 21, 23, 0, tzinfo=UTC), date(2026, 11, 22)),
        (Cadence.WEEKLY, datetime(2026, 11, 22, 12, 0, tzinfo=UTC), date(2026, 11, 16)),
        (Cadence.WEEKLY, datetime(2026, 11, 22, 23, 0, tzinfo=UTC), date(2026, 11, 23)),
        (Cadence.MONTHLY, datetime(2026, 10, 31, 23, 30, tzinfo=UTC), date(2026, 11, 1)),
    ],
)
def test_a_period_begins_by_the_organizations_own_clock(cadence, at, first):
    assert rules.period(cadence, at, BERLIN) == first


def test_the_monthly_list_is_about_the_month_that_is_over():
    assert rules.last_month(datetime(2026, 1, 5, tzinfo=UTC), BERLIN) == (date(2025, 12, 1), date(2026, 1, 1))


def test_every_item_is_read_and_every_one_that_runs_by_itself_can_be_run():
    assert set(checklists.READERS) == set(rules.BY_CODE)
    assert set(ops.ACTS) == {item.code for item in rules.ITEMS if item.by_itself}


def test_a_state_follows_its_rows(desk):
    assert live(desk, Cadence.DAILY)["quarantined"].stand.well is True
    with desk.inside():
        Delivery.objects.update(state=Delivery.State.QUARANTINED)
    found = live(desk, Cadence.DAILY)["quarantined"].stand
    assert found.well is False and found.said.startswith("1 open.")


def test_payouts_wait_for_the_bank(desk):
    with desk.inside():
        row = Payout.objects.create(
            organization=desk.stage.organization, channel=desk.stage.channels["stripe"], external_id="po_1",
            status="paid", amount_minor=500, currency="EUR", at=clock.now() - timedelta(days=9), version=clock.now(),
            digest="x",
        )  # fmt: skip
    assert "1 of the last three months not confirmed" in live(desk, Cadence.WEEKLY)["bank"].stand.said
    with desk.inside():
        Payout.objects.filter(pk=row.pk).update(bank_minor=499)
    assert "another sum" in live(desk, Cadence.WEEKLY)["bank"].stand.said
    with desk.inside():
        Payout.objects.filter(pk=row.pk).update(bank_minor=500)
    assert live(desk, Cadence.WEEKLY)["bank"].stand.well is True


def test_a_tick_lasts_for_its_period_and_can_be_taken_back(desk, monkeypatch):
    finance = Actor(label="Finn", role="finance")
    with desk.inside():
        ticks.tick("report", desk.stage.organization, by=finance, because="Looked at it")
        ticks.tick("report", desk.stage.organization, by=finance, because="Twice")
        assert ChecklistTick.objects.count() == 1
    assert live(desk, Cadence.MONTHLY)["report"].tick.note == "Twice"
    with desk.inside():
        ticks.take_back("report", desk.stage.organization, by=finance, because="Not yet")
        with pytest.raises(ticks.NotTicked):
            ticks.take_back("report", desk.stage.organization, by=finance, because="Again")
    assert live(desk, Cadence.MONTHLY)["report"].tick is None
    with desk.inside():
        ticks.tick("report", desk.stage.organization, by=finance, because="Done")
    later = clock.now() + timedelta(days=40)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert live(desk, Cadence.MONTHLY)["report"].tick is None


def test_an_auditor_may_not_tick(desk):
    with desk.inside(), pytest.raises(NotPermitted):
        ticks.tick("report", desk.stage.organization, by=Actor(label="Ada", role="auditor"), because="No")


# The page ----------------------------------------------------------------------------------------------------------


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


@pytest.mark.parametrize("cadence", list(Cadence))
def test_each_list_is_drawn_with_its_items(desk: Desk, sign: Sign, cadence: Cadence) -> None:
    page = sign("auditor").get(desk.url("checklists"), {"list": cadence}).content.decode()
    for item in rules.of(cadence):
        assert html.escape(item.title) in page
    assert "Tick off" not in page, "an auditor reads only"


def test_a_page_costs_few_queries_whatever_it_counts(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    client.get(desk.url("checklists"))
    for cadence in Cadence:
        with CaptureQueriesContext(
            connection,
        ) as found:
            client.get(desk.url("checklists"), {"list": cadence})
        assert len(found) <= 40, cadence


def test_an_item_is_ticked_and_taken_back_at_the_desk(desk: Desk, sign: Sign) -> None:
    client = sign("finance")
    opened = client.get(desk.act("tick", desk.stage.organization.pk), {"item": "report"}).content.decode()
    assert "report was looked at" in opened
    answer = desk.press(client, "tick", desk.stage.organization.pk, item="report", because="Looked at every figure")
    assert "ticked off" in said(answer)
    page = client.get(desk.url("checklists"), {"list": "monthly"}).content.decode()
    assert "Looked at every figure" in page and "Take back" in page
    assert "open again" in said(desk.press(client, "untick", desk.stage.organization.pk, item="report"))


def test_an_item_that_is_none_is_refused(desk: Desk, sign: Sign) -> None:
    answer = desk.press(sign("finance"), "tick", desk.stage.organization.pk, item="nothing")
    assert answer.status_code == 200 and not ChecklistTick._base_manager.exists()


# The command -------------------------------------------------------------------------------------------------------


def run(cadence: str, *arguments: str) -> Any:
    out = StringIO()
    call_command("ops", cadence, "--organization", "lantern", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_weekly_list_runs_what_can_be_run(desk, settings, tmp_path: Path):
    path = tmp_path / "orders.csv"
    path.write_text(
        "order_id,order_date,email,sku,quantity,currency,gross,fee,net,status\n"
        "1,2026-11-01,a@example.com,EBOOK-TIDE-EN,1,EUR,39.00,1.00,38.00,paid\n"
    )
    settings.OPS_ORDERS_FILES = (("csv:old-shop", str(path)),)
    told = run("weekly")
    items = {row["item"]: row for row in told["items"]}
    assert items["import"]["ran"] is True and items["import"]["ticked"]
    assert items["reconcile"]["well"] is True and items["files"]["well"] is True
    assert items["bank"]["ran"] is None and not items["bank"]["ticked"]
    with desk.inside():
        assert Import.objects.get().state == Import.State.DONE
        assert ReconcileRun.objects.get().state == ReconcileRun.State.DONE
        assert AuditEntry.objects.filter(action="checklist.ticked", actor_label="ops").count() >= 3


def test_a_file_that_is_not_there_is_told_and_stops_nothing(desk, settings):
    settings.OPS_ORDERS_FILES = (("csv:old-shop", "/nowhere/orders.csv"),)
    with pytest.raises(CommandError, match="import did not come out well"):
        run("weekly")
    with desk.inside():
        assert ChecklistTick.objects.get(item="import").failed
        assert not ChecklistTick.objects.get(item="reconcile").failed


def test_the_monthly_list_proves_the_ledger_and_tells_what_has_no_second(desk):
    with pytest.raises(CommandError, match="drill_email, drill_storage did not come out well"):
        run("monthly")
    with desk.inside():
        assert ChecklistTick.objects.get(item="proved").told == "The ledger agrees."
        assert ChecklistTick.objects.get(item="figures").told == "The boards agree."
        assert ChecklistTick.objects.get(item="drill_email").failed


def test_a_dry_run_only_says_how_it_stands(desk):
    told = run("daily", "--dry-run")
    assert [row["item"] for row in told["items"]] == [item.code for item in rules.of(Cadence.DAILY)]
    with desk.inside():
        assert not ChecklistTick.objects.exists()
