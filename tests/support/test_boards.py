"""The boards: every figure leads to exactly the rows it counts, in any range, currency and channel; and to a file."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.template.response import TemplateResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from attribution.actions import attributions, conversations
from attribution.models import Conversation
from orders.messages import Customer, DisputeStatus, Line
from orders.models import Line as LineRow
from orders.models import Order, Product
from profiles import clock
from profiles.actors import PERMISSIONS, Actor
from profiles.models import Event, Role
from support import boards
from support.admin import growth
from support.analytics import Asked
from support.queries import analytics
from tests import talks, worlds
from tests.desk import Desk, Sign, sign_in
from tests.events import event
from tests.events import tell as tell_events
from tests.money import at, dispute, order, refund, tell
from tests.stage import Stage
from tests.talks import conversation

LEAD = Actor(label="Lena", role="lead")
BOARDS = ("board", "cohorts", "growth", "funnel")
AUTUMN = {"from": "2026-09-01", "until": "2026-11-30"}


# Small rules -------------------------------------------------------------------------------------------------------


def test_a_change_is_told_by_a_mark_and_in_words() -> None:
    assert boards.change(150, 100) == boards.Change("▲", "50.0 % more than before")
    assert boards.change(1, 3) == boards.Change("▼", "66.7 % less than before")
    assert boards.change(999, 100) == boards.Change("▲", "899.0 % more than before")
    assert boards.change(1000, 100) == boards.Change("▲", "10 times as much as before")
    assert boards.change(12_350, 10) == boards.Change("▲", "1,235 times as much as before")
    assert boards.change(1000, -100) == boards.Change("▲", "1,100 % more than before")
    assert boards.change(5, 0) == boards.Change("▲", "nothing before")
    assert boards.change(0, 0) == boards.Change("", "nothing before either")
    assert boards.change(7, 7) == boards.Change("", "as before")
    points = boards.change(Decimal("2.50"), Decimal("4.00"), points=True)
    assert points == boards.Change("▼", "1.50 points less than before")


def test_parts_are_rounded_half_up_and_columns_stay_within_the_chart() -> None:
    assert [boards.percent_of(part, 8) for part in (0, 1, 3, 8, 9_999)] == [
        "0.0 %", "12.5 %", "37.5 %", "100.0 %", "124,988 %",
    ]  # fmt: skip
    assert boards.percent_of(1, 0) == "0.0 %" and boards.average(5, 2) == 3 and boards.average(5, 0) is None
    assert [boards.ceiling([value]) for value in (0, -5, 1, 3, 6, 10, 51, 630_00)] == [0, 0, 1, 5, 10, 10, 100, 100_000]
    assert [boards.height(value, 200) for value in (-1, 0, 1, 200, 900)] == ["0.0%", "0.0%", "0.5%", "100.0%", "100.0%"]
    assert len(boards.named(62)) <= boards.LABELS and 0 in boards.named(1)


# The stage ---------------------------------------------------------------------------------------------------------


@dataclass
class Board:
    """Trade of two shops with chats before it, and whoever looks at it."""

    desk: Desk
    client: Client

    def page(self, name: str, **query: Any) -> Any:
        answer = self.client.get(reverse(f"admin:{name}"), query)
        assert answer.status_code == 200, answer.content
        return answer.context

    def rows(self, url: str) -> int:
        """How many rows the list behind this address has; the list is made, and not drawn."""
        with mock.patch.object(TemplateResponse, "rendered_content", ""):
            answer: Any = self.client.get(url)
        assert answer.status_code == 200, url
        return int(answer.context_data["cl"].result_count)

    def asked(self, **more: Any) -> Asked:
        usual: dict[str, Any] = {"start": date(2026, 9, 1), "end": date(2026, 12, 1), "currency": "EUR"}
        return Asked(self.desk.stage.organization.pk, zone="Europe/Berlin", **{**usual, **more})

    def inside(self) -> Any:
        return self.desk.stage.inside()


def chat(stage: Stage, name: str, minutes: int, **more: Any) -> None:
    """A chat that ended so long before the order of this name."""
    with stage.inside():
        row = Order.objects.get(external_id=name)
        moment = row.placed_at - timedelta(minutes=minutes)
        usual: dict[str, Any] = {"source": "chat", "customer": Customer(email=row.email_raw)}
        message = conversation(
            external_id=f"c-{name}-{minutes}", started_at=moment, last_activity_at=moment, **{**usual, **more}
        )
        conversations.record(message, organization=stage.organization)


@pytest.fixture(scope="module")
def _world(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[worlds.World[Board]]:
    yield from worlds.once(trade, blocker=django_db_blocker, folder=tmp_path_factory.mktemp("files"))


@pytest.fixture
def board(_world: worlds.World[Board], db: None, settings: Any) -> Board:
    return _world.enter(settings)


@pytest.fixture
def desk(board: Board) -> Desk:
    return board.desk


def trade() -> Board:
    """Orders around the midnight of a month, in two shops and currencies, with every method and band among them."""
    desk = Desk(Stage())
    stage = desk.stage
    with desk.inside():
        Order.objects.filter(pk=desk.order.pk).update(placed_at="2026-10-31T22:59:59Z")
    two = (
        Line(external_id="1", title="Tide Atlas", quantity=2, total_minor=2000, sku="EBOOK-TIDE-EN"),
        Line(external_id="2", title="A map = & more", quantity=3, total_minor=1001, sku=""),
    )
    back = Customer(email="o-1@example.com")
    tell(stage, order("o-1", 3001, lines=two), order("o-2", 1500, placed_at=at(1)), order("o-3", 900, placed_at=at(20)))
    tell(stage, order("o-4", 700, placed_at=at(47), customer=back), order("t-1", 999, test=True))
    tell(
        stage, order("o-5", 800, placed_at=at(50)), order("o-6", 600, placed_at=at(51)), order("o-7", placed_at=at(60))
    )
    tell(stage, order("d-1", 4000, currency="USD"), order("n-1", 100, customer=Customer()), kind="api")
    tell(stage, order("a-1", 5555, placed_at=at(33), customer=back), kind="api")
    tell(stage, refund("o-1", 500), refund("o-5", 800), dispute("o-6", 600, status=DisputeStatus.LOST))
    for name, minutes in (("o-1", 25), ("o-2", 600), ("o-3", 60 * 50), ("o-4", 60 * 23), ("a-1", 5), ("d-1", 1)):
        chat(stage, name, minutes)
    chat(stage, "o-7", 60 * 24 * 9)
    chat(stage, "o-6", 10, source=stage.channels["woocommerce"].domain)
    chat(stage, "o-5", 30, source=stage.channels["stripe"].domain)
    stage.work()
    with desk.inside():
        attributions.override(Order.objects.get(external_id="o-5"), None, by=LEAD, because="bought by phone")
    return Board(desk, sign_in(stage, "finance"))


CHOICES: tuple[dict[str, str], ...] = (
    AUTUMN,
    {"from": "2026-10-31", "until": "2026-10-31"},
    {**AUTUMN, "channel": "stripe"},
    {**AUTUMN, "channel": "api", "currency": "EUR"},
    {"range": "all", "currency": "USD"},
)


def chosen(board: Board, choice: dict[str, str]) -> dict[str, str]:
    """With the number of the channel."""
    channels = board.desk.stage.channels
    return {**choice, **({"channel": str(channels[choice["channel"]].pk)} if "channel" in choice else {})}


def test_every_figure_of_the_first_board_leads_to_the_rows_it_counts(board: Board) -> None:
    for choice in CHOICES:
        query = chosen(board, choice)
        page = board.page("board", **query)
        with board.inside():
            found = analytics.figures(page["choice"].asked)
        by_name = {figure["name"]: board.rows(figure["url"]) for figure in page["figures"]} if not page["empty"] else {}
        expected = {
            "Revenue": found.total.orders,
            "Orders": found.total.orders,
            "Average order": found.total.orders,
            "Revenue after a conversation": found.attributed.orders,
            "Conversations": found.conversations,
            "Conversion rate": found.attributed.orders,
            "Conversations that led to an order": found.converted,
        }
        assert by_name == expected, choice
        for name in ("bands", "methods", "platforms", "channels"):
            assert [board.rows(row["url"]) for row in page[name] if row["url"]] == [
                int(row["orders"]) for row in page[name] if row["url"]
            ], (choice, name)
        led = [board.rows(row["led_url"]) for row in page["channels"] if row["led_url"]]
        assert sum(led) == found.attributed.orders
        assert [int(row["orders"]) for row in page["days"]] == [board.rows(row["url"]) for row in page["days"]]
        assert sum(board.rows(row["url"]) for row in page["chat"][:2]) == found.total.orders


def test_columns_of_days_weeks_and_months_hold_every_order_once(board: Board) -> None:
    for query in (
        {"from": "2026-09-10", "until": "2026-11-01"},
        AUTUMN,
        {"from": "2025-01-01", "until": "2026-12-31"},
    ):
        page = board.page("board", **query)
        with board.inside():
            found = analytics.figures(page["choice"].asked)
        assert sum(int(row["orders"]) for row in page["days"]) == found.total.orders
        assert sum(board.rows(column["url"]) for column in page["columns"]) == found.total.orders


def test_each_product_leads_to_the_orders_it_was_sold_in(board: Board) -> None:
    page = board.page("board", **AUTUMN)
    with board.inside():
        products = analytics.figures(page["choice"].asked).products
    assert {one["sku"] for one in page["products"]} >= {"EBOOK-TIDE-EN", ""}
    for shown, product in zip(page["products"], products, strict=False):
        listed = [row.pk for row in board.client.get(shown["url"]).context["cl"].result_list]
        with board.inside():
            lines = LineRow.objects.filter(order__in=listed, removed=False, product=product.product_id)
            if product.product_id is None:
                lines = lines.filter(sku=product.sku, title=product.title)
            assert sum(line.quantity for line in lines) == product.quantity


def test_what_stood_before_is_compared_and_all_time_has_no_before(board: Board) -> None:
    page = board.page("board", **{"from": "2026-10-16", "until": "2026-11-30"})
    assert page["compared_words"] == "31 Aug – 15 Oct 2026"
    assert page["figures"][0]["change"].mark in ("▲", "▼")
    page = board.page("board", range="all")
    assert page["compared_words"] == "" and page["figures"][0]["change"] is None
    assert page["choice"].span.start == date(2026, 9, 14)


def test_the_choice_stays_in_every_address_of_a_board(board: Board) -> None:
    shop = board.desk.stage.channels["stripe"]
    page = board.page("cohorts", **AUTUMN, channel=shop.pk, currency="USD", show="revenue")
    for query in (*(one["query"] for one in page["presets"]), *(one["query"] for one in page["shows"])):
        assert f"channel={shop.pk}" in query and "currency=USD" in query
    assert all("from=2026-09-01" in one["url"] for one in page["boards"])


# Cohorts and growth ------------------------------------------------------------------------------------------------


def test_a_century_is_no_longer_page_than_what_happened_in_it(board: Board) -> None:
    century = {"from": "2000-01-01", "until": "2099-12-31"}
    walk(board)
    assert max(len(one["trend"]) for one in board.page("growth", **century)["rates"]) == growth.LONGEST == 53
    now = clock.now()
    months = now.year * 12 + now.month - (2026 * 12 + 9)
    assert len(board.page("cohorts", **century)["cohorts"][0]["cells"]) == months + 1
    assert len(board.page("board", **century)["columns"]) == 1200
    assert board.page("funnel", **century)["steps"][0]["count"] == "3"


def test_events_of_a_source_that_is_gone_lead_nowhere(board: Board) -> None:
    walk(board)
    with board.inside():
        Event.objects.filter(event_id="e-3").update(source="api:gone")
    page = board.page("growth", **AUTUMN)
    (gone,) = [row for row in page["channels"] if not row["url"]]
    assert gone["name"] == "Not connected any more" and gone["cells"][0]["whole"] == "1"
    assert not any(cell["part_url"] or cell["whole_url"] for cell in gone["cells"])


def test_each_cell_of_a_cohort_leads_to_its_orders(board: Board) -> None:
    for choice in CHOICES:
        page = board.page("cohorts", **chosen(board, choice))
        with board.inside():
            found = analytics.cohorts(page["choice"].asked)
        assert len(found) == len(page["cohorts"])
        for cohort, row in zip(found, page["cohorts"], strict=True):
            for cell, shown in zip(cohort.cells, row["cells"], strict=True):
                assert (board.rows(shown["url"]) if shown["url"] else 0) == cell.orders
                assert f"{cell.customers} of {boards.counted(cohort.customers, 'customer')}" in shown["says"]


def test_retention_is_a_share_of_the_first_month_and_revenue_its_sum(board: Board) -> None:
    page = board.page("cohorts", **AUTUMN)
    september = page["cohorts"][0]
    assert (september["month"], september["customers"]) == ("Sep 2026", "2")
    assert [cell["text"] for cell in september["cells"]] == ["100.0 %", "50.0 %", "0.0 %"]
    money = board.page("cohorts", **AUTUMN, show="revenue")
    assert money["cohorts"][0]["cells"][0]["text"] == "40.01"


def counts_of(context: Any) -> Iterator[tuple[int, str]]:
    """Every number of the growth page that leads somewhere."""
    cells = [*context["rates"], *(cell for row in (*context["weeks"], *context["channels"]) for cell in row["cells"])]
    for cell in cells:
        for name in ("part", "whole"):
            if cell[f"{name}_url"]:
                yield int(cell[name]), cell[f"{name}_url"]


def test_each_count_of_growth_leads_to_its_rows(board: Board) -> None:
    walk(board)
    for choice in CHOICES:
        told = set(counts_of(board.page("growth", **chosen(board, choice))))
        assert {(number, url, board.rows(url)) for number, url in told} == {(n, url, n) for n, url in told}, choice
    assert len(told) >= 1


def test_the_weeks_and_channels_of_growth_add_up_to_its_rates(board: Board) -> None:
    walk(board)
    page = board.page("growth", **AUTUMN)
    assert not page["no_steps"]
    for number, rate in enumerate(page["rates"]):
        for name in ("part", "whole"):
            for table in ("weeks", "channels"):
                assert sum(int(row["cells"][number][name]) for row in page[table]) == int(rate[name]), rate["title"]
    assert page["rates"][0]["value"] == "66.67 %" and page["rates"][1]["value"] == "100.00 %"


def test_weeks_that_are_not_shown_are_one_press_away(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    walk(board)
    names = [row["name"] for row in board.page("growth", **AUTUMN)["weeks"]]
    assert len(names) > 2 and board.page("growth", **AUTUMN)["earlier"] is None
    monkeypatch.setattr(growth, "LONGEST", 1)
    shown, query = [], AUTUMN
    for left in reversed(range(len(names))):
        page = board.page("growth", **query)
        shown += [row["name"] for row in page["weeks"]]
        if left:
            assert page["earlier"]["words"] == f"{left} earlier week{'s' if left > 1 else ''}"
            query = dict(parse_qsl(page["earlier"]["query"]))
            assert query["currency"] == "EUR" and "range" not in query
    assert shown == names and page["earlier"] is None


# The funnel --------------------------------------------------------------------------------------------------------


def walk(board: Board) -> None:
    """Three clicks, two checkouts, two conversions (one of them told twice), a test and a review."""
    shop = board.desk.stage.channels["stripe"].domain

    def step(number: int, type_: str, **payload: Any) -> dict[str, Any]:
        return event(number, type_, "2026-09-15T10:00:00Z", payload=payload)

    tell_events(
        board.desk.stage,
        step(1, "button_clicked", post_id="p-1", attachment_id="a&b", channel=shop),
        step(2, "button_clicked", post_id="p-1", resolution="3840x2160"),
        step(3, "button_clicked"),
        step(4, "checkout_started", post_id="p-1", channel=shop),
        step(5, "checkout_started", post_id="p-2"),
        step(6, "checkout_completed", post_id="p-1", order_id="o-1", channel=shop, total="1.00", currency="EUR"),
        step(7, "purchase", post_id="p-1", order_id="o-1", channel=shop),
        step(8, "purchase", post_id="p-2", total="=1+1", currency="EUR"),
        step(9, "purchase", order_id="t-1"),
        step(10, "review_submitted", post_id="p-1"),
    )


def test_each_count_of_the_funnel_leads_to_its_events(board: Board) -> None:
    walk(board)
    for choice in ({}, {"channel": "stripe"}, {"channel": "api"}):
        page = board.page("funnel", **AUTUMN, **chosen(board, choice))
        told = [(one["count"], one["url"]) for one in page["steps"]]
        told += [
            (one["text"], one["url"]) for table in page["tables"] for row in table["rows"] for one in row["counts"]
        ]
        assert all(board.rows(url) == int(count) for count, url in told if url), choice
        assert all(count == "0" for count, url in told if not url)
    page = board.page("funnel", **AUTUMN)
    assert [one["count"] for one in page["steps"]] == ["3", "2", "2"]
    assert page["tables"][0]["rows"][0]["name"] == "p-1" and "25.01" in str(page["tables"][0]["rows"][0]["net"])


def test_a_sum_nobody_can_read_is_named_on_the_page(board: Board) -> None:
    walk(board)
    html = board.client.get(reverse("admin:funnel"), AUTUMN).content.decode()
    assert "“=1+1 EUR”" in html and "1 told a sum nobody can read" in html


# Files -------------------------------------------------------------------------------------------------------------


def test_a_file_holds_what_is_shown_and_runs_nothing(board: Board) -> None:
    walk(board)
    with board.inside():
        Product.objects.update(title="=HYPERLINK(1)")
    for name in BOARDS:
        url = reverse(f"admin:{name}")
        answer = board.client.get(url, {**AUTUMN, "export": "csv"})
        assert answer["Content-Disposition"].endswith('-2026-09-01-2026-11-30-EUR.csv"')
        cells = [cell for row in csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))) for cell in row]
        assert not any(cell.startswith(("=", "+", "@")) for cell in cells) and "Europe/Berlin" in cells
        assert board.client.get(url, {**AUTUMN, "export": "xlsx"}).content[:2] == b"PK"
        assert board.client.get(url, {**AUTUMN, "export": "exe"})["Content-Type"].startswith("text/html")
    text = board.client.get(reverse("admin:board"), {**AUTUMN, "export": "csv"}).content.decode("utf-8-sig")
    with board.inside():
        found = analytics.figures(board.asked())
    whole = f"{Decimal(found.total.net_minor).scaleb(-2)}"
    assert f"All orders,{found.total.orders}," in text and whole in text and "'=HYPERLINK(1)" in text


# Who, and how much -------------------------------------------------------------------------------------------------


def test_boards_and_their_place_in_the_bar_are_for_the_roles_that_include_them(desk: Desk, sign: Sign) -> None:
    for role in Role.values:
        client, may = sign(role), "see_analytics" in PERMISSIONS[role]
        bar = client.get(desk.url("index")).content.decode()
        for name in (*BOARDS, "profiles_event_changelist"):
            assert (client.get(desk.url(name)).status_code == 200) is may, name
            assert (f'href="{desk.url(name)}"' in bar) is may, name
    assert "see_analytics" not in PERMISSIONS["agent"] and "see_analytics" in PERMISSIONS["auditor"]


def test_who_may_not_export_finds_no_button_and_no_file(
    board: Board, sign: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "profiles.actors.PERMISSIONS", {**PERMISSIONS, "agent": PERMISSIONS["agent"] | {"see_analytics"}}
    )
    client = sign("agent")
    for name in BOARDS:
        assert "Export" not in client.get(reverse(f"admin:{name}")).content.decode()
        assert "Content-Disposition" not in client.get(reverse(f"admin:{name}"), {"export": "csv"})


def test_a_stranger_counts_nothing(board: Board, sign: Sign) -> None:
    walk(board)
    stranger = sign("engineer", Stage("stranger"))
    for name in BOARDS:
        query = {**AUTUMN, "channel": str(board.desk.stage.channels["stripe"].pk)}
        page = stranger.get(reverse(f"admin:{name}"), query)
        assert page.status_code == 200 and (page.context.get("empty") or page.context.get("cohorts") == [])
    assert stranger.get(reverse("admin:profiles_event_changelist")).context["cl"].result_count == 0


def test_an_empty_board_says_what_to_do_next(desk: Desk, sign: Sign) -> None:
    client = sign("engineer", Stage("empty"))
    assert "connect a shop first" in client.get(desk.url("board")).content.decode()
    for name in BOARDS:
        assert "Show all time" in client.get(desk.url(name)).content.decode()
    assert "POST /api/events" in client.get(desk.url("funnel")).content.decode()
    quiet = Desk(Stage("quiet"))
    html = sign("lead", quiet.stage).get(desk.url("board"), {"range": "all"}).content.decode()
    assert "No conversation was told yet" in html and desk.url("orders_channel_changelist") in html


def test_a_page_costs_the_same_whatever_is_in_it(board: Board) -> None:
    walk(board)
    counts: dict[str, list[int]] = {name: [] for name in (*BOARDS, "profiles_event_changelist")}
    for number in range(2):
        for name, seen in counts.items():
            board.page(name, **AUTUMN)
            with CaptureQueriesContext(connection) as found:
                board.page(name, **AUTUMN)
            seen.append(len(found))
        stage = board.desk.stage
        tell(stage, *(order(f"m-{number}-{more}", placed_at=at(2 + 9 * more)) for more in range(3)))
        chat(stage, f"m-{number}-1", 5)
        tell_events(stage, event(f"m{number}", "purchase", "2026-09-15T10:00:00Z", payload={"post_id": f"p-{number}"}))
        stage.work()
    assert all(few == many <= 25 for few, many in counts.values()), counts


def test_an_odd_choice_falls_back_to_the_usual(desk: Desk, sign: Sign) -> None:
    board = Board(desk, sign("finance"))
    for odd in ("x", "'", "9" * 30, "2026-13-01", "٣", "\x00"):
        _fall_back(board, odd)


def _fall_back(board: Board, odd: str) -> None:
    query = dict.fromkeys(("range", "from", "until", "channel", "currency", "show"), odd)
    for name in BOARDS:
        assert board.page(name, **query)["choice"].currency == "EUR"
    names = ("from", "until", "currency", "counted", "platform", "product", "sold", "attributed", "band", "method",
             "buyer", "cohort")  # fmt: skip
    for page, given in (
        ("orders_order_changelist", names),
        ("profiles_event_changelist", ("step", "from", "until", "post", "channel", "currency")),
        ("fulfillment_job_changelist", ("from", "until", "orders", "channel")),
    ):
        assert board.client.get(reverse(f"admin:{page}"), dict.fromkeys(given, odd)).status_code in (200, 302)


def test_a_conversation_of_a_source_of_its_own_counts_for_every_shop(board: Board) -> None:
    stage = board.desk.stage
    talks.deliver(stage, talks.connect(stage, "chatwoot", "chat.example"), b"{}")
    with board.inside():
        row = Conversation.objects.filter(source="chat").order_by("pk").first()
        assert row is not None
        Conversation.objects.filter(pk=row.pk).update(channel=stage.channels["woocommerce"])
    for kind in ("stripe", "woocommerce"):
        page = board.page("board", **AUTUMN, channel=stage.channels[kind].pk)
        with board.inside():
            expected = analytics.figures(page["choice"].asked).conversations
        assert board.rows(page["figures"][4]["url"] if not page["empty"] else "/admin/") == expected
