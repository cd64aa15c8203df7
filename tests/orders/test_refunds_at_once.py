"""Two people refund at the same moment, or one refunds while another mails the link again (RELIABILITY F42)."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fulfillment.actions import emails
from fulfillment.models import DownloadLink, Entitlement
from orders.actions import refund_requests
from orders.models import Order, RefundRequest
from profiles.actors import Actor, Refusal
from tests.faults.crowd import at_once
from tests.stage import Stage
from tests.stripe_server import StripeServer, bought, connect

pytestmark = pytest.mark.django_db(transaction=True)
FINANCE = Actor(label="Finn", role="finance")
AGENT = Actor(label="Agnes", role="agent")


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with StripeServer() as server:
        yield server


@pytest.fixture
def stage(transactional_db: None, stripe: StripeServer, settings: Any) -> Stage:
    made = Stage()
    connect(made, stripe, settings)
    return made


def refund(stage: Stage, order: Order, key: str) -> RefundRequest | None:
    try:
        with stage.inside():
            return refund_requests.request(order, amount_minor=None, by=FINANCE, because="asked", key=key)
    except Refusal:
        return None


def asked(stage: Stage) -> list[int]:
    with stage.inside():
        return list(RefundRequest.objects.values_list("amount_minor", flat=True))


@pytest.mark.parametrize("keys", [["a", "b", "c", "d"], ["a"] * 4], ids=["four people", "one double-clicks"])
def test_pressed_four_times_at_once_is_one_refund(stage: Stage, stripe: StripeServer, keys: list[str]) -> None:
    order = bought(stage, stripe)
    at_once([lambda key=key: refund(stage, order, key) for key in keys])  # type: ignore[misc]
    at_once([stage.work, stage.work])
    assert asked(stage) == [3120] and [one["amount"] for one in stripe.refunds] == [3120]


def test_without_the_lock_more_would_be_asked_than_was_paid(
    stage: Stage, stripe: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    order = bought(stage, stripe)
    gate = threading.Barrier(2, timeout=20)
    room = refund_requests.room

    def unlocked(order_id: int) -> Order:
        return Order.objects.select_related("channel", "organization").get(pk=order_id)

    def slow(found: Order) -> refund_requests.Room:
        seen = room(found)
        gate.wait()
        return seen

    monkeypatch.setattr(refund_requests, "lock", unlocked)
    monkeypatch.setattr(refund_requests, "room", slow)
    at_once([lambda key=key: refund(stage, order, key) for key in "ab"])  # type: ignore[misc]
    assert sum(asked(stage)) == 6240


def test_a_refund_and_a_resend_at_once_leave_no_live_link(stage: Stage, stripe: StripeServer) -> None:
    for number in range(5):
        order = bought(stage, stripe, id=f"cs_{number}", payment_intent=f"pi_{number}")
        with stage.inside():
            right = Entitlement.objects.select_related("order", "product", "profile").get(order=order)

        def resend(right: Entitlement = right, key: str = f"k{number}") -> None:
            with stage.inside():
                fresh = Entitlement.objects.select_related("order__channel", "product", "profile").get(pk=right.pk)
                emails.resend(fresh, by=AGENT, because="asked in chat", key=key)

        def give_back(order: Order = order, key: str = f"r{number}") -> None:
            refund(stage, order, key)
            stage.work()

        acts: list[Callable[[], None]] = [resend, give_back]
        assert at_once(acts) == [None, None]
        stage.work()
        with stage.inside():
            assert Entitlement.objects.get(pk=right.pk).status == "revoked"
            live = DownloadLink.objects.filter(entitlement=right, revoked_at__isnull=True)
            assert not any(link.entitlement.downloadable for link in live)
            assert not live.exists(), number
    assert len(stripe.refunds) == 5
