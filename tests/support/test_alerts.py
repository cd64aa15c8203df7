"""Alerts: opened by what is wrong, told once to each place, graver ones again, closed by themselves."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections

from config import alerting, drains, schedules
from fulfillment.models import Circuit, Email, Job
from orders.models import Backfill, Channel
from profiles import bulk, clock, tenancy
from profiles.actors import Actor, Invalid
from profiles.models import Organization
from support import alarms
from support.actions import alerts
from support.models import Alert, AlertNotice
from tests.receivers import Receiver
from tests.servers import MailServer
from tests.stage import Stage, sample

LEAD = Actor(label="Lea Lead", role="lead")


@pytest.fixture
def stage(db: None) -> Stage:
    stage = Stage()
    with stage.inside():
        Organization.objects.update(support_email="care@lantern.example")
    return stage


def buy(stage: Stage) -> None:
    assert stage.post("stripe", sample("stripe/checkout.session.completed.json")).status_code == 200
    stage.work()


def age(stage: Stage, minutes: int, **fields: Any) -> None:
    with stage.inside():
        Job.objects.update(changed_at=clock.now() - timedelta(minutes=minutes), **fields)


def look(stage: Stage) -> alerts.Change:
    with stage.inside():
        return alerts.settle(stage.organization.pk)


def standing(stage: Stage) -> dict[str, Alert]:
    with stage.inside():
        return {alert.key: alert for alert in Alert.objects.filter(resolved_at__isnull=True)}


# What opens and closes one -----------------------------------------------------------------------------------------


def test_when_all_is_well_there_is_no_alert(stage: Stage) -> None:
    buy(stage)
    assert look(stage) == alerts.Change()
    assert standing(stage) == {}


@pytest.mark.parametrize(("minutes", "open_one"), [(4, False), (6, True)])
def test_a_job_is_stuck_after_five_minutes(stage: Stage, minutes: int, open_one: bool) -> None:
    buy(stage)
    age(stage, minutes, state=Job.State.PENDING_PROCESSING)
    look(stage)
    assert ("jobs.stuck" in standing(stage)) is open_one


def test_a_job_that_is_put_off_again_and_again_is_stuck_since_the_first_time(stage: Stage) -> None:
    buy(stage)
    age(stage, 9, state=Job.State.PENDING_STORAGE)
    with stage.inside():
        Job.objects.update(attempts=3)
        from fulfillment.actions import jobs

        jobs.postpone(Job.objects.get().pk, error="The file store does not answer.")
    look(stage)
    assert "jobs.stuck" in standing(stage)


def test_an_alert_closes_by_itself_and_opens_anew(stage: Stage) -> None:
    buy(stage)
    age(stage, 6, state=Job.State.PENDING_PROCESSING)
    assert look(stage).opened == 1
    age(stage, 6, state=Job.State.COMPLETED)
    assert look(stage).resolved == 1
    age(stage, 6, state=Job.State.PENDING_PROCESSING)
    assert look(stage).opened == 1
    with stage.inside():
        assert Alert.objects.filter(key="jobs.stuck").count() == 2


def test_looking_again_tells_nobody_again(stage: Stage) -> None:
    buy(stage)
    age(stage, 6, state=Job.State.PENDING_PROCESSING)
    for _ in range(3):
        look(stage)
    with stage.inside():
        assert Alert.objects.count() == AlertNotice.objects.count() == 1


def test_two_machines_that_look_at_once_open_one(transactional_db: None) -> None:
    stage = Stage()
    buy(stage)
    age(stage, 6, state=Job.State.PENDING_PROCESSING)

    def machine(_: int) -> int:
        try:
            with tenancy.organization(stage.organization.pk):
                return alerts.settle(stage.organization.pk).opened
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(machine, range(12))) == 1


def test_without_the_turn_two_machines_collide(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: where looks do not take turns, the database refuses the second open row."""
    stage = Stage()
    buy(stage)
    age(stage, 6, state=Job.State.PENDING_PROCESSING)
    both, insert = Barrier(2, timeout=30), bulk.insert

    def together(model: Any, rows: Any, **more: Any) -> None:
        if model is Alert:
            both.wait()
        insert(model, rows, **more)

    monkeypatch.setattr("support.actions.alerts.bulk.insert", together)
    monkeypatch.setattr("support.actions.alerts.take_turn", lambda organization_id: None)

    def machine(_: int) -> str:
        try:
            with tenancy.organization(stage.organization.pk):
                alerts.settle(stage.organization.pk)
        except IntegrityError:
            return "collided"
        finally:
            connections.close_all()
        return "opened"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(machine, range(2))) == ["collided", "opened"]


