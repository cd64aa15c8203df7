"""Mails in their buyer's language, with dates and amounts as they are written there."""

from __future__ import annotations

import pytest

from fulfillment import phrases
from orders.models import Order
from profiles.actions import policies
from tests.buyers import Buyer, buyer
from tests.fulfillment.conftest import Later
from tests.servers import MailServer
from tests.stage import BY, Stage


@pytest.fixture
def bob(db: None, smtp: MailServer) -> Buyer:
    return buyer(Stage(), smtp)


def buy(bob: Buyer, locale: str, number: int = 9001) -> None:
    bob.buy(number, customer={"email": bob.address, "name": "Bob Larsen", "locale": locale})


@pytest.mark.parametrize(
    ("locale", "subject", "words"),
    [
        ("de-AT", "Ihre Bestellung #9001 bei Lantern", ["Vielen Dank, Bob Larsen.", "89,99 USD", "Summe"]),
        ("tr_TR", "Lantern siparişiniz: #9001", ["Teşekkür ederiz", "89,99 USD", "Toplam"]),
        ("fr", "Votre commande #9001 chez Lantern", ["Merci, Bob Larsen.", "89,99 USD"]),
        ("es-MX", "Su pedido #9001 de Lantern", ["Gracias, Bob Larsen.", "USD"]),
    ],
)
def test_receipt_and_reminder_are_written_in_the_buyers_language(
    bob: Buyer, later: Later, locale: str, subject: str, words: list[str]
) -> None:
    buy(bob, locale)
    assert bob.subjects() == [subject]
    mail, language = bob.smtp.messages[0], locale[:2]
    for word in [*words, "http://testserver/download/", "http://testserver/claim/"]:
        assert word in mail.text() and word in mail.text("html"), word
    assert f'<html lang="{language}">' in mail.text("html")
    assert "Open the download" not in mail.text("html") and "Any question" not in mail.text()
    later(25)
    bob.stage.work()
    expected = phrases.MAILS[language]["reminder"].subject.replace("{{ product }}", "Tide Atlas")
    assert bob.subjects()[1] == expected
    bob.download()


@pytest.mark.parametrize("locale", ["", "en-GB", "ja", "<b>", "auto"])
def test_any_other_language_is_english(bob: Buyer, locale: str) -> None:
    buy(bob, locale)
    assert bob.subjects() == ["Your order #9001 from Lantern"]
    with bob.stage.inside():
        assert Order.objects.get().locale in ("", "en-GB", "ja", "auto")


def test_the_sellers_language_stands_in_for_an_unknown_one(bob: Buyer) -> None:
    with bob.stage.inside():
        policies.change(bob.stage.organization, "language", {"language": "fr"}, by=BY, because="The test")
    buy(bob, "ja")
    buy(bob, "de", 9002)
    assert bob.subjects() == ["Votre commande #9001 chez Lantern", "Ihre Bestellung #9002 bei Lantern"]
