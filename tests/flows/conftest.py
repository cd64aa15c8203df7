"""The fixtures of the flow tests."""

import pytest

from tests.stage import Stage


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()
