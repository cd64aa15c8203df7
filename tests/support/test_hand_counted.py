"""Every figure of an autumn of 51 orders and 32 conversations, counted by hand to the cent, as the API tells it.

The orders and conversations are the tables in `tests/payloads/analytics/`, sent through their own doors by
`tests/handmade.py`. No figure here was computed by the code it checks. The working, in euros, days of Berlin:

day order shop    gross  back   net  conversation     day order shop    gross  back   net  conversation
30S E01 shopify   10.00       10.00                     8 E18 shopify    7.00        7.00  C10 high, 120 s after
  1 E02 shopify   20.00       20.00                    15 E19 woo        2.70        2.70
  1 E03 woo       39.00       39.00  C02 high 30 min   16 E20 manual     1.00        1.00
  1 E04 woo       23.00       23.00  C02 high 45 min   17 E21 woo       30.00       30.00  (a line of 9.00 left it)
  1 E05 stripe    31.20 31.20  0.00                    24 E22 woo       11.00       11.00
  1 E06 stripe    40.00       40.00  C03 high 20 h     25 E23 woo       12.00       12.00
  2 E07 till      15.50       15.50  C04 medium 22 h   25 E24 shopify   13.00       13.00
  2 E08 till      60.00       60.00  C05 medium 24 h   25 E25 shopify   14.00       14.00  C12 high 45 min
  2 E09 manual    12.00       12.00  C06 low 2 d       25 E26 till      15.00       15.00  C13 medium 24 h
  3 E10 woo       58.03 21.53 36.50  C07 low 3 d       26 E27 till      16.00       16.00  C13 medium 24 h
  4 E11 shopify   49.60 18.40 31.20  C08 high 45 min   26 E28 stripe    17.00 17.00  0.00  C14 medium 24 h 1 s
  4 E12 stripe    25.00 25.00  0.00  C09 high 10 min   26 E29 manual    18.00       18.00  C15 low 7 d
  4 E13 stripe    25.00       25.00  C09 high 70 min   26 E30 manual    19.00       19.00  (C15 7 d 1 s before)
  5 E14 till       0.00        0.00                    31 E31 shopify   21.00       21.00  C19 high 30 min
  5 E15 till      10.00       10.00                    1N E32 shopify   22.00       22.00  C19 high 30 min
  6 E16 woo       10.00  3.34  6.66                    1N E33 woo       24.00       24.00
  7 E17 till       5.00        5.00  (C10 120.001 s after)       X01 to X08 test, cancelled, unpaid, failed: never

1 to 7:    gross 153.20 + 87.50 + 58.03 + 99.60 + 10.00 + 10.00 + 5.00 = 423.33
           back 31.20 + 21.53 + 18.40 + 25.00 + 3.34 = 99.47, net 323.86
           attributed high 39 + 23 + 40 + 31.20 + 0 + 25 = 158.20, medium 15.50 + 60 = 75.50, low 12 + 36.50 = 48.50
E10:       T 36.50 x 36.50 / 58.03 = 22.95(7), H the rest, 13.55
E11:       T 31.20 x 31.20 / 49.60 = 19.62(5), H the rest, 11.58
E16:       6.66 x 3.33 / 10 = 2.21(7); 6.66 x 6.66 / 10 = 4.43(5) less 2.21 = 2.22; 6.66 less 4.43 = 2.23
Tide:      20 + 39 + 0 + 40 + 39 + 22.95 + 19.62 + 0 + 0 + 5 = 185.57 of 10
Harbour:   23 + 15.50 + 21 (two) + 12 + 13.55 + 11.58 + 25 + 0 = 121.63 of 9
A-1 to 3:  3.33 + 2.21 = 5.54, 3.33 + 2.22 = 5.55, 3.34 + 2.23 = 5.57; all five products 323.86
24 to 26:  11 + (12 + 13 + 14 + 15 = 54) + (16 + 0 + 18 + 19 = 53) = 118, back 17
October:   gross 423.33 + 7 + 2.70 + 1 + 30 + 135 + 21 = 620.03, back 99.47 + 17 = 116.47, net 503.56
           high 158.20 + 7 + 14 + 21 = 200.20, medium 75.50 + 31 = 106.50, low 48.50 + 18 = 66.50
           Tide 185.57 + 30 + (11 + 12 + 13 + 0 + 18 + 19 = 73) + 21 = 309.57 of 10 + 1 + 6 + 1
           Harbour 121.63 + 7 + (14 + 15 + 16 = 45) = 173.63 of 9 + 1 + 3
Yen:       J01 1500 + J02 2000 of C16, high; J03 3001 - 1000 = 666 T, 1333 - 666 = 667 H, 2001 - 1333 = 668 One;
           J04 980 - 980; J05 5000 - 2000 and J06 450 of C17, low: gross 12931, back 3980, net 8951
Talks:     begun 1 to 7 October in Berlin: C01 to C05, C08, C09, C11, C16 to C18, C20 to C22, C27, C28, C30, C32 = 18;
           8th C10, C31; 19th C15; 24th to 26th C12 to C14, C23 to C26 = 7; 31st C19: 29; September C06, C07, C29
"""

