"""Giving money back at the desk: the dialog foretells it, a second person decides, the lists show the rest."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client

from fulfillment.models import Job
from orders.models import Order, RefundRequest
from profiles.actors import PERMISSIONS
from profiles.models import Merge, Organization, Profile, Role
from support.models import Approval
from tests.desk import Desk, Sign
from tests.stage import Stage, sample
from tests.stripe_server import StripeServer, bought, connect


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with StripeServer() as server:
        yield server


@pytest.fixture
def order(desk: Desk, stripe: StripeServer, settings: Any) -> Order:
    connect(desk.stage, stripe, settings)
    return bought(desk.stage, stripe)


@pytest.fixture
def dear(desk: Desk, order: Order, stripe: StripeServer) -> Order:
    return bought(desk.stage, stripe, id="cs_dear", payment_intent="pi_dear", amount_total=60_000)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def foretold(desk: Desk, client: Client, order: Order, **data: Any) -> Any:
    """Open the dialog, fill it in, and press: the page that says what would happen."""
    return desk.press(client, "refund", order.pk, **data)


def refund(desk: Desk, client: Client, order: Order, **data: Any) -> Any:
    """As `foretold`, and press there once more."""
    page = foretold(desk, client, order, **data)
    assert page.status_code == 200, page
    return client.post(desk.act("refund", order.pk), drawn(page))


def drawn(page: Any) -> dict[str, Any]:
    """What the browser would send of a dialog as it is drawn."""
    form = page.context["form"]
    values = {name: form[name].value() for name in ("amount", "lines", "because", "act", "foretold", "back")}
    return {name: value for name, value in values.items() if value}


def html(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_dialog_says_what_it_will_do_before_it_does_it(
    desk: Desk, sign: Sign, order: Order, stripe: StripeServer
) -> None:
    client = sign("finance")
    opened = client.get(desk.act("refund", order.pk))
    assert "31.20 EUR are left" in html(opened) and "Up to 31.20 EUR go back" in html(opened)
    page = foretold(desk, client, order)
    assert page.context["will"] == [
        "31.20 of 31.20 EUR go back to the customer by Stripe, once, whatever the network does.",
        "All lines are covered: access to Tide Atlas ends, and its links die.",
        "1 mail tells the customer, once it is made.",
    ]
    assert not RefundRequest.objects.exists() and stripe.calls == []
    answer = refund(desk, client, order)
    assert "31.20 EUR are on their way back" in said(answer)
    desk.stage.work()
    assert len(stripe.refunds) == 1
    shown = html(client.get(desk.url("orders_order_change", order.pk)))
    assert "Refund asked for" in shown and "Refunded" in shown


def test_a_part_without_a_line_leaves_the_access_and_says_so(
    desk: Desk, sign: Sign, order: Order, stripe: StripeServer
) -> None:
    client = sign("finance")
    assert "No line is named: access stays" in " ".join(foretold(desk, client, order, amount="10.00").context["will"])
    refund(desk, client, order, amount="10.00")
    desk.stage.work()
    assert [one["amount"] for one in stripe.refunds] == [1000]
    assert "10.00 EUR refunded" in html(client.get(desk.act("refund", order.pk)))


@pytest.mark.parametrize("amount", ["-1", "0", "0.001", "NaN", "1e2", "１０", "31.21"])
def test_a_bad_amount_is_told_in_the_form(
    desk: Desk, sign: Sign, order: Order, stripe: StripeServer, amount: str
) -> None:
    page = foretold(desk, sign("finance"), order, amount=amount)
    assert page.status_code == 200 and page.context["form"].non_field_errors()
    desk.stage.work()
    assert stripe.calls == []


def test_a_line_that_is_not_of_the_order_cannot_be_chosen(desk: Desk, sign: Sign, order: Order) -> None:
    assert foretold(desk, sign("finance"), order, lines=["li_other"]).context["form"].errors["lines"]


@pytest.mark.parametrize("role", Role.values)
def test_only_who_may_refund_sees_the_button(desk: Desk, sign: Sign, order: Order, role: str) -> None:
    client = sign(role)
    page = html(client.get(desk.url("orders_order_change", order.pk)))
    may = "refund" in PERMISSIONS[role]
    assert (desk.act("refund", order.pk) in page) is may
    assert (client.get(desk.act("refund", order.pk)).status_code == 200) is may


def test_nothing_happens_by_get_or_without_the_token(
    desk: Desk, sign: Sign, order: Order, stripe: StripeServer
) -> None:
    client = sign("finance", enforce_csrf_checks=True)
    assert client.get(desk.act("refund", order.pk), {"because": "x", "amount": "1.00"}).status_code == 200
    assert client.post(desk.act("refund", order.pk), {"because": "because"}).status_code == 403
    with desk.inside():
        assert not RefundRequest.objects.exists()


def test_the_same_press_twice_refunds_once(desk: Desk, sign: Sign, order: Order, stripe: StripeServer) -> None:
    client = sign("finance")
    page = foretold(desk, client, order, amount="10.00")
    answers = [client.post(desk.act("refund", order.pk), drawn(page)) for _ in range(2)]
    assert "Nothing was done twice" in said(answers[1])
    desk.stage.work()
    assert len(stripe.refunds) == 1


def test_a_shop_without_credentials_says_what_to_do(desk: Desk, sign: Sign) -> None:
    page = sign("finance").get(desk.act("refund", desk.order.pk))
    assert "has no credential access_token" in page.context["cannot"]


def test_one_that_was_refused_stands_on_its_order_and_in_the_list_to_try_again(
    desk: Desk, sign: Sign, order: Order, stripe: StripeServer
) -> None:
    client = sign("finance")
    stripe.payments[order.payment_reference].amount = 5
    refund(desk, client, order, amount="10.00")
    desk.stage.work()
    page = html(client.get(desk.url("orders_order_change", order.pk)))
    assert "Refunds asked for" in page and "greater than unrefunded amount" in page
    assert 'data-need="refused"' in html(client.get(desk.url("index")))
    with desk.inside():
        row = RefundRequest.objects.get()
    listed = html(client.get(desk.url("orders_refundrequest_changelist") + "?state__exact=failed"))
    assert desk.act("refund_again", row.pk) in listed and desk.act("refund_give_up", row.pk) in listed
    stripe.payments[order.payment_reference].amount = 3120
    assert "tried again" in said(desk.press(client, "refund_again", row.pk))
    desk.stage.work()
    assert len(stripe.refunds) == 1
    gone = client.get(desk.act("refund_give_up", row.pk))
    assert "nothing to give up" in gone.context["cannot"]
    assert client.get(desk.url("orders_refundrequest_change", row.pk))["Location"].endswith(f"/{order.pk}/change/")


# The second person --------------------------------------------------------------------------------------------


def test_a_refund_over_the_limit_is_decided_by_somebody_else(
    desk: Desk, sign: Sign, dear: Order, stripe: StripeServer
) -> None:
    asker, lead, agent = sign("finance"), sign("lead"), sign("agent")
    assert "a second person confirms it first" in " ".join(foretold(desk, asker, dear).context["will"])
    answer = refund(desk, asker, dear)
    with desk.inside():
        row = Approval.objects.get()
    page = desk.url("support_approval_change", row.pk)
    assert answer["Location"] == page and "Nothing was sent yet" in said(answer)
    assert "You asked for it yourself" in html(asker.get(page)) and desk.act("approve", row.pk) not in html(
        asker.get(page)
    )
    assert "Your role may not decide" in html(agent.get(page))
    assert 'data-need="approvals"' in html(lead.get(desk.url("index")))
    assert 'data-need="approvals"' not in html(asker.get(desk.url("index")))
    assert "by another" not in said(desk.press(asker, "approve", row.pk)) and stripe.calls == []
    listed = html(lead.get(desk.url("support_approval_changelist")))
    assert row.title in listed
    answer = desk.press(lead, "approve", row.pk)
    assert "Approved. The refund is on its way." in said(answer)
    desk.stage.work()
    assert len(stripe.refunds) == 1
    assert "What came of it" in html(lead.get(page))


def test_a_declined_one_tells_why(desk: Desk, sign: Sign, dear: Order, stripe: StripeServer) -> None:
    asker, lead = sign("finance"), sign("lead")
    refund(desk, asker, dear)
    with desk.inside():
        row = Approval.objects.get()
    assert "Declined" in said(desk.press(lead, "decline", row.pk, because="offer a voucher first"))
    assert "offer a voucher first" in html(asker.get(desk.url("support_approval_change", row.pk)))
    assert "It was declined by" in asker.get(desk.act("withdraw", row.pk)).context["cannot"]


def test_a_stranger_sees_nothing_of_it(desk: Desk, sign: Sign, dear: Order) -> None:
    asker = sign("finance")
    sign("lead")
    refund(desk, asker, dear)
    stranger = sign("lead", Stage(slug="stranger"))
    with desk.inside():
        row, request = Approval.objects.get(), RefundRequest.objects.get()
    for url in (
        desk.url("support_approval_change", row.pk),
        desk.url("orders_refundrequest_change", request.pk),
        desk.act("approve", row.pk),
    ):
        assert stranger.get(url).status_code == 404
    for name in ("support_approval_changelist", "orders_refundrequest_changelist"):
        assert row.title not in html(stranger.get(desk.url(name)))


def test_an_act_on_many_rows_waits_for_a_second_person(desk: Desk, sign: Sign) -> None:
    lead, other = sign("lead"), sign("engineer")
    with desk.inside():
        organization = Organization.objects.get()
        organization.policies = {"approvals": {"bulk": 1}}
        organization.save(update_fields=["policies"])
        desk.buy(id=77, name="#77", email="b@example.org")
        jobs = list(Job.objects.order_by("pk").values_list("pk", flat=True))
        Job.objects.update(state="failed")
    url = f"{desk.act('retry_many', organization.pk)}?ids={','.join(map(str, jobs))}"
    opened = lead.get(url)
    assert "over the limit of rows" in " ".join(opened.context["will"])
    form = opened.context["form"]
    data = {"because": "outage", "act": str(form["act"].value()), "ids": str(form["ids"].value())}
    answer = lead.post(url, data)
    assert "Nothing was done yet" in said(answer)
    with desk.inside():
        row = Approval.objects.get()
        assert row.arguments["ids"] == jobs and Job.objects.filter(state="failed").count() == len(jobs)
    assert "queued again" in said(desk.press(other, "approve", row.pk))
    with desk.inside():
        assert not Job.objects.filter(state="failed").exists()


def test_merging_two_who_paid_waits_and_one_who_did_not_is_merged_at_once(desk: Desk, sign: Sign) -> None:
    lead, other = sign("lead"), sign("engineer")
    body = sample("shopify/orders-paid.json")
    person = {"email": "second@example.org", "first_name": "Ben", "last_name": "Two", "phone": None}
    desk.buy(id=78, name="#78", email="second@example.org", contact_email=None, phone=None, customer=person,
             billing_address=None, shipping_address=None)  # fmt: skip
    assert body
    with desk.inside():
        one, two = Profile.objects.order_by("pk")
    points = {"first_point": "same phone", "second_point": "same card", "other": two.pk}
    answer = desk.press(lead, "merge", one.pk, **points)
    assert "a second person confirms the merge" in said(answer)
    with desk.inside():
        row = Approval.objects.get()
        assert not Merge.objects.exists()
    assert "Merged." in said(desk.press(other, "approve", row.pk))
    with desk.inside():
        assert Merge.objects.count() == 1


def test_the_limits_are_read_and_changed_on_the_organizations_page(desk: Desk, sign: Sign) -> None:
    lead = sign("lead")
    page = html(lead.get(desk.url("profiles_organization_changelist")))
    assert "Refunds above 500 EUR, acts on more than 50 rows" in page
    with desk.inside():
        pk = Organization.objects.get().pk
    answer = desk.press(lead, "change_limits", pk, refund="50.00", bulk="", merge="on")
    assert "The limits are changed." in said(answer)
    with desk.inside():
        assert Organization.objects.get().policies["approvals"] == {
            "refund": "50.00",
            "bulk": None,
            "email_change": False,
        }
    page = desk.press(lead, "change_limits", pk, refund="lots", bulk="5")
    assert page.context["form"].non_field_errors()
    assert desk.act("change_limits", pk) not in html(sign("agent").get(desk.url("profiles_organization_changelist")))


def test_the_lists_cost_a_fixed_number_of_queries(
    desk: Desk, sign: Sign, dear: Order, order: Order, django_assert_max_num_queries: Any
) -> None:
    client = sign("finance")
    sign("lead")
    for number in range(5):
        refund(desk, client, order, amount=f"1.0{number}")
        refund(desk, client, dear, amount=f"501.0{number}") if not number else None
    for name in ("orders_refundrequest_changelist", "support_approval_changelist"):
        client.get(desk.url(name))
        with django_assert_max_num_queries(16):
            assert client.get(desk.url(name)).status_code == 200
    assert User.objects.count() >= 2
