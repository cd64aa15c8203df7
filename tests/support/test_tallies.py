"""Figures that are kept by day equal a recount, whatever happened, in any order, counted in between or not."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attribution.actions import attributions, conversations
from attribution.actions.conversations import ConversationMessage
from attribution.models import Attribution, Conversation
from config import counting, drains
from fulfillment.models import Job
from orders.actions import products
from orders.messages import Customer, DisputeStatus, Line, OrderStatus
from orders.models import Line as LineRow
from orders.models import Order, StaleDay
from profiles.actions import merges
from profiles.actors import Actor, Refusal
from profiles.models import Merge, Organization, Profile
from support.analytics import Asked
from support.queries import proofs_of_tallies
from tests import figures
from tests.money import Books, dispute, order, refund, tell, work
from tests.stage import BY

LEAD = Actor(label="Lena", role="lead")
BERLIN = "Europe/Berlin"
# Around midnight in Berlin at the ends of months, and in the nights in which the clocks change.
MOMENTS = [
    datetime.fromisoformat(text).replace(tzinfo=UTC)
    for text in (
        "2026-03-28T22:59:59", "2026-03-28T23:00:00", "2026-03-29T00:30:00", "2026-03-29T21:59:59",
        "2026-03-31T21:59:59", "2026-03-31T22:00:00", "2026-09-14T12:00:00", "2026-10-24T22:00:00",
        "2026-10-25T00:30:00", "2026-10-25T01:30:00", "2026-10-25T22:59:59", "2026-10-25T23:00:00",
        "2026-10-31T23:30:00",
    )
]  # fmt: skip
NAMES = ("o-1", "o-2", "o-3", "o-4", "o-5")


@dataclass
class Shop(Books):
    """Two channels, a book on sale, and the newest word on each order."""

    words: dict[str, Any] = field(default_factory=dict)
    said: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        with self.inside():
            self.book = products.add(
                organization=self.organization, sku="EBOOK-TIDE-EN", title="Tide Atlas", kind="ebook", price="31.20",
                currency="EUR", by=BY,
            )  # fmt: skip

    def asked(self, start: date = date(2026, 1, 1), end: date = date(2027, 1, 1), **more: Any) -> Asked:
        usual: dict[str, Any] = {"zone": BERLIN, "currency": "EUR"}
        return Asked(self.organization.pk, start=start, end=end, **{**usual, **more})

    def say(self, name: str, **more: Any) -> None:
        """A newer word on this order, which keeps what it does not mention."""
        self.said += 1
        known = self.words.setdefault(name, {"currency": "USD" if name == "o-5" else "EUR"})
        known.update(more)
        version = MOMENTS[0] + timedelta(hours=self.said)
        tell(self, order(name, **{**known, "version": version}), kind=self.kind(name), settle=False)

    @staticmethod
    def kind(name: str) -> str:
        return "api" if name in ("o-2", "o-4") else "stripe"

    def row(self, name: str) -> Order | None:
        return Order.objects.filter(external_id=name).first()


def lines(*totals: int) -> tuple[Line, ...]:
    names = (("EBOOK-TIDE-EN", "Tide Atlas"), ("", "A map"), ("", "A map"))
    return tuple(
        Line(external_id=str(number), title=title, quantity=number + 1, total_minor=total, sku=sku)
        for number, (total, (sku, title)) in enumerate(zip(totals, names, strict=False))
    )


# What may happen --------------------------------------------------------------------------------------------------


def sold(shop: Shop, name: str, who: int, moment: datetime, totals: list[int]) -> None:
    shop.say(
        name,
        placed_at=moment,
        total_minor=sum(totals),
        lines=lines(*totals),
        customer=Customer(email=f"c{who}@b.example"),
    )


def changed(shop: Shop, name: str, what: dict[str, Any]) -> None:
    if name in shop.words:
        shop.say(name, **what)


def returned(shop: Shop, name: str, amount: int) -> None:
    tell(shop, refund(name, amount, number=amount, currency="USD" if name == "o-5" else "EUR"), kind=shop.kind(name))


def disputed(shop: Shop, name: str) -> None:
    tell(shop, dispute(name, 700, status=DisputeStatus.LOST), kind=shop.kind(name), settle=False)


def chatted(shop: Shop, name: str, who: int, moment: datetime, source: str) -> None:
    started = moment - timedelta(minutes=50)
    message = ConversationMessage(
        external_id=name, started_at=started, last_activity_at=moment - timedelta(minutes=5), source=source,
        customer=Customer(email=f"c{who}@b.example"), message_count=3,
    )  # fmt: skip
    with shop.inside():
        conversations.record(message, organization=shop.organization)


def merged(shop: Shop) -> None:
    with shop.inside():
        found = list(Profile.objects.filter(merged_into=None).order_by("pk").values_list("pk", flat=True)[:2])
        if len(found) == 2:
            merges.merge_by_staff(*found, by=LEAD, because="one person", verified=["phone", "name"])


def undone(shop: Shop) -> None:
    with shop.inside():
        if merge := Merge.objects.filter(undone_at=None).order_by("-pk").first():
            merges.undo(merge, by=LEAD, because="two people")


def decided(shop: Shop, name: str, chat: bool) -> None:
    with shop.inside():
        if row := shop.row(name):
            talk = Conversation.objects.order_by("pk").first() if chat else None
            attributions.override(row, talk, by=LEAD, because="told on the phone")


def lifted(shop: Shop, name: str) -> None:
    with shop.inside():
        if row := shop.row(name):
            attributions.lift(row, by=LEAD, because="it was not so")


def past_the_acts(shop: Shop, what: str) -> None:
    """What a repair by hand would write, past every act of ours."""
    with shop.inside():
        if what == "attribution":
            Attribution.objects.filter(current=True).delete()
        elif what == "jobs":
            Job.objects.update(state="completed")
        elif what == "mapping":
            LineRow.objects.filter(sku="").update(product=shop.book)
        elif what == "talks":
            Conversation.objects.update(started_at=MOMENTS[4], source="till.example")
        else:
            Order.objects.filter(external_id="o-1").update(placed_at=MOMENTS[-1], currency="USD")


def settled(shop: Shop) -> None:
    work(shop)


def rebuilt(shop: Shop) -> None:
    counting.days(shop.organization.pk)


who = st.integers(1, 3)
names, moments = st.sampled_from(NAMES), st.sampled_from(MOMENTS)
totals = st.lists(st.integers(0, 3000), min_size=1, max_size=3).filter(sum)
CHANGES = [
    {"test": True}, {"test": False}, {"cancelled": True, "status": OrderStatus.CANCELLED},
    *({"placed_at": moment} for moment in MOMENTS), {"paid": False}, {"lines": lines(0, 0, 0)},
]  # fmt: skip
BY_HAND = ["attribution", "jobs", "mapping", "talks", "orders"]
bought = st.tuples(st.just(sold), names, who, moments, totals)
chat = st.tuples(
    st.just(chatted), st.sampled_from(["c-1", "c-2"]), who, moments, st.sampled_from(["api", "till.example"])
)
rest = st.one_of(
    st.tuples(st.just(changed), names, st.sampled_from(CHANGES)),
    st.tuples(st.just(returned), names, st.integers(1, 900)),
    st.tuples(st.just(disputed), names),
    st.tuples(st.just(merged)),
    st.tuples(st.just(undone)),
    st.tuples(st.just(decided), names, st.booleans()),
    st.tuples(st.just(lifted), names),
    st.tuples(st.just(past_the_acts), st.sampled_from(BY_HAND)),
    st.tuples(st.just(settled)),
)
steps = st.lists(st.one_of(bought, chat, rest, st.tuples(st.just(rebuilt)), bought), min_size=6, max_size=14)
NUMBER = iter(range(1_000_000))


@settings(max_examples=12, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_what_is_kept_always_equals_a_recount(db: None, story: list[tuple[Any, ...]]) -> None:
    shop = Shop(slug=f"shop-{next(NUMBER)}")
    ranges = [
        shop.asked(),
        shop.asked(currency="USD"),
        shop.asked(date(2026, 3, 29), date(2026, 10, 26), channels=(shop.channels["stripe"].pk,)),
    ]
    for act, *given_ in story:
        try:
            act(shop, *given_)
        except Refusal:
            continue  # what may not be done changes nothing
        figures.agree(shop, *ranges)
    while drains.settlements(shop.organization.pk) or counting.days(shop.organization.pk):
        pass
    figures.agree(shop, *ranges)
    with shop.inside():
        assert not StaleDay.objects.exists()
        assert proofs_of_tallies.differences(Organization.objects.get(pk=shop.organization.pk)) == []
