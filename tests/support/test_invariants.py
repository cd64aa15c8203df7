"""What holds of the figures whatever was bought, said, given back and merged (ATTRIBUTION.md, invariants)."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attribution.actions import conversations
from orders.messages import Customer, OrderStatus
from orders.models import ProfileTotal
from profiles.actions import merges
from profiles.actors import Actor
from profiles.models import Profile
from support.analytics import Asked, Figures, Sum
from support.queries import analytics
from tests.house.catalogue import rows
from tests.money import START, Books, order, refund, tell, work
from tests.talks import conversation

LEAD = Actor(label="Lena", role="lead")
NUMBER = iter(range(1_000_000))
CURRENCIES = ("EUR", "JPY")

hours = st.integers(0, 24 * 12)
who = st.integers(0, 4)
bought = st.tuples(who, hours, st.integers(0, 9000), st.sampled_from(CURRENCIES), st.sampled_from(("stripe", "api")))
back = st.integers(0, 100)
odd = st.sampled_from(
    [{}] * 5 + [{"test": True}, {"cancelled": True, "status": OrderStatus.CANCELLED}, {"paid": False}]
)
purchases = st.lists(st.tuples(bought, back, odd), min_size=3, max_size=9)
talks = st.lists(st.tuples(who, hours), max_size=6)


def buy(shop: Books, told: Iterable[tuple[Any, int, Any]]) -> None:
    for number, ((person, after, total, currency, kind), share, more) in enumerate(told):
        name = f"o-{number}"
        customer = Customer(email=f"c{person}@b.example" if person else "")
        sale = order(
            name, total, currency=currency, placed_at=START + timedelta(hours=after), customer=customer, **more
        )
        gone = total * share // 100
        said = (sale, refund(name, gone, currency=currency)) if gone else (sale,)
        tell(shop, *said, kind=kind, settle=False)


def talk(shop: Books, told: Iterable[tuple[int, int]]) -> None:
    with shop.inside():
        for number, (person, after) in enumerate(told):
            customer = Customer(email=f"c{person}@b.example" if person else "")
            message = conversation(
                external_id=f"c-{number}", started_at=START + timedelta(hours=after), customer=customer
            )
            conversations.record(message, organization=shop.organization)


def figures(shop: Books, currency: str) -> Figures:
    asked = Asked(shop.organization.pk, "Europe/Berlin", date(2026, 9, 1), date(2026, 11, 1), currency)
    with shop.inside():
        return analytics.figures(asked)


def whole(parts: Iterable[Sum]) -> Sum:
    found = Sum()
    for part in parts:
        found.add(part)
    return found


def holds(told: Figures) -> None:
    assert whole(told.by_platform.values()) == whole(told.by_channel.values()) == told.total
    assert whole(told.by_band.values()) == whole(told.by_method.values()) == told.attributed
    assert whole(day.total for day in told.by_day) == told.total
    assert whole(day.attributed for day in told.by_day) == told.attributed
    assert sum(product.net_minor for product in told.products) == told.total.net_minor
    for name in ("orders", "gross_minor", "refunded_minor", "net_minor"):
        assert getattr(told.attributed, name) <= getattr(told.total, name)
    assert told.converted <= min(told.conversations, told.attributed.orders)


def untouched(told: Figures) -> list[Any]:
    """What no merge may change: all but why they bought."""
    return [
        told.total,
        told.by_platform,
        told.by_channel,
        [(day.day, day.total) for day in told.by_day],
        told.products,
        told.conversations,
    ]


def unattributed(shop: Books) -> list[Any]:
    """Counted orders without exactly one current attribution."""
    sql = """
    SELECT o.external_id, count(a.id) FROM orders_order o
      LEFT JOIN attribution_attribution a ON a.order_id = o.id AND a.current
     WHERE o.payment_status IN ('paid', 'partially_refunded', 'refunded', 'disputed') AND NOT o.test
       AND o.status <> 'cancelled' GROUP BY o.id, o.external_id HAVING count(a.id) <> 1
    """
    with shop.inside():
        return rows(sql)


def lifetimes(shop: Books) -> dict[str, int]:
    with shop.inside():
        found: dict[str, int] = dict.fromkeys(CURRENCIES, 0)
        for total in ProfileTotal.objects.all():
            found[total.currency] += total.net_minor
        return found


@settings(max_examples=12, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(purchases, talks, st.booleans(), st.permutations([1, 2, 3, 4]))
def test_parts_are_the_whole_and_a_merge_changes_why_alone(
    db: None, sold: list[Any], said: list[Any], talked_first: bool, people: list[int]
) -> None:
    shop = Books(slug=f"shop-{next(NUMBER)}")
    for step in (talk, buy) if talked_first else (buy, talk):
        step(shop, said if step is talk else sold)
    work(shop)
    before = {currency: figures(shop, currency) for currency in CURRENCIES}
    worth = lifetimes(shop)
    assert unattributed(shop) == []
    for told in before.values():
        holds(told)

    with shop.inside():
        standing = Profile.objects.filter(
            merged_into=None, identifiers__value__in=[f"c{n}@b.example" for n in people[:2]]
        )
        pair = sorted(standing.values_list("pk", flat=True))
        if len(pair) == 2:
            merge = merges.merge_by_staff(*pair, by=LEAD, because="one person", verified=["phone", "name"])
    work(shop)
    assert unattributed(shop) == [] and lifetimes(shop) == worth
    for currency, told in before.items():
        now = figures(shop, currency)
        holds(now)
        assert untouched(now) == untouched(told)

    if len(pair) == 2:
        with shop.inside():
            merges.undo(merge, by=LEAD, because="two people")
        work(shop)
        assert {currency: figures(shop, currency) for currency in CURRENCIES} == before
