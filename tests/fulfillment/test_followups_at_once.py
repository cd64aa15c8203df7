"""Two workers at the same due follow-ups at one moment: each mail goes out once, and what it were without guards."""

import threading
import uuid
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError
from django.db.models import QuerySet

from fulfillment.actions import emails, followups
from fulfillment.models import Email, Followup
from profiles.actions import turns
from tests.buyers import Buyer, buyer
from tests.faults.crowd import at_once
from tests.fulfillment.conftest import Later
from tests.servers import MailServer
from tests.stage import Stage

pytestmark = pytest.mark.django_db(transaction=True)
BUYERS = ("ann@example.org", "bob@example.org", "cem@example.org")
MEET_SECONDS = 1.5


@pytest.fixture
def people(smtp: MailServer, later: Later) -> list[Buyer]:
    """Three buyers who were not reminded yet, a day after they bought."""
    stage = Stage()
    made = [buyer(stage, smtp, address) for address in BUYERS]
    for number, one in enumerate(made):
        one.buy(9001 + number)
    later(25)
    return made


def two_workers(people: list[Buyer]) -> list[Any]:
    """Both have the same rows in hand; each that read them waits for the other before it writes."""
    stage = people[0].stage
    with stage.inside():
        due = followups.due(500)
    assert len(due) == len(people)
    meeting = threading.Barrier(2)

    def talked(customers: Collection[int]) -> Mapping[int, datetime]:
        with suppress(threading.BrokenBarrierError):  # the other is held up by our lock: that is the guard
            meeting.wait(MEET_SECONDS)
        return {}

    def worker() -> None:
        turns.beside(stage.organization.pk, lambda: followups.work(due, talked=talked))

    return at_once([worker, worker])


def reminders(people: list[Buyer]) -> dict[str, int]:
    """How many reminders lie at the mail server, by buyer."""
    people[0].stage.work()
    return {one.address: sum("waiting for you" in subject for subject in one.subjects()) for one in people}


def test_two_workers_send_each_mail_once(people: list[Buyer]) -> None:
    assert two_workers(people) == [None, None]
    assert reminders(people) == dict.fromkeys(BUYERS, 1)
    with people[0].stage.inside():
        assert set(Followup.objects.values_list("state", flat=True)) == {"sent"}
        assert not Followup.objects.filter(email__isnull=True).exists()


def test_without_the_locks_the_effect_key_still_lets_one_through(
    people: list[Buyer], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(QuerySet, "select_for_update", unlocked)
        found = two_workers(people)
    assert [type(one) for one in found if one is not None] == [IntegrityError]
    assert reminders(people) == dict.fromkeys(BUYERS, 1)


def test_without_locks_and_effect_keys_both_would_send(people: list[Buyer], monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: this is what the guards are for."""
    whole: Callable[..., Email] = emails.draft

    def keyless(key: str, *args: Any, **options: Any) -> Email:
        return whole(f"{key}:{uuid.uuid4().hex}"[:160], *args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(QuerySet, "select_for_update", unlocked)
        patched.setattr(emails, "draft", keyless)
        assert two_workers(people) == [None, None]
    assert reminders(people) == dict.fromkeys(BUYERS, 2)


def unlocked(rows: QuerySet[Any], **options: Any) -> QuerySet[Any]:
    return rows