from datetime import date
from typing import Any

import pytest

from attribution.actions import attributions
from attribution.models import Conversation
from orders.actions import stale_days
from orders.models import Order, StaleDay
from profiles.actors import Actor
from tests.handmade import Autumn

TIDE, HARB = ("EBOOK-TIDE-EN", "Tide Atlas"), ("EBOOK-HARB-EN", "Harbour Sketches")
ONE, TWO, THREE = ("A-1", "One"), ("A-2", "Two"), ("A-3", "Three")


def answer(
    money: tuple[str, str, str, str],
    counts: tuple[int, int, float, float],
    platforms: dict[str, str],
    bands: tuple[str, str, str],
    products: list[tuple[tuple[str, str], str, int]],
    days: dict[str, str],
    currency: str = "EUR",
) -> dict[str, Any]:
    """The whole answer: total, gross, refunded, attributed; conversations, attributed orders and both rates."""
    names = ["totalRevenue", "grossRevenue", "refundedRevenue", "chatAttributedRevenue"]
    rates = ["conversationCount", "attributedOrders", "conversionRate", "convertedConversationRate"]
    return {
        **dict(zip(names, money, strict=True)),
        **dict(zip(rates, counts, strict=True)),
        "revenueByPlatform": platforms,
        "revenueByConfidence": dict(zip(("high", "medium", "low"), bands, strict=True)),
        "topProducts": [
            {"sku": sku, "title": title, "revenue": revenue, "quantity": quantity}
            for (sku, title), revenue, quantity in products
        ],
        "revenueOverTime": [{"date": day, "revenue": revenue} for day, revenue in days.items()],
        "currency": currency,
    }


