"""The desk's pages about what is written after a purchase: lists, terms, and the organization's own words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from fulfillment.actions import mail_templates
from fulfillment.models import Email, Followup, MailTemplate, Service
from profiles.models import AuditEntry, Organization
from tests.buyers import Buyer, buyer
from tests.desk import Desk, Sign
from tests.fulfillment.conftest import Later, later
from tests.servers import MailServer
from tests.stage import Stage

__all__ = ["later"]
BODY = "Dear {{ customer_name }},\n\n**{{ product }}** is here:\n\n{{ downloads }}\n\n- one\n- two"


@pytest.fixture
def bob(db: None, smtp: MailServer) -> Buyer:
    made = buyer(Stage(), smtp)
    made.buy()
    return made


@pytest.fixture
def desk(bob: Buyer) -> Desk:
    made = Desk.__new__(Desk)
    made.stage, made.order = bob.stage, bob.order()
    with bob.stage.inside():
        made.profile = made.order.profile  # type: ignore[assignment]
    return made


def row(desk: Desk) -> Followup:
    with desk.inside():
        return Followup.objects.get()


def words(client: Client, language: str = "en", **data: str) -> str:
    url = reverse("admin:mail_template", kwargs={"sort": "reminder", "language": language})
    answer = client.post(url, data) if data else client.get(url)
    assert answer.status_code in (200, 400), answer.content
    return answer.content.decode()


def test_the_list_and_the_pages_show_what_is_planned_with_its_acts(desk: Desk, sign: Sign) -> None:
    client = sign("agent")
    for url in (desk.url("fulfillment_followup_changelist"), desk.order_url, desk.profile_url):
        shown = client.get(url).content.decode()
        assert "Download reminder" in shown and "Planned" in shown and "Send now" in shown, url
    assert "Resend receipt" in client.get(desk.order_url).content.decode()
    assert "Send now" not in sign("auditor").get(desk.order_url).content.decode()


def test_a_stranger_sees_nothing(desk: Desk, sign: Sign) -> None:
    stranger = sign("engineer", Stage(slug="other"))
    assert "No follow-ups here" in stranger.get(desk.url("fulfillment_followup_changelist")).content.decode()
    assert stranger.get(desk.act("followup_stop", row(desk).pk)).status_code == 404


def test_one_is_stopped_by_a_press_and_sent_by_another(desk: Desk, sign: Sign, bob: Buyer) -> None:
    client = sign("agent")
    desk.press(client, "followup_stop", row(desk).pk, because="They called")
    assert "Stopped by a person" in client.get(desk.order_url).content.decode()
    desk.press(client, "followup_now", row(desk).pk, because="They called again")
    bob.stage.work()
    assert row(desk).state == "sent" and bob.mails("reminder") == 1


def test_the_terms_are_chosen_in_one_dialog(desk: Desk, sign: Sign) -> None:
    client, organization = sign("lead"), desk.stage.organization
    form = client.get(desk.act("followup_terms", organization.pk)).context["form"]
    data = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    data |= {"review_on": "on", "review_hours": "200", "because": "We want to know"}
    assert client.post(desk.act("followup_terms", organization.pk), data).status_code == 302
    with desk.inside():
        kept = Organization.objects.get(pk=organization.pk).policies["followups"]
    assert kept == {"review": {"on": True, "hours": 200}}


def test_a_service_is_started_and_its_answers_stand_on_the_pages(desk: Desk, sign: Sign, bob: Buyer) -> None:
    product = bob.stage.product("ADVICE", "An hour of advice", kind="service")
    client = sign("lead")
    desk.press(client, "change_intake", product.pk, questions="Your aim | long", because="We ask")
    bob.buy(9002, sku="ADVICE")
    with desk.inside():
        service = Service.objects.get()
        service.answers = [{"label": "Your aim", "sort": "long", "answer": "More light"}]
        service.save()
    assert "An hour of advice" in client.get(desk.url("fulfillment_service_changelist")).content.decode()
    assert "More light" in client.get(desk.profile_url).content.decode()
    desk.press(client, "service_start", service.pk, because="Begun")
    with desk.inside():
        assert Service.objects.get().state == "started"


# Own words ---------------------------------------------------------------------------------------------------------


def test_own_words_are_looked_at_kept_used_and_taken_back(desk: Desk, sign: Sign, bob: Buyer, later: Later) -> None:
    client = sign("lead")
    assert "The built-in words" in words(client)
    shown = words(client, subject="For {{ customer_name }}", body=BODY, press="look")
    assert "For Bob Larsen" in shown and 'sandbox srcdoc="&lt;!doctype html&gt;' in shown, "all of it is in the frame"
    with desk.inside():
        assert not MailTemplate.objects.exists(), "looking keeps nothing"
    words(client, subject="For {{ customer_name }}", body=BODY, press="keep", because="Our tone")
    later(25)
    bob.stage.work()
    assert bob.subjects()[-1] == "For Bob Larsen"
    mail = bob.smtp.messages[-1]
    assert "Dear Bob Larsen" in mail.text() and "- one" in mail.text() and "/download/" in mail.text()
    assert "<strong>Tide Atlas</strong>" in mail.text("html") and "<li>one</li>" in mail.text("html")
    assert mail.message["List-Unsubscribe-Post"], "every own mail can be unsubscribed from"
    assert "built-in words count again" in words(client, subject="x", body=BODY, press="reset", because="Back")
    with desk.inside():
        assert [(r.version, bool(r.body)) for r in MailTemplate.objects.order_by("version")] == [(1, True), (2, False)]
        assert AuditEntry.objects.filter(action="mail_template.changed").count() == 2


@pytest.mark.parametrize("bad", ["Hello {{ secret }} {{ downloads }}", "Hello", "{% now %}"])
def test_words_that_cannot_be_used_are_refused_with_what_is_allowed(desk: Desk, sign: Sign, bad: str) -> None:
    shown = words(sign("lead"), subject="S", body=bad, press="keep", because="The test")
    assert 'role="alert"' in shown and "downloads" in shown
    with desk.inside():
        assert not MailTemplate.objects.exists()


def test_markup_in_own_words_and_in_a_customers_name_is_text(desk: Desk, sign: Sign, bob: Buyer, later: Later) -> None:
    words(
        sign("lead"), subject="S", body="<script>x</script>{{7*7}}\n\n{{ downloads }}", press="keep", because="The test"
    )
    later(25)
    bob.stage.work()
    html = bob.smtp.messages[-1].text("html")
    assert "&lt;script&gt;" in html and "<script" not in html and "{{7*7}}" in html


def test_a_test_mail_goes_to_the_member_who_asked_and_to_nobody_else(desk: Desk, sign: Sign, bob: Buyer) -> None:
    client = sign("lead")
    assert "Send a test mail" not in words(client), "no address, no button"
    user = User.objects.get(username__startswith="lead.")
    user.email = "lead@lantern.example"
    user.save()
    assert "Send a test mail to lead@lantern.example" in words(client)
    words(client, subject="S", body=BODY, press="test", to="bob@example.org")
    bob.stage.work()
    assert [mail.subject for mail in bob.smtp.to("lead@lantern.example")] == ["[Test] S"]
    assert len(bob.subjects()) == 1
    assert "test" not in {mail["template"] for mail in bob.stage.snapshot()["emails"]}


def test_own_words_that_went_bad_never_stop_a_mail(desk: Desk, bob: Buyer, later: Later) -> None:
    with desk.inside():
        MailTemplate.objects.create(
            organization=desk.stage.organization, template="reminder", language="en", version=1, subject="S",
            body="No downloads", by="x", created_at=row(desk).due_at - timedelta(days=1),
        )  # fmt: skip
    later(25)
    bob.stage.work()
    assert bob.subjects()[-1] == "Tide Atlas is waiting for you"


def test_who_may_not_change_words_does_not_see_the_page(desk: Desk, sign: Sign) -> None:
    assert sign("agent").get(reverse("admin:mail_templates")).status_code in (302, 403)
    assert (
        mail_templates.SORTS
        and "Download reminder" in sign("lead").get(reverse("admin:mail_templates")).content.decode()
    )
    with desk.inside():
        assert Email.objects.count() == 1


def test_own_words_that_cannot_be_used_any_more_say_so_and_so_does_each_mail(
    desk: Desk, bob: Buyer, sign: Sign, later: Later
) -> None:
    lead, listed = sign("lead"), reverse("admin:mail_templates")
    words(lead, subject="Yours", body=BODY, because="Our tone", press="keep")
    with desk.inside():
        # As it would be after a change of ours: the name was allowed when the words were kept.
        MailTemplate.objects.update(body=BODY + "\n\n{{ shoe_size }}")
    shown = lead.get(listed).content.decode()
    assert "1 of your own texts cannot be used" in shown and "{{ shoe_size }} is not known here" in shown
    assert "no mail was due yet" in words(lead)
    later(25)
    desk.stage.work()
    assert bob.subjects()[1:] == ["Tide Atlas is waiting for you"], "the mail goes out all the same"
    with desk.inside():
        mail = Email.objects.get(template="reminder")
        receipt = Email.objects.get(template="receipt")
        assert MailTemplate.objects.get().unusable_at is not None
    page = words(lead)
    assert "cannot be used any more" in page and "shoe_size" in page and "What goes out now" in page and "Since" in page
    letter = lead.get(desk.url("letter", mail.pk)).content.decode()
    assert "your own could not be used" in letter and "shoe_size" in letter and listed in letter
    assert listed not in sign("agent").get(desk.url("letter", mail.pk)).content.decode()
    assert "could not be used" not in lead.get(desk.url("letter", receipt.pk)).content.decode()
    mended = words(lead, subject="Yours", body=BODY, because="Put right", press="keep")
    assert "cannot be used" not in mended and "cannot be used" not in lead.get(listed).content.decode()
