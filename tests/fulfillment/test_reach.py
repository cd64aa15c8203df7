"""Whether buyers were reached: when it is looked, what is found, and how the list empties again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fulfillment import reach
from fulfillment.actions import corrections
from fulfillment.actions import reach as looking
from fulfillment.actions import tracking as reported
from fulfillment.models import DownloadLink, Email, EmailEvent, Entitlement, Job, Reach
from fulfillment.reach import Message, Policy, Verdict, Why
from fulfillment.tracking import Kind
from orders.models import Order
from profiles import clock
from profiles.actions import policies
from profiles.actors import Refusal
from tests.servers import MailServer
from tests.stage import BY, Stage, sample

NOON = datetime(2026, 11, 13, 12, tzinfo=UTC)
LATE, EARLY = NOON + timedelta(hours=24), NOON + timedelta(hours=23)
BUYER = "ines.carvalho@example.org"

# The rule ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "early", "late"),
    [
        (Message("sent", NOON), None, Why.NOT_FETCHED),
        (Message("kept", NOON), None, Why.NOT_FETCHED),
        (Message("sent", NOON, tracked=True), None, Why.SILENT),
        (Message("sent", NOON, tracked=True, soft_bounced=True), None, Why.SOFT_BOUNCED),
        (Message("queued", NOON), None, Why.WAITING),
        (Message("unknown", NOON), None, Why.UNKNOWN),
        (Message("unknown", NOON, given_up=True), Why.UNKNOWN, Why.UNKNOWN),
        (Message("failed", NOON), Why.REFUSED, Why.REFUSED),
        (Message("sent", NOON, lost=True), Why.BOUNCED, Why.BOUNCED),
        (Message("sent", NOON, lost=True, arrived=True), Why.BOUNCED, Why.BOUNCED),
    ],
)
def test_certain_trouble_is_told_at_once_and_silence_after_the_hours(
    message: Message, early: Why | None, late: Why
) -> None:
    assert reach.judge(message, downloaded=False, now=EARLY) == Verdict(early, None if early else LATE)
    assert reach.judge(message, downloaded=False, now=LATE) == Verdict(late)
    assert reach.judge(message, downloaded=True, now=LATE).reached


@pytest.mark.parametrize("state", ["sent", "unknown", "failed"])
def test_what_arrived_needs_nobody(state: str) -> None:
    assert reach.judge(Message(state, NOON, arrived=True), downloaded=False, now=LATE).reached


def test_an_organization_may_choose_its_hours() -> None:
    assert reach.read({}) == Policy(24) == reach.read({"delivery": {"hours": "many"}}) == reach.read({"delivery": 3})
    terms = reach.read({"delivery": {"hours": 48}})
    assert reach.judge(Message("sent", NOON), downloaded=False, now=LATE, policy=terms).why is None


@pytest.mark.parametrize("hours", [0, -1, 721, 1.5, "24", True, None])
def test_hours_that_are_none_are_refused(hours: Any) -> None:
    with pytest.raises(ValueError, match="Hours must be"):
        reach.checked({"hours": hours})


# The list ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def buy(stage: Stage, *, email: str = BUYER, number: int = 0) -> None:
    event = sample("stripe/checkout.session.completed.json")
    paid = event["data"]["object"]
    paid["customer_details"]["email"] = email
    if number:
        event["id"], paid["id"], paid["payment_intent"] = f"evt_{number}", f"cs_{number}", f"pi_{number}"
    assert stage.post("stripe", event).status_code == 200
    stage.work()


def listed(stage: Stage) -> list[Reach]:
    with stage.inside():
        return list(Reach.objects.exclude(why="").select_related("order").order_by("pk"))


def test_a_refused_address_stands_on_the_list_at_once_with_what_was_meant(stage: Stage, smtp: MailServer) -> None:
    smtp.refuse("ines@gmial.com")
    buy(stage, email="ines@gmial.com")
    (row,) = listed(stage)
    assert (row.why, row.address, row.suggestion) == ("refused", "ines@gmial.com", "ines@gmail.com")
    assert "550" in row.words and row.due_at is None
    with stage.inside():
        sent = corrections.correct(row.order, row.suggestion, by=BY, because="Slip of the hand", key="k")
    assert sent == 1
    stage.work()
    assert listed(stage) == [] and [m.recipients for m in smtp.messages] == [("ines@gmail.com",)]
    with stage.inside():
        assert Job.objects.get().state == Job.State.COMPLETED
        assert Reach.objects.get().due_at is not None, "the new mail is looked after as well"


def test_the_same_press_twice_sends_one_mail(stage: Stage, smtp: MailServer) -> None:
    buy(stage)
    with stage.inside():
        order = Order.objects.get()
        for _ in range(2):
            corrections.correct(order, "ines@gmail.com", by=BY, because="Slip of the hand", key="k")
    stage.work()
    assert len(smtp.to("ines@gmail.com")) == 1


def test_silence_is_told_after_the_hours_and_a_download_ends_it(
    stage: Stage, smtp: MailServer, later: Callable[[float], None]
) -> None:
    buy(stage)
    later(23)
    assert stage.work() == 0 and listed(stage) == []
    later(2)
    stage.work()
    (row,) = listed(stage)
    assert row.why == "not_fetched"
    link = next(word for word in smtp.messages[0].text().split() if "/download/" in word)
    path = link.removeprefix("http://testserver")
    page = stage.client.get(path)
    assert listed(stage) and page.status_code == 200, "looking at the page proves nothing"
    assert stage.client.post(path).status_code in (302, 303)
    with stage.inside():
        assert DownloadLink.objects.filter(uses=1).exists()
    stage.work()
    assert listed(stage) == [] and not _rows(stage)


def _rows(stage: Stage) -> int:
    with stage.inside():
        return Reach.objects.count()


def test_who_fetched_in_time_never_stands_on_the_list(
    stage: Stage, smtp: MailServer, later: Callable[[float], None]
) -> None:
    buy(stage)
    with stage.inside():
        link = DownloadLink.objects.select_related("entitlement__product").get()
        from fulfillment.actions import downloads
        from fulfillment.models import Asset

        downloads.use(link, Asset.objects.filter(product=link.entitlement.product).get(), network="", agent="")
    later(30)
    stage.work()
    assert listed(stage) == [] and not _rows(stage)


def test_delivered_is_reached_even_without_a_download(
    stage: Stage, smtp: MailServer, later: Callable[[float], None]
) -> None:
    buy(stage)
    with stage.inside():
        reported.say(Email.objects.get(), Kind.DELIVERED, provider="postmark", at=clock.now())
    later(30)
    stage.work()
    assert not _rows(stage)


def test_an_organization_waits_as_long_as_it_chose(
    stage: Stage, smtp: MailServer, later: Callable[[float], None]
) -> None:
    with stage.inside():
        policies.change(stage.organization, reach.POLICY, {"hours": 48}, by=BY, because="Our buyers take their time")
    buy(stage)
    later(30)
    stage.work()
    assert listed(stage) == []
    later(20)
    stage.work()
    assert [row.why for row in listed(stage)] == ["not_fetched"]


def test_what_was_refunded_needs_no_reaching(stage: Stage, smtp: MailServer) -> None:
    smtp.refuse(BUYER)
    buy(stage)
    with stage.inside():
        Entitlement.objects.update(status=Entitlement.Status.REVOKED)
        looking.request(Order.objects.values_list("pk", flat=True))
    stage.work()
    assert not _rows(stage)


# Nobody knows ------------------------------------------------------------------------------------------------------


def doubtful(stage: Stage, smtp: MailServer, later: Callable[[float], None]) -> Reach:
    from fulfillment.models import Circuit

    smtp.hang_up_after_data(times=2)
    buy(stage)
    later(0.2)
    Circuit.objects.all().delete()
    stage.work()
    (row,) = listed(stage)
    return row


def test_sent_twice_without_an_answer_it_stands_on_the_list_and_the_job_says_so(
    stage: Stage, smtp: MailServer, later: Callable[[float], None]
) -> None:
    row = doubtful(stage, smtp, later)
    assert row.why == "unknown" and len(smtp.messages) == 2
    with stage.inside():
        job = Job.objects.get()
        assert job.state == Job.State.PENDING_EMAIL and "nobody knows" in job.last_error


def test_a_person_who_knows_that_it_arrived_ends_it(
    stage: Stage, smtp: MailServer, later: Callable[[float], None]
) -> None:
    row = doubtful(stage, smtp, later)
    with stage.inside():
        assert row.email is not None
        corrections.arrived(row.email, by=BY, because="She wrote that she has it")
        assert (Job.objects.get().state, Email.objects.get().state) == (Job.State.COMPLETED, "sent")
        assert EmailEvent.objects.get().provider == "staff"
    stage.work()
    assert listed(stage) == [] and len(smtp.messages) == 2


def test_sent_again_by_a_person_it_ends_with_the_new_mail(
    stage: Stage, smtp: MailServer, later: Callable[[float], None]
) -> None:
    row = doubtful(stage, smtp, later)
    with stage.inside():
        for _ in range(2):
            assert corrections.send_again(row.order, by=BY, because="She has nothing", key="k") == 1
    stage.work()
    assert listed(stage) == [] and len(smtp.messages) == 3
    assert len({message.message_id for message in smtp.messages}) == 2
    with stage.inside():
        assert Job.objects.get().state == Job.State.COMPLETED


def test_there_is_nothing_to_send_again_of_what_was_revoked(stage: Stage, smtp: MailServer) -> None:
    buy(stage)
    with stage.inside():
        Entitlement.objects.update(status=Entitlement.Status.REVOKED)
        with pytest.raises(Refusal, match="nothing to send"):
            corrections.send_again(Order.objects.get(), by=BY, because="She asked", key="k")


# Many --------------------------------------------------------------------------------------------------------------


def test_looking_at_many_asks_no_more_than_looking_at_one(stage: Stage, smtp: MailServer) -> None:
    for number in range(1, 7):
        smtp.refuse(f"buyer{number}@gmial.com")
        buy(stage, email=f"buyer{number}@gmial.com", number=number)
    with stage.inside():
        ids = list(Reach.objects.values_list("pk", flat=True))
        counts = []
        for part in (ids[:1], ids):
            with CaptureQueriesContext(connection) as captured:
                looking.settle(part)
            counts.append(len(captured))
    assert len(ids) == 6 and counts[0] == counts[1] <= 12
    assert {row.suggestion for row in listed(stage)} == {""}, "six customers of one domain: it is theirs"


def test_a_domain_of_many_customers_is_no_slip(stage: Stage, smtp: MailServer) -> None:
    for number in range(1, 8):
        buy(stage, email=f"buyer{number}@hotmal.com", number=number)
    smtp.refuse("late@hotmal.com")
    buy(stage, email="late@hotmal.com", number=9)
    (row,) = listed(stage)
    assert row.suggestion == ""