WEEK = "start=2026-10-01&end=2026-10-08"
CLOCKS = "start=2026-10-24&end=2026-10-27"
BY_HAND = {
    WEEK: answer(
        ("323.86", "423.33", "99.47", "282.20"),
        (18, 10, 55.56, 33.33),  # C02, C03, C04, C05, C08 and C09 converted
        {"api": "102.50", "shopify": "51.20", "stripe": "65.00", "woocommerce": "105.16"},
        ("158.20", "75.50", "48.50"),
        [(TIDE, "185.57", 10), (HARB, "121.63", 9), (THREE, "5.57", 2), (TWO, "5.55", 2), (ONE, "5.54", 2)],
        {
            "2026-10-01": "122.00",
            "2026-10-02": "87.50",
            "2026-10-03": "36.50",
            "2026-10-04": "56.20",
            "2026-10-05": "10.00",
            "2026-10-06": "6.66",
            "2026-10-07": "5.00",
        },
    ),
    # Two hours later: E02 and C01 are of September, E18, C10 and C31 are of the week; E07 and E11 a day earlier.
    f"{WEEK}&tz=UTC": answer(
        ("310.86", "410.33", "99.47", "289.20"),
        (19, 11, 57.89, 36.84),
        {"api": "102.50", "shopify": "38.20", "stripe": "65.00", "woocommerce": "105.16"},
        ("165.20", "75.50", "48.50"),
        [(TIDE, "165.57", 9), (HARB, "128.63", 10), (THREE, "5.57", 2), (TWO, "5.55", 2), (ONE, "5.54", 2)],
        {
            "2026-10-01": "117.50",
            "2026-10-02": "72.00",
            "2026-10-03": "67.70",
            "2026-10-04": "25.00",
            "2026-10-05": "10.00",
            "2026-10-06": "6.66",
            "2026-10-07": "12.00",
        },
    ),
    # Conversations that name no other shop: C01 to C04, C11, C17, C20, C22, C30, C32; C02 converted.
    f"{WEEK}&domain=store.example.com": answer(
        ("105.16", "130.03", "24.87", "98.50"),
        (10, 3, 30.0, 10.0),
        {"woocommerce": "105.16"},
        ("62.00", "0.00", "36.50"),
        [(TIDE, "61.95", 2), (HARB, "36.55", 2), (THREE, "2.23", 1), (TWO, "2.22", 1), (ONE, "2.21", 1)],
        {"2026-10-01": "62.00", "2026-10-03": "36.50", "2026-10-06": "6.66"},
    ),
    # C08, C09 and C21 name the shop; E02 and E11 were bought in it.
    f"{WEEK}&domain=Lantern-Press.myshopify.com": answer(
        ("51.20", "69.60", "18.40", "31.20"),
        (11, 1, 9.09, 9.09),
        {"shopify": "51.20"},
        ("31.20", "0.00", "0.00"),
        [(TIDE, "39.62", 2), (HARB, "11.58", 1)],
        {"2026-10-01": "20.00", "2026-10-04": "31.20"},
    ),
    # C09 names another shop: its orders are attributed, and it is no conversation of this one.
    f"{WEEK}&domain=lantern.stripe.example": answer(
        ("65.00", "121.20", "56.20", "65.00"),
        (8, 3, 37.5, 12.5),
        {"stripe": "65.00"},
        ("65.00", "0.00", "0.00"),
        [(TIDE, "40.00", 3), (HARB, "25.00", 1)],
        {"2026-10-01": "40.00", "2026-10-04": "25.00"},
    ),
    # C05, C16 and C27 name the till; of the 11, C04 and C05 converted.
    f"{WEEK}&domain=till.example": answer(
        ("90.50", "90.50", "0.00", "75.50"),
        (11, 2, 18.18, 18.18),
        {"api": "90.50"},
        ("0.00", "75.50", "0.00"),
        [(TIDE, "44.00", 3), (HARB, "36.50", 4), (THREE, "3.34", 1), (ONE, "3.33", 1), (TWO, "3.33", 1)],
        {"2026-10-02": "75.50", "2026-10-05": "10.00", "2026-10-07": "5.00"},
    ),
    # E09 came of C06, which began in September.
    f"{WEEK}&domain=manual": answer(
        ("12.00", "12.00", "0.00", "12.00"),
        (10, 1, 10.0, 0.0),
        {"api": "12.00"},
        ("0.00", "0.00", "12.00"),
        [(HARB, "12.00", 1)],
        {"2026-10-02": "12.00"},
    ),
    # A source of conversations sells nothing; no other shop's conversation is its own.
    f"{WEEK}&domain=desk.example": answer(
        ("0.00", "0.00", "0.00", "0.00"), (8, 0, 0.0, 0.0), {}, ("0.00", "0.00", "0.00"), [], {}
    ),
    # Five days' worth on the three days of the clock change; of the seven C12, C13 and C14 converted.
    CLOCKS: answer(
        ("118.00", "135.00", "17.00", "63.00"),
        (7, 5, 71.43, 42.86),
        {"api": "68.00", "shopify": "27.00", "stripe": "0.00", "woocommerce": "23.00"},
        ("14.00", "31.00", "18.00"),
        [(TIDE, "73.00", 6), (HARB, "45.00", 3)],
        {"2026-10-24": "11.00", "2026-10-25": "54.00", "2026-10-26": "53.00"},
    ),
    # Four hours behind: E23 to E25 are of the 24th (11 + 12 + 13 + 14), E27 and E28 of the 25th (15 + 16 + 0).
    f"{CLOCKS}&tz=America/New_York": answer(
        ("118.00", "135.00", "17.00", "63.00"),
        (7, 5, 71.43, 42.86),
        {"api": "68.00", "shopify": "27.00", "stripe": "0.00", "woocommerce": "23.00"},
        ("14.00", "31.00", "18.00"),
        [(TIDE, "73.00", 6), (HARB, "45.00", 3)],
        {"2026-10-24": "50.00", "2026-10-25": "31.00", "2026-10-26": "37.00"},
    ),
    # The day of 25 hours: C12, C13, C14, C24 and C25 began on it; what C14 led to was bought on the 26th.
    "start=2026-10-25&end=2026-10-26": answer(
        ("54.00", "54.00", "0.00", "29.00"),
        (5, 2, 40.0, 60.0),
        {"api": "15.00", "shopify": "27.00", "woocommerce": "12.00"},
        ("14.00", "15.00", "0.00"),
        [(HARB, "29.00", 2), (TIDE, "25.00", 2)],
        {"2026-10-25": "54.00"},
    ),
    # Thirteen products: B-3, B-2 and B-1 are beyond the tenth; Uno is another product than One.
    "start=2026-10-01&end=2026-11-01": answer(
        ("503.56", "620.03", "116.47", "373.20"),
        (29, 17, 58.62, 41.38),  # besides the six of the week C10, C15, C12, C13, C14 and C19: 12
        {"api": "171.50", "shopify": "106.20", "stripe": "65.00", "woocommerce": "160.86"},
        ("200.20", "106.50", "66.50"),
        [
            (TIDE, "309.57", 18),
            (HARB, "173.63", 13),
            (THREE, "5.57", 2),
            (TWO, "5.55", 2),
            (ONE, "5.54", 2),
            (("A-1", "Uno"), "1.00", 1),
            (("B-6", "b"), "0.60", 1),
            (("B-7", "b"), "0.60", 1),
            (("B-5", "b"), "0.50", 1),
            (("B-4", "b"), "0.40", 1),
        ],
        {
            "2026-10-01": "122.00",
            "2026-10-02": "87.50",
            "2026-10-03": "36.50",
            "2026-10-04": "56.20",
            "2026-10-05": "10.00",
            "2026-10-06": "6.66",
            "2026-10-07": "5.00",
            "2026-10-08": "7.00",
            "2026-10-15": "2.70",
            "2026-10-16": "1.00",
            "2026-10-17": "30.00",
            "2026-10-24": "11.00",
            "2026-10-25": "54.00",
            "2026-10-26": "53.00",
            "2026-10-31": "21.00",
        },
    ),
    # C19 began the day before: an attributed order on a day without conversations, whose rates are those of nothing.
    "start=2026-11-01&end=2026-11-02": answer(
        ("46.00", "46.00", "0.00", "22.00"),
        (0, 1, 0.0, 0.0),
        {"shopify": "22.00", "woocommerce": "24.00"},
        ("22.00", "0.00", "0.00"),
        [(HARB, "24.00", 1), (TIDE, "22.00", 1)],
        {"2026-11-01": "46.00"},
    ),
    f"{WEEK}&currency=jpy": answer(
        ("8951", "12931", "3980", "6950"),
        (18, 4, 22.22, 11.11),  # C16 and C17 converted
        {"api": "3950", "shopify": "2001", "stripe": "3000"},
        ("3500", "0", "3450"),
        [(TIDE, "5166", 4), (HARB, "2667", 2), (ONE, "668", 1), (("POSTER", "Poster"), "450", 1)],
        {"2026-10-01": "3500", "2026-10-02": "2001", "2026-10-03": "3000", "2026-10-04": "450"},
        "JPY",
    ),
    # From 15:00 UTC on the 1st: J01 is of the 1st by a second; C11 and C20 are the day's conversations.
    "start=2026-10-02&end=2026-10-03&tz=Asia/Tokyo&currency=JPY": answer(
        ("4001", "5981", "1980", "2000"),
        (2, 1, 50.0, 0.0),
        {"api": "2000", "shopify": "2001"},
        ("2000", "0", "0"),
        [(HARB, "2667", 2), (ONE, "668", 1), (TIDE, "666", 2)],
        {"2026-10-02": "4001"},
        "JPY",
    ),
    f"{WEEK}&currency=KWD": answer(
        ("12.345", "12.345", "0.000", "12.345"),
        (18, 2, 11.11, 5.56),  # C18
        {"api": "12.345"},
        ("12.345", "0.000", "0.000"),
        [(TIDE, "12.340", 1), (HARB, "0.005", 1)],
        {"2026-10-03": "12.345"},
        "KWD",
    ),
    f"{WEEK}&currency=USD": answer(
        ("0.00", "0.00", "0.00", "0.00"), (18, 0, 0.0, 0.0), {}, ("0.00", "0.00", "0.00"), [], {}, "USD"
    ),
    "start=2026-09-01&end=2026-09-30": answer(
        ("0.00", "0.00", "0.00", "0.00"), (0, 0, 0.0, 0.0), {}, ("0.00", "0.00", "0.00"), [], {}
    ),
}

