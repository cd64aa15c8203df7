"""The rows of every list are those that unfold would draw."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils.safestring import SafeString
from hypothesis import given
from hypothesis import strategies as st

from support.admin.base import DeskAdmin, word
from tests.desk import Desk, Sign
from tests.support.test_lists import ALL_LISTS, listed, one_more_of_each

NAMES = ("q", "p", "payment_status__exact", "payment_method__in", "status")


def test_the_rows_of_every_list_look_as_unfold_draws_them(desk: Desk, sign: Sign) -> None:
    one_more_of_each(desk, 1)
    client, drawn = sign("engineer"), 0
    for name in ALL_LISTS:
        ours, theirs = _table(client, listed(desk, name)), _by_unfold(client, listed(desk, name))
        assert ours == theirs, name
        drawn += ours.count('class="data-row')
    assert drawn > len(ALL_LISTS)


def test_a_row_leads_back_to_the_list_as_it_was_narrowed(desk: Desk, sign: Sign) -> None:
    url = f"{desk.url('orders_order_changelist')}?payment_status__exact=paid"
    client = sign("agent")
    assert _table(client, url) == _by_unfold(client, url)
    assert f"{desk.order_url}?_changelist_filters=payment_status__exact%3Dpaid" in _table(client, url)


def test_what_a_customer_wrote_stays_text_in_a_row(desk: Desk, sign: Sign) -> None:
    desk.buy(id=4_711, name="#{url}<b>", updated_at="2026-12-01T00:00:00Z")
    shown = _table(sign("agent"), desk.url("orders_order_changelist"))
    assert "#{url}&lt;b&gt;" in shown and "<b>" not in shown


def test_a_word_is_escaped_even_where_an_equal_one_was_safe() -> None:
    assert "<b>" in word("paid", SafeString("<b>Paid</b>"))
    assert "<b>" not in word("paid", "<b>Paid</b>")


@given(
    given=st.dictionaries(st.sampled_from(NAMES), st.lists(st.text(max_size=5), max_size=3)),
    new=st.none() | st.dictionaries(st.sampled_from(NAMES), st.none() | st.text(max_size=5) | st.integers()),
    gone=st.none() | st.lists(st.sampled_from((*NAMES, "payment", ""))),
)
def test_the_address_of_a_choice_is_the_one_that_django_would_write(
    given: dict[str, list[str]], new: dict[str, Any] | None, gone: list[str] | None
) -> None:
    from django.contrib.admin.views.main import ChangeList

    from support.admin.base import Listing

    listing = Listing.__new__(Listing)
    listing.filter_params = given
    assert listing.get_query_string(new, gone) == ChangeList.get_query_string(listing, new, gone)


def _by_unfold(client: Client, url: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DeskAdmin, "change_list_template", None)
        return _table(client, url)


def _table(client: Client, url: str) -> str:
    found = re.search(r'<table id="result_list".*?</table>', client.get(url).content.decode(), re.DOTALL)
    return re.sub(r"\s*([<>])\s*", r"\1", re.sub(r"\s+", " ", found[0])) if found else ""
