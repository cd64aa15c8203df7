"""Making an organization: what it may be called, and whose clock it may keep."""

import pytest
from django.db import connection

from profiles import zones
from profiles.actions import organizations
from profiles.actors import Actor, Invalid
from profiles.models import Organization

BY = Actor.system("the test")
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("zone", ["localtime", "Mars/Olympus", "", "berlin"])
def test_a_clock_that_the_database_does_not_know_is_refused(zone: str) -> None:
    with pytest.raises(Invalid):
        organizations.create("lantern", name="L", currency="EUR", region="DE", timezone=zone, by=BY)
    assert not Organization.objects.exists()


def test_every_zone_that_may_be_chosen_is_one_of_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_timezone_names")
        known = {name for (name,) in cursor.fetchall()}
    assert zones.known() - known == set()