# purchases, lifetime value, average, first, last, conversations, attributed
LIFETIMES = {
    ("kai", "EUR"): (2, "25.00", "12.50", "2026-10-04T09:00:00Z", "2026-10-04T10:00:00Z", 1, 2),
    ("dora", "EUR"): (1, "0.00", "0.00", "2026-10-01T10:00:00Z", "2026-10-01T10:00:00Z", 0, 0),
    ("gus", "EUR"): (1, "60.00", "60.00", "2026-10-02T12:00:00Z", "2026-10-02T12:00:00Z", 2, 1),
    ("mona", "EUR"): (1, "6.66", "6.66", "2026-10-06T10:00:00Z", "2026-10-06T10:00:00Z", 0, 0),
    ("nico", "EUR"): (2, "12.00", "6.00", "2026-10-07T21:59:59.999000Z", "2026-10-07T22:00:00Z", 1, 1),
    ("walt", "JPY"): (2, "2001", "1001", "2026-10-02T03:00:00Z", "2026-10-02T04:00:00Z", 0, 0),
    ("xena", "JPY"): (2, "3450", "1725", "2026-10-03T00:00:00Z", "2026-10-04T00:00:00Z", 1, 2),
    ("zoe", "KWD"): (2, "12.345", "6.173", "2026-10-03T12:00:00Z", "2026-10-03T12:30:00Z", 1, 2),
    ("zoe", "EUR"): (0, "0.00", "0.00", None, None, 1, 0),
    ("paul", "EUR"): (0, "0.00", "0.00", None, None, 4, 0),
}
LIFETIME_KEYS = (
    *("totalPurchases", "lifetimeValue", "averageOrderValue", "firstPurchaseAt", "lastPurchaseAt"),
    *("conversationCount", "attributedPurchases"),
)


