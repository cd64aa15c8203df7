"""`manage.py run`: from an empty folder to a page one can sign in to, again at once, and gone without a trace."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode

import psutil
import pytest

from config import embedded, household
from tests import migrated, servers

FRESH_SECONDS = 240.0
AGAIN_SECONDS = 15.0


class Running:
    """One `manage.py run` and everything it started."""

    def __init__(self, installation: servers.Installation, *arguments: str) -> None:
        self.installation = installation
        installation.environ["BASE_URL"] = ""  # it follows the port
        self.began = time.monotonic()
        self.process = installation.start("run", "--port", str(installation.port), *arguments)

    @property
    def said(self) -> str:
        return self.installation.log.read_text()

    def until(self, words: str, *, seconds: float) -> float:
        """Wait until it has said this; how long it took since the start."""
        deadline = time.monotonic() + seconds
        while words not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, f"{words!r} not said within {seconds} s:\n{self.said}"
            time.sleep(0.1)
        return time.monotonic() - self.began

    def started(self) -> list[psutil.Process]:
        """Everything it started: its children, theirs, and the database."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        database = [p for p in psutil.process_iter() if embedded.serves(p, self.installation.cluster)]
        return [*children, *database]

    def stop(self, how: signal.Signals = signal.SIGINT) -> float:
        """Ask it to stop; how long that took."""
        began = time.monotonic()
        self.process.send_signal(how)
        assert self.process.wait(timeout=60) == 0, self.said
        return time.monotonic() - began


@pytest.fixture(scope="module")
def installation() -> Iterator[servers.Installation]:
    with servers.Installation() as made:
        yield made


@pytest.fixture(scope="module")
def running(installation: servers.Installation) -> Running:
    """Started in an empty folder, and ready."""
    first = Running(installation)
    first.until("Ctrl-C stops everything", seconds=FRESH_SECONDS)
    return first


