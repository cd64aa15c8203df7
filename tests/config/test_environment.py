"""The environment: one table, and one sentence for whatever is missing or malformed."""

import base64
import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from config import environment

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
PRODUCTION = {"BASE_URL": "https://shop.example", "SECRET_KEY": "s" * 60, "ENCRYPTION_KEYS": KEY}


@pytest.fixture
def load(tmp_path):
    """Load the environment from these variables alone."""

    def loaded(**variables: str):
        return environment.load({"AFTERSALE_DATA": str(tmp_path / "data"), **variables})

    return loaded


def test_nothing_has_to_be_set_in_development(load):
    values = load()
    assert values["BASE_URL"] == "http://127.0.0.1:8000"
    assert values["ALLOWED_HOSTS"] == ["127.0.0.1", "localhost", "[::1]"]
    assert values["DEBUG"] is False
    assert values["EMAIL_PROVIDERS"] == []
    assert values["DATABASE_URL"] == {}


def test_the_address_follows_the_port(load):
    assert load(PORT="8123")["BASE_URL"] == "http://127.0.0.1:8123"


def test_an_empty_text_counts_as_not_set(load):
    assert load(BASE_URL="", DEBUG="", EMAIL_PORT="  ") == load()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BASE_URL", "shop.example"),
        ("BASE_URL", "ftp://shop.example"),
        ("BASE_URL", "https://shop.example/desk"),
        ("BASE_URL", "https://shop.example?x=1"),
        ("BASE_URL", "https://user@shop.example"),
        ("BASE_URL", "http://127.0.0.1:99999"),
        ("PORT", "http"),
        ("PORT", "0"),
        ("DEBUG", "maybe"),
        ("LOG_LEVEL", "LOUD"),
        ("AFTERSALE_NOW", "yesterday"),
        ("ENCRYPTION_KEYS", "short"),
        ("ENCRYPTION_KEYS", KEY + ",!!!"),
        ("DATABASE_URL", "mysql://u:p@h/d"),
        ("DATABASE_URL", "postgresql://user:password@host"),
        ("DATABASE_URL", "postgresql://user:password@host:port/database"),
        ("REDIS_URL", "127.0.0.1:6379"),
        ("STRIPE_API_BASE", "api.stripe.com"),
        ("SLACK_WEBHOOK_URL", "hooks"),
        ("EMAIL_PROVIDERS", "smtp,pigeon"),
        ("EMAIL_PROVIDERS", "smtp,smtp"),
        ("EMAIL_PORT", "twenty-five"),
        ("EMAIL_USE_TLS", "starttls"),
        ("LISTMONK_TEMPLATE_ID", "seven"),
        ("ANYMAIL_WEBHOOK_SECRET", "secret"),
        ("TRUSTED_PROXIES", "-1"),
    ],
)
def test_a_malformed_variable_stops_the_start_with_a_sentence_that_names_it(load, name, text):
    with pytest.raises(environment.Refused) as refusal:
        load(**{name: text})
    assert str(refusal.value).startswith(f"{name} is malformed: ")
    assert "\n" not in str(refusal.value)


def test_a_malformed_address_of_the_database_does_not_show_its_password(load):
    with pytest.raises(environment.Refused) as refusal:
        load(DATABASE_URL="postgresql://user:hunter2@host:x/d")
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({"EMAIL_PROVIDERS": "smtp,postmark"}, "POSTMARK_SERVER_TOKEN"),
        ({"EMAIL_PROVIDERS": "novu", "NOVU_API_KEY": "k"}, "NOVU_WORKFLOW"),
        ({"EMAIL_PROVIDERS": "listmonk"}, "LISTMONK_API_URL"),
        ({"AWS_ACCESS_KEY_ID": "AKIA"}, "AWS_SECRET_ACCESS_KEY"),
        ({"EMAIL_HOST_PASSWORD": "p"}, "EMAIL_HOST_USER"),
        ({"DATABASE_OWNER_URL": "postgresql://o:p@h/d"}, "DATABASE_URL"),
        ({**PRODUCTION, "SECRET_KEY": ""}, "SECRET_KEY"),
        ({**PRODUCTION, "ENCRYPTION_KEYS": ""}, "ENCRYPTION_KEYS"),
    ],
)
def test_a_missing_variable_stops_the_start_with_a_sentence_that_names_it(load, variables, missing):
    with pytest.raises(environment.Refused) as refusal:
        load(**variables)
    assert str(refusal.value).startswith(f"{missing} is missing: ")


