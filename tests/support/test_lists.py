"""The desk's other lists and their pages: inbox, catalogue, delivery, who is who, settings."""

import csv
import io
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fulfillment.models import Asset, Email, Entitlement, Job
from orders.models import Channel, ChannelDay, Delivery, Line, Listing, Product
from profiles import clock
from profiles.actions import audit, merges
from profiles.actors import PERMISSIONS, Actor
from profiles.models import (
    ApiToken,
    AuditEntry,
    Membership,
    Merge,
    Profile,
    Review,
    Role,
    StreamEntry,
    WebhookDelivery,
    WebhookEndpoint,
)
from support import spreadsheets
from support.queries import bodies
from tests.desk import Desk, Sign
from tests.stage import BY, Stage, sample

OPEN_LISTS = (
    "orders_delivery",
    "orders_line",
    "orders_product",
    "orders_channel",
    "fulfillment_entitlement",
    "fulfillment_email",
    "fulfillment_job",
    "fulfillment_unclaimed",
    "fulfillment_reach",
    "fulfillment_suppression",
    "profiles_merge",
    "profiles_review",
    "attribution_storealert",
    "attribution_conversation",
    "profiles_organization",
    "profiles_webhookendpoint",
    "profiles_webhookdelivery",
    "profiles_streamentry",
    "support_discrepancy",
    "support_reconcilerun",
)
# Lists that not every role sees, by what the role must include.
CLOSED_LISTS = {
    "profiles_auditentry": "view_audit",
    "profiles_membership": "manage_staff",
    "profiles_apitoken": "manage_tokens",
}
OF_ENDPOINT = (
    "webhook_topics",
    "rotate_webhook",
    "disable_webhook",
    "enable_webhook",
    "test_webhook",
    "replay_webhook",
)
ALL_LISTS = (*OPEN_LISTS, *CLOSED_LISTS)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def listed(desk: Desk, name: str) -> str:
    return desk.url(f"{name}_changelist")


def quarantined(desk: Desk, number: int = 1) -> Delivery:
    """A delivery whose total is no number."""
    body = sample("shopify/orders-paid.json")
    body.update(id=7_000 + number, name=f"#Q{number}", total_price="thirty-nine")
    assert desk.stage.post("shopify", body, topic="orders/paid", delivery=f"q{number}").status_code == 200
    desk.stage.work()
    with desk.inside():
        return Delivery.objects.get(delivery_id=f"q{number}")


def unmapped(desk: Desk, number: int = 1, **line: Any) -> Line:
    """An order of something the catalogue does not know."""
    body = sample("shopify/orders-paid.json")
    body.update(id=8_000 + number, name=f"#U{number}")
    body["line_items"] = [
        {**body["line_items"][0], "sku": "TIDE-2E", "title": "Tide Atlas, 2nd", "variant_id": 99, **line}
    ]
    assert desk.stage.post("shopify", body, topic="orders/paid", delivery=f"u{number}").status_code == 200
    desk.stage.work()
    with desk.inside():
        return Line.objects.filter(product__isnull=True).latest("pk")


def many(desk: Desk, client: Client, name: str, *ids: int, **data: Any) -> Any:
    """Choose rows in a list and press the button of the dialog that opens."""
    url = f"{desk.act(name, desk.stage.organization.pk)}?ids={','.join(map(str, ids))}"
    opened = client.get(url)
    assert opened.status_code == 200
    form = opened.context["form"]
    data = {"because": "after the outage", "act": str(form["act"].value()), "ids": str(form["ids"].value()), **data}
    return client.post(url, data)


# Who sees what ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role.values)
def test_each_role_sees_the_lists_it_includes_and_their_addresses_in_the_bar(desk: Desk, sign: Sign, role: str) -> None:
    client = sign(role)
    bar = client.get(desk.url("index")).content.decode()
    for name in ALL_LISTS:
        needed = CLOSED_LISTS.get(name, "view")
        may = needed in PERMISSIONS[role]
        assert (client.get(listed(desk, name)).status_code == 200) is may, name
        assert (f'href="{listed(desk, name)}"' in bar) is may, name


