"""Runs of the comparison: killed ones go on, two take turns, what they find closes, opens again or is written off."""

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from config import reconciling, schedules
from fulfillment.models import Email, Entitlement
from orders.messages import Message
from orders.models import Order, Payment, Payout
from profiles import clock, tenancy
from profiles.actors import Actor, NotPermitted
from profiles.models import AuditEntry
from support import differences
from support.actions import comparisons, reconciliation, repairs
from support.models import Alert, Discrepancy, DiscrepancyEntry, ReconcileRun
from support.queries import differences as questions
from tests.books import Books
from tests.stage import BY, Stage

FINANCE = Actor(label="Finn Finance", role="finance")
Status = Discrepancy.Status


@pytest.fixture
def books(db: None) -> Books:
    stage = Stage()
    return Books(stage.organization, stage.channels["stripe"])


def window(books: Books) -> dict[str, Any]:
    with books.inside():
        return {"since": books.first - timedelta(days=1), "until": clock.now() + timedelta(minutes=1)}


def reconcile(books: Books, **options: Any) -> ReconcileRun:
    return reconciliation.now(books.organization.pk, by=BY, **window(books), **options)


def rows(books: Books, **chosen: Any) -> list[Discrepancy]:
    with books.inside():
        return list(Discrepancy.objects.filter(**chosen).order_by("pk"))


