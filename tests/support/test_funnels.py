"""The funnel: which events are a step of it, each counted once, and the money of a conversion told once."""

from decimal import Decimal

from profiles import events
from support import funnels


def test_every_type_of_a_step_is_in_the_index_and_of_one_step_alone():
    named = [name for names in funnels.STEPS.values() for name in names]
    assert sorted(named) == sorted(set(named)) == list(events.FUNNEL_TYPES)
    assert all(events.TYPE.fullmatch(name) for name in named)


def test_rates_are_percent_and_nothing_where_there_is_nothing_to_divide_by():
    row = funnels.Row(clicks=3, checkouts=2, conversions=1, orders=2, net_minor=1001)
    assert (row.checkout_rate, row.paid_rate, row.whole_rate) == (Decimal("66.67"), Decimal("50.00"), Decimal("33.33"))
    assert row.average_minor == 500
    empty = funnels.Row(conversions=4)
    assert (empty.checkout_rate, empty.paid_rate, empty.whole_rate, empty.average_minor) == (None,) * 4
