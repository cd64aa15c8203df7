"""Drills: one part is taken away for a trial of our own, and nobody's customer and no setting is touched."""

import json
from typing import Any

import pytest
from django.contrib.messages import get_messages

from fulfillment.models import Circuit, Email
from profiles.actors import Actor
from profiles.models import AuditEntry
from support.actions import drills
from support.models import Incident
from tests import migrated
from tests.desk import Desk, Sign
from tests.servers import FileServer, Installation, MailServer
from tests.stage import Stage

BY = Actor.system("the test")


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


@pytest.fixture
def two(settings: Any, smtp: MailServer) -> MailServer:
    """A chain of two: a service that is never asked, and a mail server."""
    settings.EMAIL_PROVIDERS = ["postmark", "smtp"]
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "t", "POSTMARK_API_URL": "http://127.0.0.1:9/"}
    return smtp


def test_the_next_provider_takes_the_mail_and_nothing_is_changed(stage: Stage, two: MailServer) -> None:
    done = drills.email(stage.organization.pk, to="ops@lantern.example", by=BY)
    assert (done.ok, done.without, done.took_over) == (True, "postmark", "smtp")
    assert done.seconds < drills.MAIL_SECONDS
    assert [mail.recipients for mail in two.messages] == [("ops@lantern.example",)]
    with stage.inside():
        assert not Email.objects.exists() and not Circuit.objects.exists()
        assert AuditEntry.objects.get(action="drill.run").details["took_over"] == "smtp"


def test_a_next_provider_that_is_away_too_fails_the_drill(stage: Stage, two: MailServer, settings: Any) -> None:
    settings.EMAIL_PORT = 9
    done = drills.email(stage.organization.pk, to="ops@lantern.example", by=BY)
    assert not done.ok and "TryLater" in done.told


def test_the_desk_runs_it_from_the_runbook(desk: Desk, sign: Sign, two: MailServer) -> None:
    client, organization = sign("engineer"), desk.stage.organization.pk
    desk.press(client, "open_incident", organization, kind="email")
    with desk.inside():
        row = Incident.objects.get()
    page = client.get(desk.url("support_incident_change", row.pk)).content.decode()
    assert desk.act("drill_email", organization) in page
    answer = desk.press(client, "drill_email", organization, to="ops@lantern.example")
    said = " ".join(str(message) for message in get_messages(answer.wsgi_request))
    assert "smtp took over" in said
    page = client.get(desk.url("support_incident_change", row.pk)).content.decode()
    assert "Drill: " in page and "took over smtp" in page


@pytest.mark.parametrize("chain", [[], ["smtp"]])
def test_without_a_second_provider_there_is_nothing_to_prove(stage: Stage, settings: Any, chain: list[str]) -> None:
    settings.EMAIL_PROVIDERS = chain
    with pytest.raises(drills.NoSecond, match="EMAIL_PROVIDERS"):
        drills.email(stage.organization.pk, by=BY)


def test_the_second_store_gives_the_file(stage: Stage, settings: Any, tmp_path: Any) -> None:
    folder = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = {**settings.STORAGES, "second": folder}
    done = drills.storage(stage.organization.pk, by=BY)
    assert (done.ok, done.without, done.took_over) == (True, "default", "second"), done
    assert drills.storage(stage.organization.pk, by=BY).ok, "any number of times"


def test_a_second_store_that_is_away_fails_the_drill(stage: Stage, settings: Any, s3: FileServer) -> None:
    from config import files

    away = files.bucket("assets", "http://127.0.0.1:9", "us-east-1", "x", "y")
    settings.STORAGES = {**settings.STORAGES, "second": away}
    done = drills.storage(stage.organization.pk, by=BY)
    assert not done.ok and not done.took_over


def test_without_a_second_store_there_is_nothing_to_prove(stage: Stage) -> None:
    with pytest.raises(drills.NoSecond, match="second file store"):
        drills.storage(stage.organization.pk, by=BY)


def test_the_command_prints_one_document_and_refuses_in_a_sentence(installation: Installation) -> None:
    migrated.install(installation)
    installation.manage(
        *("create_organization", "lantern", "--name", "Lantern", "--currency", "EUR", "--region", "DE"),
        *("--timezone", "Europe/Berlin"),
    )
    refused = installation.manage("drill", "email", "--organization", "lantern", "--json", check=False)
    assert refused.code != 0 and "Nothing can take over" in refused.err
    second = str(installation.folder / "second")
    done = installation.manage("drill", "storage", "--organization", "lantern", "--json", STORAGE_SECOND_FOLDER=second)
    assert json.loads(done.out)["ok"] is True
