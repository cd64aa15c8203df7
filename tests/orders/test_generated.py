"""Made-up trade: the same for a seed, unlike for another, and exactly what the providers' parsers take."""

import random
from datetime import UTC, datetime, timedelta

import phonenumbers
import pytest

from orders import generated, imitation, money
from orders.generated import Article, Purchase
from orders.messages import ChannelFacts, Delivery, DisputeMessage, Message, OrderMessage, RefundMessage
from orders.providers import PROVIDERS
from profiles import identifiers

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def trade(count: int = 200, *, seed: int = 1, currency: str = "EUR", chats: float = 0.35) -> list[Purchase]:
    minor = 1900 * 10 ** money.exponent(currency)
    articles = [
        Article(sku=f"S-{n}", title=f"Book {n}", price_minor=minor * n, variant_id=str(n), product_id=str(90 + n))
        for n in range(1, 6)
    ]
    return generated.purchases(
        count, rng=random.Random(seed), days=90, until=NOW, articles=articles, currency=currency, chats=chats
    )


def told(parcel: imitation.Parcel) -> tuple[Message, ...]:
    """What our own adapter reads in it, once it has found it authentic."""
    at = int(NOW.timestamp())
    headers = {name.lower(): text for name, text in parcel.headers(secret="s3", domain="x.example", now=at).items()}
    provider = PROVIDERS[parcel.kind]
    assert provider.verify(parcel.body, headers, ["s3"], now=at)
    assert not provider.verify(parcel.body + b" ", headers, ["s3"], now=at)
    assert provider.identify(parcel.body, headers) == (parcel.delivery_id, parcel.topic)
    return provider.parse(
        Delivery(body=parcel.body, headers=headers, channel=ChannelFacts(kind=parcel.kind, domain="x.example"))
    )


def test_the_same_seed_makes_the_same_trade() -> None:
    assert trade() == trade()
    assert trade() != trade(seed=2)
    assert {p.mark for p in trade()}.isdisjoint(p.mark for p in trade(seed=2))


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD", "ISK"])
def test_adapters_read_exactly_what_was_bought(currency: str) -> None:
    for purchase in trade(currency=currency):
        orders = []
        for parcel in imitation.parcels(purchase):
            for message in told(parcel):
                if isinstance(message, OrderMessage):
                    orders.append(message)
                elif isinstance(message, RefundMessage):
                    assert message.amount_minor == purchase.refund_minor
                elif isinstance(message, DisputeMessage):
                    assert message.amount_minor == purchase.total_minor
        for order in orders:
            person = purchase.person
            assert person is not None
            assert (order.external_id, order.number) == (imitation.order_id(purchase), imitation.number(purchase))
            assert (order.total_minor, order.currency) == (purchase.total_minor, currency)
            assert (order.paid, order.flags) == (purchase.paid, ())
            assert (order.customer.email, order.customer.name) == (person.email, person.name)
            assert order.placed_at == purchase.placed_at
            assert [line.sku for line in order.lines] == [article.sku for article in purchase.articles]


def test_ids_are_no_ones_twice() -> None:
    deliveries = [parcel.delivery_id for purchase in trade(500) for parcel in imitation.parcels(purchase)]
    assert len(deliveries) == len(set(deliveries))


def test_customers_come_back_and_come_from_many_countries() -> None:
    people = [purchase.person for purchase in trade(300) if purchase.person]
    emails = [person.email for person in people]
    assert len(set(emails)) < len(emails)
    assert len({person.country for person in people}) >= 15


def test_nobody_can_be_reached() -> None:
    for person in generated.people(300, rng=random.Random(3)):
        assert person.email.endswith(".example") and identifiers.mailable(person.email) == person.email
        if person.phone:
            assert phonenumbers.is_valid_number(phonenumbers.parse(person.phone))


def test_no_two_people_share_a_way_to_recognise_them() -> None:
    people = generated.people(500, rng=random.Random(3))
    assert len({person.email for person in people}) == 500
    phones = [person.phone for person in people if person.phone]
    assert len(phones) == len(set(phones))


def test_everything_happened_within_the_days() -> None:
    for purchase in trade(300):
        assert NOW - timedelta(days=90) <= purchase.placed_at < NOW
        for later in (purchase.refunded_at, purchase.disputed_at):
            assert later is None or purchase.placed_at < later < NOW


def test_chats_come_before_their_purchase() -> None:
    talks = [(purchase, purchase.talk) for purchase in trade(300) if purchase.talk]
    assert 60 < len(talks) < 150
    for purchase, talk in talks:
        assert talk is not None
        assert talk.started_at <= talk.last_activity_at < purchase.placed_at
        assert talk.said[-1][0] == talk.last_activity_at and talk.said[0][0] == talk.started_at
    assert not any(purchase.talk for purchase in trade(100, chats=0))
