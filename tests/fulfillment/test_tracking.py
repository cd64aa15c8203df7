"""What mail services report: verified, kept once, and what becomes of the message, the job and the address."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from fulfillment import tracking
from fulfillment.actions import suppressions
from fulfillment.actions import tracking as reported
from fulfillment.models import Circuit, Email, EmailEcho, EmailEvent, EmailRoute, Job, Reach, Suppression
from fulfillment.tracking import Kind, Told
from orders.providers import standard
from profiles import clock
from profiles.actors import Refusal
from tests.servers import MailServer
from tests.stage import BY, Stage, sample

NOON = datetime(2026, 11, 13, 12, tzinfo=UTC)
SECRET = "reports:let-me-in"
BASIC = "Basic " + base64.b64encode(SECRET.encode()).decode()
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
RESEND = "whsec_bGFudGVybi1zdGFuZGFyZC13ZWJob29rcy1rZXktMzI="
BUYER = "ines.carvalho@example.org"


# The rule ----------------------------------------------------------------------------------------------------------

REPORTS = st.builds(
    Told, st.integers(0, 6).map(lambda hours: NOON + timedelta(hours=hours)), st.sampled_from(list(Kind))
)


@given(st.lists(REPORTS, max_size=6), st.data())
def test_any_order_and_any_number_of_times_mean_the_same(told: list[Told], data: st.DataObject) -> None:
    again = data.draw(st.permutations(told + told[:3]))
    assert tracking.derive(again) == tracking.derive(told)


@given(st.lists(REPORTS, max_size=6))
def test_a_message_is_never_both_arrived_last_and_lost(told: list[Told]) -> None:
    standing = tracking.derive(told)
    arrivals = [one.at for one in told if one.kind in tracking.ARRIVED]
    losses = [one.at for one in told if one.kind in tracking.LOST]
    assert bool(standing.lost_at) == bool(losses and (not arrivals or max(losses) >= max(arrivals)))
    assert bool(standing.delivered_at) == bool(arrivals) and bool(standing.taken_at) == bool(told)


def at(hour: int, kind: Kind) -> Told:
    return Told(NOON + timedelta(hours=hour), kind, f"{kind} at {hour}")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], {}),
        ([at(1, Kind.TAKEN)], {"taken_at": 1}),
        ([at(1, Kind.DELIVERED), at(3, Kind.OPENED), at(2, Kind.CLICKED)], {"delivered_at": 1, "opened_at": 2}),
        ([at(1, Kind.DELIVERED), at(2, Kind.BOUNCED)], {"delivered_at": 1, "lost_at": 2}),
        ([at(1, Kind.BOUNCED), at(2, Kind.DELIVERED)], {"delivered_at": 2}),
        ([at(1, Kind.BOUNCED), at(1, Kind.DELIVERED)], {"delivered_at": 1, "lost_at": 1}),
        ([at(1, Kind.SOFT_BOUNCED)], {"deferred_at": 1, "soft_bounced_at": 1}),
        ([at(1, Kind.DEFERRED), at(2, Kind.DELIVERED)], {"delivered_at": 2}),
        ([at(1, Kind.REJECTED)], {"lost_at": 1}),
        ([at(4, Kind.COMPLAINED)], {"complained_at": 4, "delivered_at": 4}),
        ([at(4, Kind.UNSUBSCRIBED)], {"unsubscribed_at": 4}),
    ],
)
def test_what_is_known_follows_from_the_reports(told: list[Told], expected: dict[str, int]) -> None:
    standing = tracking.derive(told)
    instants = {name: NOON + timedelta(hours=hour) for name, hour in expected.items()}
    for name in ("delivered_at", "opened_at", "deferred_at", "soft_bounced_at", "lost_at", "complained_at"):
        assert getattr(standing, name) == instants.get(name), name


# The door ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


@pytest.fixture
def password(settings: Any) -> Iterator[None]:
    settings.ANYMAIL = {**settings.ANYMAIL, "WEBHOOK_SECRET": SECRET}
    yield


def post(stage: Stage, esp: str, body: Any, **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return stage.client.post(f"/anymail/{esp}/tracking/", raw, content_type="application/json", headers=headers)


def report(stage: Stage, body: Any, esp: str = "postmark") -> Any:
    return post(stage, esp, body, Authorization=BASIC)


def buy(stage: Stage) -> Email:
    """One order whose mail a provider took, as one of its own would."""
    assert stage.post("stripe", sample("stripe/checkout.session.completed.json")).status_code == 200
    stage.work()
    return email(stage)


def email(stage: Stage) -> Email:
    with stage.inside():
        return Email.objects.order_by("pk").first()  # type: ignore[return-value]


def of(message: Email, name: str, **changes: Any) -> dict[str, Any]:
    """One of Postmark's own reports, about this message."""
    body = sample(f"postmark/{name}.json")
    body["MessageID"] = "883953f4-6105-42a2-a16a-77a8eac79483"
    body["Metadata"] = {"effect_key": message.effect_key}
    return {**body, **changes}