def test_a_stranger_finds_nothing(desk: Desk, sign: Sign) -> None:
    delivery, line = quarantined(desk), unmapped(desk)
    sending = webhook(desk, 1)
    with desk.inside():
        email, job = Email.objects.latest("pk"), Job.objects.latest("pk")
        entry = AuditEntry.objects.latest("pk")
        channel = Channel.objects.earliest("pk")
    stranger = sign("engineer", Stage(slug="other"))
    for name in ALL_LISTS:
        page = stranger.get(listed(desk, name))
        assert page.status_code == 200, name
        for secret in (
            "Okafor",
            "maya",
            "TIDE-2E",
            "warehouse",
            "order.updated",
            "thirty-nine",
            delivery.delivery_id + "<",
        ):
            assert secret not in page.content.decode(), (name, secret)
    organization = desk.stage.organization.pk
    for url in (
        desk.url("orders_delivery_change", delivery.pk),
        desk.url("orders_product_change", desk.stage.book.pk),
        desk.url("orders_line_change", line.pk),
        desk.url("orders_channel_change", channel.pk),
        desk.url("fulfillment_email_change", email.pk),
        desk.url("fulfillment_job_change", job.pk),
        desk.url("profiles_auditentry_change", entry.pk),
        desk.url("profiles_organization_change", organization),
        desk.act("replay", delivery.pk),
        desk.act("map", line.pk),
        desk.act("add_file", desk.stage.book.pk),
        desk.act("new_secret", channel.pk),
        desk.act("connect", organization),
        desk.act("replay_many", organization),
        desk.act("issue_token", organization),
        desk.act("add_member", organization),
        desk.url("profiles_webhookdelivery_change", sending.pk),
        desk.url("profiles_webhookendpoint_change", sending.endpoint_id),
        desk.url("profiles_streamentry_change", sending.entry_id),
        desk.act("add_webhook", organization),
        desk.act("replay_sendings", organization),
        *(desk.act(name, sending.endpoint_id) for name in OF_ENDPOINT),
        desk.act("replay_sending", sending.pk),
    ):
        assert stranger.get(url).status_code == 404, url


def test_a_stranger_cannot_choose_the_rows_of_others(desk: Desk, sign: Sign) -> None:
    delivery = quarantined(desk)
    other = Stage(slug="other")
    stranger = sign("engineer", other)
    url = f"{desk.act('dismiss_many', other.organization.pk)}?ids={delivery.pk}"
    data = {"because": "because", "act": str(uuid.uuid4()), "ids": str(delivery.pk)}
    assert said(stranger.post(url, data)).startswith("0 deliveries")
    with desk.inside():
        assert Delivery.objects.get(pk=delivery.pk).state == "quarantined"


def test_lists_cost_the_same_whatever_their_rows(desk: Desk, sign: Sign) -> None:
    client = sign("engineer")
    one_more_of_each(desk, 1)
    few = {name: _queries(client, listed(desk, name)) for name in ALL_LISTS}
    for number in range(2, 6):
        one_more_of_each(desk, number)
    lots = {name: _queries(client, listed(desk, name)) for name in ALL_LISTS}
    assert lots == few
    assert max(lots.values()) <= 25


def one_more_of_each(desk: Desk, number: int) -> None:
    organization = desk.stage.organization
    quarantined(desk, number)
    unmapped(desk, number, sku=f"OTHER-{number}")
    desk.stage.product(f"MORE-{number}", "More", file=b"more", filename="more.pdf")
    user = User.objects.create_user(f"more{number}")
    with desk.inside():
        audit.record("member.added", by=BY, organization_id=organization.pk)
        ApiToken.objects.create(organization=organization, name="t", scopes=["*"], digest=bytes(32), hint="x")
        Membership.objects.create(organization=organization, user=user, role="agent")
        other = Profile.objects.create(organization=organization, name="Another")
        Review.objects.create(
            organization=organization, kind="too_many", subject=f"orders.Order:{number}", candidates=[other.pk]
        )
        merges.merge(desk.profile.pk, other.pk, by=BY, because="the same")
    webhook(desk, number)