def command(books: Books, *arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("reconcile", "--organization", books.organization.slug, "--json", *arguments, stdout=out)
    return json.loads(out.getvalue())


# What closes and opens ---------------------------------------------------------------------------------------------


def test_it_closes_by_itself_when_the_order_is_settled_and_opens_again_when_it_parts(books: Books) -> None:
    books.paid_without_entitlement(1)
    reconcile(books)
    (row,) = rows(books)
    with books.inside():
        assert row.order is not None
    books.record(books.order(row.external_id, version=clock.now()))
    books.work()
    (row,) = rows(books)
    assert (row.status, row.closed_by, row.closed_because) == (Status.CLOSED, "Reconciliation", "The records agree.")
    with books.inside():
        Entitlement.objects.update(status=Entitlement.Status.REVOKED)
    assert reconcile(books).counts["paid_without_entitlement"]["new"] == 1
    with books.inside():
        assert [entry.words for entry in DiscrepancyEntry.objects.order_by("pk")] == ["Closed", "Found again"]


def test_it_closes_by_itself_in_the_next_run(books: Books) -> None:
    books.payout_differs(3)
    reconcile(books)
    with books.inside():
        Payout.objects.filter(bank_minor=800).update(bank_minor=900)
    run = reconcile(books)
    assert run.counts["payout_differs"] == {"found": 2, "new": 0, "closed": 1}


def test_what_lies_outside_the_window_is_neither_found_nor_closed(books: Books) -> None:
    books.amount_differs(2)
    reconcile(books)
    with books.inside():
        Payment.objects.update(amount_minor=3900, currency="EUR")
    long_ago = books.first - timedelta(days=300)
    reconciliation.now(books.organization.pk, since=long_ago, until=long_ago + timedelta(days=9), by=BY)
    assert {row.status for row in rows(books)} == {Status.OPEN}
    reconcile(books)
    assert {row.status for row in rows(books)} == {Status.CLOSED}


def test_a_receipt_that_is_accepted_after_all_closes_it(books: Books) -> None:
    books.missing_receipt(1)
    reconcile(books)
    with books.inside():
        Email.objects.update(state=Email.State.QUEUED, due_at=clock.now())
    books.work()
    assert [row.status for row in rows(books)] == [Status.CLOSED]


def test_an_unmapped_line_is_no_difference(books: Books) -> None:
    from orders.messages import Line

    line = Line(external_id="1", title="Unknown", quantity=1, total_minor=3900, sku="NOBODY-KNOWS")
    books.record(books.order("cs_1", lines=(line,)))
    books.work()
    assert reconcile(books).counts["paid_without_entitlement"]["found"] == 0


def test_an_order_first_known_from_a_file_expects_no_receipt(books: Books) -> None:
    books.missing_receipt(2)
    with books.inside():
        order = Order.objects.order_by("pk").first()
        assert order is not None
        Order.objects.filter(pk=order.pk).update(from_file=True)
    reconcile(books)
    assert [row.order_id for row in rows(books)] != [order.pk] and len(rows(books)) == 1


def test_the_amount_is_the_unsigned_difference_and_without_another_side_the_whole_sum(books: Books) -> None:
    books.amount_differs(2)
    books.missing_receipt(1)
    reconcile(books)
    found = {(row.kind, row.amount_minor, row.currency) for row in rows(books)}
    assert found == {("amount_differs", 3900, "EUR"), ("amount_differs", 100, "EUR"), ("missing_receipt", 3900, "EUR")}
    (row,) = rows(books, kind="missing_receipt")
    assert row.due_at - row.found_at == timedelta(hours=24)
    assert ["Receipt", "refused: 550 No such person"] in row.ours and ["Payment", "paid"] in row.theirs


# What a person decides ---------------------------------------------------------------------------------------------


def test_a_write_off_stands_while_the_sum_is_the_same(books: Books) -> None:
    books.amount_differs(2)
    reconcile(books)
    row = rows(books, amount_minor=100)[0]
    with books.inside():
        repairs.write_off(row, by=FINANCE, because="a cent of rounding")
        with pytest.raises(repairs.NotOpen):
            repairs.write_off(row, by=FINANCE, because="a cent of rounding")
    reconcile(books)
    (row,) = rows(books, pk=row.pk)
    assert (row.status, row.closed_by) == (Status.WRITTEN_OFF, "Finn Finance")
    with books.inside():
        Payment.objects.filter(amount_minor=4000).update(amount_minor=4100)
    reconcile(books)
    (row,) = rows(books, pk=row.pk)
    assert (row.status, row.amount_minor) == (Status.OPEN, 200)


def test_a_write_off_is_taken_back(books: Books) -> None:
    books.payout_differs(1)
    reconcile(books)
    (row,) = rows(books)
    with books.inside():
        repairs.write_off(row, by=FINANCE, because="asked the bank")
        repairs.reopen(row, by=FINANCE, because="the bank was wrong")
        assert [e.action for e in AuditEntry.objects.filter(action__startswith="discrepancy.").order_by("pk")] == [
            "discrepancy.written_off",
            "discrepancy.reopened",
        ]
    assert rows(books)[0].status == Status.OPEN


def test_who_may_not_write_off_does_not(books: Books) -> None:
    books.payout_differs(1)
    reconcile(books)
    with books.inside(), pytest.raises(NotPermitted):
        repairs.write_off(rows(books)[0], by=Actor(label="Ada Agent", role="agent"), because="because I can")


def test_a_payment_that_is_linked_to_its_order_closes_it(books: Books) -> None:
    books.clean(1)
    books.paid_without_order(1)
    reconcile(books)
    (row,) = rows(books)
    with books.inside():
        order = Order.objects.get()
        repairs.link(row, order, by=FINANCE, because="the buyer sent the bill")
        assert Payment.objects.filter(order=order).count() == 2
    assert rows(books)[0].status == Status.CLOSED


def test_a_repeated_repair_of_a_receipt_sends_one_mail(books: Books) -> None:
    books.missing_receipt(1)
    reconcile(books)
    (row,) = rows(books)
    with books.inside():
        for _ in range(2):
            repairs.repair(row, by=FINANCE, because="nobody sent it")
        assert Email.objects.filter(template=Email.Template.RECEIPT).count() == 2
    books.work()
    assert rows(books)[0].status == Status.CLOSED


def test_a_receipt_of_long_ago_is_left_to_a_person(books: Books) -> None:
    books.missing_receipt(1)
    with books.inside():
        Order.objects.update(quiet=True)
    assert reconcile(books, repair=True).counts["repair"] == {}


# Runs --------------------------------------------------------------------------------------------------------------


def test_a_killed_run_goes_on_from_where_it_was(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "WIDE", -1)
    books.spoil(1)
    real, calls = comparisons.compare, []

    def dies(kinds: Any, *arguments: Any, **options: Any) -> Any:
        calls.append(tuple(kinds))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(kinds, *arguments, **options)

    monkeypatch.setattr(comparisons, "compare", dies)
    with pytest.raises(KeyboardInterrupt):
        reconcile(books)
    with books.inside():
        run = ReconcileRun.objects.get()
        assert (run.state, run.position) == ("claimed", 2)
        assert reconciliation.claim() is None
        ReconcileRun.objects.update(lease_until=clock.real() - timedelta(seconds=1))
    books.work()
    with books.inside():
        run = ReconcileRun.objects.get()
        assert (run.state, run.attempts) == ("done", 2)
        assert calls == [*list(questions.PARTS.values())[:3], *list(questions.PARTS.values())[2:]]
        assert Discrepancy.objects.count() == len(differences.KINDS)


def test_a_wide_window_finds_what_a_narrow_one_does(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.clean(5)
    books.spoil(3)
    monkeypatch.setattr(questions, "WIDE", -1)
    reconcile(books)
    found = {(row.kind, row.external_id) for row in rows(books)}
    assert found == {(kind, name) for kind, names in books.wrong.items() for name in names}


@pytest.mark.parametrize("kind", differences.KINDS)
def test_a_narrow_window_asks_for_what_can_be_there(books: Books, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind alone among what agrees is found; of what agrees only four of the ten are asked closely."""
    asked: list[list[str]] = []
    possible = comparisons._possible

    def spied(*arguments: Any) -> Any:
        asked.append(list(possible(*arguments)))
        return asked[-1]

    monkeypatch.setattr(comparisons, "_possible", spied)
    books.clean(3)
    kinds = [one for part in questions.PARTS.values() for one in part]
    with books.inside():
        assert not any(comparisons.count(kinds, questions.window(**window(books))).values())
    # Two orders that name one payment are only found by looking for them, and of payouts every line is looked at.
    assert asked == [["duplicate", "payout_differs", "fee_differs", "unknown_payout_line"]]
    getattr(books, kind)(1)
    with books.inside():
        found = comparisons.count(kinds, questions.window(**window(books)))
    assert found == {one: int(one == kind) for one in kinds} and kind in asked[-1]


def test_a_run_that_fails_five_times_is_given_up_and_told(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **options: Any) -> Any:
        raise ValueError("a broken statement")

    monkeypatch.setattr(comparisons, "compare", broken)
    with books.inside():
        reconciliation.request(books.organization, by=FINANCE, because="the month's end", **window(books))
    for _ in range(reconciliation.ATTEMPTS):
        with books.inside():
            ReconcileRun.objects.update(due_at=clock.now() - timedelta(seconds=1))
        reconciling.runs(books.organization.pk)
    with books.inside():
        run = ReconcileRun.objects.get()
        assert run.state == "failed" and "a broken statement" in run.last_error


def test_a_step_costs_the_same_statements_whatever_there_is(books: Books) -> None:
    def counted() -> int:
        with books.inside(), CaptureQueriesContext(connection) as captured:
            scope = questions.window(**window(books))
            kinds = [kind for part in questions.PARTS.values() for kind in part]
            comparisons.compare(kinds, scope, organization_id=books.organization.pk)
        return len(captured)

    books.spoil(1)
    few = counted()
    books.spoil(4)
    assert counted() == few


def test_settling_asks_one_question_where_nothing_is_open(books: Books) -> None:
    books.clean(3)
    with books.inside(), CaptureQueriesContext(connection) as captured:
        assert comparisons.settle(Order.objects.values_list("pk", flat=True)) == 0
    assert len(captured) == 2  # with that for the ids


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turns", [True, False])
def test_two_comparisons_at_once_take_turns(turns: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without their turns both are inside at once: the control."""
    stage = Stage()
    books = Books(stage.organization, stage.channels["stripe"])
    books.payout_differs(2)
    if not turns:
        monkeypatch.setattr(reconciliation, "take_turn", lambda organization_id: None)
    real, inside, most, first = comparisons.compare, [0], [0], Event()

    def slow(*arguments: Any, **options: Any) -> Any:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        if not first.is_set():
            first.set()
            other.wait(2)
        else:
            other.set()
        try:
            return real(*arguments, **options)
        finally:
            inside[0] -= 1

    other = Event()
    monkeypatch.setattr(comparisons, "compare", slow)
    span = window(books)

    def machine(days: int) -> None:
        try:
            wider = {**span, "since": span["since"] - timedelta(days=days)}
            reconciliation.now(books.organization.pk, by=BY, **wider)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(machine, range(2)))
    assert most[0] == (1 if turns else 2)
    assert len(rows(books)) == 2


# The providers' own lists ------------------------------------------------------------------------------------------


@pytest.fixture
def listed(books: Books, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Message]]:
    """What the provider's list tells, whoever delivered it."""
    told: list[Message] = []
    monkeypatch.setattr(reconciling, "LISTERS", {"stripe": lambda channel, since, until: told})
    yield told


def test_what_webhooks_dropped_is_found_in_the_providers_list_and_taken_in_once(
    books: Books, listed: list[Message]
) -> None:
    books.clean(5)
    names = books.names(50)
    listed += [books.order(name) for name in ("cs_0", "cs_1", *names)]
    listed += [books.payment(name) for name in ("cs_0", *names)]
    run = reconcile(books, ask=reconciling.ask)
    assert run.counts["ask"] == {"listed": 103, "missing": 50, "new": 50}
    assert {row.external_id for row in rows(books, kind="paid_without_order")} == set(names)
    assert reconcile(books, ask=reconciling.ask).counts["ask"]["new"] == 0
    reconcile(books, ask=reconciling.ask, repair=True)
    books.record(*(books.order(name) for name in names[:9]))  # the webhooks come after all
    books.work()
    with books.inside():
        assert Order.objects.count() == Entitlement.objects.count() == 55
    assert {row.status for row in rows(books)} == {Status.CLOSED}


def test_a_provider_that_does_not_answer_is_named_and_the_rest_is_compared(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = Event()

    def silent(*arguments: Any) -> list[Message]:
        never.wait(5)
        return []

    def refuses(*arguments: Any) -> list[Message]:
        raise ConnectionError("connection refused")

    monkeypatch.setattr(reconciling, "LISTERS", {"stripe": silent, "shopify": refuses})
    monkeypatch.setattr(reconciling, "AT_MOST_SECONDS", 0.2)
    books.payout_differs(1)
    answer = command(books)
    never.set()
    assert {row["channel"] for row in answer["unreachable"]} == {
        "stripe:lantern.stripe.example",
        "shopify:lantern-press.myshopify.com",
    }
    assert answer["kinds"]["payout_differs"]["open"] == 1


def test_the_clock_asks_no_provider_that_is_never_to_be_called(books: Books, listed: list[Message]) -> None:
    listed += [books.payment("cs_9")]
    with books.inside():
        reconciliation.nightly(books.organization.pk)
    books.work()
    with books.inside():
        assert ReconcileRun.objects.get().counts["ask"] == {}


# The command and the clock -----------------------------------------------------------------------------------------


def test_the_command_says_what_it_found_and_repairs(books: Books) -> None:
    books.spoil(1)
    dry = command(books, "--dry-run")
    assert dry["found"] == dict.fromkeys(differences.KINDS, 1) and rows(books) == []
    said = command(books)
    assert (said["found"], said["new"], said["open"], said["repaired"]) == (10, 10, 10, 0)
    mended = command(books, "--repair")
    assert (mended["new"], mended["repaired"], mended["open"]) == (0, 4, 7)
    assert mended["kinds"]["refund_without_revocation"] == {
        "found": 1,
        "new": 0,
        "closed": 0,
        "repaired": 1,
        "open": 0,
    }
    books.work()
    assert command(books)["open"] == 6


def test_a_window_that_is_none_is_refused(books: Books) -> None:
    with pytest.raises(CommandError, match="ends before it begins"):
        command(books, "--from", "2026-11-02", "--to", "2026-11-01")
    with pytest.raises(CommandError, match="neither a day"):
        command(books, "--from", "yesterday")


def test_the_command_resumes_what_was_cut_off(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.payout_differs(1)
    with books.inside():
        run = reconciliation.request(books.organization, by=BY, because="cut off", **window(books))
        ReconcileRun.objects.update(state="failed", position=3)
    assert command(books, "--resume")["run"] == run.pk
    assert [row.kind for row in rows(books)] == ["payout_differs"]


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2026-11-01", "2026-11-01", ("2026-10-31T23:00:00", "2026-11-01T23:00:00")),
        ("2026-10-25", "2026-10-25", ("2026-10-24T22:00:00", "2026-10-25T23:00:00")),
        ("2026-11-01T10:00:00Z", "2026-11-01T11:00:00Z", ("2026-11-01T10:00:00", "2026-11-01T11:00:00")),
        ("", "", ("2026-10-17T12:00:00", "2026-11-21T12:00:00")),
    ],
)
def test_days_are_the_organizations_and_both_are_included(since: str, until: str, expected: tuple[str, str]) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    found = differences.window(since, until, timezone="Europe/Berlin", now=now, days=35)
    assert tuple(at.replace(tzinfo=None).isoformat() for at in found) == expected


def test_both_schedules_ask_once_for_their_days(books: Books) -> None:
    names = {schedule.name: schedule for schedule in schedules.SCHEDULES if "reconciliation" in schedule.name}
    with tenancy.organization(books.organization.pk):
        for schedule in names.values():
            schedule.act(books.organization.pk)
    with books.inside():
        spans = {run.until - run.since for run in ReconcileRun.objects.all()}
    assert spans == {timedelta(days=3), timedelta(days=35)} and len(names) == 2


# Told --------------------------------------------------------------------------------------------------------------


def test_what_is_open_for_a_day_is_an_alert_that_leads_to_the_inbox(books: Books) -> None:
    from support.actions import alerts

    books.payout_differs(2)
    reconcile(books)
    with books.inside():
        alerts.settle(books.organization.pk)
        assert not Alert.objects.filter(key="reconciliation.late").exists()
        Discrepancy.objects.update(due_at=clock.now() - timedelta(minutes=1))
        alerts.settle(books.organization.pk)
        alert = Alert.objects.get(key="reconciliation.late")
        assert (alert.count, alert.model, alert.query) == (2, "support_discrepancy", "status=late")
        Discrepancy.objects.update(status=Status.CLOSED)
        alerts.settle(books.organization.pk)
        assert Alert.objects.get(key="reconciliation.late").resolved_at
