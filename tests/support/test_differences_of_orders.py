"""Bundles that were granted in part: what is owed of them, what is not, and that settling again makes them whole."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fulfillment.actions import bundles, entitlements, given_services
from fulfillment.models import Email, Entitlement, Service
from orders.actions import products
from orders.messages import Line, RefundedLine
from orders.models import Order, Product
from profiles import clock
from profiles.actions import settlement
from profiles.actors import Actor
from support.actions import reconciliation, repairs
from support.models import Discrepancy
from tests.books import BUNDLE, PRICE, SECOND, SKU, Books
from tests.stage import BY, Stage

LEAD = Actor(label="Lea", role="lead")
FINANCE = Actor(label="Finn Finance", role="finance")
WHY = "the autumn offer"
Status = Discrepancy.Status
NUMBER = iter(range(1_000_000))


@pytest.fixture
def books(db: None) -> Books:
    stage = Stage()
    return Books(stage.organization, stage.channels["stripe"])


def found(books: Books) -> list[Discrepancy]:
    """What a comparison of everything leaves open of access."""
    with books.inside():
        until = clock.now() + timedelta(minutes=1)
    reconciliation.now(books.organization.pk, since=books.first - timedelta(days=1), until=until, by=BY)
    with books.inside():
        rows = Discrepancy.objects.filter(kind="paid_without_entitlement", status=Status.OPEN)
        return list(rows.select_related("order").order_by("pk"))


def one_lacking(books: Books) -> Discrepancy:
    books.bundle_lacks_a_part(1)
    (row,) = found(books)
    return row


def held(books: Books) -> list[tuple[str, str]]:
    with books.inside():
        rows = Entitlement.objects.filter(status__in=Entitlement.DOWNLOADABLE)
        return sorted(rows.values_list("order__external_id", "product__sku"))


def settle_all(books: Books) -> None:
    with books.inside():
        ids = list(Order.objects.values_list("pk", flat=True))
        settlement.request(books.organization.pk, orders=ids, wake_worker=False)
    books.work()


def test_the_missing_part_is_named_with_the_sum_of_its_line(books: Books) -> None:
    books.clean(1)
    row = one_lacking(books)
    with books.inside():
        title = Product.objects.get(sku=SECOND).title
    assert row.ours == [
        ["Not granted", f"{title} ({SECOND}), part of Both books"],
        ["Parts of bundles missing", "1"],
    ]
    assert (row.amount_minor, row.currency, row.repair) == (PRICE, "EUR", "requeue")


def test_the_repair_grants_the_part_with_one_mail_and_closes_it(books: Books) -> None:
    row = one_lacking(books)
    with books.inside():
        before = Email.objects.count()
        repairs.repair(row, by=FINANCE, because="paid, and one part is missing")
    books.work()
    with books.inside():
        row.refresh_from_db()
        assert (row.status, row.closed_because) == (Status.CLOSED, "The records agree.")
        assert list(
            Email.objects.order_by("-pk").values_list("template", flat=True)[: Email.objects.count() - before]
        ) == ["delivery"]
    assert held(books) == [(row.external_id, SECOND), (row.external_id, SKU)]
    settle_all(books)
    assert len(held(books)) == 2 and found(books) == []


def test_a_part_given_by_hand_closes_it(books: Books) -> None:
    row = one_lacking(books)
    with books.inside():
        order, part = Order.objects.select_related("profile").get(), Product.objects.get(sku=SECOND)
        assert order.profile is not None
        entitlements.grant(order.profile, part, by=LEAD, because="paid", key="k", order=order)
    assert found(books) == []
    with books.inside():
        assert Discrepancy.objects.get(pk=row.pk).status == Status.CLOSED


def test_a_part_that_a_person_took_is_not_missing(books: Books) -> None:
    bought(books)
    with books.inside():
        entitlements.revoke(Entitlement.objects.get(product__sku=SECOND), by=LEAD, because="a chargeback before")
    assert found(books) == []


@pytest.mark.parametrize("covers", [True, False], ids=["the line was given back", "the control"])
def test_what_a_refund_covers_is_not_missing(books: Books, covers: bool) -> None:
    name = bought(books)
    back = books.refund(name, books.at(name) + timedelta(hours=1), covers=covers, amount_minor=PRICE // 2)
    books.record(replace(back, lines=(RefundedLine(line_external_id="0", quantity=1),) if covers else ()))
    books.work()
    books.lose_a_part([name])
    assert len(found(books)) == (0 if covers else 1)


def bought(books: Books, *skus: str) -> str:
    """One more order of these; its name."""
    books.bundle()
    (name,) = books.names(1)
    lines = tuple(
        Line(external_id=f"{n}", title=sku, quantity=1, total_minor=PRICE, sku=sku)
        for n, sku in enumerate(skus or [BUNDLE])
    )
    total = PRICE * len(lines)
    books.record(books.order(name, lines=lines, total_minor=total), books.payment(name, amount_minor=total))
    books.work()
    return name


def test_who_bought_before_is_not_owed_what_came_into_the_bundle_later(books: Books) -> None:
    first = bought(books)
    third = part(books, "EBOOK-THIRD")
    with books.inside():
        bundles.add(books.bundle(), third, to_owners=False, by=LEAD, because=WHY)
    assert found(books) == []
    settle_all(books)
    second = bought(books)
    assert [name for name, sku in held(books) if sku == third.sku] == [second]
    with books.inside():
        gone = Entitlement.objects.filter(product=third)
        gone.update(status=Entitlement.Status.REVOKED)
    (row,) = found(books)
    assert row.external_id == second != first


def test_a_part_of_a_bundle_within_is_named_and_granted(books: Books) -> None:
    books.bundle()
    outer = part(books, "SET-OUTER", kind="bundle")
    third = part(books, "EBOOK-THIRD")
    with books.inside():
        bundles.fill(outer, [BUNDLE, third.sku], by=BY)
    name = bought(books, "SET-OUTER", SKU)
    books.lose_a_part([name])
    (row,) = found(books)
    assert row.ours[0][1].endswith(f"({SECOND}), part of SET-OUTER") and row.amount_minor == PRICE
    settle_all(books)
    assert found(books) == []
    assert sorted(sku for _, sku in held(books)) == sorted([third.sku, SECOND, SKU, SKU])


def test_a_bundle_and_a_book_beside_it_that_were_both_not_granted_are_told_apart(books: Books) -> None:
    name = bought(books, BUNDLE, SKU)
    books.lose_a_part([name])
    with books.inside():
        Entitlement.objects.filter(source="order").update(status=Entitlement.Status.REVOKED)
    (row,) = found(books)
    assert ["Lines without access", "1"] in row.ours and ["Parts of bundles missing", "1"] in row.ours
    assert row.amount_minor == 2 * PRICE


def part(books: Books, sku: str, **more: Any) -> Product:
    with books.inside():
        return products.add(
            **{
                "organization": books.organization,
                "sku": sku,
                "title": sku,
                "kind": "ebook",
                "price": "9.00",
                "currency": "EUR",
                "by": BY,
                **more,
            }
        )


def work(books: Books, *skus: str) -> list[str]:
    """Two orders of these that should open a service; their names."""
    service = part(books, "ADVICE", kind="service")
    with books.inside():
        bundles.fill(books.bundle(), [service.sku], by=BY)
    return [bought(books, *skus), bought(books, *skus)]


@pytest.mark.parametrize(
    ("skus", "named"),
    [((BUNDLE,), "ADVICE (ADVICE), part of"), (("ADVICE",), "ADVICE")],
    ids=["in a bundle", "by itself"],
)
def test_a_service_that_was_never_opened_is_named_and_settling_opens_it(
    books: Books, skus: tuple[str, ...], named: str
) -> None:
    first, second = work(books, *skus)
    assert found(books) == []
    with books.inside():
        Service.objects.filter(order__external_id=second).delete()
    (row,) = found(books)
    assert row.external_id == second != first and row.ours[0][1].startswith(named)
    assert row.amount_minor == PRICE
    with books.inside():
        repairs.repair(row, by=FINANCE, because="paid, and nobody began")
    books.work()
    assert found(books) == []
    with books.inside():
        assert list(Service.objects.order_by("pk").values_list("order__external_id", "state")) == [
            (first, "intake"),
            (second, "intake"),
        ]


def test_a_service_given_by_hand_on_the_order_closes_it(books: Books) -> None:
    _, second = work(books)
    with books.inside():
        Service.objects.filter(order__external_id=second).delete()
    (row,) = found(books)
    with books.inside():
        order = Order.objects.select_related("profile").get(external_id=second)
        assert order.profile is not None
        product = Product.objects.get(sku="ADVICE")
        given = given_services.give(order.profile, product, by=LEAD, because="paid", key="k", order=order)
    assert found(books) == []
    with books.inside():
        assert Discrepancy.objects.get(pk=row.pk).status == Status.CLOSED
        given_services.withdraw(given, by=LEAD, because="a mistake")
    assert [one.external_id for one in found(books)] == [second]


def test_a_service_whose_line_was_given_back_is_not_missing(books: Books) -> None:
    name = work(books, "ADVICE", SKU)[1]
    back = books.refund(name, books.at(name) + timedelta(hours=1), covers=True, amount_minor=PRICE)
    books.record(replace(back, lines=(RefundedLine(line_external_id="0", quantity=1),)))
    books.work()
    with books.inside():
        assert Service.objects.get(order__external_id=name).state == "ended"
    assert found(books) == []


change = st.tuples(st.sampled_from(["buy", "buy", "add", "add to owners", "remove", "settle"]), st.integers(0, 3))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(change, min_size=3, max_size=9), lost=st.integers(0, 30))
def test_whatever_becomes_of_a_bundle_nobody_lacks_anything_until_something_is_lost(
    db: None, changes: list[tuple[str, int]], lost: int
) -> None:
    stage = Stage(f"shop-{next(NUMBER)}")
    books = Books(stage.organization, stage.channels["stripe"])
    bundle = books.bundle()
    parts = [part(books, f"EBOOK-{n}") for n in range(4)]
    inside: set[int] = set()
    bought(books)
    for act, number in changes:
        if act == "buy":
            bought(books)
        elif act == "settle":
            settle_all(books)
        elif act == "remove" and number in inside:
            inside.discard(number)
            with books.inside():
                bundles.remove(bundle, parts[number], by=LEAD, because=WHY)
        elif act.startswith("add") and number not in inside:
            inside.add(number)
            with books.inside():
                bundles.add(bundle, parts[number], to_owners=act == "add to owners", by=LEAD, because=WHY)
            books.work()
    whole = held(books)
    assert found(books) == []
    settle_all(books)
    assert held(books) == whole
    # Each order holds the two books it began with, which never leave the bundle.
    names = sorted({name for name, _ in whole})
    name = names[lost % len(names)]
    books.lose_a_part([name])
    assert [row.external_id for row in found(books)] == [name]
    settle_all(books)
    assert held(books) == whole and found(books) == []