def webhook(desk: Desk, number: int) -> WebhookDelivery:
    """An endpoint with one delivery on its way."""
    with desk.inside():
        endpoint = WebhookEndpoint.objects.create(
            organization=desk.stage.organization,
            name=f"warehouse {number}",
            url=f"https://warehouse-{number}.example/hooks",
            topics=["events.normalized"],
            secret="whsec_AA==",
        )
        return WebhookDelivery.objects.create(
            organization=desk.stage.organization,
            endpoint=endpoint,
            entry=StreamEntry.objects.latest("pk"),
            due_at=clock.now(),
        )


def _queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    statements = [query["sql"] for query in captured.captured_queries]
    assert not any('"orders_delivery"."body"' in sql for sql in statements), url
    return len([sql for sql in statements if "SAVEPOINT" not in sql])


# The inbox ----------------------------------------------------------------------------------------------------


def test_a_quarantined_delivery_says_why_and_shows_its_body_escaped(desk: Desk, sign: Sign) -> None:
    body = sample("shopify/orders-paid.json")
    body.update(id=7_001, total_price="thirty-nine", note="<script>alert(1)</script>")
    desk.stage.post("shopify", body, topic="orders/paid", delivery="x1")
    desk.stage.work()
    client = sign("lead")
    found = client.get(listed(desk, "orders_delivery"), {"state__exact": "quarantined"})
    assert b"thirty-nine" in found.content and b"x1" in found.content
    with desk.inside():
        row = Delivery.objects.get(delivery_id="x1")
    page = client.get(desk.url("orders_delivery_change", row.pk)).content.decode()
    assert "is not a plain decimal amount" in page and "&lt;script&gt;alert(1)" in page and "<script>alert" not in page
    assert desk.act("replay", row.pk) in page and desk.act("dismiss", row.pk) in page
    assert len(desk.acts("delivery.viewed")) == 1


def test_a_delivery_leads_to_its_order(desk: Desk, sign: Sign) -> None:
    with desk.inside():
        row = Delivery.objects.get(state="done")
    page = sign("agent").get(desk.url("orders_delivery_change", row.pk)).content.decode()
    assert desk.order_url in page and desk.act("replay", row.pk) not in page


def test_an_auditor_sees_no_body(desk: Desk, sign: Sign) -> None:
    with desk.inside():
        row = Delivery.objects.get()
    page = sign("auditor").get(desk.url("orders_delivery_change", row.pk)).content.decode()
    assert "maya.okafor@example.com" not in page and "your role does not see" in page


def test_replay_and_dismiss_one(desk: Desk, sign: Sign) -> None:
    row, client = quarantined(desk), sign("lead")
    assert said(desk.press(client, "dismiss", row.pk)).startswith("1 delivery dismissed")
    with desk.inside():
        assert Delivery.objects.get(pk=row.pk).state == "dismissed"
    assert said(desk.press(client, "replay", row.pk)).startswith("1 delivery waits")
    desk.stage.work()
    with desk.inside():
        assert Delivery.objects.get(pk=row.pk).state == "quarantined"
    (entry,) = desk.acts("delivery.dismissed")
    assert entry.reason == "the customer asked" and len(desk.acts("delivery.replayed")) == 1


def test_many_are_chosen_in_the_list_and_replayed_by_one_press(desk: Desk, sign: Sign) -> None:
    rows, client = [quarantined(desk, number) for number in (1, 2, 3)], sign("lead")
    chosen = {"action": "replay_many", "_selected_action": [row.pk for row in rows]}
    opened = client.post(listed(desk, "orders_delivery"), chosen)
    assert opened.status_code == 302
    dialog = client.get(opened["Location"])
    assert "3 deliveries are read again" in dialog.content.decode()
    assert said(many(desk, client, "replay_many", *(row.pk for row in rows))).startswith("3 deliveries wait")
    desk.stage.work()
    assert said(many(desk, client, "dismiss_many", *(row.pk for row in rows))) == "3 deliveries dismissed."
    (entry,) = desk.acts("delivery.replayed")
    assert entry.details == {"deliveries": 3} and len(desk.acts("delivery.dismissed")) == 3


