"""What every test stands on: a throwaway PostgreSQL with two roles, and real servers for mail, files and streams."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import servers

# Before Django loads: nothing of the developer's own environment reaches a test.
RUN = servers.begin_run(os.environ)

import django  # noqa: E402

django.setup()

from django.conf import settings as django_settings  # noqa: E402

from config import databases, embedded  # noqa: E402
from tests import migrated  # noqa: E402

# A worker holds some hundred thousand objects that stay: looking through them again and again takes time from tests.
gc.freeze()
gc.set_threshold(50_000, 20, 50)

# Sign-in is not what the tests are about; the slow hash is for the world outside.
django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


# These take a minute and more: the last to begin would keep one worker busy while the others have nothing left to do.
BEGIN = (
    "config/test_run.py",
    "config/test_databases.py",
    "flows/test_any_order.py",
    "orders/test_intake_served.py",
    "config/test_embedded.py",
    "config/test_smoke.py",
    "profiles/test_writers_at_once.py",
    "faults/test_kills.py",
    "config/test_sending.py",
    "profiles/test_shared.py",
    "faults/test_streams.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {Path(__file__).parent / name: place for place, name in enumerate(BEGIN)}
    items.sort(key=lambda item: places.get(item.path, len(BEGIN)))


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        RUN.end()


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: Any, django_db_modify_db_settings: None
) -> Iterator[None]:
    """A fresh database, made and migrated by the role that owns the tables; the tests run as the application's role."""
    from django.db import connection
    from django.test import TransactionTestCase
    from django.test.utils import setup_databases

    RUN.start()
    with django_db_blocker.unblock(), databases.as_owner():
        if RUN.foreign:
            setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
        else:
            migrated.database()
            TransactionTestCase._fixture_teardown = lambda case: migrated.empty(embedded.describe(RUN.data))  # type: ignore[attr-defined]
        with connection.cursor() as cursor:
            # Django empties the tables after a test with transactions of its own; no running application may.
            cursor.execute(f"GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO {django_settings.DATABASE_ROLE}")
    yield
    with django_db_blocker.unblock():
        connection.close()


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each test has a file store of its own: versions are never overwritten, and tests must not meet in one."""
    from config import files

    if not settings.STORAGES["default"]["OPTIONS"].get("bucket_name"):
        settings.STORAGES = {**settings.STORAGES, "default": files.folder(tmp_path_factory.mktemp("files"))}


@pytest.fixture
def smtp(settings: Any) -> Iterator[servers.MailServer]:
    """A mail server; the chain of providers is this one server, unless the test says otherwise."""
    with servers.MailServer() as server:
        settings.EMAIL_PROVIDERS = ["smtp"]
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
        yield server


@pytest.fixture(scope="session")
def _s3_server() -> Iterator[servers.FileServer]:
    with servers.FileServer() as server:
        yield server


@pytest.fixture
def s3(_s3_server: servers.FileServer, settings: Any) -> servers.FileServer:
    """An S3 server with an empty bucket, which is the default storage during the test."""
    from config import files

    _s3_server.reset()
    settings.STORAGES = {**settings.STORAGES, "default": files.bucket(*_s3_server.arguments)}
    return _s3_server


@pytest.fixture
def redis_server(settings: Any) -> Iterator[servers.RedisServer]:
    """A Redis server of this test alone; REDIS_URL leads to it."""
    if not servers.RedisServer.program():
        pytest.skip("redis-server is not installed (apt-get install redis-server)")
    with servers.RedisServer() as server:
        settings.REDIS_URL = server.url
        yield server


@pytest.fixture(scope="session")
def _browser() -> Iterator[Any]:
    program = servers.chromium_program()
    if not program:
        pytest.skip("Chromium is not installed (apt-get install chromium fonts-dejavu-core)")
    # Playwright keeps an event loop in this thread, which Django takes for a view that must not touch the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with servers.browser(program) as browser:
        yield browser
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def chromium(_browser: Any) -> Iterator[servers.Visitor]:
    """A fresh visitor in a real Chromium; `visitor.page` drives it, `visitor.complaints()` must be empty at the end."""
    with servers.Visitor(_browser) as visitor:
        yield visitor


@pytest.fixture
def installation() -> Iterator[servers.Installation]:
    """An installation of its own: embedded PostgreSQL, commands and servers as processes, all ended with the test."""
    with servers.Installation() as made:
        yield made
