"""The reconciliation's inbox at the desk and in the API: both sides, the suggested repair, who may press what."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fulfillment.models import Entitlement
from profiles import clock
from profiles.actors import PERMISSIONS
from support.actions import reconciliation
from support.models import Approval, Discrepancy, ReconcileRun
from tests import worlds
from tests.books import Books
from tests.desk import Desk, Sign
from tests.stage import BY, Stage
from tests.support.test_api import call, token, told

LIST, RUNS = "support_discrepancy_changelist", "support_reconcilerun_changelist"
ROLES = ("agent", "lead", "finance", "engineer", "auditor")


@pytest.fixture(scope="module")
def _world(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[worlds.World[tuple[Desk, Books]]]:
    def build() -> tuple[Desk, Books]:
        desk = Desk(Stage())
        made = Books(desk.stage.organization, desk.stage.channels["stripe"])
        made.spoil(2)
        compare(made)
        return desk, made

    yield from worlds.once(build, blocker=django_db_blocker, folder=tmp_path_factory.mktemp("files"))


@pytest.fixture
def _entered(_world: worlds.World[tuple[Desk, Books]], db: None, settings: Any) -> tuple[Desk, Books]:
    return _world.enter(settings)


@pytest.fixture
def desk(_entered: tuple[Desk, Books]) -> Desk:
    return _entered[0]


@pytest.fixture
def books(_entered: tuple[Desk, Books]) -> Books:
    return _entered[1]


def compare(books: Books) -> ReconcileRun:
    with books.inside():
        now = clock.now()
    return reconciliation.now(books.organization.pk, since=books.first, until=now, by=BY)


def one(books: Books, kind: str) -> Discrepancy:
    with books.inside():
        return Discrepancy.objects.select_related("order").filter(kind=kind).order_by("pk")[0]


def page(desk: Desk, row: Discrepancy) -> str:
    return desk.url("support_discrepancy_change", row.pk)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return answer.content.decode()


# Pages -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_every_role_sees_the_inbox_and_presses_what_it_may(desk: Desk, books: Books, sign: Sign, role: str) -> None:
    client, row = sign(role), one(books, "refund_without_revocation")
    inbox, shown = text(client.get(desk.url(LIST))), text(client.get(page(desk, row)))
    assert "Refund without revocation" in inbox and "Money that went back" in shown
    assert ("End access by the facts" in shown) is ("reconcile" in PERMISSIONS[role])
    assert ("Write off…" in shown) is ("write_off" in PERMISSIONS[role])
    opened = client.get(desk.act("write_off_discrepancy", row.pk)).status_code == 200
    assert opened is ("write_off" in PERMISSIONS[role])


def test_the_inbox_shows_each_kind_with_its_sum_and_what_is_late(desk: Desk, books: Books, sign: Sign) -> None:
    client = sign("finance")
    shown = client.get(desk.url(LIST))
    kinds = {one["kind"].code: (one["count"], one["late"]) for one in shown.context["books"]}
    assert kinds == {str(kind): ("2", "") for kind in Discrepancy.Kind}
    with books.inside():
        Discrepancy.objects.filter(kind="missing_receipt").update(due_at=clock.now())
    assert client.get(desk.url(LIST)).context["books_late"] == 2
    assert len(client.get(f"{desk.url(LIST)}?status=late").context["cl"].result_list) == 2
    assert len(client.get(f"{desk.url(LIST)}?kind=duplicate").context["cl"].result_list) == 2


def test_when_everything_agrees_the_inbox_says_since_when(sign: Sign) -> None:
    other = Desk(Stage(slug="orderly"))
    client = sign("finance", other.stage)
    assert "Nothing was compared yet" in text(client.get(other.url(LIST)))
    compare(Books(other.stage.organization, other.stage.channels["stripe"]))
    assert "Everything agrees. Last checked" in text(client.get(other.url(LIST)))


def test_test_mode_stands_apart_and_counts_nowhere(desk: Desk, books: Books, sign: Sign) -> None:
    with books.inside():
        Discrepancy.objects.exclude(kind="duplicate").update(test=True)
    client = sign("finance")
    shown = client.get(desk.url(LIST))
    assert [one["kind"].code for one in shown.context["books"]] == ["duplicate"]
    assert len(client.get(f"{desk.url(LIST)}?status=test").context["cl"].result_list) == 18


def test_the_pages_cost_the_same_queries_whatever_there_is(desk: Desk, books: Books, sign: Sign) -> None:
    client, row = sign("finance"), one(books, "duplicate")

    def counted(url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    urls = (desk.url(LIST), desk.url(RUNS), page(desk, row))
    few = [counted(url) for url in urls]
    books.spoil(2)
    compare(books)
    assert [counted(url) for url in urls] == few
    assert max(few) <= 25


def test_a_stranger_finds_no_difference_of_ours(desk: Desk, books: Books, sign: Sign) -> None:
    stranger, row = sign("engineer", Stage(slug="other")), one(books, "duplicate")
    assert row.external_id not in text(stranger.get(desk.url(LIST)))
    for url in (page(desk, row), desk.act("repair_discrepancy", row.pk), desk.act("write_off_discrepancy", row.pk)):
        assert stranger.get(url).status_code in (403, 404)


# Acts --------------------------------------------------------------------------------------------------------------


def test_the_suggested_repair_ends_access_and_closes_it(desk: Desk, books: Books, sign: Sign) -> None:
    row = one(books, "refund_without_revocation")
    client = sign("finance")
    for _ in range(2):
        assert desk.press(client, "repair_discrepancy", row.pk).status_code == 302
    books.work()
    with books.inside():
        held = Entitlement.objects.filter(order=row.order_id).values_list("status", flat=True)
        assert list(held) == [Entitlement.Status.REVOKED]
        assert Discrepancy.objects.get(pk=row.pk).status == "closed"
    assert "Settled again by the facts" in text(client.get(page(desk, row)))


def test_asking_the_provider_is_a_run_around_that_moment(desk: Desk, books: Books, sign: Sign) -> None:
    row = one(books, "fee_differs")
    desk.press(sign("finance"), "repair_discrepancy", row.pk)
    with books.inside():
        run = ReconcileRun.objects.order_by("-pk")[0]
        assert run.repair and run.by_hand and run.since < row.at < run.until


def test_writing_off_and_back_again_stands_in_the_history(desk: Desk, books: Books, sign: Sign) -> None:
    row, client = one(books, "duplicate"), sign("finance")
    assert "1 difference of 39.00 EUR written off." in said(desk.press(client, "write_off_discrepancy", row.pk))
    shown = text(client.get(page(desk, row)))
    assert "Written off" in shown and "the customer asked" in shown and "Open again" in shown
    desk.press(client, "reopen_discrepancy", row.pk)
    assert "Opened again" in text(client.get(page(desk, row)))


def test_a_payment_is_linked_to_the_order_one_names(desk: Desk, books: Books, sign: Sign) -> None:
    row, client = one(books, "paid_without_order"), sign("finance")
    refused = desk.press(client, "link_discrepancy", row.pk, order="#nobody")
    assert "There is no order #nobody." in text(refused)
    assert "Linked to order" in said(desk.press(client, "link_discrepancy", row.pk, order=desk.order.number))
    with books.inside():
        assert Discrepancy.objects.get(pk=row.pk).status == "closed"


def test_many_are_repaired_and_written_off_at_once(desk: Desk, books: Books, sign: Sign) -> None:
    client = sign("finance")
    with books.inside():
        ids = list(Discrepancy.objects.values_list("pk", flat=True))

    def press(name: str) -> Any:
        url = f"{desk.act(name, desk.stage.organization.pk)}?ids={','.join(map(str, ids))}"
        opened = client.get(url)
        form = opened.context["form"]
        data = {"because": "the month's end", "act": str(form["act"].value()), "ids": str(form["ids"].value())}
        return opened, client.post(url, data)

    opened, answer = press("repair_discrepancies")
    assert "Settle the order again: 2" in opened.context["will"]
    assert "2 differences of those chosen are left to a person." in opened.context["will"]
    assert "18 repairs under way" in said(answer)
    books.work()
    opened, answer = press("write_off_discrepancies")
    with books.inside():
        left = Discrepancy.objects.filter(status="written_off").count()
        assert left == 12 == len(ids) - Discrepancy.objects.filter(status="closed").count()


def test_writing_many_off_over_the_limit_waits_for_a_second_person(desk: Desk, books: Books, sign: Sign) -> None:
    from support import limits
    from support.actions import approvals

    with books.inside():
        approvals.change_limits(books.organization, limits.Limits(bulk=3), by=BY, because="small house")
        ids = list(Discrepancy.objects.values_list("pk", flat=True)[:4])
    sign("lead")
    client = sign("finance")
    url = f"{desk.act('write_off_discrepancies', desk.stage.organization.pk)}?ids={','.join(map(str, ids))}"
    form = client.get(url).context["form"]
    client.post(url, {"because": "month's end", "act": str(form["act"].value()), "ids": str(form["ids"].value())})
    with books.inside():
        assert Approval.objects.get().title == "Write these off: 4 rows"
        assert not Discrepancy.objects.filter(status="written_off").exists()


def test_reconcile_now_asks_for_a_run_and_a_worker_does_it(desk: Desk, books: Books, sign: Sign) -> None:
    client = sign("finance")
    organization = desk.stage.organization.pk
    data = {"since": "2026-01-01", "until": "2026-12-31", "repair": "on"}
    assert "1 comparison is under way." in said(desk.press(client, "reconcile_now", organization, **data))
    books.work()
    assert "Done" in text(client.get(desk.url(RUNS)))
    wrong = desk.press(client, "reconcile_now", organization, since="2026-12-31", until="2026-01-01")
    assert "The window ends before it begins." in text(wrong)


def test_the_first_page_leads_to_the_inbox(desk: Desk, books: Books, sign: Sign) -> None:
    assert "Records that do not agree" in text(sign("finance").get(desk.url("index")))


# The API -----------------------------------------------------------------------------------------------------------


def test_the_api_lists_them_by_kind_status_and_time(books: Books, desk: Desk) -> None:
    stage = desk.stage
    rows = told(call(stage, "GET", "/api/discrepancies?kind=amount_differs&status=open"))["results"]
    assert {(row["amount"], row["currency"]) for row in rows} == {("39.00", "EUR"), ("1.00", "EUR")}
    assert {"id", "kind", "status", "amount", "currency", "found_at", "due_at", "order"} <= set(rows[0])
    assert rows[0]["order"]["channel"] == "stripe:lantern.stripe.example"
    name = rows[0]["order"]["external_id"]
    assert {row["id"] for row in told(call(stage, "GET", f"/api/discrepancies?external_id={name}"))["results"]} == {
        rows[0]["id"]
    }
    mail = told(call(stage, "GET", f"/api/discrepancies?email={name}@buyer.example"))["results"]
    assert [row["id"] for row in mail] == [rows[0]["id"]]
    assert told(call(stage, "GET", "/api/discrepancies?since=2099-01-01"))["results"] == []
    assert len(told(call(stage, "GET", "/api/discrepancies?until=2099-01-01&page_size=200"))["results"]) == 20


def test_the_api_asks_for_its_scope_and_shows_a_stranger_nothing(books: Books, desk: Desk) -> None:
    secret = token(desk.stage, "orders:read")
    assert call(desk.stage, "GET", "/api/discrepancies", secret=secret).status_code == 403
    stranger = Stage(slug="stranger")
    assert told(call(stranger, "GET", "/api/discrepancies")) == {"results": [], "next": None}
