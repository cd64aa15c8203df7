"""The smoke tests on whole installations: green on the embedded default, red with the name of the link that broke."""

import json
from typing import Any

import pytest

from tests import migrated
from tests.servers import FileServer, Installation, MailServer

BROKEN_S3 = {
    "AWS_STORAGE_BUCKET_NAME": "assets",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "y",
    "AWS_S3_ENDPOINT_URL": "http://127.0.0.1:9",
}


@pytest.fixture(scope="module")
def made() -> Any:
    with Installation() as installation:
        migrated.install(installation)
        installation.manage(
            *("create_organization", "lantern", "--name", "Lantern", "--currency", "EUR", "--region", "DE"),
            *("--timezone", "Europe/Berlin"),
        )
        yield installation


def smoke(made: Installation, *arguments: str, command: str = "smoke_purchase", **environment: str) -> dict[str, Any]:
    words = (command, "--organization", "lantern", "--json", *arguments)
    done = made.manage(*words, check=False, seconds=120, **environment)
    document: dict[str, Any] = json.loads(done.out)
    assert (done.code == 0) is document["ok"], done.err
    return document


def test_it_is_red_at_the_worker_where_none_runs(made: Installation) -> None:
    document = smoke(made, "--seconds", "2")
    assert document["broken"] == "worker" and "manage.py work" in document["reason"]
    assert [link["link"] for link in document["links"]] == ["database", "storage", "intake"]


def test_it_is_green_on_the_embedded_default_and_counts_nowhere(made: Installation) -> None:
    worker = made.start("work")
    try:
        document = smoke(made, "--seconds", "60")
        assert document["ok"], document
        assert [link["link"] for link in document["links"]][-3:] == ["mail", "download", "revocation"]
        assert smoke(made, "--seconds", "60")["ok"], "it can be run any number of times"
        claimed = smoke(made, "--seconds", "60", command="smoke_claim")
        assert claimed["ok"], claimed
        assert [link["link"] for link in claimed["links"]][-4:] == ["sign-in mail", "claim", "library", "revocation"]
    finally:
        made.kill(worker)
    profiles = json.loads(made.manage("snapshot", "--organization", "lantern").out)["profiles"]
    assert all(profile["orders"] == 0 and not profile["lifetime_value"] for profile in profiles)


def test_it_is_green_with_a_mail_server_and_a_bucket(made: Installation) -> None:
    with MailServer() as mail, FileServer() as files:
        files.reset()
        environment = {**mail.environment, **files.environment}
        worker = made.start("work", **environment)
        try:
            document = smoke(made, "--seconds", "60", "--email", "ops@lantern.example", **environment)
            claimed = smoke(made, "--seconds", "60", command="smoke_claim", **environment)
        finally:
            made.kill(worker)
        assert document["ok"], document
        assert claimed["ok"], claimed
        assert len(mail.to("ops@lantern.example")) == 1


def test_it_is_red_at_the_mail_where_the_server_is_away(made: Installation) -> None:
    environment = {"EMAIL_PROVIDERS": "smtp", "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": "9"}
    worker = made.start("work", **environment)
    try:
        document = smoke(made, "--seconds", "30", **environment)
    finally:
        made.kill(worker)
    assert document["broken"] == "mail", document


def test_it_is_red_at_the_storage_where_the_bucket_is_away(made: Installation) -> None:
    document = smoke(made, "--seconds", "2", **BROKEN_S3)
    assert document["broken"] == "storage", document
