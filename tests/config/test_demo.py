"""The demo beside what is there already."""

from pathlib import Path

import pytest

from config import demo
from profiles.actions import organizations
from profiles.actors import Actor, Invalid


def test_somebody_elses_organization_is_left_alone(db: None, tmp_path: Path) -> None:
    by = Actor.system("the test")
    organizations.create("demo", name="Ours", currency="EUR", region="DE", timezone="UTC", by=by)
    with pytest.raises(Invalid, match="left alone"):
        demo.prepare(tmp_path)
