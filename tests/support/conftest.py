"""The cast at the desk: an organization with one purchase, and its staff by role."""

from typing import Any

import pytest
from django.test import Client

from tests.desk import Desk, Sign, sign_in
from tests.stage import Stage


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk(Stage())


@pytest.fixture
def sign(desk: Desk) -> Sign:
    """Sign somebody in: `sign("agent")`, or into another stage."""

    def in_as(role: str, stage: Stage | None = None, **options: Any) -> Client:
        return sign_in(stage or desk.stage, role, **options)

    return in_as