def sendgrid_event(number: int) -> dict[str, Any]:
    listed: Any = sample("sendgrid/events.json")
    return dict(listed[number])


def events(stage: Stage) -> list[EmailEvent]:
    with stage.inside():
        return list(EmailEvent.objects.order_by("pk"))


ESPS = ("postmark", "sendgrid", "mailgun", "resend", "amazon_ses")


@pytest.mark.parametrize("esp", ESPS)
def test_without_a_password_or_key_there_is_no_such_address(stage: Stage, settings: Any, esp: str) -> None:
    settings.ANYMAIL = {}
    assert post(stage, esp, {}, Authorization=BASIC).status_code == 404


@pytest.mark.parametrize("esp", ["postal", "smtp", "POSTMARK", "novu", "listmonk"])
def test_services_that_are_not_ours_have_no_address(stage: Stage, password: None, esp: str) -> None:
    assert post(stage, esp, {}, Authorization=BASIC).status_code == 404
    assert stage.client.post("/anymail/postmark/inbound/", {}, headers={"Authorization": BASIC}).status_code == 404


@pytest.mark.parametrize("esp", ["postmark", "amazon_ses", "sendgrid", "resend"])
@pytest.mark.parametrize(
    ("given", "status"), [("", 401), (BASIC[:-4] + "AAAA", 403), ("Basic ÿ", 403), ("Bearer x", 403)]
)
def test_a_wrong_password_opens_nothing(stage: Stage, password: None, esp: str, given: str, status: int) -> None:
    headers = {"Authorization": given} if given else {}
    answer = post(stage, esp, of_nobody(), **headers)
    assert answer.status_code == status and (status != 401 or answer.headers["WWW-Authenticate"])


def of_nobody() -> dict[str, Any]:
    return sample("postmark/bounce.hard.json")


@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
def test_only_a_post_is_a_report(stage: Stage, password: None, method: str) -> None:
    assert getattr(stage.client, method)("/anymail/postmark/tracking/").status_code == 405
    assert stage.client.post("/anymail/postmark/tracking", b"{}", content_type="application/json").status_code == 404


BAD = [
    b"",
    b" ",
    b"null",
    b'"text"',
    b"[1, 2]",
    b'{"RecordType": "Bounce"',
    b"\xff\xfe",
    b"\xc0\x80",
    b"[" * 100_000,
    b'{"RecordType": "Delivery", "DeliveredAt": 7}',
    b'{"RecordType": "Delivery", "DeliveredAt": "2026-02-30T10:00:00Z"}',
    b'{"RecordType": ["Delivery"]}',
    b'{"RecordType": "Delivery", "Metadata": [1]}',
    b'{"RecordType": "Delivery", "MessageID": ' + b"9" * 5000 + b"}",
]


