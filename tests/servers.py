"""Real parts for the tests: database, mail, files, streams, browser and whole installations, each ended by its own."""

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from config import embedded, environment

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "aftersale-tests-"
RUN_VARIABLE = "AFTERSALE_TEST_RUN"


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Any, *, seconds: float = 30.0, what: str = "the condition") -> None:
    """Ask until the answer is true; AssertionError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        time.sleep(0.05)


def temporary_folder() -> Path:
    """A folder through which the database's own user may pass, when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir="/tmp"))
    folder.chmod(0o711)
    (folder / "owner.pid").write_text(str(os.getpid()))
    return folder


def discard(folder: Path) -> None:
    for data in {note.parent for note in folder.rglob(embedded.NOTE)}:
        cluster = embedded.describe(data)
        with suppress(embedded.EmbeddedFailed):
            embedded.stop(data)
        if folder not in cluster.folder.parents:
            shutil.rmtree(cluster.folder.parent, ignore_errors=True)
        if folder not in cluster.socket.parents:
            shutil.rmtree(cluster.socket, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


# ---- The run's own database


@dataclass
class Run:
    """One run of the tests with one throwaway cluster, shared by the workers of xdist."""

    folder: Path
    begun_here: bool
    foreign: bool = False
    """The tests were given a server of somebody else's, and leave it as it is."""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        if not self.foreign:
            embedded.ensure_running(self.data, throwaway=True)

    def end(self) -> None:
        if self.begun_here:
            discard(self.folder)


def begin_run(environ: MutableMapping[str, str]) -> Run:
    """Clear the environment of everything Aftersale reads and put the tests' own values in its place."""
    given = environ.get(RUN_VARIABLE)
    folder = Path(given) if given else temporary_folder()
    for variable in environment.VARIABLES:
        environ.pop(variable.name, None)
    environ[RUN_VARIABLE] = str(folder)
    environ["AFTERSALE_DATA"] = str(folder / "data")
    environ["BASE_URL"] = "http://testserver"
    environ["LOG_LEVEL"] = "WARNING"
    environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    # To run the tests on another PostgreSQL: two roles, the owner with CREATEDB and a member of aftersale_bypass.
    foreign = False
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        if address := environ.get(f"AFTERSALE_TEST_{name}"):
            environ[name] = address
            foreign = True
    if not given:
        _discard_what_killed_runs_left(folder)
    return Run(folder, begun_here=not given, foreign=foreign)


def _discard_what_killed_runs_left(mine: Path) -> None:
    for folder in Path("/tmp").glob(f"{PREFIX}*"):
        try:
            owner = int((folder / "owner.pid").read_text())
            os.kill(owner, 0)
        except ProcessLookupError:
            if folder != mine:
                discard(folder)
        except (OSError, ValueError):
            continue


# ---- Mail


@dataclass(frozen=True)
class ReceivedMail:
    """A mail as the server got it."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])

    def text(self, kind: str = "plain") -> str:
        body = self.message.get_body((kind,))
        return body.get_content() if body else ""


class MailServer:
    """An SMTP server that records, and refuses, delays or hangs up when told."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.port = free_port()
        self.messages: list[ReceivedMail] = []
        self._answers: list[str] = []
        self._refused: dict[str, str] = {}
        self._drops = 0
        self._controller: Any = None

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to send here."""
        return {"EMAIL_PROVIDERS": "smtp", "EMAIL_HOST": self.host, "EMAIL_PORT": str(self.port)}

    def answer(self, line: str, *, times: int = 1) -> None:
        """Refuse the next mails after their content came, with such a line: "451 4.3.0 Try again later"."""
        self._answers.extend([line] * times)

    def refuse(self, recipient: str, line: str = "550 5.1.1 No such person") -> None:
        """Refuse this recipient from now on."""
        self._refused[recipient.lower()] = line

    def accept(self, recipient: str) -> None:
        """No longer refuse this recipient."""
        self._refused.pop(recipient.lower(), None)

    def hang_up_after_data(self, *, times: int = 1) -> None:
        """Keep the next mails, but close the connection before saying so."""
        self._drops += times

    def to(self, recipient: str) -> list[ReceivedMail]:
        return [mail for mail in self.messages if recipient in mail.recipients]

    def start(self) -> None:
        from aiosmtpd.controller import Controller

        self._controller = Controller(self, hostname=self.host, port=self.port)
        self._controller.start()

    def stop(self) -> None:
        """From now on nobody listens on the port, until start()."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def handle_RCPT(  # noqa: N802 (the name aiosmtpd calls)
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address.lower() in self._refused:
            return self._refused[address.lower()]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self._answers:
            return self._answers.pop(0)
        self.messages.append(ReceivedMail(envelope.mail_from, tuple(envelope.rcpt_tos), envelope.content))
        if self._drops:
            self._drops -= 1
            server.transport.abort()
        return "250 OK"


# ---- Files


class FileServer:
    """An S3 server with one bucket; links carry signatures, but neither they nor their age are checked."""

    bucket = "assets"
    region = "us-east-1"
    key, secret = "AKIATESTS", "tests-only"

    def __init__(self) -> None:
        self.port = free_port()
        self._server: Any = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def arguments(self) -> tuple[str, str, str, str, str]:
        """What config.files.bucket wants to know."""
        return self.bucket, self.endpoint, self.region, self.key, self.secret

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to keep its files here."""
        return {
            "AWS_STORAGE_BUCKET_NAME": self.bucket,
            "AWS_S3_ENDPOINT_URL": self.endpoint,
            "AWS_S3_REGION_NAME": self.region,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
        }

    @property
    def client(self) -> Any:
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
        )

    def reset(self) -> None:
        """An empty bucket, whatever was there."""
        if self._server is None:
            self.start()
        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/moto-api/reset", method="POST"), timeout=10)
        self.client.create_bucket(Bucket=self.bucket)

    def start(self) -> None:
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()

    def stop(self) -> None:
        """From now on nobody listens on the port, until start(); what was kept is kept."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


# ---- Streams


class RedisServer:
    """A Redis server, without persistence unless `arguments` say otherwise."""

    def __init__(self) -> None:
        self.port = free_port()
        self.arguments: tuple[str, ...] = ("--appendonly", "no")
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def program() -> str | None:
        return shutil.which("redis-server")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> Any:
        import redis

        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        program = self.program()
        assert program, "redis-server is not installed"
        self._process = subprocess.Popen(
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", *self.arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
        wait_until(lambda: listens(self.port), what="Redis")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# ---- Browser


def chromium_program() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for found in map(shutil.which, names) if found), None)


