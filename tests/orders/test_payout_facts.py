"""Payouts and the movements of a balance: any order of arrival, any number of times, linked to orders and payouts."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.actions import facts
from orders.actions.statements import Said
from orders.messages import BalanceKind, Message, PayoutStatus
from orders.models import Order, Payment, Payout, PayoutLine
from tests.money import START, Books, at, booked, dispute, movement, order, payment, payout, refund, tell
from tests.stage import Stage, sample, stripe_event


@pytest.fixture
def stage(db: None) -> Stage:
    return Books()


STORY: tuple[Message, ...] = (
    order(),
    payment(),
    movement(BalanceKind.CAPTURED, 3120, fee_minor=109, payout_external_id="po_1"),
    payout(3011),
)


def state(stage: Stage) -> list[Any]:
    with stage.inside():
        return [
            list(Payout.objects.values_list("external_id", "status", "amount_minor", "complete")),
            list(
                PayoutLine.objects.values_list("external_id", "net_minor", "payout__external_id", "order__external_id")
            ),
            list(Payment.objects.values_list("external_id", "fee_minor")),
        ]


def test_lines_find_their_payout_and_their_order_in_any_order_of_arrival(db: None) -> None:
    for number, story in enumerate(permutations(STORY)):
        stage = Books(slug=f"arrival-{number}")
        for message in story:
            tell(stage, message)
        assert state(stage) == [
            [("po_1", "paid", 3011, True)],
            [("txn_captured_o-1", 3011, "po_1", "o-1")],
            [("pi_o-1", 109)],
        ], story
        assert booked(stage) == {"EUR": 3120 - 109 - 3011}


def test_the_same_word_again_changes_nothing(stage: Stage) -> None:
    tell(stage, *STORY)
    once, entries = state(stage), booked(stage)
    for _ in range(3):
        tell(stage, *STORY)
    assert (state(stage), booked(stage)) == (once, entries)


def test_an_older_word_does_not_undo_a_newer(stage: Stage) -> None:
    failed = payout(3011, status=PayoutStatus.FAILED, rank=2)
    tell(stage, failed)
    tell(stage, payout(3011))
    with stage.inside():
        assert Payout.objects.get().status == "failed"


def test_a_file_says_less_of_a_payout_than_the_provider(stage: Stage) -> None:
    told = payout(3011, from_file=True, version=at(300), fee_minor=109, gross_minor=3120)
    for pair in ((told, payout(3012)), (payout(3012), told)):
        tell(stage, *pair)
        with stage.inside():
            row = Payout.objects.get()
            assert (row.amount_minor, row.from_file, row.fee_minor, row.gross_minor) == (3012, False, 109, 3120)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"payment_reference": "", "source_reference": "ch_o-1"}, payment()),
        ({"payment_reference": "", "source_reference": "re_o-1_1"}, refund()),
        ({"payment_reference": "", "source_reference": "dp_o-1"}, dispute()),
        ({"payment_reference": "", "order_external_id": "o-1"}, payment()),
    ],
    ids=["by its charge", "by its refund", "by its dispute", "by its order"],
)
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_line_is_known_by_whatever_it_names(
    stage: Stage, named: dict[str, str], message: Message, first: bool
) -> None:
    line = movement(BalanceKind.ADJUSTMENT, -100, **named)
    for said in (line, order(), message) if first else (order(), message, line):
        tell(stage, said)
    with stage.inside():
        found = PayoutLine.objects.get().order
    assert found is not None and found.external_id == "o-1"


def test_a_payout_told_by_webhook_is_recorded(db: None) -> None:
    stage = Stage()
    thing = {**sample("stripe-api/payout.json"), "status": "in_transit"}
    for kind, status in (("payout.created", "in_transit"), ("payout.paid", "paid")):
        event = stripe_event(kind, {**thing, "status": status}, created=thing["created"] + 5, event_id=f"evt_{kind}")
        assert stage.post("stripe", event).status_code == 200
    stage.work()
    with stage.inside():
        row = Payout.objects.get()
    assert (row.status, row.amount_minor, row.currency, row.complete) == ("paid", 6731, "EUR", False)
    assert booked(stage, "payout") == {"EUR": -6731}


def test_a_batch_of_any_size_costs_the_same_statements(stage: Stage) -> None:
    def cost(count: int, begin: int) -> int:
        said: list[Message] = []
        for number in range(begin, begin + count):
            said += [
                order(f"n-{number}"),
                payment(f"n-{number}"),
                movement(BalanceKind.CAPTURED, 3120, f"n-{number}", payout_external_id=f"po_{number}"),
                payout(3120, f"po_{number}"),
            ]
        with (
            stage.inside(),
            CaptureQueriesContext(
                connection,
            ) as counted,
        ):
            facts.record([Said(stage.channels["stripe"], one) for one in said], organization=stage.organization)
        return len(counted)

    assert cost(2, 0) == cost(40, 100)


def test_what_waits_is_found_only_in_its_own_channel(stage: Stage) -> None:
    line = movement(BalanceKind.CAPTURED, 3120)
    tell(stage, line)
    tell(stage, order(), kind="api")
    with stage.inside():
        assert PayoutLine.objects.get().order is None
        assert Order.objects.count() == 1
    assert START + timedelta(minutes=1) == line.at