@pytest.mark.parametrize("body", BAD)
@pytest.mark.parametrize("esp", ["postmark", "sendgrid", "amazon_ses"])
def test_what_cannot_be_read_is_refused_and_never_an_error_of_ours(
    stage: Stage, password: None, esp: str, body: bytes
) -> None:
    assert report(stage, body, esp).status_code in (400, 403)
    assert events(stage) == [] and not EmailEcho.objects.exists()


@pytest.mark.parametrize("field", ["Description", "Details", "MessageID", "Email", "Tag"])
def test_letters_no_database_takes_are_left_out(stage: Stage, password: None, field: str) -> None:
    body = json.dumps({**of_nobody(), field: "a\0b\ud800c"}).encode()
    assert report(stage, body).status_code == 200


def test_a_large_body_is_refused_unread_and_one_without_its_length_too(stage: Stage, password: None) -> None:
    assert report(stage, b" " * 5_242_881).status_code == 413
    chunked = post(stage, "postmark", of_nobody(), Authorization=BASIC, **{"Transfer-Encoding": "chunked"})
    assert chunked.status_code == 411


def signed_sendgrid(raw: bytes, stamp: str = "1794580000") -> dict[str, str]:
    signature = KEY.sign(stamp.encode() + raw, ec.ECDSA(hashes.SHA256()))
    return {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
    }


def test_sendgrids_signature_is_checked_over_the_raw_bytes(stage: Stage, settings: Any) -> None:
    settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY": PUBLIC}
    raw = json.dumps(sample("sendgrid/events.json")).encode()
    right = signed_sendgrid(raw)
    assert post(stage, "sendgrid", raw, **right).status_code == 200
    assert post(stage, "sendgrid", raw + b" ", **right).status_code == 403
    assert post(stage, "sendgrid", raw).status_code == 403
    wrong = {**right, "X-Twilio-Email-Event-Webhook-Signature": "é"}
    assert post(stage, "sendgrid", raw, **wrong).status_code == 403
    later = {**right, "X-Twilio-Email-Event-Webhook-Timestamp": "1794580001"}
    assert post(stage, "sendgrid", raw, **later).status_code == 403


def test_a_key_that_is_none_is_our_fault_and_opens_nothing(stage: Stage, settings: Any) -> None:
    settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY": "none"}
    assert post(stage, "sendgrid", b"[]").status_code == 503


def test_resends_signature_is_checked(stage: Stage, settings: Any) -> None:
    settings.ANYMAIL = {**settings.ANYMAIL, "RESEND_SIGNING_SECRET": RESEND}
    raw = json.dumps(
        {"type": "email.delivered", "created_at": "2026-11-13T09:20:08Z", "data": {"email_id": "x"}}
    ).encode()
    given = standard.headers([RESEND], message_id="msg_1", timestamp=int(time.time()), body=raw)
    headers = {name.replace("webhook", "svix"): value for name, value in given.items()}
    assert post(stage, "resend", raw, **headers).status_code == 200
    assert post(stage, "resend", raw + b" ", **headers).status_code == 403
    assert post(stage, "resend", raw).status_code == 403
    old = standard.headers([RESEND], message_id="msg_1", timestamp=int(time.time()) - 900, body=raw)
    assert post(stage, "resend", raw, **{n.replace("webhook", "svix"): v for n, v in old.items()}).status_code == 403


def mailgun(message_id: str, event: str, *, key: str = "mailgun-key", **data: Any) -> dict[str, Any]:
    token, stamp = "t" * 50, "1794580000"
    signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {
        "signature": {"token": token, "timestamp": stamp, "signature": signature},
        "event-data": {
            "event": event,
            "timestamp": 1794580000.5,
            "recipient": BUYER,
            "message": {"headers": {"message-id": message_id.strip("<>")}},
            **data,
        },
    }


