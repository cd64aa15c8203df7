"""The desk's acts: by POST with a reason, once, by whom it is permitted, and said in numbers."""

import uuid
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from fulfillment.models import DownloadLink, Email, Entitlement, Job
from orders.models import Order
from profiles.models import Merge, Profile
from tests.desk import Desk, Sign
from tests.stage import sample


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def test_opening_a_dialog_changes_nothing(desk: Desk, sign: Sign) -> None:
    assert desk.entitlement is not None
    before = desk.stage.snapshot()
    client = sign("lead")
    for name in ("resend", "temporary_link", "revoke"):
        assert client.get(desk.act(name, desk.entitlement.pk)).status_code == 200
    assert desk.stage.snapshot() == before and desk.acts("entitlement.revoked") == []


def test_a_press_needs_the_csrf_token(desk: Desk, sign: Sign) -> None:
    assert desk.entitlement is not None
    client = sign("lead", enforce_csrf_checks=True)
    data = {"because": "because", "act": str(uuid.uuid4())}
    assert client.post(desk.act("revoke", desk.entitlement.pk), data).status_code == 403
    assert desk.acts("entitlement.revoked") == []


def test_a_press_needs_a_reason(desk: Desk, sign: Sign) -> None:
    assert desk.entitlement is not None
    answer = desk.press(sign("lead"), "revoke", desk.entitlement.pk, because=" ")
    assert answer.status_code == 200 and answer.context["form"].errors
    assert desk.acts("entitlement.revoked") == []


@pytest.mark.parametrize("role", ["finance", "auditor"])
def test_whose_role_does_not_include_it_is_refused_in_words(desk: Desk, sign: Sign, role: str) -> None:
    assert desk.entitlement is not None
    answer = sign(role).post(desk.act("revoke", desk.entitlement.pk), {"because": "because", "act": str(uuid.uuid4())})
    assert answer.status_code == 302 and "may not do this" in said(answer)
    assert desk.acts("entitlement.revoked") == []


def test_revoke_and_restore_say_it_in_numbers(desk: Desk, sign: Sign) -> None:
    assert desk.entitlement is not None
    client = sign("agent")
    answer = desk.press(client, "revoke", desk.entitlement.pk)
    assert answer["Location"] == desk.order_url and said(answer) == "Revoked. 1 link is dead."
    with desk.inside():
        assert Entitlement.objects.get(pk=desk.entitlement.pk).status == "revoked"
    answer = desk.press(client, "restore", desk.entitlement.pk)
    assert said(answer).startswith("Restored.")
    with desk.inside():
        assert Entitlement.objects.get(pk=desk.entitlement.pk).downloadable
    (entry,) = desk.acts("entitlement.revoked")
    assert (entry.reason, entry.order_id) == ("the customer asked", desk.order.pk)


def test_the_same_press_twice_acts_once(desk: Desk, sign: Sign) -> None:
    assert desk.entitlement is not None
    client = sign("agent")
    key = str(uuid.uuid4())
    for _ in range(2):
        answer = desk.press(client, "resend", desk.entitlement.pk, act=key)
    assert "Nothing was done twice" in said(answer)
    (entry,) = desk.acts("email.resent")
    assert entry.act == uuid.UUID(key)
    with desk.inside():
        assert Email.objects.filter(effect_key__startswith="resend:").count() == 1


def test_a_refusal_is_a_red_line_and_changes_nothing(desk: Desk, sign: Sign) -> None:
    assert desk.entitlement is not None
    client = sign("agent")
    desk.press(client, "revoke", desk.entitlement.pk)
    answer = client.post(
        desk.act("revoke", desk.entitlement.pk),
        {"because": "once more", "act": str(uuid.uuid4())},
        headers={"Referer": f"http://testserver{desk.order_url}"},
    )
    assert answer.status_code == 302 and answer["Location"] == desk.order_url
    assert "Already revoked" in said(answer)
    assert len(desk.acts("entitlement.revoked")) == 1


def test_in_a_dialog_the_answer_leads_on_without_a_redirect(desk: Desk, sign: Sign) -> None:
    assert desk.entitlement is not None
    data = {"because": "asked in chat", "act": str(uuid.uuid4())}
    page = f"http://testserver{desk.order_url}"
    headers = {"HX-Request": "true", "HX-Current-URL": page}
    answer = sign("agent").post(desk.act("resend", desk.entitlement.pk), data, headers=headers)
    assert answer.status_code == 200 and answer["HX-Redirect"] == desk.order_url


def test_a_press_never_leads_to_another_site(desk: Desk, sign: Sign) -> None:
    assert desk.entitlement is not None
    data = {"because": "asked in chat", "act": str(uuid.uuid4()), "back": "https://elsewhere.example/admin/"}
    answer = sign("agent").post(desk.act("resend", desk.entitlement.pk), data)
    assert answer["Location"] == desk.url("index")


def test_a_temporary_link_is_shown_once_and_works(desk: Desk, sign: Sign) -> None:
    assert desk.entitlement is not None
    client = sign("agent")
    answer = desk.press(client, "temporary_link", desk.entitlement.pk)
    shown = answer.context["done"].shown
    assert shown.encode() in answer.content and "/download/" in shown
    assert Client().get("/download/" + shown.rpartition("/")[2]).status_code == 200
    assert shown not in client.get(desk.order_url).content.decode()
    with desk.inside():
        assert DownloadLink.objects.filter(kind="temporary").count() == 1