@pytest.mark.parametrize("name", ["replay_many", "dismiss_many"])
def test_an_agent_may_not_replay(desk: Desk, sign: Sign, name: str) -> None:
    client = sign("agent")
    assert b"replay_many" not in client.get(listed(desk, "orders_delivery")).content
    assert "may not do this" in said(client.get(desk.act(name, desk.stage.organization.pk)))


def test_a_body_is_shown_as_it_was_written_and_cut() -> None:
    shown = bodies.readable(b'{"a":10.00,"b":[],"c":{"d":"x, y: {z}"}}')
    assert shown.text == '{\n  "a": 10.00,\n  "b": [],\n  "c": {\n    "d": "x, y: {z}"\n  }\n}'
    assert bodies.readable(b"\xff\xfe\x00").text == "ff fe 00"
    long = bodies.readable(b"x" * 70_000)
    assert long.cut and len(long.text) == 64 * 1024 and long.size == 70_000


# The catalogue ------------------------------------------------------------------------------------------------


def test_what_shops_sold_unknown_is_mapped_once_and_delivered(desk: Desk, sign: Sign) -> None:
    line = unmapped(desk)
    unmapped(desk, 2)
    client = sign("lead")
    page = client.get(listed(desk, "orders_line")).content.decode()
    assert "Tide Atlas, 2nd" in page and page.count("TIDE-2E") == 1 and desk.act("map", line.pk) in page
    assert listed(desk, "orders_line") in client.get(desk.url("index")).content.decode()
    opened = client.get(desk.act("map", line.pk))
    assert b"EBOOK-TIDE-EN" in opened.content
    picked = client.get(desk.url("orders_product_pick"), {"q": "harb", "pick": f"{desk.act('map', line.pk)}?product="})
    assert b"EBOOK-HARB-EN" in picked.content and b"EBOOK-TIDE-EN" not in picked.content
    preview = client.get(desk.act("map", line.pk), {"product": desk.stage.book.pk}).content.decode()
    assert "2 orders with this line are fulfilled" in preview
    answer = desk.press(client, "map", line.pk, product=desk.stage.book.pk)
    assert said(answer) == "Mapped to EBOOK-TIDE-EN. 2 orders are being fulfilled."
    desk.stage.work()
    with desk.inside():
        assert Entitlement.objects.filter(order__number__startswith="#U").count() == 2
    assert b"Every line maps" in client.get(listed(desk, "orders_line")).content