def test_mailguns_signature_is_checked_and_the_password_alone_is_not_enough(
    stage: Stage, settings: Any, password: None
) -> None:
    assert report(stage, mailgun("a@b", "delivered"), "mailgun").status_code == 404
    settings.ANYMAIL = {**settings.ANYMAIL, "MAILGUN_WEBHOOK_SIGNING_KEY": "mailgun-key"}
    assert report(stage, mailgun("a@b", "delivered"), "mailgun").status_code == 200
    assert report(stage, mailgun("a@b", "delivered", key="guessed"), "mailgun").status_code == 403
    assert post(stage, "mailgun", mailgun("a@b", "delivered")).status_code == 401


# What is kept ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("smtp")
def test_a_delivery_is_known_as_soon_as_it_is_worked_and_told_once(stage: Stage, password: None) -> None:
    message = buy(stage)
    for _ in range(3):
        assert report(stage, of(message, "delivery")).status_code == 200
    (event,) = events(stage)
    assert (event.kind, event.provider, event.email_id) == ("delivered", "postmark", message.pk)
    assert email(stage).delivered_at is None, "the door keeps, and does nothing more"
    stage.work()
    assert email(stage).delivered_at == datetime(2026, 11, 13, 9, 20, 8, tzinfo=UTC)
    assert stage.work() == 0


@pytest.mark.usefixtures("smtp")
def test_a_message_is_found_by_its_message_id_and_by_the_services_own(
    stage: Stage, password: None, settings: Any
) -> None:
    settings.ANYMAIL = {**settings.ANYMAIL, "MAILGUN_WEBHOOK_SIGNING_KEY": "mailgun-key"}
    message = buy(stage)
    assert report(stage, mailgun(message.message_id, "opened"), "mailgun").status_code == 200
    stage.work()
    assert email(stage).opened_at is not None
    with stage.inside():
        message.provider_message_id = "pm-77"
        from fulfillment.actions import routes

        routes.taken([message])
    assert report(stage, of(message, "delivery", MessageID="pm-77", Metadata={})).status_code == 200
    assert [event.kind for event in events(stage)] == ["opened", "delivered"]


def test_what_is_not_ours_is_answered_with_thanks_and_counted(stage: Stage, password: None) -> None:
    assert report(stage, of_nobody()).status_code == 200
    assert report(stage, of_nobody()).status_code == 200
    assert events(stage) == [] and EmailEcho.objects.count() == 1
    assert not any("@" in echo.words for echo in EmailEcho.objects.all()), "no customer's data without a wall"
    EmailEcho.objects.update(received_at=clock.real() - timedelta(hours=2))
    with stage.inside():
        reported.sweep(stage.organization.pk)
    assert not EmailEcho.objects.exists() and Circuit.objects.get(provider="postmark").strangers == 1


@pytest.mark.usefixtures("smtp")
def test_a_report_before_the_message_is_known_by_that_name_waits_for_it(stage: Stage, password: None) -> None:
    message = buy(stage)
    early = of(message, "bounce.hard", MessageID="early-1", Metadata={})
    assert report(stage, early).status_code == 200
    assert events(stage) == [] and EmailEcho.objects.count() == 1
    from fulfillment.actions import routes

    with stage.inside():
        message.provider_message_id = "early-1"
        routes.taken([message])
    stage.work()
    assert email(stage).bounced_at is not None and not EmailEcho.objects.exists()


@pytest.mark.usefixtures("smtp")
def test_one_missed_in_the_moment_of_the_commit_is_found_by_the_sweep(stage: Stage, password: None) -> None:
    message = buy(stage)
    report(stage, of(message, "delivery", MessageID="early-2", Metadata={}))
    EmailRoute.objects.create(
        digest=hashlib.sha256(b"early-2").digest(), organization_id=stage.organization.pk, email_id=message.pk
    )
    with stage.inside():
        reported.sweep(stage.organization.pk)
    stage.work()
    assert email(stage).delivered_at is not None and not EmailEcho.objects.exists()