def test_a_corrected_address_gets_the_link(desk: Desk, sign: Sign) -> None:
    answer = desk.press(sign("agent"), "change_delivery_email", desk.order.pk, to="right@example.com", resend="on")
    assert "right@example.com" in said(answer)
    desk.stage.work()
    with desk.inside():
        assert Email.objects.filter(to="right@example.com").exists()
        assert Order.objects.get().email == "maya.okafor@example.com"


def test_the_correction_speaks_of_waiting_mail_only_where_some_waits(desk: Desk, sign: Sign) -> None:
    client, address = sign("agent"), desk.act("change_delivery_email", desk.order.pk)
    assert "redirected" not in client.get(address).content.decode()
    with desk.inside():
        Email.objects.filter(order=desk.order).update(state=Email.State.QUEUED)
    assert "1 waiting e-mail is redirected." in client.get(address).content.decode()


def test_a_wrong_address_stays_in_the_form(desk: Desk, sign: Sign) -> None:
    answer = desk.press(sign("agent"), "change_delivery_email", desk.order.pk, to="nobody")
    assert answer.status_code == 200 and answer.context["form"].errors["to"]


def test_a_grant_for_an_order_is_delivered(desk: Desk, sign: Sign) -> None:
    desk.press(sign("agent"), "grant_for_order", desk.order.pk, product=desk.stage.book.pk)
    desk.stage.work()
    with desk.inside():
        granted = Entitlement.objects.get(source="manual")
        assert granted.order_id == desk.order.pk and granted.profile_id == desk.profile.pk


def test_a_failed_job_is_tried_again(desk: Desk, sign: Sign) -> None:
    assert desk.entitlement is not None
    with desk.inside():
        job = Job.objects.get(entitlement=desk.entitlement)
        Job.objects.filter(pk=job.pk).update(state=Job.State.FAILED, last_error="the store was away")
    desk.press(sign("agent"), "retry", job.pk)
    desk.stage.work()
    with desk.inside():
        assert Job.objects.get(pk=job.pk).state == Job.State.COMPLETED
    assert len(desk.acts("job.retried")) == 1


def other_customer(desk: Desk) -> Profile:
    """A second customer, by another address."""
    person = {"email": "m.okafor@example.org", "first_name": "Maya", "last_name": "Okafor", "phone": None}
    desk.buy(id=77, name="#77", email=person["email"], contact_email=person["email"], phone=None,
             customer=person, billing_address=None, shipping_address=None)  # fmt: skip
    with desk.inside():
        return Profile.objects.exclude(pk=desk.profile.pk).get()


def test_merge_and_undo_leave_everything_as_it_was(desk: Desk, sign: Sign) -> None:
    other = other_customer(desk)
    client = sign("lead")
    assert b"Perhaps the same person" in client.get(desk.profile_url).content
    before = desk.stage.snapshot()
    preview = client.get(desk.act("merge", desk.profile.pk), {"other": other.pk}).content
    assert b"Stays" in preview and b"Is absorbed" in preview and b"2 orders" in preview
    points = {"other": other.pk, "first_point": "same name", "second_point": "same card"}
    answer = desk.press(client, "merge", desk.profile.pk, **points)
    assert said(answer).startswith("Merged.")
    # The totals agree at once, without a worker.
    (profile,) = desk.stage.snapshot()["profiles"]
    assert profile["orders"] == 2
    assert client.get(desk.url("profiles_profile_change", other.pk))["Location"] == desk.profile_url
    with desk.inside():
        merge = Merge.objects.get()
    answer = desk.press(client, "undo_merge", merge.pk)
    assert said(answer).startswith("Undone.")
    assert desk.stage.snapshot() == before
    # Whoever took it back said that they are two people: nobody is asked about them again.
    for address in (desk.profile_url, desk.url("profiles_profile_change", other.pk)):
        assert b"Perhaps the same person" not in client.get(address).content


def test_a_merge_needs_two_different_points(desk: Desk, sign: Sign) -> None:
    other = other_customer(desk)
    points = {"other": other.pk, "first_point": "same name", "second_point": "Same name "}
    answer = desk.press(sign("lead"), "merge", desk.profile.pk, **points)
    assert answer.status_code == 200 and "two different data points" in answer.content.decode()
    with desk.inside():
        assert not Merge.objects.exists()


def test_an_order_without_anybody_is_linked_and_delivered(desk: Desk, sign: Sign) -> None:
    body = sample("shopify/orders-create.pos-no-customer.json")
    desk.stage.post("shopify", body, topic="orders/create")
    desk.stage.work()
    with desk.inside():
        order = Order.objects.get(profile__isnull=True)
    answer = desk.press(sign("lead"), "link", order.pk, other=desk.profile.pk)
    assert said(answer).startswith("Linked.")
    desk.stage.work()
    with desk.inside():
        order.refresh_from_db()
        assert order.profile_id == desk.profile.pk
    assert len(desk.acts("order.linked")) == 1


def test_an_attribution_is_decided_and_lifted(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    answer = desk.press(client, "override_attribution", desk.order.pk, conversation="none")
    assert "no conversation" in said(answer)
    answer = desk.press(client, "override_attribution", desk.order.pk, conversation="facts")
    assert said(answer).startswith("Lifted.")
    assert len(desk.acts("attribution.overridden")) == len(desk.acts("attribution.override_lifted")) == 1


def test_nobody_reaches_another_organizations_row_by_a_press(desk: Desk, sign: Sign) -> None:
    from tests.stage import Stage

    assert desk.entitlement is not None
    stranger = sign("engineer", Stage(slug="other"))
    data = {"because": "because", "act": str(uuid.uuid4())}
    assert stranger.post(desk.act("revoke", desk.entitlement.pk), data).status_code == 404
    with desk.inside():
        assert Entitlement.objects.get(pk=desk.entitlement.pk).downloadable
