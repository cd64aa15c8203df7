"""The desk's pages: who sees what, in how many queries, and what is on record afterwards."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from attribution.actions import conversations
from orders.models import Order
from orders.providers.api_talks import parse_talk
from profiles import clock
from tests.desk import Desk, Sign
from tests.stage import Stage, sample

ROLES = ("agent", "lead", "finance", "engineer", "auditor")


def pages(desk: Desk) -> list[str]:
    assert desk.entitlement is not None
    return [
        desk.order_url,
        desk.url("orders_order_deliveries", desk.order.pk),
        desk.profile_url,
        desk.act("resend", desk.entitlement.pk),
        desk.act("revoke", desk.entitlement.pk),
        desk.act("merge", desk.profile.pk),
        desk.act("grant", desk.profile.pk),
        desk.act("link", desk.order.pk),
        desk.act("change_delivery_email", desk.order.pk),
    ]


def lists(desk: Desk) -> list[str]:
    names = ("index", "orders_order_changelist", "profiles_profile_changelist", "fulfillment_job_changelist")
    return [desk.url(name) for name in names]


@pytest.mark.parametrize("role", ROLES)
def test_every_role_sees_the_lists_and_the_stories(desk: Desk, sign: Sign, role: str) -> None:
    client = sign(role)
    for url in [*lists(desk), desk.order_url, desk.profile_url]:
        assert client.get(url).status_code == 200, url


def test_the_browsers_tab_names_the_list(desk: Desk, sign: Sign) -> None:
    client = sign("agent")
    for name, title in {"orders_order": "Orders", "profiles_profile": "Customers", "fulfillment_job": "Jobs"}.items():
        page = client.get(desk.url(f"{name}_changelist")).content.decode()
        told = " ".join(re.findall("<title>(.*?)</title>", page, re.DOTALL)[0].split())
        assert told == f"{title} | Aftersale"


def test_a_stranger_finds_nothing(desk: Desk, sign: Sign) -> None:
    stranger = sign("engineer", Stage(slug="other"))
    for url in pages(desk):
        answer = stranger.get(url)
        assert answer.status_code in (403, 404), url
        assert b"Maya" not in answer.content and b"maya.okafor" not in answer.content
    for url in [
        *lists(desk),
        desk.url("search") + "?q=maya.okafor@example.com",
        desk.url("search") + "?s=maya&extended=1",
    ]:
        answer = stranger.get(url)
        assert answer.status_code == 200 and b"Okafor" not in answer.content, url


def test_nobody_enters_without_signing_in(desk: Desk) -> None:
    for url in [*lists(desk), *pages(desk)]:
        answer = Client().get(url)
        assert answer.status_code == 302 and "/admin/login/" in answer["Location"]


def test_staff_of_no_organization_are_told_so(desk: Desk) -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    answer = client.get(desk.order_url)
    assert answer.status_code == 403 and b"belong to no organization" in answer.content


def test_an_auditor_sees_customers_masked(desk: Desk, sign: Sign) -> None:
    auditor = sign("auditor")
    for url in [
        desk.url("orders_order_changelist"),
        desk.url("profiles_profile_changelist"),
        desk.order_url,
        desk.profile_url,
    ]:
        page = auditor.get(url).content.decode()
        assert "maya.okafor@example.com" not in page and "Okafor" not in page and "+15035550142" not in page, url
    refused = auditor.get(desk.url("orders_order_deliveries", desk.order.pk))
    assert refused.status_code == 302


def test_buttons_that_the_role_may_not_press_are_not_drawn(desk: Desk, sign: Sign) -> None:
    assert desk.entitlement is not None
    resend = desk.act("resend", desk.entitlement.pk)
    assert resend in sign("agent").get(desk.order_url).content.decode()
    assert "/admin/act/" not in sign("auditor").get(desk.order_url).content.decode()
    page = sign("finance").get(desk.order_url).content.decode()
    assert page.count("/admin/act/") == page.count(desk.act("refund", desk.order.pk)) == 1
    assert desk.act("merge", desk.profile.pk) not in sign("agent").get(desk.profile_url).content.decode()
    assert desk.act("merge", desk.profile.pk) in sign("lead").get(desk.profile_url).content.decode()


def test_buttons_that_are_not_legal_are_not_drawn(desk: Desk, sign: Sign) -> None:
    assert desk.entitlement is not None
    page = sign("lead").get(desk.order_url).content.decode()
    assert desk.act("restore", desk.entitlement.pk) not in page
    assert desk.act("link", desk.order.pk) not in page


def test_looking_at_a_customer_is_on_record(desk: Desk, sign: Sign) -> None:
    client = sign("agent")
    client.get(desk.url("profiles_profile_changelist"))
    assert desk.acts("profile.viewed") == []
    client.get(desk.profile_url)
    (entry,) = desk.acts("profile.viewed")
    assert entry.profile_id == desk.profile.pk and entry.actor_id is not None


def test_the_order_page_tells_the_story(desk: Desk, sign: Sign) -> None:
    page = sign("agent").get(desk.order_url).content.decode()
    for words in ("Can download EBOOK-TIDE-EN", "Payment paid", "Sent by e-mail", "Your order", "Rules, version"):
        assert words in page, words


def test_the_customers_page_tells_what_they_were_worth_and_what_came_of_a_conversation(desk: Desk, sign: Sign) -> None:
    def card() -> str:
        page = sign("agent").get(desk.profile_url).content.decode()
        return " ".join(re.sub("<[^>]+>", " ", page.split('id="value"')[1].split("</section>")[0]).split())

    assert "49.60 EUR Orders 1 On average 49.60 EUR Bought" in card() and "Refunded" not in card()
    talk = {"external_id": "c-1", "email": "maya.okafor@example.com", "started_at": "2026-11-12T08:00:00Z"}
    with desk.inside():
        conversations.record(parse_talk(talk, at=clock.now()), organization=desk.stage.organization)
    desk.stage.post("shopify", sample("shopify/refunds-create.json"), topic="refunds/create", delivery="r1")
    desk.buy(id=77, name="#LP1077", total_price="0.01", updated_at="2026-12-01T00:00:00Z", line_items=[])
    # 49.60 and 0.01 less 18.40 are 31.21, and the half of that is 15.605.
    worth = "31.21 EUR Orders 2 2 came of a conversation On average 15.61 EUR Refunded 18.40 EUR First order"
    assert worth in card() and "Lost in disputes" not in card()


def test_lists_and_pages_cost_the_same_whatever_their_rows(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    urls = [*lists(desk), desk.order_url, desk.profile_url]
    few = [_queries(client, url) for url in urls]
    for number in range(4):
        customer = {"email": f"buyer{number}@example.com", "first_name": "Bo", "last_name": str(number), "phone": None}
        desk.buy(id=9_000 + number, name=f"#N{number}", email=customer["email"], contact_email=customer["email"],
                 phone=None, customer=customer, billing_address=None, shipping_address=None)  # fmt: skip
    for number in range(3):
        desk.buy(id=9_100 + number, name=f"#M{number}")
    many = [_queries(client, url) for url in urls]
    assert many == few
    assert max(many) <= 25


def _queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len([query for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]])


def test_later_pages_show_the_rows_that_follow(desk: Desk, sign: Sign, monkeypatch: pytest.MonkeyPatch) -> None:
    from support.admin.orders import OrderAdmin

    desk.buy(id=9_200, name="#older", created_at="2020-01-01T10:00:00Z")
    monkeypatch.setattr(OrderAdmin, "list_per_page", 1)
    client, url = sign("lead"), desk.url("orders_order_changelist")
    assert "#older" not in client.get(url).content.decode()
    assert "#older" in client.get(url, {"p": 2}).content.decode()


def test_pages_of_a_list_too_long_to_count_follow_each_other_from_both_ends(
    desk: Desk, sign: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    from support.admin import paginators
    from support.admin.orders import OrderAdmin

    for number in range(6):
        desk.buy(id=9_300 + number, name=f"#old{number}", created_at=f"2020-01-0{9 - number}T10:00:00Z")
    monkeypatch.setattr(OrderAdmin, "list_per_page", 2)
    monkeypatch.setattr(paginators, "COUNTED_AT_MOST", 3)
    monkeypatch.setattr(paginators, "estimate", lambda rows: 7)
    client, url = sign("lead"), desk.url("orders_order_changelist")
    shown = [re.findall(r'title="#(old\d)"', client.get(url, {"p": page}).content.decode()) for page in (1, 2, 3, 4)]
    assert shown == [["old0"], ["old1", "old2"], ["old3", "old4"], ["old5"]]
    monkeypatch.setattr(paginators, "estimate", lambda rows: 70)
    assert client.get(url, {"p": 20})["Location"].endswith("?e=1")


def test_below_a_list_stand_the_pages_near_this_one(desk: Desk, sign: Sign, monkeypatch: pytest.MonkeyPatch) -> None:
    from support.admin import paginators
    from support.admin.orders import OrderAdmin

    monkeypatch.setattr(OrderAdmin, "list_per_page", 1)
    monkeypatch.setattr(paginators, "COUNTED_AT_MOST", 0)
    monkeypatch.setattr(paginators, "estimate", lambda rows: 12_000)
    desk.buy(id=9_350, name="#second")
    client, url = sign("lead"), desk.url("orders_order_changelist")

    def below(**asked: str) -> tuple[str, list[str]]:
        page = client.get(url, asked).content.decode()
        foot = page[page.index('<div class="list-foot">') :].split("</nav>")[0]
        return " ".join(re.sub("<[^>]+>", " ", foot).split()), re.findall(r'href="([^"]+)"', foot)

    said, links = below(payment_status__exact="paid")
    assert said == "1 2 3 … 12,000 Next"
    assert links == [f"?p={page}&amp;payment_status__exact=paid" for page in (2, 3, 12_000, 2)]
    assert '<div class="pages__count">about 12,000 orders</div>' in client.get(url).content.decode()
    said, links = below(p="2")
    assert said == "Back 1 2 3 4 … 12,000 Next" and links[0] == "?p=1" and links[-1] == "?p=3"
    monkeypatch.undo()
    page = client.get(url).content.decode()
    assert '<div class="pages__count">2 orders</div>' in page and 'class="pages"' not in page


def test_that_a_list_is_too_long_to_count_is_remembered_for_its_organization_alone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from support.admin import paginators

    monkeypatch.setattr(paginators, "_known", {})
    monkeypatch.setattr(paginators, "COUNTED_AT_MOST", 1)
    monkeypatch.setattr(paginators, "estimate", lambda rows: 7)

    def counted(organization_id: int) -> tuple[int, int]:
        paginator = paginators.EstimatedPaginator(Order.objects.order_by("pk"), 1)
        paginator.organization_id = organization_id
        with desk.inside(), CaptureQueriesContext(connection) as captured:
            return paginator.count, len(captured)

    ours = desk.stage.organization.pk
    assert [counted(ours), counted(ours)] == [(1, 1), (1, 1)]  # one row is counted each time
    desk.buy(id=9_360, name="#second")
    assert [counted(ours), counted(ours), counted(ours + 1)] == [(7, 1), (7, 0), (7, 1)]
    monkeypatch.setattr(paginators, "KNOWN_SECONDS", 0)
    assert counted(ours) == (7, 1)


def test_what_the_planner_expects_of_a_list_is_asked_once_a_minute_for_each_choice_of_rows(
    desk: Desk, sign: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    from support.admin import paginators
    from support.admin.orders import OrderAdmin

    monkeypatch.setattr(OrderAdmin, "list_per_page", 1)
    monkeypatch.setattr(paginators, "_known", {})
    monkeypatch.setattr(paginators, "COUNTED_AT_MOST", 0)
    for number in range(2):
        desk.buy(id=9_400 + number, name=f"#old{number}", created_at="2020-01-01T10:00:00Z")
    client, url = sign("lead"), desk.url("orders_order_changelist")

    def asked(**chosen: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url, chosen).status_code == 200
        return sum(query["sql"].startswith("EXPLAIN") for query in captured.captured_queries)

    assert [asked(p="2"), asked(p="2"), asked(p="2", payment_status__exact="paid")] == [1, 0, 1]
    monkeypatch.setattr(paginators, "KNOWN_SECONDS", 0)
    assert asked(p="2") == 1


def test_rows_that_fit_on_one_page_are_counted_by_reading_them(
    desk: Desk, sign: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    from support.admin.orders import OrderAdmin

    client, url = sign("lead"), desk.url("orders_order_changelist")

    def asked(**query: str) -> tuple[str, int, int]:
        with CaptureQueriesContext(connection) as captured:
            page = client.get(url, query).content.decode()
        about = [one["sql"] for one in captured.captured_queries if 'FROM "orders_order"' in one["sql"]]
        (shown,) = re.findall(r"(\d+)\s+orders?\s*</div>", page)
        return shown, page.count('class="data-row'), len(about)

    assert asked() == ("1", 1, 1) and asked(q="maya.okafor@") == ("1", 1, 1)
    desk.buy(id=9_400, name="#another")
    monkeypatch.setattr(OrderAdmin, "list_per_page", 2)
    assert asked() == ("2", 2, 1)
    desk.buy(id=9_401, name="#third")
    assert asked() == ("3", 2, 2) == asked(p="1") and asked(p="2") == ("3", 1, 2)
    assert asked(payment_status__exact="refunded", p="1")[1:] == (0, 1)


def test_the_list_of_orders_reads_the_columns_it_shows(desk: Desk, sign: Sign) -> None:
    with CaptureQueriesContext(connection) as captured:
        sign("lead").get(desk.url("orders_order_changelist"))
    (read,) = [one["sql"] for one in captured.captured_queries if 'FROM "orders_order"' in one["sql"]]
    assert '"orders_order"."email"' in read and "JOIN" not in read
    for left in ("identifiers", "email_raw", "locale"):
        assert left not in read


def test_a_channel_connected_while_the_list_is_read_is_named_all_the_same(
    desk: Desk, sign: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    from support.queries import channels

    monkeypatch.setattr(channels, "labels", dict)
    with desk.inside():
        label = desk.order.channel.label
    page = sign("lead").get(desk.url("orders_order_changelist"))
    assert page.status_code == 200 and label in page.content.decode()


def test_lists_of_a_million_rows_cost_the_same_whatever_their_rows(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    urls = [f"{desk.url(name)}{query}" for name in ("orders_order_changelist", "profiles_profile_changelist")
            for query in ("", "?q=maya", "?q=maya.okafor@example.com")]  # fmt: skip

    def counted() -> list[int]:
        found = []
        for url in urls:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(url).status_code == 200
            found.append(len([one for one in captured.captured_queries if "SAVEPOINT" not in one["sql"]]))
        return found

    few = counted()
    for number in range(4):
        desk.buy(id=9_500 + number, name=f"#more{number}")
    assert counted() == few and max(few) <= 15


def test_one_exact_hit_opens_its_page(desk: Desk, sign: Sign) -> None:
    answer = sign("agent").get(desk.url("search"), {"q": desk.order.external_id})
    assert answer.status_code == 302 and answer["Location"] == desk.order_url


def test_a_search_in_a_list_finds_by_fragment(desk: Desk, sign: Sign) -> None:
    client = sign("agent")
    assert b"Maya" in client.get(desk.url("orders_order_changelist"), {"q": "okaf"}).content
    assert b"Nothing found" in client.get(desk.url("orders_order_changelist"), {"q": "zzzz"}).content


def test_a_superuser_who_acts_across_is_on_record(desk: Desk) -> None:
    other = Stage(slug="other")
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    client.post(desk.url("organization"), {"organization": desk.stage.organization.pk})
    assert client.get(desk.order_url).status_code == 200
    assert len(desk.acts("staff.acted_across")) == 1
    client.post(desk.url("organization"), {"organization": other.organization.pk})
    assert client.get(desk.order_url).status_code == 404


def test_staff_choose_among_their_own_organizations_only(desk: Desk, sign: Sign) -> None:
    other = Stage(slug="other")
    client = sign("engineer")
    client.post(desk.url("organization"), {"organization": other.organization.pk})
    assert client.get(desk.order_url).status_code == 200