@pytest.mark.usefixtures("smtp")
def test_a_name_two_messages_bear_leads_to_neither(stage: Stage, password: None) -> None:
    from fulfillment.actions import routes

    message, other = buy(stage), Stage("harbour")
    with other.inside():
        copied = copy.copy(message)
        copied.pk, copied.organization_id, copied.provider_message_id = 99, other.organization.pk, "x"
        routes.announce([copied])
    assert report(stage, of(message, "delivery", MessageID="unheard")).status_code == 200
    assert events(stage) == [] and events(other) == []


@pytest.mark.usefixtures("smtp")
def test_the_door_asks_the_database_little_however_many_reports_come(stage: Stage, password: None) -> None:
    message = buy(stage)
    one = {**sendgrid_event(0), "effect_key": message.effect_key}
    counts = []
    for number in (1, 40):
        body = [{**one, "sg_event_id": f"{number}-{n}", "timestamp": 1794580000 + n} for n in range(number)]
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert report(stage, body, "sendgrid").status_code == 200
        counts.append(len(captured))
        assert not [query for query in captured if "session" in query["sql"] or "auth_" in query["sql"]]
    assert counts[1] <= counts[0] <= 14
    settled = []
    for _ in range(2):
        with stage.inside():
            due = reported.due(500)
            with CaptureQueriesContext(connection) as captured:
                reported.settle(due)
        settled.append(len(captured))
    assert len(events(stage)) == 41 and max(settled) <= 12


# What follows ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("smtp")
def test_reports_in_any_order_end_in_the_same_message(stage: Stage, password: None) -> None:
    message = buy(stage)
    told = [
        of(message, "delivery"),
        of(message, "bounce.hard", Email=BUYER),
        of(message, "bounce.hard", Type="SoftBounce", ID=2, BouncedAt="2026-11-13T09:10:00Z"),
    ]
    seen = set()
    for order in itertools.permutations(told):
        with stage.inside():
            EmailEvent.objects.all().delete()
        for body in order:
            report(stage, body)
            stage.work()
        row = email(stage)
        seen.add((row.delivered_at, row.bounced_at, row.soft_bounced_at, row.bounce))
    assert len(seen) == 1
    ((delivered_at, bounced_at, soft_at, why),) = seen
    assert bounced_at and delivered_at and bounced_at > delivered_at and soft_at is None and "unable to deliver" in why


@pytest.mark.usefixtures("smtp")
@pytest.mark.parametrize(
    ("changes", "hard"),
    [
        ({"Type": "HardBounce"}, True),
        ({"Type": "BadEmailAddress"}, True),
        ({"Type": "SoftBounce"}, False),
        ({"Type": "Transient"}, False),
        ({"Type": "DnsError"}, False),
    ],
)
def test_only_a_bounce_for_good_is_one(stage: Stage, password: None, changes: dict[str, Any], hard: bool) -> None:
    message = buy(stage)
    report(stage, of(message, "bounce.hard", **changes))
    stage.work()
    assert (email(stage).bounced_at is not None) == hard
    assert (email(stage).deferred_at is not None) != hard


@pytest.mark.usefixtures("smtp")
@pytest.mark.parametrize(("sort", "hard"), [("Permanent", True), ("Transient", False), ("Undetermined", False)])
def test_amazons_bounce_is_read_through_its_envelope(stage: Stage, password: None, sort: str, hard: bool) -> None:
    message = buy(stage)
    envelope = sample("amazon-ses/sns.bounce.json")
    inner = json.loads(envelope["Message"])
    inner["bounce"]["bounceType"] = sort
    inner["mail"]["headers"] = [{"name": "X-Metadata", "value": json.dumps({"effect_key": message.effect_key})}]
    envelope["Message"] = json.dumps(inner)
    headers = {
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": envelope["MessageId"],
        "Authorization": BASIC,
    }
    assert post(stage, "amazon_ses", envelope, **headers).status_code == 200
    stage.work()
    assert (email(stage).bounced_at is not None) == hard
    assert (email(stage).soft_bounced_at is not None) != hard


