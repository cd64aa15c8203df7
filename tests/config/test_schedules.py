"""What is done by the clock: once for all machines, an organization that fails does not stop the others."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections

from config import schedules
from config.schedules import Schedule
from profiles.actions import organizations
from profiles.models import Organization
from tests.stage import BY, Stage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Organization:
    return Stage().organization


@pytest.fixture
def stranger_shop(shop: Organization) -> Organization:
    return organizations.create("stranger", name="Stranger", currency="EUR", region="DE", timezone="UTC", by=BY)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    ran: list[int] = []
    hourly = Schedule("hourly", timedelta(hours=1), ran.append)
    monkeypatch.setattr(schedules, "SCHEDULES", (hourly,))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM config_schedule")
    return ran


def test_a_schedule_runs_for_every_organization_and_then_rests(seen, shop, stranger_shop):
    assert schedules.run_due() == 1
    assert sorted(seen) == sorted([shop.pk, stranger_shop.pk])
    assert schedules.run_due() == 0


def test_many_machines_run_it_once(seen):
    def machine(_: int) -> int:
        try:
            return len(schedules.claim_due())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(machine, range(16))) == 1


def test_it_runs_within_the_organization(shop, seen, monkeypatch):
    names: list[str] = []
    act = Schedule("names", timedelta(hours=1), lambda pk: names.append(Organization.objects.get().slug))
    monkeypatch.setattr(schedules, "SCHEDULES", (act,))
    schedules.run_due()
    assert shop.slug in names


def test_an_organization_that_fails_stops_nobody_and_is_told(seen, shop, stranger_shop, monkeypatch):
    ran: list[int] = []

    def act(organization_id: int) -> None:
        if organization_id == shop.pk:
            raise ValueError("broken here")
        ran.append(organization_id)

    monkeypatch.setattr(schedules, "SCHEDULES", (Schedule("fails", timedelta(hours=1), act),))
    schedules.run_due()
    assert ran == [stranger_shop.pk]
    with connection.cursor() as cursor:
        cursor.execute("SELECT error FROM config_schedule WHERE name = 'fails'")
        assert cursor.fetchone() == ("ValueError: broken here",)
