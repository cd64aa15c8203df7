"""Acts over a limit: asked by one, decided by another, done once; nobody confirms their own."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User

from config import schedules
from fulfillment.models import Email, EmailChange
from orders.actions import refund_requests
from orders.models import Order, RefundRequest
from profiles import clock
from profiles.actions import organizations
from profiles.actors import Actor, Invalid, NotPermitted
from profiles.models import ApiToken, AuditEntry, Merge, Organization, Profile
from support.actions import approvals, customers, refunds
from support.actions.approvals import AlreadyDecided, OwnAct
from support.limits import Limits
from support.models import Approval
from tests.desk import member
from tests.faults.crowd import at_once
from tests.stage import Stage, sample
from tests.stripe_server import StripeServer, bought, connect

State = Approval.State


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with StripeServer() as server:
        yield server


@pytest.fixture
def stage(db: None, stripe: StripeServer, settings: Any) -> Stage:
    made = Stage()
    connect(made, stripe, settings)
    return made


@pytest.fixture
def dear(stage: Stage, stripe: StripeServer) -> Order:
    """An order above the usual limit of 500.00."""
    return bought(stage, stripe, id="cs_dear", payment_intent="pi_dear", amount_total=60_000)


@pytest.fixture
def finn(stage: Stage) -> Actor:
    return member(stage, "finn", "finance")


@pytest.fixture
def lea(stage: Stage) -> Actor:
    return member(stage, "lea", "lead")


def ask(stage: Stage, order: Order, by: Actor, key: str = "k", amount: int | None = None) -> refunds.Asked:
    with stage.inside():
        return refunds.ask(order, amount_minor=amount, by=by, because="the course was withdrawn", key=key)


def approve(stage: Stage, row: Approval, by: Actor) -> Approval:
    with stage.inside():
        return approvals.approve(row, by=by, because="checked with the author")


def question(stage: Stage, order: Order, by: Actor, key: str = "k") -> Approval:
    asked = ask(stage, order, by, key)
    assert asked.approval is not None
    return asked.approval


def acts(stage: Stage) -> list[str]:
    with stage.inside():
        rows = AuditEntry.objects.filter(action__regex="^(approval|refund)[.]").order_by("pk")
        return [row.action for row in rows]


# Refunds ------------------------------------------------------------------------------------------------------


def test_a_refund_over_the_limit_waits_and_is_made_once_a_second_person_said_yes(
    stage: Stage, stripe: StripeServer, dear: Order, finn: Actor, lea: Actor
) -> None:
    row = question(stage, dear, finn)
    stage.work()
    assert stripe.calls == [] and (row.state, row.title) == (State.WAITING, f"Refund 600.00 EUR of order {dear}")
    assert row.arguments == {"request": row.arguments["request"], "order": dear.pk, "amount": "600.00 EUR"}
    decided = approve(stage, row, lea)
    stage.work()
    assert (decided.state, decided.decided_by, decided.result) == (State.APPROVED, "Lea", "The refund is on its way.")
    assert [one["amount"] for one in stripe.refunds] == [60_000]
    assert acts(stage) == ["refund.requested", "approval.asked", "refund.released", "approval.approved"]


def test_below_the_limit_nobody_is_asked(
    stage: Stage, stripe: StripeServer, dear: Order, finn: Actor, lea: Actor
) -> None:
    assert ask(stage, dear, finn, amount=50_000).approval is None
    assert ask(stage, dear, finn, "k2", amount=1).approval is not None


def test_nobody_confirms_their_own(stage: Stage, stripe: StripeServer, dear: Order, lea: Actor) -> None:
    both = member(stage, "fay", "finance")
    row = question(stage, dear, both)
    with pytest.raises(OwnAct):
        approve(stage, row, both)
    # Nor with another role since.
    with pytest.raises(OwnAct):
        approve(stage, row, replace(both, role="engineer"))
    stage.work()
    assert stripe.calls == []


def test_a_token_is_its_issuers_own(stage: Stage, stripe: StripeServer, dear: Order, lea: Actor) -> None:
    engineer = member(stage, "ed", "engineer")
    with stage.inside():
        organizations.issue_token(stage.organization, name="till", scopes=["*"], by=engineer)
        by = Actor(label="API token till", role="token", token_id=ApiToken.objects.get().pk)
    row = question(stage, dear, by)
    with pytest.raises(OwnAct):
        approve(stage, row, engineer)
    with pytest.raises(NotPermitted, match="never a token"):
        approve(stage, row, by)
    assert approve(stage, row, lea).state == State.APPROVED


@pytest.mark.parametrize("role", ["agent", "auditor", ""])
def test_whose_role_may_not_approve_is_refused(stage: Stage, dear: Order, finn: Actor, lea: Actor, role: str) -> None:
    row = question(stage, dear, finn)
    with pytest.raises(NotPermitted):
        approve(stage, row, Actor(label="x", role=role, user_id=lea.user_id))


def test_finance_approves_refunds_and_nothing_else(stage: Stage, dear: Order, finn: Actor) -> None:
    other = member(stage, "fay", "finance")
    assert approve(stage, question(stage, dear, finn), other).state == State.APPROVED
    with stage.inside():
        merge = approvals.ask(
            "merge", key="m", title="Merge", will=[], arguments={}, by=finn, because="one person",
            organization_id=stage.organization.pk,
        )  # fmt: skip
    with pytest.raises(NotPermitted):
        approve(stage, merge, other)


def test_a_no_lets_the_sum_go_free_again(
    stage: Stage, stripe: StripeServer, dear: Order, finn: Actor, lea: Actor
) -> None:
    row = question(stage, dear, finn)
    with stage.inside():
        assert refund_requests.room(dear).left == 0
        approvals.decline(row, by=lea, because="offer a voucher")
        held = RefundRequest.objects.get()
        assert refund_requests.room(dear).left == 60_000
    assert held.state == "cancelled" and "Declined by Lea: offer a voucher" in held.last_error
    with pytest.raises(AlreadyDecided, match="declined by Lea"):
        approve(stage, row, lea)


def test_whoever_asked_takes_it_back_and_nobody_else(stage: Stage, dear: Order, finn: Actor, lea: Actor) -> None:
    row = question(stage, dear, finn)
    with stage.inside():
        with pytest.raises(NotPermitted):
            approvals.withdraw(row, by=lea, because="not mine")
        assert approvals.withdraw(row, by=finn, because="they changed their mind").state == State.DECLINED


def test_what_nobody_decides_ends_after_seven_days(
    stage: Stage, stripe: StripeServer, dear: Order, finn: Actor, lea: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = question(stage, dear, finn)
    monkeypatch.setattr(clock, "_offset", clock.offset() + timedelta(days=7, seconds=1))
    with pytest.raises(AlreadyDecided, match="within seven days"):
        approve(stage, row, lea)
    schedules.run("approvals")
    schedules.run("approvals")
    with stage.inside():
        assert (Approval.objects.get().state, RefundRequest.objects.get().state) == (State.EXPIRED, "cancelled")
    assert acts(stage).count("approval.expired") == 1 and stripe.calls == []


def test_where_nobody_else_may_it_is_done_and_said(
    stage: Stage, stripe: StripeServer, dear: Order, finn: Actor
) -> None:
    member(stage, "agnes", "agent")
    asked = ask(stage, dear, finn)
    stage.work()
    assert asked.approval is None and len(stripe.refunds) == 1
    assert "approval.nobody_else" in acts(stage)


def test_somebody_switched_off_is_nobody(stage: Stage, dear: Order, finn: Actor, lea: Actor) -> None:
    User.objects.filter(username="lea").update(is_active=False)
    assert ask(stage, dear, finn).approval is None


def test_the_same_press_twice_is_one_question(stage: Stage, dear: Order, finn: Actor, lea: Actor) -> None:
    first, second = question(stage, dear, finn), question(stage, dear, finn)
    assert first.pk == second.pk
    with stage.inside():
        assert Approval.objects.count() == RefundRequest.objects.count() == 1


def test_a_yes_that_the_facts_overtook_changes_nothing(
    stage: Stage, stripe: StripeServer, dear: Order, finn: Actor, lea: Actor
) -> None:
    row = question(stage, dear, finn)
    elsewhere = sample("stripe/refund.created.json")
    elsewhere["data"]["object"].update(payment_intent="pi_dear", amount=10_000, currency="eur")
    stage.post("stripe", elsewhere)
    stage.work()
    with pytest.raises(refund_requests.TooMuch):
        approve(stage, row, lea)
    with stage.inside():
        assert Approval.objects.get().state == State.WAITING
    assert stripe.calls == []


def test_a_stranger_decides_nothing(stage: Stage, dear: Order, finn: Actor, lea: Actor) -> None:
    row = question(stage, dear, finn)
    stranger = Stage(slug="stranger")
    with stranger.inside():
        assert not Approval.objects.exists()
        with pytest.raises(Approval.DoesNotExist):
            approvals.approve(row, by=lea, because="from elsewhere")


# Others -------------------------------------------------------------------------------------------------------


def test_a_merge_is_done_by_the_yes(stage: Stage, stripe: StripeServer, finn: Actor, lea: Actor) -> None:
    for number, address in ((1, "a@example.org"), (2, "b@example.org")):
        details = {"email": address, "name": "Ada", "phone": None, "address": None}
        bought(stage, stripe, id=f"cs_{number}", payment_intent=f"pi_{number}", customer_details=details)
    eve = member(stage, "eve", "engineer")
    with stage.inside():
        one, other = Profile.objects.order_by("pk").values_list("pk", flat=True)
        row = approvals.ask(
            "merge",
            key="m",
            title="Merge two customers",
            will=["1 order moves."],
            arguments={"one": one, "other": other, "verified": ["same card", "chat"]},
            by=lea,
            because="one person",
            organization_id=stage.organization.pk,
        )
    assert approve(stage, row, eve).result.startswith("Merged.")
    with stage.inside():
        assert Merge.objects.get().actor_label == "Eve"


def test_limits_are_changed_with_a_reason_and_checked(stage: Stage, lea: Actor, finn: Actor) -> None:
    with stage.inside():
        assert approvals.change_limits(stage.organization, Limits(refund=Decimal(50)), by=lea, because="new rule")
        assert not approvals.change_limits(stage.organization, Limits(refund=Decimal(50)), by=lea, because="again")
        assert approvals.limits_of(Organization.objects.get()).refund == Decimal(50)
        with pytest.raises(Invalid):
            approvals.change_limits(stage.organization, Limits(bulk=-1), by=lea, because="nonsense")
        with pytest.raises(NotPermitted):
            approvals.change_limits(stage.organization, Limits(), by=finn, because="mine")


# At once ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("locked", [True, False], ids=["", "control"])
def test_two_who_approve_at_once_refund_once(
    transactional_db: None, stripe: StripeServer, settings: Any, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    stage = Stage()
    connect(stage, stripe, settings)
    asker = member(stage, "ina", "finance")
    pair = [member(stage, "lea", "lead"), member(stage, "eve", "engineer")]
    order = bought(stage, stripe, id="cs_dear", payment_intent="pi_dear", amount_total=60_000)
    row = question(stage, order, asker)
    done: list[str] = []

    def execute(found: Approval, by: Actor, because: str) -> str:
        done.append(by.label)
        return "done"

    if not locked:
        import threading

        gate = threading.Barrier(2, timeout=20)

        def unlocked(found: Approval, by: Actor) -> Approval:
            seen = Approval.objects.get(pk=found.pk)
            gate.wait()
            return seen

        monkeypatch.setattr(approvals, "_decidable", unlocked)

    def say_yes(by: Actor) -> None:
        try:
            with stage.inside():
                approvals.approve(row, by=by, because="fine with me", also={"refund": execute})
        except AlreadyDecided:
            pass

    at_once([partial(say_yes, by) for by in pair])
    assert len(done) == (1 if locked else 2)


# A customer's own address ----------------------------------------------------------------------------------------


def ask_for_address(stage: Stage, by: Actor, key: str = "k") -> Approval | EmailChange:
    with stage.inside():
        profile = Profile.objects.select_related("organization").get()
        order = Order.objects.get()
        return customers.change_email(
            profile,
            "new.home@example.org",
            by=by,
            because="Wrote from the new address",
            points=[order.external_id, "ines.carvalho@example.org"],
            moves_orders=False,
            key=key,
        )


def test_a_change_of_address_waits_for_a_second_person_and_then_begins(stage: Stage, dear: Order) -> None:
    agent, lead = member(stage, "ava", "agent"), member(stage, "lea", "lead")
    asked = ask_for_address(stage, agent)
    assert isinstance(asked, Approval)
    with stage.inside():
        assert not EmailChange.objects.exists()
        assert "new.home@example.org" not in str(asked.arguments) + asked.title + str(asked.will)
        done = approvals.approve(asked, by=lead, because="I called her")
        assert done.state == State.APPROVED and done.held == ""
        assert EmailChange.objects.get().to == "new.home@example.org"


def test_a_declined_change_of_address_mails_nobody_and_is_forgotten(stage: Stage, dear: Order) -> None:
    agent, lead = member(stage, "ava", "agent"), member(stage, "lea", "lead")
    asked = ask_for_address(stage, agent)
    assert isinstance(asked, Approval)
    with stage.inside():
        mails = Email.objects.count()
        assert approvals.decline(asked, by=lead, because="That is not her").held == ""
        assert Email.objects.count() == mails and not EmailChange.objects.exists()


def test_with_nobody_to_confirm_a_change_of_address_begins_at_once_and_says_so(stage: Stage, dear: Order) -> None:
    agent = member(stage, "ava", "agent")
    assert isinstance(ask_for_address(stage, agent), EmailChange)
    with stage.inside():
        assert AuditEntry.objects.filter(action="approval.nobody_else").exists()