@contextmanager
def browser(program: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    quiet = ("background-networking", "component-update", "default-apps", "extensions", "sync", "domain-reliability")
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--no-first-run", *(f"--disable-{name}" for name in quiet)]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield opened
        finally:
            opened.close()


class Visitor:
    """Somebody at a browser: drives `page`, and notes what the browser complained about and whom it asked."""

    def __init__(self, opened: Any) -> None:
        self._browser = opened
        self.errors: list[str] = []
        self.requests: list[str] = []

    def __enter__(self) -> Self:
        self.context = self._browser.new_context()
        self.page = self.new_page()
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def new_page(self) -> Any:
        page = self.context.new_page()
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        return page

    @property
    def outside(self) -> list[str]:
        """Requests to any other host than this machine."""
        return [
            url
            for url in self.requests
            if urlsplit(url).scheme in ("http", "https", "ws", "wss")
            and urlsplit(url).hostname not in ("127.0.0.1", "localhost", "testserver")
        ]

    def complaints(self) -> list[str]:
        return [*self.errors, *(f"asked {url}" for url in self.outside)]


# ---- Whole installations


@dataclass
class Result:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Installation:
    """An AFTERSALE_DATA of its own, with commands and servers as processes; leaving the block ends them all."""

    environ: dict[str, str] = field(default_factory=dict)
    """Variables beyond AFTERSALE_DATA and BASE_URL; tests may add to it before a process starts."""

    def __post_init__(self) -> None:
        self.folder = temporary_folder()
        self.data = self.folder / "data"
        self.port = free_port()
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cluster(self) -> embedded.Cluster:
        return embedded.describe(self.data)

    def environment(self, **more: str) -> dict[str, str]:
        own = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {**own, "AFTERSALE_DATA": str(self.data), "BASE_URL": self.url, **self.environ, **more}

    def manage(self, *arguments: str, check: bool = True, seconds: float = 120, **more: str) -> Result:
        """Run a command to its end; `more` are variables of this command alone."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            capture_output=True,
            text=True,
            env=self.environment(**more),
            cwd=self.folder,
            timeout=seconds,
            check=False,
        )
        result = Result(done.returncode, done.stdout, done.stderr)
        assert not check or result.code == 0, f"{arguments} ended with {result.code}:\n{result.out}\n{result.err}"
        return result

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
        """Start a command in the background, in a process group of its own; its output lies in `log`."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment(**more),
                cwd=self.folder,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def serve(self, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
        """Start the web server and wait until it answers."""
        process = self.start("serve", "--port", str(self.port), *arguments, **more)
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, f"serve ended with {process.returncode}:\n{self.log.read_text()[-4000:]}"
            if self._lives():
                return process
            assert time.monotonic() < deadline, f"serve does not answer:\n{self.log.read_text()[-4000:]}"
            time.sleep(0.1)

    def _lives(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):
                return True
        except OSError:
            return False

    @property
    def log(self) -> Path:
        return self.folder / "processes.log"

    def kill(self, process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGKILL) -> None:
        """Send the signal to the process and all it started, and wait for its end."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        process.wait(timeout=60)

    def __enter__(self) -> Self:
        atexit.register(self.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        atexit.unregister(self.close)
        for process in self.processes:
            self.kill(process)
        if self.folder.exists():
            discard(self.folder)


def run_script(script: str, *arguments: str, environ: dict[str, str]) -> subprocess.Popen[str]:
    """A Python process of its own that knows this project."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
        cwd=ROOT,
    )
