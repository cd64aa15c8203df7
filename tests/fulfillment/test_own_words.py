"""The mails of an order in the seller's own words: in the buyer's language, once a batch, and never in their way."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config import pipeline
from fulfillment import wordings
from fulfillment.actions import emails, mail_templates, receipts
from fulfillment.models import Email, Entitlement, MailTemplate
from orders.models import Order, Refund
from profiles import clock
from profiles.models import Organization
from tests.buyers import Buyer, buyer
from tests.servers import MailServer
from tests.stage import BY, Stage

OWN = {
    "receipt": (
        "Mine {{ order_number }}",
        "Ahoy {{ customer_name }}, <b>{{ total }}</b>\n\n{{ downloads }}\n\n{{ order }}\n\n[My shelf]({{ library }})",
    ),
    "delivery": ("Mine again", "Ahoy {{ customer_name }} <b>\n\n{{ downloads }}\n\n- **one**\n- two"),
    "refund": ("Mine back {{ order_number }}", "Ahoy <b>\n\n**{{ refunded }}** of {{ total }}"),
    "cancellation": ("Mine over {{ order_number }}", "Ahoy <b>{{ customer_name }}\n\n{{ order }}"),
}
LINK = re.compile(r"http://testserver/download/[0-9a-f]{64}")


@pytest.fixture
def bob(db: None, smtp: MailServer) -> Buyer:
    return buyer(Stage(), smtp)


def seller(bob: Buyer) -> Organization:
    return Organization.objects.get(pk=bob.stage.organization.pk)


def say(bob: Buyer, language: str, *sorts: str) -> None:
    with bob.stage.inside():
        for sort in sorts or OWN:
            subject, body = OWN[sort]
            mail_templates.change(seller(bob), sort, language, subject=subject, body=body, by=BY, because="Our tone")


def buy(bob: Buyer, locale: str, number: int = 9001, **more: Any) -> None:
    bob.buy(number, customer={"email": bob.address, "name": "Bob Larsen", "locale": locale}, **more)


def mail(bob: Buyer, template: str) -> Email:
    bob.stage.work()
    with bob.stage.inside():
        return Email.objects.filter(template=template).order_by("-pk")[0]


def pay_back(order: Order, amount: int) -> None:
    Refund.objects.create(
        organization=order.organization, channel=order.channel, order=order, external_id=f"re-{order.pk}",
        amount_minor=amount, currency=order.currency, status="succeeded", at=clock.now(), version=clock.now(),
        digest="x",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("locale", "language", "total", "back"),
    [("", "en", "89.99 USD", "10.00 USD"), ("de-AT", "de", "89,99 USD", "10,00 USD")],
)
def test_all_four_go_out_in_own_words(
    bob: Buyer, settings: Any, locale: str, language: str, total: str, back: str
) -> None:
    settings.EMAIL_PROVIDERS = []
    say(bob, language)
    buy(bob, locale)
    receipt = mail(bob, "receipt")
    with bob.stage.inside():
        emails.resend(Entitlement.objects.get(), by=BY, because="Asked", key="1")
        order = Order.objects.get()
        pay_back(order, 1000)
        pipeline.settle([order.pk], seller(bob))
    delivery, refund = mail(bob, "delivery"), mail(bob, "refund")
    buy(bob, locale, 9002)
    buy(bob, locale, 9002, status="cancelled", ago=timedelta(minutes=50))
    cancellation = mail(bob, "cancellation")
    written = [receipt, delivery, refund, cancellation]
    assert [one.subject for one in written] == ["Mine #9001", "Mine again", "Mine back #9001", "Mine over #9002"]
    for one in written:
        assert (one.state, one.instead) == ("kept", "")
        assert f'<html lang="{language}">' in one.html and "&lt;b&gt;" in one.html and "<b>" not in one.html
        assert one.text.startswith("Ahoy") and "<b>" in one.text
    assert f"Ahoy Bob Larsen, <b>{total}</b>" in receipt.text and "Tide Atlas: 59" in receipt.text
    assert "- one\n- two" in delivery.text and "<strong>one</strong>" in delivery.html
    assert f"{back} of {total}" in refund.text and f"<strong>{back}</strong>" in refund.html
    assert "Tide Atlas: 59" in cancellation.text
    for one in (receipt, delivery):
        with bob.stage.inside():
            text, html = emails.revealed(one)
        (link,) = set(LINK.findall(text))
        assert link in html and link not in one.text + one.html
    assert "My shelf:\nhttp://testserver/claim/" in receipt.text and ">My shelf</a>" in receipt.html


def test_own_words_of_one_language_say_nothing_in_another(bob: Buyer) -> None:
    say(bob, "de")
    buy(bob, "en")
    buy(bob, "de", 9002)
    assert bob.subjects() == ["Your order #9001 from Lantern", "Mine #9002"]


def test_a_receipt_sent_once_more_is_in_own_words_too(bob: Buyer) -> None:
    buy(bob, "")
    say(bob, "en")
    with bob.stage.inside():
        receipts.resend(Order.objects.get(), by=BY, because="Lost", key="1")
    bob.stage.work()
    assert bob.subjects() == ["Your order #9001 from Lantern", "Mine #9001"]
    assert "Tide Atlas" in bob.last_mail()


def test_a_receipt_whose_file_is_missing_says_that_the_link_follows(bob: Buyer) -> None:
    bob.stage.product("LATER", "Later")
    say(bob, "de", "receipt")
    buy(bob, "de", sku="LATER")
    said = mail(bob, "receipt")
    assert said.subject == "Mine #9001" and "Ihre Bestellung wird vorbereitet" in said.text
    assert "Ihre Bestellung wird vorbereitet" in unescape(said.html)


def test_words_that_went_bad_never_stop_a_mail(bob: Buyer) -> None:
    say(bob, "en", "receipt", "delivery")
    with bob.stage.inside():
        MailTemplate.objects.filter(template="receipt").update(body="{{ shoe_size }}\n\n{{ downloads }}\n\n{{ order }}")
    buy(bob, "")
    said = mail(bob, "receipt")
    assert said.subject == "Your order #9001 from Lantern" and "shoe_size" in said.instead
    with bob.stage.inside():
        since = MailTemplate.objects.get(template="receipt").unusable_at
        assert since is not None and MailTemplate.objects.get(template="delivery").unusable_at is None
    buy(bob, "", 9002)
    with bob.stage.inside():
        assert MailTemplate.objects.get(template="receipt").unusable_at == since, "the first time counts"
    assert mail(bob, "receipt").instead and len(bob.subjects()) == 2


def asked_for_words(captured: CaptureQueriesContext) -> int:
    return sum("fulfillment_mailtemplate" in one["sql"] for one in captured.captured_queries)


@pytest.mark.parametrize("bad", [False, True])
def test_words_are_read_once_a_batch_and_not_without_a_mail_to_write(bob: Buyer, bad: bool) -> None:
    say(bob, "en")
    for number in range(9001, 9006):
        buy(bob, "", number)
    costs, read = [], []
    with bob.stage.inside():
        if bad:
            MailTemplate.objects.update(body="{{ shoe_size }}", unusable_at=clock.now())
        ids = list(Order.objects.order_by("pk").values_list("pk", flat=True))
        for part in (ids[:1], ids[1:]):
            Order.objects.filter(pk__in=part).update(cancelled=True)
            for _ in range(2):
                with CaptureQueriesContext(connection) as captured:
                    pipeline.settle(part, seller(bob))
                costs.append(len(captured))
                read.append(asked_for_words(captured))
        assert Email.objects.filter(template="cancellation", instead="").count() == (0 if bad else 5)
        assert Email.objects.filter(template="cancellation").count() == 5
    assert read == [1, 0, 1, 0] and costs[0] == costs[2]


def test_a_batch_of_jobs_reads_them_once(bob: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    say(bob, "en", "receipt")
    bob.stage.product("LATER", "Later")
    with monkeypatch.context() as patched:
        patched.setattr(Stage, "work", lambda self: 0)
        buy(bob, "")
        buy(bob, "", 9002)
        buy(bob, "", 9003, sku="LATER")
    with CaptureQueriesContext(connection) as captured:
        bob.stage.work()
    assert sorted(bob.subjects()) == ["Mine #9001", "Mine #9002", "Mine #9003"]
    assert asked_for_words(captured) == 1


def test_every_sort_that_may_be_edited_is_known_to_the_mails() -> None:
    assert set(mail_templates.SORTS) == set(wordings.SLOTS)
    assert set(OWN) == set(wordings.OF_ORDER) <= set(Email.Template.values)