@pytest.mark.parametrize("name", ["AFTERSALE_NOW", "DEBUG"])
def test_what_belongs_to_development_stops_a_start_in_production(load, name):
    with pytest.raises(environment.Refused, match=f"^{name} must not be set"):
        load(**PRODUCTION, **{name: {"DEBUG": "1"}.get(name, "2026-11-21T09:00:00Z")})


def test_the_owner_must_name_the_same_database(load):
    with pytest.raises(environment.Refused, match=r"^DATABASE_OWNER_URL is malformed"):
        load(DATABASE_URL="postgresql://a:p@h/one", DATABASE_OWNER_URL="postgresql://o:p@h/two")


def test_variables_that_contradict_each_other_stop_the_start(load):
    with pytest.raises(environment.Refused, match=r"^EMAIL_USE_SSL must not be set together with EMAIL_USE_TLS"):
        load(EMAIL_USE_TLS="1", EMAIL_USE_SSL="1")


def test_production_trusts_one_proxy_and_its_own_host_alone(load):
    values = load(**PRODUCTION)
    assert values["ALLOWED_HOSTS"] == ["shop.example"]
    assert values["TRUSTED_PROXIES"] == 1


def test_secrets_of_development_are_made_once_and_kept_for_their_owner_alone(load, tmp_path):
    first, second = load(), load()
    assert (first["SECRET_KEY"], first["ENCRYPTION_KEYS"]) == (second["SECRET_KEY"], second["ENCRYPTION_KEYS"])
    kept = tmp_path / "data" / "secrets.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text())["SECRET_KEY"] == first["SECRET_KEY"]


def test_production_keeps_no_secrets(load, tmp_path):
    load(**PRODUCTION)
    assert not (tmp_path / "data").exists()


def test_one_of_two_secrets_may_be_given(load):
    values = load(ENCRYPTION_KEYS=KEY)
    assert values["ENCRYPTION_KEYS"] == [KEY]
    assert len(values["SECRET_KEY"]) >= 50


@pytest.mark.parametrize("text", ["2026-11-21T09:00:00Z", "2026-11-21T10:00:00+01:00", "2026-11-21T09:00:00"])
def test_the_clock_is_set_by_an_instant(load, text):
    assert load(AFTERSALE_NOW=text)["AFTERSALE_NOW"] == datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_a_database_is_reached_by_a_socket_too(load):
    values = load(DATABASE_URL="postgresql://app:p%40ss@%2Frun%2Fpostgresql:5433/shop?sslmode=disable")
    assert values["DATABASE_URL"] == {
        "NAME": "shop",
        "USER": "app",
        "PASSWORD": "p@ss",
        "HOST": "/run/postgresql",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "disable"},
    }


def test_the_documentation_has_the_whole_table():
    documented = (environment.ROOT / "docs" / "environment.md").read_text()
    assert documented.endswith(environment.table()), "run: manage.py environment, and put its table into the document"


@pytest.mark.parametrize("arguments", [["check"], ["serve"], ["migrate"]])
def test_a_command_ends_with_the_sentence_and_without_a_traceback(arguments, tmp_path):
    environ = {**os.environ, "AFTERSALE_DATA": str(tmp_path / "data"), "BASE_URL": "nowhere"}
    done = subprocess.run(
        [sys.executable, environment.ROOT / "manage.py", *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.startswith("BASE_URL is malformed: ")
    assert done.stderr.count("\n") == 1
