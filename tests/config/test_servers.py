"""The real parts of the tests do what tests rely on."""

import smtplib

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.mail import get_connection
from django.core.mail.message import EmailMessage
from django.db import connection


def _send(to: str = "ada@example.com", subject: str = "Hello") -> None:
    smtp_backend = get_connection("django.core.mail.backends.smtp.EmailBackend")
    EmailMessage(subject, "Text", "shop@example.com", [to], connection=smtp_backend).send()


def test_the_mail_server_keeps_what_it_accepts(smtp):
    _send(subject="Grüße")
    assert [(mail.recipients, mail.subject, mail.text().strip()) for mail in smtp.messages] == [
        (("ada@example.com",), "Grüße", "Text")
    ]


def test_the_mail_server_refuses_when_told(smtp):
    smtp.answer("451 4.3.0 Later")
    with pytest.raises(smtplib.SMTPDataError):
        _send()
    smtp.refuse("bob@example.com")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        _send("bob@example.com")
    _send()
    assert len(smtp.messages) == 1


def test_the_mail_server_hangs_up_after_keeping_the_mail(smtp):
    smtp.hang_up_after_data()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        _send()
    assert len(smtp.messages) == 1


def test_a_stopped_mail_server_comes_back_on_its_port(smtp):
    smtp.stop()
    with pytest.raises(ConnectionRefusedError):
        _send()
    smtp.start()
    _send()
    assert len(smtp.messages) == 1


def test_files_are_kept_on_the_s3_server(s3):
    name = storages["default"].save("ebooks/guide/1/file.pdf", ContentFile(b"%PDF"))
    assert s3.client.get_object(Bucket=s3.bucket, Key=name)["Body"].read() == b"%PDF"
    assert "X-Amz-Signature" in storages["default"].url(name)


def test_each_test_finds_an_empty_bucket(s3):
    assert not s3.client.list_objects_v2(Bucket=s3.bucket)["KeyCount"]


def test_redis_keeps_streams(redis_server):
    redis_server.client.xadd("events.raw", {"id": "1"})
    assert redis_server.client.xlen("events.raw") == 1


def test_a_visitor_notes_what_the_browser_complains_about(chromium):
    chromium.page.set_content("<script>throw new Error('broken')</script>")
    assert [complaint for complaint in chromium.complaints() if "broken" in complaint]


def test_a_visitor_sees_the_health_page(chromium, live_server):
    chromium.page.goto(f"{live_server.url}/healthz")
    assert "ok" in chromium.page.content()
    assert chromium.outside == []


@pytest.mark.django_db
def test_tests_run_as_the_applications_role():
    with connection.cursor() as cursor:
        cursor.execute("select current_user, rolsuper, rolbypassrls from pg_roles where rolname = current_user")
        assert cursor.fetchone() == ("aftersale_app", False, False)
        cursor.execute("select tableowner from pg_tables where tablename = 'auth_user'")
        assert cursor.fetchone() == ("aftersale_owner",)


@pytest.mark.django_db(transaction=True)
def test_a_test_with_transactions_of_its_own_leaves_nothing_behind():
    from django.contrib.auth.models import User

    assert not User.objects.exists()
    User.objects.create_user("ada")


@pytest.mark.django_db(transaction=True)
def test_a_second_test_with_transactions_finds_the_tables_empty():
    from django.contrib.auth.models import User

    assert not User.objects.exists()
    User.objects.create_user("ada")
