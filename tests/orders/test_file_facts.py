"""Orders first known from a file: written by columns as by messages, and in a fixed number of statements."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.actions import facts, file_facts, import_files, statements
from orders.actions.statements import Said
from orders.files import words
from orders.files.dialects import Mode, Record, Standing
from orders.files.sales import Sale
from orders.files.words import Disagrees, Word
from orders.messages import FROM_FILE, OrderMessage, PaymentMessage, PaymentStatus, RefundMessage, RefundStatus
from orders.models import Import, Line, Order, Payment, Refund
from profiles import clock
from tests.stage import BY, Stage

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
TABLES = (Order, Line, Payment, Refund)
NOT_COMPARED = {"id", "order_id", "channel_id", "arrived_at", "organization_id"}
TEXTS = st.sampled_from(["", "a", 'q"uote\\', "Ünlü, İrem", "x\x1fy", "null", "{}"])


def sale(one: int, **changes: Any) -> Sale:
    told = Sale(f"o-{one}", NOON, "EUR", 1000, Standing.PAID, 50, email=f"b{one}@example.org", sku="S")
    return told._replace(**changes)


def imported(stage: Stage, name: str) -> Import:
    now = clock.now()
    channel = import_files.channel_for(stage.organization, f"csv:{name}", by=BY)
    row = Import(organization=stage.organization, channel=channel, mode=Mode.ORDERS.value, state="taking")
    row.filename, row.size, row.sha256, row.by, row.version, row.created_at = name, 1, "", "test", now, now
    row.save()
    return row


def digested(fresh: list[Word]) -> list[tuple[Word, str]]:
    return [(word, word.digest) for word in fresh]


def by_messages(row: Import, fresh: list[Word]) -> None:
    told = [words.tell(word, version=row.version, quiet=not row.mail) for word in fresh]
    facts.record([Said(row.channel, m) for one in told for m in one.messages], organization=row.organization)


def kept(row: Import) -> list[list[dict[str, Any]]]:
    found = []
    for model in TABLES:
        own: Any = {"order__channel": row.channel_id} if model is Line else {"channel": row.channel_id}
        rows: Any = model._base_manager.filter(**own)
        if model is Line:
            rows = rows.order_by("order__external_id", "external_id")
        else:
            rows = rows.order_by("external_id")
        of_order = [] if model is Order else list(rows.values_list("order__external_id", flat=True))
        columns = [f.attname for f in model._meta.local_concrete_fields if f.attname not in NOT_COMPARED]
        values = list(rows.values(*columns))
        for one in values:
            # A number nobody can read is known by the channel it came through.
            one["identifiers"] = [key.replace(row.channel.domain, "") for key in one.get("identifiers", ())]
        found.append([*values, {"orders": of_order}])
    return found


@st.composite
def orders(draw: st.DrawFn) -> list[list[Sale]]:
    found = []
    for number in range(draw(st.integers(1, 3))):
        first = sale(
            number,
            placed_at=NOON + timedelta(days=draw(st.integers(0, 3))),
            currency=draw(st.sampled_from(["EUR", "JPY"])),
            name=draw(TEXTS),
            number=draw(TEXTS),
            phone=draw(st.sampled_from(["", "+49 30 901820", "call me"])),
            email=draw(st.sampled_from(["", "Buyer@Example.org", "no address"])),
            extra=draw(st.sampled_from([{}, {"note": 'a "b"', "at": "c"}])),
        )
        rows = []
        for part in range(draw(st.integers(1, 3))):
            standing = draw(st.sampled_from([*Standing, ""]))
            rows.append(
                first._replace(
                    standing=standing,
                    said="" if standing else "odd",
                    gross_minor=draw(st.integers(0, 2000)),
                    fee_minor=draw(st.none() | st.integers(0, 5)),
                    sku=draw(st.sampled_from(["", f"SKU-{part}"])),
                    title=f"T{part} {draw(TEXTS)}",
                )
            )
        found.append(rows)
    return found


def gathered(rows: list[list[Sale]], record: Record) -> list[Word]:
    found = []
    for one in rows:
        try:
            found.append(words.gather(one, record=record))
        except Disagrees:
            found.append(words.gather(one[:1], record=record))
    return found


@pytest.mark.django_db(transaction=True)
def test_what_is_written_by_columns_is_what_messages_would_have_written() -> None:
    stage = Stage()
    numbers = iter(range(1000))

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(rows=orders(), record=st.sampled_from(Record), mail=st.booleans())
    def equal(rows: list[list[Sale]], record: Record, mail: bool) -> None:
        fresh, number = gathered(rows, record), next(numbers)
        with stage.inside():
            one, other = imported(stage, f"columns-{number}"), imported(stage, f"messages-{number}")
            other.version, one.mail, other.mail = one.version, mail, mail
            touched = file_facts.record(one, digested(fresh))
            assert touched == set(Order.objects.filter(channel=one.channel_id).values_list("pk", flat=True))
            by_messages(other, fresh)
            assert kept(one) == kept(other)
            # The very words again, as messages, are no news: each digest is the same.
            by_messages(one, fresh)
            assert kept(one) == kept(other)

    equal()


@given(rows=orders(), record=st.sampled_from(Record))
@settings(max_examples=50, deadline=None)
def test_a_word_and_its_messages_have_one_digest(rows: list[list[Sale]], record: Record) -> None:
    for word in gathered(rows, record):
        told = words.tell(word, version=NOON, quiet=True)
        assert statements.digest(told.order) == word.digest
        later = words.tell(word, version=NOON + timedelta(days=1), quiet=False)
        assert statements.digest(later.order) == word.digest
        if told.payment is not None:
            assert statements.digest(told.payment) == word.payment_digest


def test_every_part_of_a_word_but_its_money_tells_it_from_another() -> None:
    base = words.gather([sale(1), sale(1, sku="T")], record=Record.NET)
    others = [
        words.gather([sale(1, sku="T"), sale(1)], record=Record.NET),
        base._replace(fee_minor=3),
    ]
    assert {one.digest for one in others} == {base.digest}
    changes: dict[str, Any] = {
        "external_id": "o-2",
        "number": "7",
        "currency": "USD",
        "total_minor": 1,
        "placed_at": NOON + timedelta(seconds=1),
        "status": "refunded",
        "paid": False,
        "failed": True,
        "cancelled": True,
        "email": "x",
        "phone": "x",
        "name": "x",
        "lines": base.lines[:1],
        "flags": ("x",),
        "extra": (("a", "b"),),
        "booked": False,
    }
    changed = [base._replace(**{name: value}) for name, value in changes.items()]
    assert len({base.digest, *(one.digest for one in changed)}) == len(changed) + 1


@pytest.mark.django_db(transaction=True)
def test_money_that_came_before_its_order_finds_it() -> None:
    """A payment of the file's own name that is newer stays, and a refund that waited is the order's."""
    stage = Stage()
    with stage.inside():
        row = imported(stage, "early")
        later = row.version + timedelta(hours=1)
        payment = PaymentMessage(
            external_id=f"{FROM_FILE}o-1",
            order_external_id="o-1",
            amount_minor=900,
            currency="EUR",
            status=PaymentStatus.FAILED,
            paid_at=NOON,
            version=later,
        )
        refund = RefundMessage(
            external_id="r-1",
            order_external_id="o-2",
            amount_minor=100,
            currency="EUR",
            status=RefundStatus.SUCCEEDED,
            refunded_at=NOON,
            version=later,
        )
        facts.record([Said(row.channel, payment), Said(row.channel, refund)], organization=row.organization)
        fresh = [words.gather([sale(number)], record=Record.NET) for number in (1, 2)]
        assert len(file_facts.record(row, digested(fresh))) == 2
        assert dict(Payment.objects.values_list("order__external_id", "status")) == {"o-1": "failed", "o-2": "captured"}
        assert Refund.objects.get().order == Order.objects.get(external_id="o-2")


@pytest.mark.django_db(transaction=True)
def test_any_number_of_orders_costs_the_same_statements() -> None:
    stage = Stage()
    with stage.inside():
        row, counts = imported(stage, "many"), []
        for first, count in ((0, 1), (1, 300)):
            fresh = [words.gather([sale(n)], record=Record.NET) for n in range(first, first + count)]
            with CaptureQueriesContext(connection) as seen:
                file_facts.record(row, digested(fresh))
            counts.append(len(seen))
        assert counts[0] == counts[1] <= 8


def test_a_message_of_a_file_says_nothing_that_its_digest_leaves_out() -> None:
    """What files do not say stays as it is by default: otherwise two different words would be taken for one."""
    said = {"rank", "version", "quiet", "paid_at", "authority", "customer", "lines", "extra_facts", "status", "paid"}
    said |= {"external_id", "number", "currency", "total_minor", "placed_at", "payment_failed", "cancelled", "flags"}
    order = words.tell(words.gather([sale(1)], record=Record.NET), version=NOON, quiet=True).order
    for name, field in OrderMessage.__dataclass_fields__.items():
        if name not in said | {"booked"}:
            assert getattr(order, name) == field.default, name
