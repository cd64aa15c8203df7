"""Who is signed in is asked anew at every request: whoever was put out, or went, is out at the next one."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from profiles import prepared
from profiles.models import Membership
from tests.desk import Desk, sign_in
from tests.stage import Stage

PASSWORD = "lantern-press-at-night"
DESK = "/admin/orders/order/"


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk(Stage())


@pytest.fixture
def client(desk: Desk) -> Client:
    client = sign_in(desk.stage, "agent")
    for _ in range(7):  # from the sixth time on the plans are those of the first five
        assert client.get(DESK).status_code == 200
    return client


def who(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"])


def is_out(client: Client) -> bool:
    answer = client.get(DESK)
    return answer.status_code == 302 and answer["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}, {"password": "another"}])
def test_who_is_put_out_is_out_at_the_next_request(client: Client, change: dict[str, object]) -> None:
    User.objects.filter(pk=who(client).pk).update(**change)
    assert is_out(client)


def test_a_user_who_is_gone_is_out(client: Client) -> None:
    user, key = who(client), client.session.session_key
    session = Session.objects.get(session_key=key)
    session.session_data = Session.objects.encode({**session.get_decoded(), "_auth_user_id": str(user.pk + 1)})
    session.save()
    assert is_out(client)


def test_who_signs_out_is_out_with_every_copy_of_the_cookie(client: Client) -> None:
    copied = Client()
    copied.cookies["sessionid"] = client.cookies["sessionid"].value
    assert copied.get(DESK).status_code == 200
    assert client.post("/admin/logout/").status_code in (200, 302)
    assert is_out(copied) and is_out(client)


def test_a_session_that_has_ended_is_none(client: Client) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert is_out(client)


@pytest.mark.parametrize("key", ["", "short", "x" * 32, "é" * 16, "' or true --", "%s" * 8])
def test_a_key_that_nobody_was_given_is_no_session(client: Client, key: str) -> None:
    client.cookies["sessionid"] = key
    assert is_out(client)


def test_the_second_factor_is_asked_for_at_the_next_request(client: Client, settings: object) -> None:
    settings.STAFF_MFA = True  # type: ignore[attr-defined]
    assert is_out(client)


def test_another_role_and_no_role_count_from_the_next_request_on(desk: Desk, client: Client) -> None:
    audit = desk.url("profiles_auditentry_changelist")
    assert client.get(audit).status_code == 403
    with desk.inside():
        Membership.objects.filter(user_id=who(client).pk).update(role="auditor")
    assert client.get(audit).status_code == 200
    with desk.inside():
        Membership.objects.filter(user_id=who(client).pk).update(role="agent")
    assert client.get(audit).status_code == 403


def test_a_password_signs_in_by_the_backend_that_reads_the_user(db: None) -> None:
    User.objects.create_user("lou", password=PASSWORD, is_staff=True)
    client = Client()
    client.post("/admin/login/", {"username": "lou", "password": PASSWORD})
    assert client.session["_auth_user_backend"] == "config.backends.StaffBackend"
    assert who(client).username == "lou"


def test_what_every_page_asks_of_who_asks_is_planned_once(client: Client) -> None:
    def planned() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements")
            return int(cursor.fetchone()[0])

    before = planned()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(DESK).status_code == 200
    assert planned() == before
    for table in ("django_session", "auth_user", "profiles_membership"):
        assert sum(f'FROM "{table}"' in one["sql"] for one in captured.captured_queries) == 1


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_died_while_it_rested_signs_nobody_out() -> None:
    user = User.objects.create_user("lou", is_staff=True)
    client = Client()
    client.force_login(user)
    assert client.get("/admin/").status_code == 403  # a member of no organization
    with pytest.raises(OperationalError):
        prepared.fetch("SELECT pg_terminate_backend(%s::int)", [connection.connection.info.backend_pid])
    assert client.get("/admin/").status_code == 403
