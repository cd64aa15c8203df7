"""The cast at the desk: an organization with one purchase, and its staff by role."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from profiles.actions import organizations
from tests.desk import Desk, Sign
from tests.stage import BY, Stage


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk(Stage())


@pytest.fixture
def sign(desk: Desk) -> Sign:
    """Sign somebody in: `sign("agent")`, or into another stage."""

    def in_as(role: str, stage: Stage | None = None, **options: Any) -> Client:
        chosen = stage or desk.stage
        user = User.objects.create_user(f"{role}.{chosen.slug}.{User.objects.count()}", is_staff=True)
        with chosen.inside():
            organizations.add_member(chosen.organization, user, role, by=BY)
        client = Client(**options)
        client.force_login(user)
        return client

    return in_as