def test_of_very_many_unknown_lines_only_the_lines_are_counted(
    desk: Desk, sign: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    from support.queries import unmapped as waiting

    line, _, other = unmapped(desk), unmapped(desk, 2), unmapped(desk, 3, sku="OTHER", title="<Other>")
    client, url = sign("lead"), listed(desk, "orders_line")
    with desk.inside():
        added_up, many = waiting.groups()
        assert not many and [(one.sku, one.orders, bool(one.oldest)) for one in added_up] == [
            ("TIDE-2E", 2, True),
            ("OTHER", 1, True),
        ]
    assert "More than" not in client.get(url).content.decode()
    monkeypatch.setattr(waiting, "ADDED_UP_AT_MOST", 2)
    with desk.inside():
        counted, many = waiting.groups()
        assert many and [(one.sku, one.orders, one.line_id) for one in counted] == [
            ("TIDE-2E", 2, line.pk),
            ("OTHER", 1, other.pk),
        ]
        assert [one.channels for one in counted] == [one.channels for one in added_up]
    page = client.get(url).content.decode()
    assert "More than 2 lines wait" in page and "&lt;Other&gt;" in page and desk.act("map", line.pk) in page
    assert "Oldest" not in page and "Amount" not in page and "shopify:" in page


def test_a_picker_never_leads_elsewhere(desk: Desk, sign: Sign) -> None:
    answer = sign("lead").get(desk.url("orders_product_pick"), {"q": "tide", "pick": "javascript:alert(1)//"})
    assert b"javascript:" not in answer.content


def test_a_product_gets_its_file_and_what_waited_goes_on(desk: Desk, sign: Sign) -> None:
    client, organization = sign("lead"), desk.stage.organization.pk
    unmapped(desk)
    data = {"sku": "TIDE-2E", "title": "Tide Atlas 2", "kind": "ebook", "price": "45.00", "currency": "EUR"}
    answer = desk.press(client, "add_product", organization, **data)
    assert "1 product added: TIDE-2E. 1 order waits for it." in said(answer)
    with desk.inside():
        product = Product.objects.get(sku="TIDE-2E")
    assert product.price_minor == 4500 and answer["Location"] == desk.url("orders_product_change", product.pk)
    assert b"It has no file yet" in client.get(answer["Location"]).content
    desk.stage.work()
    file = SimpleUploadedFile("tide-2.pdf", b"%PDF second")
    assert "1 file stored: tide-2.pdf, version v1" in said(
        desk.press(client, "add_file", product.pk, file=file, version="")
    )
    again = SimpleUploadedFile("tide-2.pdf", b"%PDF second")
    assert "byte for byte" in said(desk.press(client, "add_file", product.pk, file=again, version=""))
    desk.stage.work()
    with desk.inside():
        assert Job.objects.get(entitlement__product=product).state == "completed"
        assert Asset.objects.get(product=product).size == 11
    page = client.get(answer["Location"]).content.decode()
    assert "tide-2.pdf" in page and "Current" in page
    (entry,) = [e for e in desk.acts("product.added") if e.actor_id]
    assert entry.reason == "the customer asked"
    double = desk.press(client, "add_product", organization, **data)
    assert "There is a product TIDE-2E already" in double.content.decode()


def test_a_listing_names_one_product(desk: Desk, sign: Sign) -> None:
    client, book = sign("lead"), desk.stage.book
    assert "1 listing added" in said(desk.press(client, "add_listing", book.pk, kind="stripe", external_id="price_1"))
    again = desk.press(client, "add_listing", book.pk, kind="stripe", external_id="price_1")
    assert "is listed already" in again.content.decode()
    with desk.inside():
        assert Listing.objects.get(external_id="price_1").product_id == book.pk
    assert "may not do this" in said(sign("agent").get(desk.act("add_listing", book.pk)))


def test_the_products_say_how_many_files_they_have(desk: Desk, sign: Sign) -> None:
    desk.stage.product("EMPTY", "Without a file")
    client = sign("agent")
    page = client.get(listed(desk, "orders_product")).content.decode()
    assert "1 file" in page and "No file" in page
    only = client.get(listed(desk, "orders_product"), {"files": "none"}).content.decode()
    assert "EMPTY" in only and "EBOOK-TIDE-EN" not in only


# Channels -----------------------------------------------------------------------------------------------------


def test_a_channel_is_connected_and_its_secret_never_shown_again(desk: Desk, sign: Sign) -> None:
    client = sign("engineer")
    data = {"kind": "woocommerce", "domain": "new.example", "secret": ""}
    answer = desk.press(client, "connect", desk.stage.organization.pk, **data)
    with desk.inside():
        channel = Channel.objects.get(domain="new.example")
    shown = answer.content.decode()
    assert channel.webhook_path in shown and channel.secret in shown
    page = client.get(listed(desk, "orders_channel")).content.decode()
    assert channel.webhook_path in page and channel.secret not in page and "Nothing received yet" in page
    for role in ("lead", "auditor"):
        assert desk.act("new_secret", channel.pk) not in sign(role).get(listed(desk, "orders_channel")).content.decode()
    stripe = desk.press(client, "connect", desk.stage.organization.pk, kind="stripe", domain="pay.example", secret="")
    assert "copy it from there" in stripe.content.decode()
    assert said(desk.press(client, "new_secret", channel.pk, secret="another-secret")).startswith("1 secret replaced")
    with desk.inside():
        assert Channel.objects.get(pk=channel.pk).former_secret == channel.secret
    entries = [e for e in desk.acts("channel.connected") if e.reason]
    assert len(entries) == 1 and channel.secret not in json.dumps(entries[0].details)


def test_a_channel_says_how_it_does(desk: Desk, sign: Sign) -> None:
    client = sign("agent")
    page = client.get(listed(desk, "orders_channel")).content.decode()
    assert "1 received" in page and "Receiving" in page
    quarantined(desk)
    assert "1 quarantined" in client.get(listed(desk, "orders_channel")).content.decode()
    address = desk.stage.channels["stripe"].webhook_path
    headers = {"Stripe-Signature": "t=1,v1=00"}
    wrong = desk.stage.client.post(address, b"{}", content_type="application/json", headers=headers)
    assert wrong.status_code == 401
    with desk.inside():
        assert ChannelDay.objects.get().refused == 1
    page = client.get(listed(desk, "orders_channel")).content.decode()
    assert "1 since yesterday" in page and "Refused: check its secret" in page


# Delivery -----------------------------------------------------------------------------------------------------


def test_mail_that_was_kept_says_so_and_is_read_as_it_was_sent(desk: Desk, sign: Sign) -> None:
    client = sign("agent")
    page = client.get(listed(desk, "fulfillment_email")).content.decode()
    assert "Kept, no provider" in page and "maya.okafor@example.com" in page
    with desk.inside():
        email = Email.objects.earliest("pk")
    answer = client.get(desk.url("fulfillment_email_change", email.pk))
    assert answer["Location"] == desk.url("letter", email.pk)
    assert "maya.okafor" not in sign("auditor").get(listed(desk, "fulfillment_email")).content.decode()


def test_entitlements_are_found_by_order_and_address(desk: Desk, sign: Sign) -> None:
    client = sign("agent")
    for text in (str(desk.order), "maya.okafor@example.com"):
        assert b"EBOOK-TIDE-EN" in client.get(listed(desk, "fulfillment_entitlement"), {"q": text}).content
    assert b"Nothing found" in client.get(listed(desk, "fulfillment_entitlement"), {"q": "nobody@example.com"}).content
    assert desk.entitlement is not None
    answer = client.get(desk.url("fulfillment_entitlement_change", desk.entitlement.pk))
    assert answer["Location"] == desk.order_url


def test_stuck_jobs_are_retried_by_one_press(desk: Desk, sign: Sign) -> None:
    desk.buy(id=9_300, name="#second")
    with desk.inside():
        jobs = list(Job.objects.order_by("pk"))
        Job.objects.filter(pk__in=[job.pk for job in jobs[:2]]).update(state="failed", last_error="store away")
    answer = many(desk, sign("agent"), "retry_many", *(job.pk for job in jobs[:2]))
    assert said(answer) == "2 jobs were queued again."
    desk.stage.work()
    with desk.inside():
        assert set(Job.objects.values_list("state", flat=True)) == {"completed"}
    assert len({entry.act for entry in desk.acts("job.retried")}) == 1 and len(desk.acts("job.retried")) == 2
    refused = many(desk, sign("agent"), "retry_many", jobs[0].pk)
    assert "It is delivered" in said(refused)


# Who is who ---------------------------------------------------------------------------------------------------


def another(desk: Desk) -> Profile:
    with desk.inside():
        return Profile.objects.create(organization=desk.stage.organization, name="Maya O.")


def test_a_merge_is_undone_from_the_list(desk: Desk, sign: Sign) -> None:
    other = another(desk)
    with desk.inside():
        merges.merge(desk.profile.pk, other.pk, by=BY, because="the same")
        merge = Merge.objects.get()
    assert desk.act("undo_merge", merge.pk) in sign("lead").get(listed(desk, "profiles_merge")).content.decode()
    assert desk.act("undo_merge", merge.pk) not in sign("agent").get(listed(desk, "profiles_merge")).content.decode()
    assert said(desk.press(sign("lead"), "undo_merge", merge.pk)).startswith("Undone.")
    assert "Undone" in sign("lead").get(listed(desk, "profiles_merge")).content.decode()


def test_a_review_is_closed_when_its_customers_are_one_or_left(desk: Desk, sign: Sign) -> None:
    other = another(desk)
    with desk.inside():
        review = Review.objects.create(
            organization=desk.stage.organization,
            kind="too_many",
            subject=f"orders.Order:{desk.order.pk}",
            candidates=[desk.profile.pk, other.pk],
            explanation="Too many of maya.okafor@example.com.",
        )
    client = sign("lead")
    assert 'data-need="reviews"' in client.get(desk.url("index")).content.decode()
    page = client.get(desk.url("profiles_review_change", review.pk)).content.decode()
    assert desk.profile_url in page and desk.order_url in page and f"?other={other.pk}" in page
    assert "maya.okafor@" not in sign("auditor").get(desk.url("profiles_review_change", review.pk)).content.decode()
    early = desk.press(client, "decide", review.pk, decision="merged")
    assert "still 2 customers" in early.content.decode()
    with desk.inside():
        merges.merge(desk.profile.pk, other.pk, by=BY, because="the same")
    answer = desk.press(client, "decide", review.pk, decision="merged")
    assert said(answer) == "1 review closed."
    (entry,) = desk.acts("review.decided")
    assert entry.details["decision"] == "merged" and entry.reason == "the customer asked"
    assert b"No review is open" in client.get(listed(desk, "profiles_review")).content
    assert b"More than three" in client.get(listed(desk, "profiles_review"), {"state": "decided"}).content
    assert "may not do this" in said(sign("agent").get(desk.act("decide", review.pk)))


# Settings -----------------------------------------------------------------------------------------------------


def exported(answer: Any) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode()
    assert text.count("\n") == text.count("\r\n")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_the_audit_log_is_filtered_and_searched(desk: Desk, sign: Sign) -> None:
    assert desk.entitlement is not None
    lead = sign("lead")
    desk.press(lead, "resend", desk.entitlement.pk)
    lead.get(desk.profile_url)
    url = listed(desk, "profiles_auditentry")

    def rows(**query: Any) -> str:
        return lead.get(url, query).content.decode().partition("result_list")[2]

    assert "Email resent" in rows() and "Profile viewed" in rows()
    assert "Profile viewed" not in rows(sort="acts").partition("</table>")[0]
    assert "Email resent" in rows(action="email.resent") and "Email resent" in rows(period="day")
    assert "Email resent" in rows(q=str(desk.order.pk)) and "Email resent" in rows(q=str(desk.order))
    (entry,) = desk.acts("email.resent")
    assert (
        "Email resent" in rows(who=str(entry.actor_id))
        and "Email resent" not in rows(who="none").partition("</table>")[0]
    )
    page = lead.get(desk.url("profiles_auditentry_change", entry.pk)).content.decode()
    assert "the customer asked" in page and desk.order_url in page


def test_an_export_is_whole_harmless_and_on_record_itself(
    desk: Desk, sign: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("support.queries.audits.PORTION", 3)
    with desk.inside():
        for reason in (
            '=HYPERLINK("http://x")',
            "+1",
            "-1",
            "@sum",
            "\tx",
            "\rx",
            'said "no", left',
            "maya@example.com",
        ):
            by = Actor(label="Lou, lead", role="lead")
            audit.record("test.made", by=by, because=reason, organization_id=desk.stage.organization.pk)
        count = AuditEntry.objects.count()
    url = desk.url("profiles_auditentry_export")
    answer = sign("lead").get(url)
    assert answer["Content-Type"].startswith("text/csv") and "attachment" in answer["Content-Disposition"]
    head, *rows = exported(answer)
    assert head[0] == "at" and len(rows) == len({tuple(row) for row in rows}) >= count
    reasons = {row[head.index("reason")] for row in rows}
    assert {'\'=HYPERLINK("http://x")', "'+1", "'-1", "'@sum", "'\tx", "'\rx", 'said "no", left'} <= reasons
    (entry,) = desk.acts("audit.exported")
    assert entry.actor_id is not None
    only = exported(sign("lead").get(url, {"action": "test.made"}))
    assert len(only) == 9
    masked = exported(sign("auditor").get(url, {"action": "test.made"}))
    assert "maya@example.com" not in str(masked)
    refused = sign("agent").get(url)
    assert refused.status_code == 302 and len(desk.acts("audit.exported")) == 3
    stranger = exported(sign("engineer", Stage(slug="other")).get(url))
    assert "Lou, lead" not in str(stranger)


@pytest.mark.parametrize(
    ("value", "shown"), [("=1", "'=1"), ("\n=1", "'\n=1"), (None, ""), (-5, "'-5"), ("a=b", "a=b")]
)
def test_no_cell_is_a_formula(value: Any, shown: str) -> None:
    assert spreadsheets.cell(value) == shown


@pytest.fixture
def engineer(sign: Sign) -> Iterator[Client]:
    yield sign("engineer")


def test_a_member_is_let_in_with_a_password_shown_once(desk: Desk, engineer: Client) -> None:
    data = {"username": "Nia@lantern.example", "person": "Nia Brook", "role": "agent"}
    answer = desk.press(engineer, "add_member", desk.stage.organization.pk, **data)
    password = answer.context["done"].shown
    nia = Client()
    assert User.objects.get(username="nia@lantern.example").check_password(password)
    nia.force_login(User.objects.get(username="nia@lantern.example"))
    assert nia.get(desk.order_url).status_code == 200
    page = engineer.get(listed(desk, "profiles_membership")).content.decode()
    assert "Nia Brook" in page and password not in page
    with desk.inside():
        member = Membership.objects.get(user__username="nia@lantern.example")
        own = Membership.objects.exclude(pk=member.pk).get()
    assert "is support lead now" in said(desk.press(engineer, "change_role", member.pk, role="lead"))
    assert "Nobody changes their own role" in desk.press(engineer, "change_role", own.pk, role="agent").content.decode()
    assert "a member already" in desk.press(engineer, "add_member", desk.stage.organization.pk, **data).content.decode()
    (entry,) = desk.acts("member.role_changed")
    assert entry.details["former"] == "agent" and password not in json.dumps(entry.details)


def test_a_token_is_shown_once_and_revoked(desk: Desk, engineer: Client) -> None:
    data = {"label": "warehouse", "scopes": ["orders:read"]}
    answer = desk.press(engineer, "issue_token", desk.stage.organization.pk, **data)
    secret = answer.context["done"].shown
    headers = {"Authorization": f"Bearer {secret}"}
    assert Client().get("/api/orders", headers=headers).status_code == 200
    page = engineer.get(listed(desk, "profiles_apitoken")).content.decode()
    assert "warehouse" in page and secret not in page
    with desk.inside():
        token = ApiToken.objects.get()
    assert said(desk.press(engineer, "revoke_token", token.pk)) == "1 token revoked: warehouse."
    assert Client().get("/api/orders", headers=headers).status_code == 401
    assert len(desk.acts("token.revoked")) == 1


@pytest.mark.parametrize("role", ["agent", "lead", "finance", "auditor"])
def test_only_an_engineer_lets_in(desk: Desk, sign: Sign, role: str) -> None:
    client = sign(role)
    for name in ("add_member", "issue_token", "connect"):
        assert "may not do this" in said(client.get(desk.act(name, desk.stage.organization.pk))), name


def test_the_organization_is_told_and_not_changed(desk: Desk, sign: Sign) -> None:
    page = sign("agent").get(listed(desk, "profiles_organization")).content.decode()
    assert "Europe/Berlin" in page and "EUR" in page
