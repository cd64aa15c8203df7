"""Bought services: a kick-off with a form, a reminder of it, answers that may change until the work begins."""

from __future__ import annotations

import re

import pytest

from fulfillment import intakes
from fulfillment.actions import receipts, services
from fulfillment.actions.services import NotNow
from fulfillment.models import Service
from orders.models import Order
from profiles.actors import Invalid
from tests.buyers import Buyer, buyer
from tests.fulfillment.conftest import Later
from tests.servers import MailServer
from tests.stage import BY, Stage

FORM = "Company\nAim | long\nStart | date?\nSize | choice: small, large"


@pytest.fixture
def bob(db: None, smtp: MailServer) -> Buyer:
    """Somebody who bought an hour of advice."""
    made = buyer(Stage(), smtp)
    product = made.stage.product("ADVICE", "An hour of advice", kind="service")
    with made.stage.inside():
        assert services.ask(product, FORM, by=BY, because="The test") == 4
    made.buy(sku="ADVICE")
    return made


def service(bob: Buyer) -> Service:
    with bob.stage.inside():
        return Service.objects.get()


def form_of(bob: Buyer) -> str:
    found = re.search(r"http://testserver(/intake/[0-9a-f]{64})", bob.last_mail())
    assert found, bob.last_mail()
    return found[1]


GOOD = {"answer_0": "Lantern", "answer_1": "More light", "answer_2": "2027-01-31", "answer_3": "small"}


def test_kick_off_and_one_reminder_lead_to_the_same_form(bob: Buyer, later: Later) -> None:
    later(2)
    bob.stage.work()
    assert bob.subjects()[1:] == ["Let us begin: An hour of advice"]
    first = form_of(bob)
    later(47)
    bob.stage.work()
    assert bob.subjects()[2:] == ["We are waiting for your answers: An hour of advice"]
    assert form_of(bob) != first
    for url in (first, form_of(bob)):
        assert "An hour of advice" in bob.client.get(url).content.decode()
    later(500)
    bob.stage.work()
    assert len(bob.subjects()) == 3


def test_answers_are_kept_may_change_until_the_work_starts_and_end_the_reminder(bob: Buyer, later: Later) -> None:
    later(2)
    bob.stage.work()
    url = form_of(bob)
    assert service(bob).state == "intake"
    page = bob.client.post(url, {**GOOD, "answer_1": ""})
    assert page.status_code == 400 and "Please answer this." in page.content.decode()
    assert "Lantern" in page.content.decode(), "what was typed stays"
    assert "we have what we need" in bob.client.post(url, GOOD).content.decode()
    assert bob.client.post(url, {**GOOD, "answer_0": "Lantern Press"}).status_code == 200
    kept = service(bob)
    assert kept.state == "ready" and kept.answers[0] == {"label": "Company", "sort": "text", "answer": "Lantern Press"}
    with bob.stage.inside():
        services.move(kept, "started", by=BY, because="Begun")
    assert bob.client.post(url, GOOD).status_code == 409
    assert "Lantern Press" in bob.client.get(url).content.decode()
    later(47)
    bob.stage.work()
    assert bob.rows() == {"kickoff": "sent", "intake": "skipped answered"}


def test_looking_and_another_site_keep_nothing(bob: Buyer, later: Later) -> None:
    later(2)
    bob.stage.work()
    url = form_of(bob)
    assert bob.client.get(url).status_code == bob.client.head(url).status_code == 200
    bob.client.post(url, GOOD, headers={"Sec-Fetch-Site": "cross-site"})
    assert service(bob).answers == []


def test_a_cancelled_order_ends_its_service_and_nothing_is_asked(bob: Buyer, later: Later) -> None:
    bob.buy(sku="ADVICE", status="cancelled")
    assert service(bob).state == "ended"
    later(2)
    bob.stage.work()
    assert bob.rows() == {"kickoff": "stopped refunded", "intake": "stopped refunded"}
    with bob.stage.inside(), pytest.raises(NotNow):
        services.move(service(bob), "started", by=BY, because="The test")


def test_each_step_can_be_taken_back_and_none_can_be_jumped(bob: Buyer) -> None:
    with bob.stage.inside():
        row = service(bob)
        with pytest.raises(NotNow):
            services.move(row, "done", by=BY, because="The test")
        for to in ("started", "done", "started", "ready"):
            row = services.move(row, to, by=BY, because="The test")
        assert row.state == "ready"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("A | number", "no sort of answer"), ("A | choice: one", "two choices"), ("A\nA", "asked twice"),
     ("x" * 201, "between 1 and"), ("\n".join(f"Q{n}" for n in range(21)), "At most 20")],
)  # fmt: skip
def test_questions_that_make_no_sense_are_refused(bob: Buyer, text: str, sentence: str) -> None:
    with bob.stage.inside(), pytest.raises(Invalid, match=sentence):
        services.ask(service(bob).product, text, by=BY, because="The test")


def test_questions_read_back_as_they_were_typed() -> None:
    assert intakes.typed(intakes.parse(FORM)) == FORM
    assert intakes.read([]) == intakes.USUAL == intakes.read(["nonsense"])


@pytest.mark.parametrize("day", ["31.1.2027", "2027-02-30", "20270131", "soon"])
def test_a_day_is_a_day(day: str) -> None:
    with pytest.raises(intakes.Unusable, match="give a day"):
        intakes.check(intakes.parse("Start | date"), [day])


def test_a_choice_is_one_of_those_offered() -> None:
    with pytest.raises(intakes.Unusable, match="one of these") as refused:
        intakes.check(intakes.parse(FORM), ["a", "b", "", "medium"])
    assert refused.value.number == 3


def test_a_receipt_is_sent_again_once_for_each_press(bob: Buyer) -> None:
    bob.buy(9002)
    with bob.stage.inside():
        for number in (9001, 9002, 9002):
            order = Order.objects.select_related("channel", "organization").get(external_id=f"api-{number}")
            receipts.resend(order, by=BY, because="Lost", key="k")
    bob.stage.work()
    assert bob.mails("receipt") == 4
    text = bob.last_mail()
    assert "/download/" in text and "Total: 89.99" in text, "links and lines of the second order"
