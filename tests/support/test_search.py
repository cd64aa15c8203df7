"""What the one search looks for, and how little it asks where a whole address or number was typed."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.models import Order
from support.queries import search
from tests.desk import Desk, Sign
from tests.stage import Stage

ADDRESS = "maya.okafor@example.com"


def found(desk: Desk, text: str, **more: Any) -> list[tuple[str, str]]:
    with desk.inside():
        hits = search.keys(text, organization=desk.stage.organization, **more)
    return [(kind, because) for (kind, _), because in hits.items()]


def another(desk: Desk, address: str, number: int) -> None:
    desk.buy(id=number, name=f"#{number}", email=address, contact_email=address, phone=None,
             customer={"email": address, "first_name": "Bo", "last_name": "Berg", "phone": None},
             billing_address=None, shipping_address=None)  # fmt: skip


def test_a_whole_address_finds_its_own_and_those_one_letter_off_but_not_what_contains_it(desk: Desk) -> None:
    another(desk, "maya.okafor@exmple.com", 5_001)
    another(desk, f"not.{ADDRESS}", 5_002)
    kinds = [kind for kind, _ in found(desk, ADDRESS)]
    assert kinds == ["profile", "order", "profile"]
    assert ("profile", "maya.okafor@exmple.com, one letter off") in found(desk, ADDRESS)
    assert len(found(desk, "okafor@example.com")) == 4


def test_an_order_that_waits_to_be_settled_is_found_by_a_fragment_too(desk: Desk) -> None:
    """The index of words has what is settled; each order is found once, however it stands."""
    another(desk, "okafor.other@example.com", 5_009)
    for waiting in ([], ["#5009"], ["#5009", desk.order.number]):
        with desk.inside():
            Order.objects.filter(number__in=waiting).update(settled_at=None)
        assert sorted(because for kind, because in found(desk, "kafor", kinds=("order",))) == ["contains “kafor”"] * 2


def test_a_list_shows_near_misses_of_an_address_only_where_it_is_unknown(desk: Desk, sign: Sign) -> None:
    """A list does not say why a row is in it: beside the customer one asked for, another would only puzzle."""
    another(desk, "maya.okafor@exmple.com", 5_001)
    client, url = sign("lead"), desk.url("profiles_profile_changelist")

    def shown(asked: str) -> list[str]:
        page = client.get(url, {"q": asked}).content.decode().split("</header>")[1]
        return sorted(set(re.findall(r"maya\.okafor@ex\w+\.com", page.split('id="result_list"')[-1])))

    assert shown(ADDRESS) == [ADDRESS]
    assert shown("maya.okafor@exampl.com") == [ADDRESS]


def test_a_whole_number_finds_its_order_and_a_part_of_it_all_that_contain_it(desk: Desk) -> None:
    another(desk, "bo@example.com", 5_003)
    another(desk, "bo@example.com", 50_031)
    assert found(desk, "#5003") == [("order", "exact match")]
    assert [kind for kind, because in found(desk, "5003") if "contains" in because] == ["order"]


def test_a_list_is_searched_for_its_own_kind_in_few_statements(desk: Desk) -> None:
    with desk.inside(), CaptureQueriesContext(connection) as captured:
        hits = search.keys(ADDRESS, organization=desk.stage.organization, kinds=("order",))
    assert {kind for kind, _ in hits} == {"order"} and len(captured) == 1
    assert {kind for kind, _ in found(desk, "okaf", kinds=("profile",))} == {"profile"}


def test_the_newest_comes_first_among_the_exact_ones(desk: Desk) -> None:
    desk.buy(id=5_004, name="#5004", created_at="2020-01-01T10:00:00Z")
    desk.buy(id=5_005, name="#5005", created_at="2030-01-01T10:00:00Z")
    with desk.inside():
        hits = search.find(ADDRESS, organization=desk.stage.organization)
    assert [hit.label.split(" ")[0] for hit in hits if hit.kind == "order"][::2] == ["#5005", "#5004"]


def test_the_beginning_of_an_address_finds_what_begins_with_it_and_nothing_else(desk: Desk) -> None:
    another(desk, f"not.{ADDRESS}", 5_006)
    another(desk, "maya.okafor@extra.example.org", 5_007)
    begins = "begins with “Maya.Okafor@ex”"
    assert found(desk, "Maya.Okafor@ex") == [("profile", begins)] * 2 + [("order", begins)] * 2
    assert [kind for kind, _ in found(desk, "maya.okafor@exa")] == ["profile", "order"]
    assert [kind for kind, _ in found(desk, "maya.okafor@ext")] == ["profile", "order"]
    assert found(desk, "maya_okafor@ex") == found(desk, "maya.okafor@ex%") == []
    assert found(desk, "okafor@example.c", kinds=("order",)) == [("order", "contains “okafor@example.c”")] * 2


def test_the_newest_comes_first_among_those_that_begin_alike(desk: Desk) -> None:
    desk.buy(id=5_008, name="#5008", created_at="2020-01-01T10:00:00Z")
    desk.buy(id=5_009, name="#5009", created_at="2030-01-01T10:00:00Z")
    with desk.inside():
        hits = search.find("maya.okafor@", organization=desk.stage.organization)
        newest = search.keys("maya.okafor@", organization=desk.stage.organization, kinds=("order",), at_most=1)
    labels = [hit.label.split(" ")[0] for hit in hits if hit.kind == "order"]
    assert labels[0] == "#5009" and labels[-1] == "#5008" and len(newest) == 1
    assert next(iter(newest))[1] == next(hit.id for hit in hits if hit.kind == "order")


@pytest.mark.parametrize("at_most", [200, 2, 1])
def test_slips_are_found_before_and_behind_the_at_however_many_share_the_name(
    desk: Desk, at_most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "ALIKE_AT_MOST", at_most)
    monkeypatch.setattr(search, "_MISSPELT", search._MISSPELT.replace("LIMIT 200", f"LIMIT {at_most}"))
    near = ["maya.okafor@exmple.com", "maya.okafr@example.com", "mya.okafor@example.com", "maya.okaforr@example.com"]
    far = ["maya.okafor@elsewhere.example", "maya.okafor@exmpl.com", "maya.okf@example.com"]
    for number, address in enumerate([*near, *far]):
        another(desk, address, 5_020 + number)
    said = [because for kind, because in found(desk, ADDRESS, kinds=("profile",)) if because.endswith("off")]
    assert said == [f"{address}, one letter off" for address in sorted(near)]
    said = [because for kind, because in found(desk, "maya.okafor@examlpe.com", kinds=("profile",))]
    assert said == [f"{ADDRESS}, one letter off"]


def test_results_are_named_in_one_statement_by_what_a_customer_is_known_by(desk: Desk) -> None:
    with desk.inside():
        organization = desk.stage.organization
        with CaptureQueriesContext(connection) as captured:
            hits = search.find(ADDRESS, organization=organization)
        with CaptureQueriesContext(connection) as found:
            search.keys(ADDRESS, organization=organization)
        assert len(captured) == len(found) + 1
        known = sorted(row.spelled.partition(":")[2] for row in desk.profile.identifiers.all())[:3]
        said = [f"{desk.profile.name} · {', '.join(known)}", f"{desk.order} · {desk.order.customer_name}"]
        assert ADDRESS in known and [hit.label for hit in hits] == said
        assert search.find("nobody@nowhere.example", organization=organization) == []


def test_an_address_without_its_dot_or_with_a_space_is_found_one_letter_off(desk: Desk) -> None:
    near = ("profile", f"{ADDRESS}, one letter off")
    assert near in found(desk, "maya.okafor@examplecom") and near in found(desk, "maya.okafor @example.com")


def test_a_sku_finds_the_orders_it_was_sold_in(desk: Desk) -> None:
    assert found(desk, desk.stage.book.sku)[0] == ("order", f"bought {desk.stage.book.sku}")


def test_a_stranger_finds_nothing_by_any_of_it(desk: Desk) -> None:
    other = Stage(slug="other")
    texts = (ADDRESS, "maya.okafor@", "maya.okafor@exmple.com", "okafor@ex", str(desk.order), desk.stage.book.sku)
    for text in texts:
        assert found(desk, text), text
        with other.inside():
            assert search.keys(text, organization=other.organization) == {}, text


def test_a_search_is_a_few_statements_whatever_was_typed(desk: Desk) -> None:
    texts = {ADDRESS: 2, "maya.okafor@": 2, "okafor@example": 4, "#1001": 2, "okaf": 2}
    counted = {}
    for text in texts:
        with desk.inside(), CaptureQueriesContext(connection) as captured:
            search.keys(text, organization=desk.stage.organization)
        counted[text] = len(captured)
    assert counted == texts
