"""The very same file again: passed over where no row of it would change anything, read where one might."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config import importing
from orders.actions import column_mappings, facts, import_files, import_undos, imports
from orders.actions.statements import Said
from orders.files import editions
from orders.files.dialects import Declared, Mode, Record
from orders.messages import Authority, Customer, OrderMessage, OrderStatus
from orders.models import Import, ImportRow, Line, Order, Payment, Refund
from orders.queries import imports as contents
from orders.queries import repeats
from profiles.models import Organization
from tests.imports import csv, row
from tests.stage import BY, Stage

pytestmark = pytest.mark.django_db(transaction=True)
FILES = (
    csv(row(1), row(2), row(3, gross="oops")),
    csv(row(1), row(2, status="refunded"), row(1)),
    csv(row(1), row(2), row(1, sku="EBOOK-HARB-EN"), row(3)),
    csv(row(1, gross="12.00", net="11.50"), row(2, status="pending"), row(3, status="pending")),
)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
NOT_COMPARED = {"id", "order_id", "channel_id", "arrived_at", "version", "identifiers"}


@pytest.fixture
def stage() -> Stage:
    return Stage()


def hand_in(stage: Stage, content: bytes, source: str = "csv:old-shop", **terms: Any) -> Import:
    """Import this content; what became of it."""
    with stage.inside():
        organization = Organization.objects.get(pk=stage.organization.pk)
        made = import_files.receive(
            io.BytesIO(content),
            filename="orders.csv",
            channel=import_files.channel_for(organization, source, by=BY),
            organization=organization,
            by=BY,
            **{"mode": Mode.ORDERS, "record": Record.NET, **terms},
        )
        if made.state == Import.State.ASKING:
            imports.take(made, by=BY)
    finish(stage)
    with stage.inside():
        return Import.objects.get(pk=made.pk)


def finish(stage: Stage) -> None:
    while importing.files(stage.organization.pk):
        pass


def undo(stage: Stage, made: Import) -> None:
    with stage.inside():
        import_undos.request(made, by=BY, because="A test")
    finish(stage)


def tell(stage: Stage, number: int, total: int, source: str = "csv:old-shop", minute: int = 0) -> None:
    """What the shop itself says of an order, at this minute."""
    with stage.inside():
        message = OrderMessage(
            external_id=f"o-{number}",
            currency="EUR",
            total_minor=total,
            placed_at=NOON,
            version=NOON + timedelta(minutes=minute),
            authority=Authority.ORDER,
            status=OrderStatus.PENDING,
            paid=True,
            customer=Customer(),
            lines=(),
        )
        channel = import_files.channel_for(stage.organization, source, by=BY)
        facts.record([Said(channel, message)], organization=stage.organization)


def told(stage: Stage, made: Import) -> tuple[dict[str, int], list[tuple[int, str]]]:
    """The counts that its person sees, and the outcome of each line."""
    with stage.inside():
        rows = [(one.line, contents.told(made, one)[0]) for one in contents.outcomes(made)]
    return {name: getattr(made, name) for name in imports.COUNTS}, rows


def facts_of(stage: Stage, source: str) -> list[Any]:
    with stage.inside():
        channel = import_files.channel_for(stage.organization, source, by=BY)
        found = []
        for model in (Order, Line, Payment, Refund):
            rows: Any = model._base_manager
            by_order = model is Line
            rows = rows.filter(order__channel=channel) if by_order else rows.filter(channel=channel)
            rows = rows.order_by(*(["order__external_id"] if by_order else []), "external_id")
            # A refund's digest is of its version too.
            left_out = NOT_COMPARED | ({"digest"} if model is Refund else set())
            columns = [f.attname for f in model._meta.local_concrete_fields if f.attname not in left_out]
            found.append(list(rows.values(*columns)))
        return found


def test_a_known_file_is_passed_over_with_one_row_written_however_long_it_is(stage: Stage) -> None:
    counts = []
    for many in (1, 300):
        content = csv(*(row(f"{many}-{number}") for number in range(many)))
        first = hand_in(stage, content)
        before = facts_of(stage, "csv:old-shop")
        with CaptureQueriesContext(connection) as seen:
            again = hand_in(stage, content)
        counts.append(len(seen))
        assert (again.repeats_id, again.same, again.rows, again.fresh) == (first.pk, many, many, 0)
        assert facts_of(stage, "csv:old-shop") == before
        with stage.inside():
            assert not ImportRow.objects.filter(imported=again).exists()
    assert counts[0] == counts[1]


def test_other_files_in_between_do_not_matter_while_they_change_nothing_of_it(stage: Stage) -> None:
    first = hand_in(stage, csv(row(1), row(2)))
    hand_in(stage, csv(row(1), row(2), row(3)))
    assert hand_in(stage, csv(row(1), row(2))).repeats_id == first.pk
    hand_in(stage, csv(row(2, status="refunded")))
    again = hand_in(stage, csv(row(1), row(2)))
    assert (again.repeats_id, again.same, again.conflicts) == (None, 1, 1)


def test_a_word_of_the_shop_itself_is_compared_too(stage: Stage) -> None:
    first = hand_in(stage, csv(row(1), row(2)))
    tell(stage, 1, 1000)
    again = hand_in(stage, csv(row(1), row(2)))
    assert (again.repeats_id, again.same) == (first.pk, 2)
    tell(stage, 2, 900)
    again = hand_in(stage, csv(row(1), row(2)))
    assert (again.repeats_id, again.same, again.conflicts) == (None, 1, 1)
    # Where something of it was in conflict, nobody but a reader can tell what would be now.
    assert hand_in(stage, csv(row(1), row(2))).repeats_id is None


def test_what_was_undone_is_read_and_brought_back(stage: Stage) -> None:
    first = hand_in(stage, FILES[0])
    undo(stage, first)
    again = hand_in(stage, FILES[0])
    assert (again.repeats_id, again.fresh) == (None, 2)


def test_orders_that_are_gone_come_again(stage: Stage) -> None:
    hand_in(stage, csv(row(1), row(2)))
    with stage.inside():
        Line.objects.filter(order__external_id="o-2").delete()
        Payment.objects.filter(order__external_id="o-2").delete()
        Order.objects.filter(external_id="o-2").delete()
    again = hand_in(stage, csv(row(1), row(2)))
    assert (again.repeats_id, again.same, again.fresh) == (None, 1, 1)


def test_rows_that_were_not_kept_prove_nothing(stage: Stage) -> None:
    first = hand_in(stage, FILES[0])
    with stage.inside():
        ImportRow.objects.filter(imported=first, line=2).delete()
    assert hand_in(stage, FILES[0]).repeats_id is None


def test_rows_that_were_kept_without_what_they_said_prove_nothing(stage: Stage) -> None:
    first = hand_in(stage, FILES[0])
    with stage.inside():
        ImportRow.objects.filter(imported=first).update(digest="")
    assert hand_in(stage, FILES[0]).repeats_id is None


def test_a_file_of_which_every_row_was_refused_is_known(stage: Stage) -> None:
    first = hand_in(stage, csv(row(1, gross="oops")))
    again = hand_in(stage, csv(row(1, gross="oops")))
    assert (again.repeats_id, again.rejected, again.same) == (first.pk, 1, 0)


@pytest.mark.parametrize("terms", [{"record": Record.GROSS}, {"declared": Declared(dates="DMY")}])
def test_other_terms_are_another_meaning(stage: Stage, terms: dict[str, Any]) -> None:
    hand_in(stage, csv(row(1)))
    assert hand_in(stage, csv(row(1)), **terms).repeats_id is None


def test_what_a_day_means_depends_on_where_the_seller_lives(stage: Stage) -> None:
    hand_in(stage, csv(row(1)))
    with stage.inside():
        Organization.objects.filter(pk=stage.organization.pk).update(timezone="Asia/Tokyo")
    again = hand_in(stage, csv(row(1)))
    assert (again.repeats_id, again.updated) == (None, 1)


def test_code_that_reads_otherwise_reads_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_in(stage, csv(row(1)))
    monkeypatch.setattr(editions, "current", lambda: "another")
    again = hand_in(stage, csv(row(1)))
    assert (again.repeats_id, again.same) == (None, 1)
    assert hand_in(stage, csv(row(1))).repeats_id == again.pk


def test_a_mapping_that_was_changed_is_another_meaning(stage: Stage) -> None:
    def keep(silent: str) -> Any:
        fields = {"order_id": "No", "order_date": "Day", "gross": "Sum"}
        terms = {"columns": fields, "silent": silent}
        with stage.inside():
            return column_mappings.keep(stage.organization, "mine", Mode.ORDERS, terms, by=BY, because="A test")

    content = b"No,Day,Sum\nm-1,2026-03-04,10.00\n"
    mapping = keep("unpaid")
    first = hand_in(stage, content, mapping=mapping)
    assert hand_in(stage, content, mapping=mapping).repeats_id == first.pk
    again = hand_in(stage, content, mapping=keep("paid"))
    assert (again.repeats_id, again.updated) == (None, 1)


def test_a_file_of_payouts_is_always_read(stage: Stage) -> None:
    content = b"payout_id,payout_date,currency,gross,fee,net,order_ids\np-1,2026-03-05,EUR,10.00,0.50,9.50,\n"
    hand_in(stage, content, mode=Mode.PAYOUTS)
    again = hand_in(stage, content, mode=Mode.PAYOUTS)
    assert (again.repeats_id, again.same) == (None, 1)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("file"), st.integers(0, len(FILES) - 1)),
        st.tuples(st.just("file"), st.integers(0, 1)),
        st.tuples(st.just("shop"), st.tuples(st.integers(1, 3), st.sampled_from([1000, 1200]))),
        st.tuples(st.just("undo"), st.integers(0, 6)),
    ),
    min_size=2,
    max_size=8,
)


def test_passed_over_or_read_the_same_comes_of_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any files, words of the shop and undos, in any order: the same facts, counts and outcomes of lines."""
    find, examples, passed_over = repeats.newest, iter(range(1000)), []

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps=STEPS)
    def equal(steps: list[tuple[str, Any]]) -> None:
        number = next(examples)
        ways = {f"csv:short-{number}": find, f"csv:long-{number}": lambda row: None}
        made: list[list[Import]] = []
        for minute, (step, what) in enumerate(steps):
            if step == "undo" and (what >= len(made) or made[what][0].repeats_id):
                continue
            done = []
            for at, (source, way) in enumerate(ways.items()):
                monkeypatch.setattr(repeats, "newest", way)
                if step == "file":
                    done.append(hand_in(stage, FILES[what], source))
                elif step == "shop":
                    tell(stage, what[0], what[1], source, minute)
                else:
                    with stage.inside():
                        row = Import.objects.get(pk=made[what][at].pk)
                    if row.state == Import.State.DONE:
                        undo(stage, row)
            if done:
                made.append(done)
                passed_over.append(done[0].repeats_id is not None)
                assert told(stage, done[0]) == told(stage, done[1])
        assert facts_of(stage, f"csv:short-{number}") == facts_of(stage, f"csv:long-{number}")

    equal()
    assert any(passed_over) and not all(passed_over)