@pytest.mark.usefixtures("smtp")
def test_a_machine_that_opens_for_everybody_is_no_reader(stage: Stage, password: None) -> None:
    message = buy(stage)
    opened = {**sendgrid_event(2), "effect_key": message.effect_key}
    assert report(stage, [opened], "sendgrid").status_code == 200
    stage.work()
    assert email(stage).opened_at is None and email(stage).delivered_at is not None


@pytest.mark.usefixtures("smtp")
def test_who_complains_gets_nothing_more_but_what_was_bought(stage: Stage, password: None) -> None:
    message = buy(stage)
    report(stage, of(message, "spam-complaint"))
    stage.work()
    with stage.inside():
        (row,) = Suppression.objects.all()
        assert (row.address, row.reason) == (BUYER, "complained")
        given_addresses = [BUYER.upper(), "else@example.org"]
        with CaptureQueriesContext(connection) as captured:
            assert suppressions.silenced(given_addresses) == {BUYER.upper()}
        assert len(captured) == 1
        entitlement = Job.objects.get().entitlement
        from fulfillment.actions import emails

        emails.resend(entitlement, by=BY, because="the customer asked", key="k")
    stage.work()
    with stage.inside():
        assert list(Email.objects.values_list("state", flat=True)) == ["sent", "sent"], "what was bought goes out"
        suppressions.lift(row, by=BY, because="They asked us to write again")
        assert suppressions.silenced([BUYER]) == set()
        with pytest.raises(Refusal):
            suppressions.lift(row, by=BY, because="They asked us to write again")
        reported.settle([message.pk])
        assert suppressions.silenced([BUYER]) == set(), "the same complaint does not count twice"


def test_a_wish_to_hear_no_more_is_kept_once(stage: Stage) -> None:
    with stage.inside():
        added = [
            suppressions.add("Ada@Example.com", organization_id=stage.organization.pk, reason="unsubscribed", by=BY)
            for _ in range(2)
        ]
        assert added == [True, False] and suppressions.silenced(["ada@example.com"]) == {"ada@example.com"}
        assert suppressions.silenced([]) == set()


# Perhaps -----------------------------------------------------------------------------------------------------------


def test_a_report_ends_the_doubt_and_no_second_copy_goes_out(
    stage: Stage, smtp: MailServer, password: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    smtp.hang_up_after_data()
    message = buy(stage)
    assert message.state == "unknown"
    report(stage, of(message, "delivery"))
    stage.work()
    monkeypatch.setattr(clock, "_offset", timedelta(minutes=20))
    stage.work()
    with stage.inside():
        assert (email(stage).state, Job.objects.get().state, email(stage).secrets) == ("sent", "completed", "")
        assert not Reach.objects.exists(), "what was delivered needs nobody"
    assert len(smtp.messages) == 1


def test_a_report_that_comes_before_the_worker_gave_up_waiting_counts(
    stage: Stage, smtp: MailServer, password: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from config import mailing

    def lost_its_answer(email: Email, *rest: Any) -> Any:
        report(stage, of(email, "delivery"))
        return _send(email, *rest)

    _send = mailing._send
    smtp.hang_up_after_data()
    monkeypatch.setattr(mailing, "_send", lost_its_answer)
    assert buy(stage).state == "sent"
    assert len(smtp.messages) == 1


def test_a_killed_workers_message_is_not_sent_again_once_it_is_reported(
    stage: Stage, smtp: MailServer, password: None
) -> None:
    from config import drains
    from fulfillment.actions import emails, routes

    stage.post("stripe", sample("stripe/checkout.session.completed.json"))
    for queue in (drains.inbox, drains.settlements, drains.fulfilment):
        queue(stage.organization.pk)
    with stage.inside():
        emails.claim(10)
        routes.announce(list(Email.objects.all()))
    report(stage, of(email(stage), "delivery"))
    stage.work()
    with stage.inside():
        assert email(stage).state == "claimed"
        Email.objects.update(lease_until=clock.real() - timedelta(seconds=1))
    stage.work()
    assert (email(stage).state, smtp.messages) == ("sent", [])