def test_more_than_three_failures_in_an_hour_are_critical(stage: Stage) -> None:
    policy = alarms.USUAL
    assert alarms.failures(3, None, policy) is None
    trouble = alarms.failures(4, None, policy)
    assert trouble is not None and trouble.severity == alarms.CRITICAL


def test_paid_without_access_is_told_after_five_minutes(stage: Stage) -> None:
    buy(stage)
    with stage.inside(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM fulfillment_downloadlink")
        cursor.execute("UPDATE fulfillment_email SET entitlement_id = NULL")
        cursor.execute("DELETE FROM fulfillment_job")
        cursor.execute("DELETE FROM fulfillment_entitlement")
        cursor.execute("UPDATE orders_order SET placed_at = now() - interval '1 hour'")
    look(stage)
    assert "orders.ungranted" not in standing(stage)
    with stage.inside(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_order SET arrived_at = now() - interval '6 min', paid_at = now() - interval '6 min'"
        )
    look(stage)
    assert standing(stage)["orders.ungranted"].severity == alarms.CRITICAL


@pytest.mark.parametrize(("bounced", "sent", "told"), [(4, 100, False), (5, 500, False), (6, 500, True), (9, 20, True)])
def test_mail_that_comes_back_is_told_above_one_percent(bounced: int, sent: int, told: bool) -> None:
    assert (alarms.bounces(bounced, sent, alarms.USUAL) is not None) is told


def test_one_provider_of_two_is_a_warning_and_both_are_critical(stage: Stage, settings: Any) -> None:
    settings.EMAIL_PROVIDERS = ["postmark", "smtp"]
    Circuit.objects.create(provider="postmark", failures=3, opened_at=clock.now())
    look(stage)
    assert standing(stage)["mail.provider"].severity == alarms.WARNING
    Circuit.objects.create(provider="smtp", failures=3, opened_at=clock.now())
    look(stage)
    assert set(standing(stage)) == {"mail.outage"}


def test_quarantined_deliveries_are_told(stage: Stage) -> None:
    stage.post("stripe", b'{"id": "evt_1", "type": "checkout.session.completed", "data": null}')
    stage.work()
    look(stage)
    assert standing(stage)["inbox.quarantined"].count == 1


# Acknowledging -----------------------------------------------------------------------------------------------------


def test_who_sees_to_it_stands_on_it_and_a_second_is_refused(stage: Stage) -> None:
    buy(stage)
    age(stage, 6, state=Job.State.PENDING_PROCESSING)
    look(stage)
    alert = standing(stage)["jobs.stuck"]
    with stage.inside():
        alerts.acknowledge(alert, by=LEAD, because="Looking at the worker")
        with pytest.raises(alerts.AlreadySeenTo):
            alerts.acknowledge(alert, by=LEAD, because="Me too")
        with pytest.raises(Invalid):
            alerts.acknowledge(alert, by=LEAD, because=" ")


def test_a_warning_that_becomes_critical_is_told_again_and_open_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    severity = [alarms.WARNING]
    found = lambda policy, now: [alarms.Trouble("k", "T", "It is so.", 1, severity[0])]  # noqa: E731
    monkeypatch.setattr("support.actions.alerts.troubles.found", found)
    look(stage)
    with stage.inside():
        alerts.acknowledge(Alert.objects.get(), by=LEAD, because="I look")
    severity[0] = alarms.CRITICAL
    assert look(stage).graver == 1
    with stage.inside():
        assert Alert.objects.get().acknowledged_at is None
        assert AlertNotice.objects.count() == 2


@pytest.mark.parametrize(("hours", "error", "calls", "told"), [
    (3, "it answered 500", True, True), (1, "it answered 500", True, False),
    (3, "", True, False), (3, "it answered 500", False, False),
])  # fmt: skip
def test_a_provider_that_gives_no_list_for_hours_is_told_of(
    stage: Stage, hours: int, error: str, calls: bool, told: bool
) -> None:
    with stage.inside():
        Channel.objects.filter(kind="stripe").update(calls_provider=calls)
        Backfill.objects.create(
            organization=stage.organization,
            channel=stage.channels["stripe"],
            good_until=clock.now() - timedelta(hours=hours),
            error=error,
        )
    look(stage)
    alerts_now = standing(stage)
    assert ("backfill.failing" in alerts_now) is told
    assert not told or "stripe:lantern.stripe.example" in alerts_now["backfill.failing"].sentence


# Telling -----------------------------------------------------------------------------------------------------------


def test_an_alert_is_mailed_once_to_the_support_address(stage: Stage, smtp: MailServer) -> None:
    buy(stage)
    age(stage, 6, state=Job.State.PENDING_PROCESSING, due_at=clock.now() + timedelta(days=1))
    look(stage)
    look(stage)
    drains.round_of(stage.organization.pk)
    told = smtp.to("care@lantern.example")
    assert len(told) == 1
    assert "Jobs are stuck" in told[0].subject
    with stage.inside():
        assert AlertNotice.objects.get().state == AlertNotice.State.SENT


def test_a_notice_holds_no_customer_data(stage: Stage, smtp: MailServer) -> None:
    buy(stage)
    age(stage, 6, state=Job.State.PENDING_PROCESSING, due_at=clock.now() + timedelta(days=1))
    look(stage)
    drains.round_of(stage.organization.pk)
    with stage.inside():
        buyer = Email.objects.get().to
        assert buyer not in AlertNotice.objects.get().said


def test_slack_is_told_once_and_asked_again_until_it_says_ok(
    stage: Stage, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver(lambda path: 200) as slack:
        slack.body = b"invalid_payload"
        settings.SLACK_WEBHOOK_URL = slack.url("/services/T/B/x")
        with stage.inside():
            Organization.objects.update(support_email="", name="Lantern & <Sons>")
        buy(stage)
        age(stage, 6, state=Job.State.PENDING_PROCESSING, due_at=clock.now() + timedelta(days=1))
        look(stage)
        alerting.notices(stage.organization.pk)
        with stage.inside():
            notice = AlertNotice.objects.get()
        assert (notice.way, notice.state) == ("slack", "queued") and "invalid_payload" in notice.last_error
        slack.body = b"ok"
        monkeypatch.setattr(clock, "_offset", timedelta(minutes=10))
        alerting.notices(stage.organization.pk)
        alerting.notices(stage.organization.pk)
        assert len(slack.received) == 2
        text = json.loads(slack.received[1].body)["text"]
        assert text.startswith("Lantern &amp; &lt;Sons&gt;: Jobs are stuck") and "/admin/fulfillment/job/" in text
        with stage.inside():
            assert AlertNotice.objects.get().state == "sent"


def test_the_schedule_looks_every_minute(stage: Stage) -> None:
    names = {schedule.name: schedule for schedule in schedules.SCHEDULES}
    assert names["alerts"].every == timedelta(minutes=1)
    assert names["alerts"].act is alerts.settle


def test_what_an_organization_says_replaces_the_usual_and_nonsense_does_not() -> None:
    read = alarms.read(
        {"stuck_minutes": 15, "failures_an_hour": "many", "bounce_permille": -1, "other": 3, "mail_to": ["a@b.example"]}
    )
    assert (read.stuck_minutes, read.failures_an_hour, read.bounce_permille) == (15, 3, 10)
    assert read.mail_to == ("a@b.example",)
