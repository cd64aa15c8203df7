"""Finance at the desk: payouts with their proof down to the orders, the ledger, the months and what may be booked."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.actions import payouts
from orders.actions.periods import close
from orders.messages import BalanceKind, PayoutStatus
from orders.models import LedgerEntry, Payout, Period
from orders.queries import proofs_of_payouts
from profiles import clock
from profiles.actors import Actor, Invalid
from tests.desk import Desk, Sign
from tests.money import at, movement, order, payment, payout, refund, tell
from tests.stage import Stage

ACT = "9f0c6f0e-6a55-4c0f-8f0c-1f2e3d4c5b6a"
FINANCE = Actor(label="Finn", role="finance")


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


@pytest.fixture
def books(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """One payout of two sales, a refund and a fee of the account, two cents short of what its lines make."""
    monkeypatch.setattr(clock, "_offset", datetime(2026, 11, 20, 12, tzinfo=UTC) - clock.real())
    tell(
        desk.stage,
        order("a"),
        payment("a"),
        order("b", total=1500),
        payment("b", 1500),
        refund("a"),
        movement(BalanceKind.CAPTURED, 3120, "a", fee_minor=109, payout_external_id="po_1"),
        movement(BalanceKind.CAPTURED, 1500, "b", fee_minor=48, payout_external_id="po_1"),
        movement(BalanceKind.REFUND, -500, "a", payout_external_id="po_1", source_reference="re_a_1"),
        movement(BalanceKind.FEE, -24, "", payout_external_id="po_1"),
        movement(BalanceKind.CAPTURED, 700, "unknown", currency="USD"),
        payout(3937),
        payout(100, "po_2", status=PayoutStatus.PENDING, rank=0, complete=False),
    )
    return desk


def the_payout(desk: Desk, name: str = "po_1") -> Payout:
    with desk.inside():
        return Payout.objects.select_related("channel").get(external_id=name)


def test_the_proof_sums_kinds_and_fees_and_says_the_difference(books: Desk) -> None:
    with books.inside():
        (proof,) = proofs_of_payouts.prove([the_payout(books)])
    assert [(step.kind, step.lines, step.amount_minor) for step in proof.steps] == [
        ("captured", 2, 4620), ("refund", 1, -500), ("fee", 1, -24), ("line_fees", 0, -157),
    ]  # fmt: skip
    assert (proof.total_minor, proof.difference_minor, proof.agrees, proof.unlinked) == (3939, -2, False, 0)


def test_a_payout_whose_lines_are_not_all_known_is_no_difference(books: Desk) -> None:
    with books.inside():
        (proof,) = proofs_of_payouts.prove([the_payout(books, "po_2")])
    assert proof.difference_minor is None and not proof.agrees


def test_a_payout_of_a_file_is_proved_by_its_gross_and_fee(books: Desk) -> None:
    tell(books.stage, payout(900, "f", from_file=True, complete=False, gross_minor=1000, fee_minor=101))
    with books.inside():
        (proof,) = proofs_of_payouts.prove([the_payout(books, "f")])
    assert (proof.total_minor, proof.difference_minor) == (899, 1)


def test_what_is_in_transit_is_told_by_currency(books: Desk) -> None:
    with books.inside():
        found = [(one.currency, one.waiting_minor, one.under_way_minor) for one in proofs_of_payouts.in_transit()]
    assert found == [("EUR", 0, 100), ("USD", 700, 0)]


def test_proofs_of_many_payouts_cost_one_query(books: Desk) -> None:
    with books.inside():
        rows = list(Payout.objects.all())
        with CaptureQueriesContext(connection) as counted:
            proofs_of_payouts.prove(rows)
    assert len(counted) == 1


# The pages -------------------------------------------------------------------------------------------------------


def test_the_list_says_which_payouts_agree_and_what_is_in_transit(books: Desk, sign: Sign) -> None:
    page = sign("agent").get(books.url("orders_payout_changelist")).content.decode()
    assert "Differs by" in page and "Lines not all known" in page and "On its way to the bank" in page
    assert "7.00" in page and "39.37" in page


def test_a_payouts_page_leads_to_its_orders_and_to_the_next_step(books: Desk, sign: Sign) -> None:
    row = the_payout(books)
    page = sign("finance").get(books.url("orders_payout_change", row.pk)).content.decode()
    with books.inside():
        line = row.lines.get(external_id="txn_captured_a")
    assert books.url("orders_order_change", line.order_id) in page
    assert "sum__off" in page and "−0.02" in page and "Its lines do not make the deposit" in page
    assert books.act("confirm_bank", row.pk) in page
    assert books.act("confirm_bank", row.pk) not in sign("agent").get(
        books.url("orders_payout_change", row.pk)
    ).content.decode()  # fmt: skip


def test_the_bank_is_confirmed_with_its_difference_and_taken_back(books: Desk, sign: Sign) -> None:
    row, client = the_payout(books), sign("finance")
    answer = books.press(client, "confirm_bank", row.pk, amount="39.30", on="2026-09-18")
    assert said(answer) == "Kept. The bank differs by −0.07 EUR."
    assert (the_payout(books).bank_minor, the_payout(books).bank_on) == (3930, date(2026, 9, 18))
    page = client.get(books.url("orders_payout_change", row.pk)).content.decode()
    assert books.act("forget_bank", row.pk) in page
    books.press(client, "forget_bank", row.pk)
    assert the_payout(books).bank_minor is None
    assert len(books.acts("payout.confirmed")) == len(books.acts("payout.unconfirmed")) == 1


@pytest.mark.parametrize("typed", ["a lot", "39.375", "1e5", ""])
def test_an_amount_that_is_none_is_refused_in_the_dialog(books: Desk, sign: Sign, typed: str) -> None:
    row = the_payout(books)
    answer = books.press(sign("finance"), "confirm_bank", row.pk, amount=typed, on="2026-09-18")
    assert answer.status_code == 200 and the_payout(books).bank_minor is None


def test_the_bank_shows_nothing_on_a_day_to_come(books: Desk) -> None:
    with books.inside(), pytest.raises(Invalid):
        payouts.confirm_bank(the_payout(books), 1, on=date(2027, 1, 1), by=FINANCE, because="because")


def test_the_ledger_is_filtered_by_month_channel_kind_and_lateness(books: Desk, sign: Sign) -> None:
    client, url = sign("agent"), books.url("orders_ledgerentry_changelist")
    channel = books.stage.channels["stripe"].pk
    with books.inside():
        close(books.stage.organization, date(2026, 9, 1), by=FINANCE, because="it agrees")
    tell(books.stage, refund("b", 100, refunded_at=at(2)))
    for query, count in (
        ("", 10), ("?kind=refund", 2), ("?late=yes", 1), ("?month=2026-10-01", 1), (f"?channel={channel}&kind=fee", 3),
        ("?month=nonsense", 10), ("?channel=999999999999999999999", 10),
    ):  # fmt: skip
        assert client.get(url + query).context["cl"].result_count == count, query


def test_an_entry_leads_to_what_it_is_about(books: Desk, sign: Sign) -> None:
    client = sign("agent")
    with books.inside():
        rows = {entry.kind: entry for entry in LedgerEntry.objects.order_by("pk")}
    for kind, page in (("refund", "orders_order_change"), ("payout", "orders_payout_change")):
        row = rows[kind]
        answer = client.get(books.url("orders_ledgerentry_change", row.pk))
        assert answer.status_code == 302 and answer.url == books.url(page, row.order_id or row.payout_id)


def test_a_month_is_closed_from_its_row(books: Desk, sign: Sign) -> None:
    client, organization = sign("finance"), books.stage.organization.pk
    page = client.get(books.url("orders_period_changelist")).content.decode()
    assert "September 2026" in page and "Running" in page and "?month=2026-09-01" in page
    dialog = client.get(f"{books.act('close_month', organization)}?month=2026-09-01").content.decode()
    assert "September 2026 is closed with" in dialog and "Not possible: what was reported" in dialog
    answer = books.press(client, "close_month", organization, month="2026-09-01")
    assert said(answer) == "1 month closed, up to September 2026."
    page = client.get(books.url("orders_period_changelist")).content.decode()
    assert "Closed" in page and '?month=2026-09-01" data-dialog' not in page
    with books.inside():
        period = Period.objects.get()
    answer = client.get(books.url("orders_period_change", period.pk))
    assert answer.status_code == 302 and answer.url.endswith("?month=2026-09-01")


def test_an_adjustment_is_booked_by_a_dialog(books: Desk, sign: Sign) -> None:
    organization, channel = books.stage.organization.pk, books.stage.channels["stripe"].pk
    answer = books.press(
        sign("finance"), "adjust_ledger", organization, channel=channel, currency="eur", amount="-4,50"
    )
    assert said(answer) == "−4.50 EUR booked in November 2026."
    refused = books.press(sign("finance"), "adjust_ledger", organization, channel=channel, currency="XYZ", amount="1")
    assert refused.status_code == 200
    with books.inside():
        assert LedgerEntry.objects.filter(kind="adjustment").count() == 1


@pytest.mark.parametrize("role", ["agent", "auditor", "lead"])
def test_others_see_finance_and_change_nothing(books: Desk, sign: Sign, role: str) -> None:
    client, organization = sign(role), books.stage.organization.pk
    page = client.get(books.url("orders_period_changelist")).content.decode()
    assert books.act("close_month", organization) not in page and books.act("adjust_ledger", organization) not in page
    assert client.get(books.act("close_month", organization)).status_code == 302
    client.post(books.act("close_month", organization), {"month": "2026-09-01", "because": "I may not", "act": ACT})
    with books.inside():
        assert not Period.objects.exists()


def test_a_stranger_sees_nothing_of_it(books: Desk, sign: Sign) -> None:
    client = sign("finance", Stage(slug="stranger"))
    for name in ("orders_payout_changelist", "orders_period_changelist", "orders_ledgerentry_changelist"):
        page = client.get(books.url(name)).content.decode()
        assert "po_1" not in page and "39.37" not in page and "31.20" not in page
    assert client.get(books.url("orders_payout_change", the_payout(books).pk)).status_code == 404


def test_pages_cost_the_same_however_much_there_is(books: Desk, sign: Sign) -> None:
    client = sign("finance")
    urls = [
        books.url("orders_payout_changelist"),
        books.url("orders_payout_change", the_payout(books).pk),
        books.url("orders_ledgerentry_changelist"),
        books.url("orders_period_changelist"),
    ]

    def costs() -> list[int]:
        found = []
        for url in urls:
            with CaptureQueriesContext(connection) as counted:
                assert client.get(url).status_code == 200
            found.append(len(counted))
        return found

    before = costs()
    told: list[Any] = []
    for number in range(20):
        name = f"n{number}"
        told += [
            order(name),
            movement(BalanceKind.CAPTURED, 3120, name, payout_external_id="po_1"),
            payout(3120, f"po_n{number}"),
        ]
    tell(books.stage, *told)
    assert costs() == before and max(before) <= 25, before


def test_empty_pages_say_what_to_do(desk: Desk, sign: Sign) -> None:
    page = sign("finance").get(desk.url("orders_payout_changelist")).content.decode()
    assert "No payouts yet" in page and "import the provider" in page
