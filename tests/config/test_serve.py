"""The web server: as in production, over a real installation, with its database kept alive."""

import http.client
import json
import os
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from gunicorn.workers.gthread import ThreadWorker

from config import embedded, webserver
from tests import migrated, servers


@pytest.fixture(scope="module")
def running():
    """An installation whose tables are there and whose server runs."""
    with servers.Installation() as made:
        migrated.install(made)
        made.serve()
        yield made


def _get(address: str, **headers: str):
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_it_prints_its_address_and_answers(running):
    assert f"Serving {running.url}" in running.log.read_text()
    assert _get(f"{running.url}/healthz") == (200, b'{"status": "ok"}')


def test_it_is_ready_after_migrate(running):
    status, body = _get(f"{running.url}/readyz")
    assert (status, json.loads(body)["status"]) == (200, "ok")


def test_it_refuses_hosts_it_does_not_know(running):
    assert _get(f"{running.url}/healthz", Host="evil.example")[0] == 400


def test_the_figures_of_all_processes_are_told_together(running):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: _get(f"{running.url}/healthz"), range(40)))
    _, text = _get(f"{running.url}/metrics")
    counted = [line for line in text.decode().splitlines() if line.startswith("aftersale_requests_total{")]
    assert sum(float(line.rsplit(" ", 1)[1]) for line in counted if 'route="healthz"' in line) >= 40


def test_who_never_rests_leaves_the_others_their_turn(running):
    """One thread: a connection whose next request is always there already must not keep it."""
    port, done, asked = servers.free_port(), threading.Event(), []

    def never_rest():
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not done.wait(0) and len(asked) < 20_000:
            line.request("GET", "/healthz")
            asked.append(line.getresponse().read())
        line.close()

    process = running.start("serve", "--port", str(port), "--processes", "1", "--threads", "1")
    try:
        servers.wait_until(lambda: servers.listens(port), what="the server")
        restless = threading.Thread(target=never_rest, daemon=True)
        restless.start()
        servers.wait_until(lambda: len(asked) > 50, what="the restless one")
        for _ in range(20):
            assert _get(f"http://127.0.0.1:{port}/healthz")[0] == 200
        assert restless.is_alive(), "the others were answered while it went on"
        done.set()
        restless.join(30)
    finally:
        running.kill(process, signal.SIGTERM)


def test_a_thread_lingers_with_its_connection_only_while_nobody_else_wants_one(monkeypatch):
    answered = []

    def answer(worker, conn):
        answered.append(conn)
        assert len(answered) < 10, "it would never let go"
        if len(answered) == 3:
            worker._wanting.append("another")
        return True

    monkeypatch.setattr(ThreadWorker, "handle", answer)
    monkeypatch.setattr(webserver, "_speaks", lambda conn: True)
    worker = object.__new__(webserver._Worker)
    worker.alive, worker._wanting = True, deque(["one"])
    assert worker.handle("one") is True and answered == ["one"] * 3
    monkeypatch.setattr(webserver, "_speaks", lambda conn: False)
    worker._wanting = deque(["one"])
    assert worker.handle("one") is True and len(answered) == 4, "it says nothing, so it is given back"
    worker.alive, worker._wanting = False, deque(["one"])
    monkeypatch.setattr(webserver, "_speaks", lambda conn: True)
    assert worker.handle("one") is True and len(answered) == 5, "a server that stops takes no more"


def test_a_second_server_on_the_same_port_is_refused_with_a_sentence(running):
    second = running.manage("serve", "--port", str(running.port), check=False)
    assert second.code != 0
    assert f"Port {running.port} of 127.0.0.1 cannot be used" in second.err
    assert "Traceback" not in second.err


@pytest.mark.parametrize("arguments", [("--port", "0"), ("--port", "70000"), ("--processes", "0")])
def test_impossible_numbers_are_refused_with_a_sentence(running, arguments):
    refused = running.manage("serve", *arguments, check=False)
    assert refused.code != 0
    assert refused.err.count("\n") == 1


def test_it_listens_on_this_machine_alone(running):
    own = socket.gethostbyname(socket.gethostname())
    if own.startswith("127."):
        pytest.skip("this machine has no other address")
    with socket.socket() as probe:
        assert probe.connect_ex((own, running.port)) != 0


def test_the_database_is_brought_back_after_kill_9(running):
    for process in psutil.process_iter():
        if embedded.serves(process, running.cluster):
            process.kill()
    servers.wait_until(lambda: _get(f"{running.url}/readyz")[0] == 200, what="the database")


def test_a_killed_process_is_replaced(running):
    master = psutil.Process(running.processes[0].pid)
    victim = master.children()[0]
    victim.kill()
    servers.wait_until(lambda: victim not in master.children(), what="the end of the killed process")
    assert [_get(f"{running.url}/healthz")[0] for _ in range(20)] == [200] * 20
    servers.wait_until(lambda: len(master.children()) >= 2, what="the replacement")


def test_sigterm_ends_it_cleanly_and_leaves_the_database(installation):
    migrated.install(installation)
    process = installation.serve()
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(timeout=40) == 0
    assert embedded.is_running(installation.data)
    assert not list((installation.data / "metrics").iterdir())