@pytest.fixture
def autumn(db: None) -> Autumn:
    return Autumn()


def revenue(autumn: Autumn, query: str) -> Any:
    return autumn.call("GET", f"/api/analytics/revenue?{query}")


def customer(autumn: Autumn, name: str) -> int:
    (row,) = autumn.call("GET", f"/api/profiles?email={name}@example.com")["results"]
    return int(row["id"])


def test_every_figure_is_the_one_counted_by_hand(autumn: Autumn) -> None:
    autumn.play()
    organization = autumn.stage.organization
    own = {query: figures for query, figures in BY_HAND.items() if "tz=" not in query}
    with autumn.stage.inside():
        assert not StaleDay.objects.exists()
    assert {query: revenue(autumn, query) for query in BY_HAND} == BY_HAND
    # The same clock by another name is counted from the orders, and so is a day of which a fact just changed.
    assert {query: revenue(autumn, f"{query}&tz=Arctic/Longyearbyen") for query in own} == own
    with autumn.stage.inside():
        stale_days.mark(organization.pk, [date(2026, 10, day) for day in range(1, 32, 2)])
    assert {query: revenue(autumn, query) for query in own} == own
    for (name, currency), figures in LIFETIMES.items():
        told = autumn.call("GET", f"/api/customers/{customer(autumn, name)}/ltv?currency={currency}")
        known = dict(zip(LIFETIME_KEYS, figures, strict=True))
        assert told == {"email": f"{name}@example.com", **known, "currency": currency}


