"""One database migrated once a run, and copied by whoever needs one: migrating takes as long as many tests together.

What `migrate` itself does is tested where nothing is copied (tests/config/test_databases.py, test_run.py).
"""

import fcntl
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections
from django.db.backends.base.creation import TEST_DATABASE_PREFIX

from config import clusters, embedded, environment
from tests import servers

TEMPLATE = "aftersale_template"


@contextmanager
def once(name: str, make: Callable[[], None]) -> Iterator[None]:
    """Inside the block it is made, by the first of this run's processes; they take turns."""
    folder = Path(os.environ[servers.RUN_VARIABLE])
    with (folder / f"{name}.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Opened before the turn came: whoever had it may have written since.
        if not lock.seek(0, os.SEEK_END):
            make()
            lock.write("made")
            lock.flush()
        yield


def install(made: servers.Installation) -> None:
    """Leave a new installation as `manage.py migrate` would, its server running; the passwords are the template's."""
    template = Path(os.environ[servers.RUN_VARIABLE]) / "migrated"

    def migrate() -> None:
        with servers.Installation() as own:
            own.data = template
            own.manage("migrate", "--verbosity", "0")
            embedded.stop(template)

    with once("migrated", migrate):
        kept = environment.read_kept(template / embedded.NOTE)
        assert kept is not None
        environment.make_folder(made.data)
        environment.write_once(made.data / embedded.NOTE, {**clusters.plan(made.data), **_alike(kept)})
        source, target = embedded.describe(template).folder, embedded.describe(made.data).folder
        target.parent.mkdir(mode=0o711, exist_ok=True)
        subprocess.run(["cp", "-a", str(source), str(target)], check=True)
    embedded.ensure_running(made.data)


def _alike(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {name: kept[name] for name in ("passwords", "prepared")}


def database() -> None:
    """Make the test database of this process; wants the connection of the tables' owner."""
    from django.db import connection
    from django.test.utils import setup_databases

    def make() -> None:
        setup_databases(verbosity=0, interactive=False, serialized_aliases=[])

    def migrate() -> None:
        make()
        name = connection.settings_dict["NAME"]
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{TEMPLATE}" TEMPLATE "{name}"')

    with once(TEMPLATE, migrate):
        if not connection.settings_dict["NAME"].startswith(TEST_DATABASE_PREFIX):
            connection.settings_dict["TEST"]["TEMPLATE"] = TEMPLATE
            make()


_EMPTY = """
DO $$
DECLARE found regclass;
BEGIN
  SET LOCAL session_replication_role = replica;
  FOR found IN SELECT oid FROM pg_class
                WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND relname <> ALL('{%s}')
  LOOP
    EXECUTE format('DELETE FROM %%s', found);
  END LOOP;
END $$
"""
# What `migrate` fills and no test changes; the cache is emptied by whoever fills it.
KEPT = ("django_migrations", "django_content_type", "auth_permission", "config_cache")


def empty(cluster: clusters.Cluster) -> None:
    """Leave the tables as they are before a test, in a moment: Django truncates each, full or not, which takes long."""
    name = connections["default"].settings_dict["NAME"]
    with psycopg.connect(cluster.url(embedded.SUPERUSER, name), autocommit=True) as superuser:
        superuser.execute(_EMPTY % ",".join(KEPT))