def _get(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def test_the_login_page_is_there(running: Running) -> None:
    status, page = _get(f"{running.installation.url}/admin/login/?next=/admin/")
    assert status == 200 and "password" in page
    assert _get(f"{running.installation.url}/readyz")[0] == 200


def test_the_printed_login_opens_the_desk(running: Running) -> None:
    found = re.search(r"(owner@lantern\.example)\W+([0-9a-f]{6}-[0-9a-f]{6})", running.said)
    assert found
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    login = f"{running.installation.url}/admin/login/?next=/admin/"
    page = opener.open(login, timeout=30).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    form = {"username": found[1], "password": found[2], "csrfmiddlewaretoken": token[1], "next": "/admin/"}
    request = urllib.request.Request(login, urlencode(form).encode(), {"Referer": login})
    with opener.open(request, timeout=60) as answer:
        assert answer.status == 200 and answer.url == f"{running.installation.url}/admin/"


def test_the_orders_came_through_signed_webhooks_and_are_settled(running: Running) -> None:
    state = running.installation.manage("snapshot", "--organization", "demo").json
    assert len(state["orders"]) > 300 and len(state["quarantined"]) == 1
    # The till's one sale is told as a customer event, four old ones by a file; all others are shops' deliveries.
    kinds = {order["channel"].partition(":")[0] for order in state["orders"]}
    assert kinds == {"shopify", "stripe", "woocommerce", "api", "csv"}
    assert sum(order["channel"].startswith("csv:") for order in state["orders"]) == 4
    taken = re.search(r"Took in (\d+) deliveries", running.said)
    assert taken and int(taken[1]) >= len(state["orders"])


def test_links_in_mail_lead_to_the_port_that_is_served(running: Running) -> None:
    script = (
        "from profiles import tenancy\nfrom profiles.actions import organizations\n"
        "from fulfillment.models import Email\n"
        "with tenancy.organization(organizations.find('demo')):\n"
        "    print([m.text for m in Email.objects.filter(template='receipt', text__contains='/download/')[:1]])\n"
    )
    said = running.installation.manage("shell", "-v0", "-c", script, BASE_URL=running.installation.url).out
    assert f"http://127.0.0.1:{running.installation.port}/download/" in said


def test_a_killed_child_is_started_again(running: Running) -> None:
    web = next(p for p in psutil.Process(running.process.pid).children() if "serve" in p.cmdline())
    # One that dies within its first seconds would count as unable to run.
    servers.wait_until(lambda: time.time() - web.create_time() > household.LIVES_AT_LEAST, what="its age")
    web.kill()
    running.until("web process had died", seconds=20)
    servers.wait_until(lambda: _get(f"{running.installation.url}/readyz")[0] == 200, what="the web server")


def test_it_stops_all_it_started_and_starts_again_at_once(running: Running) -> None:
    before = running.installation.manage("snapshot", "--organization", "demo").json
    started = running.started()
    assert len(started) > 8
    running.stop()
    psutil.wait_procs(started, timeout=5)
    assert [p for p in started if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
    assert not embedded.is_running(running.installation.data)

    running.installation.log.write_text("")
    again = Running(running.installation)
    servers.wait_until(
        lambda: _get(f"{again.installation.url}/admin/login/")[0] == 200, seconds=60, what="the first page"
    )
    assert time.monotonic() - again.began < AGAIN_SECONDS
    again.until("Ctrl-C stops everything", seconds=AGAIN_SECONDS)
    assert "Took in" not in again.said
    assert again.installation.manage("snapshot", "--organization", "demo").json == before
    again.stop(signal.SIGTERM)
    assert not embedded.is_running(running.installation.data)


def test_the_second_run_prints_the_same_logins_as_json(running: Running) -> None:
    running.installation.log.write_text("")
    again = Running(running.installation, "--json")
    again.until('"logins"', seconds=60)
    begin = again.said.index("{")
    document, _ = json.JSONDecoder().raw_decode(again.said[begin:])
    assert document["address"] == f"{running.installation.url}/admin/" and len(document["logins"]) == 6
    kept = json.loads((running.installation.data / "demo.json").read_text())
    assert {login["password"] for login in document["logins"]} == {kept["password"]}
    again.stop()


def test_a_database_that_ran_before_is_left_running(running: Running) -> None:
    running.installation.manage("migrate", "--verbosity", "0")
    running.installation.log.write_text("")
    again = Running(running.installation)
    again.until("Ctrl-C stops everything", seconds=60)
    again.stop()
    assert embedded.is_running(running.installation.data)
    embedded.stop(running.installation.data)


def test_killed_without_a_word_it_takes_web_and_worker_along(running: Running) -> None:
    running.installation.log.write_text("")
    again = Running(running.installation)
    again.until("Ctrl-C stops everything", seconds=60)
    children = psutil.Process(again.process.pid).children(recursive=True)
    again.process.kill()
    again.process.wait(10)
    _, alive = psutil.wait_procs(children, timeout=40)
    assert alive == []
    embedded.stop(running.installation.data)


def test_stopped_in_the_middle_it_goes_on_where_it_was() -> None:
    with servers.Installation() as own:
        migrated.install(own)
        embedded.stop(own.data)
        first = Running(own)
        first.until("Taking in", seconds=FRESH_SECONDS)
        time.sleep(1)
        first.stop()
        assert "Took in" not in first.said
        again = Running(own)
        again.until("Took in", seconds=FRESH_SECONDS)
        again.until("Ctrl-C stops everything", seconds=30)
        state = own.manage("snapshot", "--organization", "demo").json
        assert len(state["orders"]) > 300 and len(state["quarantined"]) == 1
        assert max(mail["count"] for mail in state["emails"]) == 1
        again.stop()


@pytest.mark.parametrize(
    ("arguments", "environ", "because"),
    [
        (("--port", "70000"), {}, "--port must be"),
        (
            (),
            {"BASE_URL": "https://x.example", "SECRET_KEY": "s" * 50, "ENCRYPTION_KEYS": "A" * 43 + "="},
            "production",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_with_a_sentence(
    arguments: tuple[str, ...], environ: dict[str, str], because: str, tmp_path: Any
) -> None:
    own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    refused = subprocess.run(
        [sys.executable, str(servers.ROOT / "manage.py"), "run", *arguments],
        capture_output=True,
        text=True,
        env={**own, "AFTERSALE_DATA": str(tmp_path / "data"), **environ},
        timeout=60,
        check=False,
    )
    assert refused.returncode != 0 and because in refused.stderr and "Traceback" not in refused.stderr
    assert not embedded.is_running(tmp_path / "data")


def test_a_port_in_use_is_refused_with_a_sentence(installation: servers.Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = installation.manage("run", "--port", str(taken.getsockname()[1]), check=False, BASE_URL="")
    assert refused.code != 0 and "cannot be used" in refused.err and "Traceback" not in refused.err
    assert not embedded.is_running(installation.data)
