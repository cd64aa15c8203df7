"""Incidents: opened by grave alerts or by people, with runbook and time-line, and what customers are told meanwhile."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.utils.html import escape

from fulfillment import notices
from fulfillment.actions import links
from fulfillment.models import Circuit, Job
from profiles import clock
from profiles.models import Organization, SettlementRequest
from support.actions import alerts, incidents
from support.admin.dialogs import DIALOGS, url_of
from support.models import Alert, Incident, IncidentEntry
from support.runbooks import RUNBOOKS
from tests.desk import Desk, Sign
from tests.stage import Stage


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def outage(desk: Desk, settings: Any) -> Incident:
    settings.EMAIL_PROVIDERS = ["smtp"]
    Circuit.objects.create(provider="smtp", failures=3, opened_at=clock.now())
    with desk.inside():
        alerts.settle(desk.stage.organization.pk)
        return Incident.objects.get()


def test_a_mail_outage_opens_its_incident_with_its_runbook(desk: Desk, sign: Sign, settings: Any) -> None:
    row = outage(desk, settings)
    assert row.kind == "email" and row.alert_id is not None
    page = sign("lead").get(desk.url("support_incident_change", row.pk)).content.decode()
    for step in RUNBOOKS["email"]:
        assert escape(step.title) in page
    assert desk.act("post_status", row.pk) in page and desk.act("close_incident", row.pk) in page


def test_looking_again_opens_no_second_one(desk: Desk, settings: Any) -> None:
    outage(desk, settings)
    with desk.inside():
        alerts.settle(desk.stage.organization.pk)
        assert Incident.objects.count() == 1


def test_one_that_nobody_touched_closes_with_its_cause(desk: Desk, settings: Any) -> None:
    outage(desk, settings)
    Circuit.objects.all().delete()
    with desk.inside():
        alerts.settle(desk.stage.organization.pk)
        row = Incident.objects.get()
        assert row.closed_at is not None and row.closed_by == "alerts"
        assert IncidentEntry.objects.filter(words__startswith="The cause is gone").exists()


def test_one_that_somebody_works_on_stays_open_and_says_that_the_cause_is_gone(
    desk: Desk, sign: Sign, settings: Any
) -> None:
    row = outage(desk, settings)
    desk.press(sign("lead"), "note_incident", row.pk, because="Called the provider")
    Circuit.objects.all().delete()
    with desk.inside():
        alerts.settle(desk.stage.organization.pk)
    page = sign("lead").get(desk.url("support_incident_change", row.pk)).content.decode()
    assert "Called the provider" in page and "The cause is gone" in page and desk.act("close_incident", row.pk) in page


def test_customers_read_the_status_until_it_ends(desk: Desk, sign: Sign, monkeypatch: pytest.MonkeyPatch) -> None:
    client = sign("lead")
    desk.press(client, "open_incident", desk.stage.organization.pk, kind="storage")
    with desk.inside():
        row = Incident.objects.get()
        assert desk.entitlement is not None
        given = links.make_mailed([desk.entitlement])[desk.entitlement.pk]
    path = f"/download/{given.secret}"
    assert "Files are slow" not in desk.stage.client.get(path).content.decode()
    desk.press(client, "post_status", row.pk, words="Files are slow <b>today</b>.", hours=2)
    assert "Files are slow &lt;b&gt;today&lt;/b&gt;." in desk.stage.client.get(path).content.decode()
    monkeypatch.setattr(clock, "_offset", timedelta(hours=3))
    assert "Files are slow" not in desk.stage.client.get(path).content.decode()


def test_closing_takes_the_status_off_and_keeps_what_was_learnt(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    desk.press(client, "open_incident", desk.stage.organization.pk, kind="data")
    with desk.inside():
        row = Incident.objects.get()
    desk.press(client, "post_status", row.pk, words="We look into something.", hours=2)
    desk.press(client, "close_incident", row.pk, learnt="Count twice.")
    page = client.get(desk.url("support_incident_change", row.pk)).content.decode()
    assert "Count twice." in page and "We look into something." in page
    assert desk.act("note_incident", row.pk) not in page
    with desk.inside():
        assert not Organization.objects.get().policies.get(notices.POLICY)
    assert "Closed by" in desk.press(client, "note_incident", row.pk, because="too late").content.decode() or (
        "Closed by" in said(client.get(desk.act("note_incident", row.pk)))
    )


def test_of_each_kind_one_is_open(desk: Desk) -> None:
    from tests.support.test_alerts import LEAD

    with desk.inside():
        organization = Organization.objects.get()
        incidents.begin(organization, "data", by=LEAD, because="figures differ")
        with pytest.raises(incidents.AlreadyOpen):
            incidents.begin(organization, "data", by=LEAD, because="figures differ")


def test_settling_again_and_taking_up_what_was_set_aside(desk: Desk, sign: Sign) -> None:
    client, organization = sign("engineer"), desk.stage.organization.pk
    with desk.inside():
        SettlementRequest.objects.create(
            organization_id=organization, subject="order", subject_id=desk.order.pk, state="dead", attempts=3
        )
    desk.press(client, "revive_settlements", organization)
    with desk.inside():
        # The desk settles what it asked for right after the press.
        assert not SettlementRequest.objects.filter(state="dead").exists()
    assert "settled again" in said(desk.press(client, "settle_again", organization, days=300))


def test_a_recount_says_what_differs_and_changes_nothing(desk: Desk, sign: Sign) -> None:
    client, organization = sign("lead"), desk.stage.organization.pk
    assert "agrees with the facts" in said(desk.press(client, "recount", organization))
    from orders.models import ProfileTotal

    with desk.inside():
        ProfileTotal.objects.update(orders=7)
    assert "figures of" in said(desk.press(client, "recount", organization))
    with desk.inside():
        assert ProfileTotal.objects.get().orders == 7


def test_every_button_and_page_that_a_runbook_names_is_there() -> None:
    """What does not exist is not drawn, so that a wrong name would go unseen."""
    for step in (step for steps in RUNBOOKS.values() for step in steps):
        assert {*step.dialogs, *step.of_incident} <= set(DIALOGS), step.title
        assert not step.page or url_of(step.page), step.page


@pytest.mark.parametrize("role", ["agent", "auditor"])
def test_who_may_not_see_to_incidents_sees_no_button(desk: Desk, sign: Sign, role: str, settings: Any) -> None:
    row = outage(desk, settings)
    page = sign(role).get(desk.url("support_incident_change", row.pk)).content.decode()
    assert "/admin/act/" not in page


def test_a_stranger_sees_neither_alert_nor_incident(desk: Desk, sign: Sign, settings: Any) -> None:
    row = outage(desk, settings)
    other = Stage(slug="other")
    stranger = sign("engineer", other)
    assert stranger.get(desk.url("support_incident_change", row.pk)).status_code == 404
    assert "No incident yet" in stranger.get(desk.url("support_incident_changelist")).content.decode()
    with desk.inside():
        number = Alert.objects.get().pk
    assert stranger.get(desk.act("acknowledge_alert", number)).status_code == 404


def test_the_first_page_shows_open_alerts_with_the_next_step(desk: Desk, sign: Sign) -> None:
    with desk.inside():
        Job.objects.update(state=Job.State.PENDING_PROCESSING, changed_at=clock.now() - timedelta(minutes=9))
        alerts.settle(desk.stage.organization.pk)
        alert = Alert.objects.get()
    client = sign("agent")
    page = client.get("/admin/").content.decode()
    assert "Jobs are stuck" in page and desk.act("acknowledge_alert", alert.pk) in page
    desk.press(client, "acknowledge_alert", alert.pk)
    page = client.get("/admin/").content.decode()
    assert "sees to it" in page and desk.act("acknowledge_alert", alert.pk) not in page
    assert "Jobs are stuck" in client.get(desk.url("support_alert_changelist")).content.decode()


@pytest.mark.parametrize(
    ("text", "hours", "shown"), [("Slow today.", 1, True), ("", 1, False), ("x" * 301, 1, False), ("Slow.", 200, False)]
)
def test_what_may_be_posted(text: str, hours: int, shown: bool) -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    try:
        kept = notices.write(text, until=now + timedelta(hours=hours), now=now)
    except ValueError:
        assert not shown
    else:
        assert shown and notices.read(kept, now=now) == text
        assert notices.read(kept, now=now + timedelta(hours=hours)) == ""
