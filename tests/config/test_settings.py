"""The settings: Django's deployment check is clean, and every storage and mail provider comes from the environment."""

import base64
import json
import os
import subprocess
import sys

import pytest

from config import environment

PRODUCTION = {
    "BASE_URL": "https://shop.example",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ENCRYPTION_KEYS": base64.urlsafe_b64encode(b"k" * 32).decode(),
    "DATABASE_URL": "postgresql://app:p@127.0.0.1:1/shop",
}


@pytest.fixture
def python(tmp_path):
    """Run Python with these variables alone and return what it said."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": os.environ["PATH"], "AFTERSALE_DATA": str(tmp_path / "data"), **variables}
        return subprocess.run(
            [sys.executable, *arguments],
            env=environ,
            cwd=environment.ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def setting(python):
    """The value of an expression over the settings, under these variables."""

    def value(expression: str, **variables: str):
        script = f"import json; from config import settings; print(json.dumps({expression}, default=str))"
        done = python("-c", script, **variables)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return value


def test_the_deployment_check_is_clean(python):
    done = python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_every_change_of_the_models_has_its_migration(python):
    done = python("manage.py", "makemigrations", "--check", "--dry-run", "--skip-checks", **PRODUCTION)
    assert done.returncode == 0, done.stdout + done.stderr


def test_machines_are_never_redirected(setting):
    import re

    exempt = setting("settings.SECURE_REDIRECT_EXEMPT", **PRODUCTION)
    assert setting("settings.SECURE_SSL_REDIRECT", **PRODUCTION) is True
    for path in ("api/webhooks/stripe/key", "api/orders", "healthz", "readyz", "metrics", "anymail/postmark/tracking/"):
        assert any(re.search(pattern, path) for pattern in exempt), path
    assert not any(re.search(pattern, "admin/") for pattern in exempt)


def test_development_has_no_redirect_and_no_secure_cookie(setting):
    found = setting("[settings.SECURE_SSL_REDIRECT, settings.SESSION_COOKIE_SECURE, settings.SECURE_HSTS_SECONDS]")
    assert found == [False, False, 0]


def test_files_are_local_until_a_bucket_is_named(setting):
    assert setting("settings.STORAGES['default']['BACKEND']").endswith("FileSystemStorage")
    found = setting(
        "settings.STORAGES['default']['OPTIONS']",
        AWS_STORAGE_BUCKET_NAME="assets",
        AWS_S3_ENDPOINT_URL="https://minio.example/",
        AWS_ACCESS_KEY_ID="AKIA",
        AWS_SECRET_ACCESS_KEY="s",
    )
    assert found == {
        "bucket_name": "assets",
        "endpoint_url": "https://minio.example",
        "region_name": "us-east-1",
        "access_key": "AKIA",
        "secret_key": "s",
        "signature_version": "s3v4",
        "addressing_style": "path",
        "querystring_expire": 60,
        "file_overwrite": False,
        "default_acl": None,
    }


def test_the_second_storage_is_there_when_it_is_named(setting, tmp_path):
    assert "second" not in setting("settings.STORAGES")
    bucket = setting("settings.STORAGES['second']['OPTIONS']['bucket_name']", STORAGE_SECOND_BUCKET_NAME="spare")
    assert bucket == "spare"
    folder = setting("settings.STORAGES['second']['OPTIONS']['location']", STORAGE_SECOND_FOLDER=str(tmp_path))
    assert folder == str(tmp_path)


def test_a_download_form_may_lead_to_the_bucket_and_nowhere_else(setting):
    directive = "settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action']"
    assert setting(directive) == ["'self'"]
    endpoint = {"AWS_STORAGE_BUCKET_NAME": "assets", "AWS_S3_ENDPOINT_URL": "https://minio.example:9000"}
    assert setting(directive, **endpoint) == ["'self'", "https://minio.example:9000"]


def test_the_queue_repeats_nothing_by_itself_and_hoards_nothing(setting):
    queue = setting("settings.Q_CLUSTER")
    expected = {
        "orm": "default",
        "bulk": 1,
        "workers": 2,
        "queue_limit": 2,
        "timeout": 60,
        "retry": 300,
        "ack_failures": True,
        "max_attempts": 1,
        "catch_up": False,
        "save_limit": -1,
    }
    assert expected.items() <= queue.items()


def test_the_customers_policy_allows_nothing_unsafe_and_the_desks_does(setting):
    strict = setting("settings.CONTENT_SECURITY_POLICY['DIRECTIVES']")
    assert "unsafe" not in json.dumps(strict)
    assert strict["frame-ancestors"] == ["'none'"]
    desk = setting("settings.CONTENT_SECURITY_POLICY_OF_PATHS['/admin/']")
    assert desk["script-src"] == ["'self'", "'unsafe-eval'"]