def test_what_comes_backwards_and_twice_comes_to_the_same(autumn: Autumn) -> None:
    autumn.play(backwards=True, times=2)
    assert {query: revenue(autumn, query) for query in BY_HAND} == BY_HAND


# E03 went back (39.00), E02 is decided to come of C21 (20.00), and through the merge E16 came of C22 three days before.
CHANGED = answer(
    ("284.86", "423.33", "138.47", "269.86"),
    (18, 12, 66.67, 44.44),  # C21 and C22 converted too: 8
    {"api": "102.50", "shopify": "51.20", "stripe": "65.00", "woocommerce": "66.16"},
    ("139.20", "75.50", "55.16"),
    [(TIDE, "146.57", 10), (HARB, "121.63", 9), (THREE, "5.57", 2), (TWO, "5.55", 2), (ONE, "5.54", 2)],
    {
        "2026-10-01": "83.00",
        "2026-10-02": "87.50",
        "2026-10-03": "36.50",
        "2026-10-04": "56.20",
        "2026-10-05": "10.00",
        "2026-10-06": "6.66",
        "2026-10-07": "5.00",
    },
)


def test_what_a_refund_an_override_and_a_merge_change_was_counted_too(autumn: Autumn) -> None:
    autumn.play()
    assert revenue(autumn, WEEK) == BY_HAND[WEEK]
    autumn.refund("E03", "39.00")
    assert revenue(autumn, f"{WEEK}&metric=chatAttributedRevenue") == {
        "chatAttributedRevenue": "243.20",
        "currency": "EUR",
    }
    agent = Actor(label="Lea", role="lead")
    with autumn.stage.inside():
        decided, talk = Order.objects.get(number="E02"), Conversation.objects.get(external_id="C21")
        attributions.override(decided, talk, by=agent, because="she asked before she bought")
    mona, lou = customer(autumn, "mona"), customer(autumn, "lou")
    body = {"profile": lou, "reason": "the same person", "verified": ["name", "order number"]}
    merge = autumn.call("POST", f"/api/profiles/{mona}/merge", body)
    autumn.stage.work()
    assert revenue(autumn, WEEK) == CHANGED
    for person in (mona, lou):
        told = autumn.call("GET", f"/api/customers/{person}/ltv")
        assert (told["lifetimeValue"], told["conversationCount"], told["attributedPurchases"]) == ("6.66", 1, 1)

    autumn.call("POST", f"/api/merges/{merge['id']}/undo", {"reason": "two people after all"})
    with autumn.stage.inside():
        attributions.lift(decided, by=agent, because="it was another book")
    autumn.stage.work()
    back = revenue(autumn, WEEK)
    # As counted before, without the 39.00 of E03: 12 attributed orders are 10 again, 18 conversations have 6 converted.
    assert (back["totalRevenue"], back["chatAttributedRevenue"]) == ("284.86", "243.20")
    assert (back["attributedOrders"], back["conversionRate"], back["convertedConversationRate"]) == (10, 55.56, 33.33)
    assert back["revenueByConfidence"] == {"high": "119.20", "medium": "75.50", "low": "48.50"}
