"""Two at one gift at one moment: planned once, and no link lives on of what is revoked meanwhile; without the locks."""

import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError
from django.db.models import QuerySet

from fulfillment.actions import entitlements, followups, gift_followups
from fulfillment.models import DownloadLink, Entitlement, Followup
from fulfillment.queries import followups as known_of
from profiles.actions import turns
from profiles.prepared_queries import PreparedQuery
from tests.buyers import Buyer
from tests.faults.crowd import at_once
from tests.fulfillment.conftest import Later
from tests.fulfillment.test_followups_at_once import unlocked
from tests.fulfillment.test_gift_followups import WHY, by_hand, profile_of, somebody
from tests.servers import MailServer
from tests.stage import BY, Stage

pytestmark = pytest.mark.django_db(transaction=True)
MEET_SECONDS = 1.5


@pytest.fixture
def gia(smtp: MailServer) -> Buyer:
    """Somebody who bought nothing."""
    return somebody(Stage(), smtp)


def settled_twice(gia: Buyer, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Two settle a new gift; each that saw that nothing is planned waits for the other before it plans."""
    with gia.stage.inside():
        entitlements.grant(profile_of(gia), gia.stage.book, by=BY, because=WHY, key="1")
        profile_id = profile_of(gia).pk
    meeting, whole = threading.Barrier(2), gift_followups._silent

    def silent(leads: Sequence[Entitlement]) -> set[int]:
        with suppress(threading.BrokenBarrierError):  # the other is held up by our lock: that is the guard
            meeting.wait(MEET_SECONDS)
        return whole(leads)

    def settle() -> None:
        turns.beside(gia.stage.organization.pk, lambda: gift_followups.settle([profile_id]))

    monkeypatch.setattr(gift_followups, "_silent", silent)
    return at_once([settle, settle])


def test_two_who_settle_a_gift_plan_once(gia: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settled_twice(gia, monkeypatch) == [None, None]
    assert gia.rows() == {"reminder": "waiting"}


def test_without_the_lock_one_of_them_fails(gia: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the unique key still lets only one through, at the cost of a whole batch."""
    with monkeypatch.context() as patched:
        patched.setattr(gift_followups, "_GIVEN", PreparedQuery(known_of.gifts))
        found = settled_twice(gia, monkeypatch)
    assert [type(one) for one in found if one is not None] == [IntegrityError]
    assert gia.rows() == {"reminder": "waiting"}


def live_links_of_what_was_revoked(gia: Buyer, later: Later) -> int:
    """The mail is judged while the right is revoked; how many of its links nobody told that it is over."""
    by_hand(gia)
    with gia.stage.inside():
        DownloadLink.objects.all().delete()
        right = Entitlement.objects.get()
    later(25)
    with gia.stage.inside():
        due = followups.due(500)
    judging, revoked = threading.Event(), threading.Event()

    def talked(customers: Collection[int]) -> Mapping[int, datetime]:
        judging.set()
        revoked.wait(MEET_SECONDS)  # in vain where the right is held: that is the guard
        return {}

    def remind() -> None:
        turns.beside(gia.stage.organization.pk, lambda: followups.work(due, talked=talked))

    def revoke() -> None:
        judging.wait(MEET_SECONDS)
        with gia.stage.inside():
            entitlements.revoke(right, by=BY, because="They asked")
        revoked.set()

    assert at_once([remind, revoke]) == [None, None]
    with gia.stage.inside():
        assert Followup.objects.get().state == "sent" and Entitlement.objects.get().status == "revoked"
        return DownloadLink.objects.filter(revoked_at__isnull=True).count()


def test_a_right_revoked_while_its_mail_is_judged_leaves_no_live_link(gia: Buyer, later: Later) -> None:
    assert live_links_of_what_was_revoked(gia, later) == 0


def test_without_the_lock_a_link_is_mailed_that_nobody_revoked(
    gia: Buyer, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: this is what the lock is for."""
    monkeypatch.setattr(QuerySet, "select_for_update", unlocked)
    assert live_links_of_what_was_revoked(gia, later) == 1
