"""The door for deliveries behind the real web server: bodies in chunks, odd lines, and a database that goes away."""

import http.client
import json
import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from typing import Any

import pytest

from config import embedded
from orders.providers import standard
from tests import migrated, servers
from tests.proxies import Proxy
from tests.stage import sample

SECRET = "whsec_bGFudGVybi1zdGFuZGFyZC13ZWJob29rcy1rZXktMzI="


class Served:
    """An installation with one channel of the API, and its door as a client on the network meets it."""

    def __init__(self, made: servers.Installation) -> None:
        self.made = made
        migrated.install(made)
        made.manage(
            "create_organization", "lantern", "--name", "Lantern", "--currency", "EUR", "--region", "DE", "--json"
        )
        self.path = made.manage(
            "connect_channel", "--organization", "lantern", "--kind", "api", "--domain", "till.example",
            "--secret", SECRET, "--no-register",
        ).json["webhook_url"]  # fmt: skip
        made.serve()
        self.port, self.patience = made.port, 30.0

    def through(self, port: int = 0, *, patience: float = 30) -> "Served":
        """The same door by another port, for a client that waits so many seconds."""
        other = copy(self)
        other.port, other.patience = port or self.port, patience
        return other

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience)

    def post(self, body: bytes, *, pieces: int = 0, path: str = "", **headers: str) -> http.client.HTTPResponse:
        """Deliver, in chunks of so many bytes if told so."""
        connection = self.connection()
        given = {**signed(body), "Content-Type": "application/json", **headers}
        sent: Any = (body[i : i + pieces] for i in range(0, len(body), pieces)) if pieces else body
        # Where it has heard enough, the server answers and closes.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request("POST", path or self.path, sent, given, encode_chunked=bool(pieces))
        answer = connection.getresponse()
        answer.read()
        return answer

    def raw(self, text: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.made.port), timeout=30) as line:
            line.sendall(text)
            line.shutdown(socket.SHUT_WR)
            return line.recv(65_536)

    def snapshot(self) -> dict[str, Any]:
        self.made.manage("work", "--until-idle")
        return self.made.manage("snapshot", "--organization", "lantern").json


def order(number: int, *, size: int = 0) -> bytes:
    found = {**sample("api/order.json"), "external_id": f"o-{number}", "note": ""}
    return json.dumps({**found, "note": "x" * max(0, size - len(json.dumps(found)))}).encode()


def signed(body: bytes) -> dict[str, str]:
    return standard.headers([SECRET], message_id=f"m-{hash(body)}", timestamp=int(time.time()), body=body)


@pytest.fixture(scope="module")
def door() -> Iterator[Served]:
    with servers.Installation() as made:
        yield Served(made)


@pytest.mark.parametrize(("size", "pieces"), [(0, 7), (0, 100_000), (1 << 20, 65_536), (5_242_880, 65_536)])
def test_row_10_a_body_in_chunks_is_taken_whole(door: Served, size: int, pieces: int) -> None:
    body = order(size + pieces, size=size)
    assert door.post(body, pieces=pieces).status == 200
    changed = body.replace(b'"89.99"', b'"00.01"')
    assert door.post(changed, pieces=pieces, **signed(body)).status == 401


@pytest.mark.parametrize("pieces", [0, 65_536])
@pytest.mark.parametrize(("size", "status"), [(1 << 20, 200), (5_242_880, 200), (5_242_881, 413), (6 << 20, 413)])
def test_row_11_a_body_may_have_five_mebibytes(door: Served, size: int, status: int, pieces: int) -> None:
    body = order(size, size=size)
    assert len(body) == size
    assert door.post(body, pieces=pieces).status == status


def test_what_two_readers_could_read_differently_is_refused(door: Served) -> None:
    head = f"POST {door.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
    for odd in (
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 2, 3\r\n\r\n{}",
        b"Transfer-Encoding: gzip, chunked, x\r\n\r\n0\r\n\r\n",
    ):
        status = int(door.raw(head + odd).split(b" ")[1])
        assert status in (400, 401, 411, 501), odd


def test_row_9_no_line_is_ever_answered_by_a_redirect(door: Served) -> None:
    for path in (f"/{door.path}", f"{door.path}/", door.path.replace("/api", "/api/"), f"{door.path}?x", "//evil/x"):
        body = b"{}"
        answer = door.post(body, path=path)
        assert answer.status in (200, 404), path


def test_rows_8_and_34b_other_methods_and_hosts_are_refused(door: Served) -> None:
    assert door.post(b"{}", Host="evil.example").status == 400
    for method in ("GET", "HEAD", "PUT"):
        connection = door.connection()
        connection.request(method, door.path)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


def test_a_client_that_hangs_up_in_the_middle_leaves_nothing(door: Served) -> None:
    before = len(door.snapshot()["orders"])
    body = order(77)
    fields = "".join(f"{name}: {value}\r\n" for name, value in signed(body).items())
    head = f"POST {door.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode()
    for part in (0, 1, len(body) - 1):
        with socket.create_connection(("127.0.0.1", door.made.port), timeout=30) as line:
            line.sendall(head + body[:part])
    assert len(door.snapshot()["orders"]) == before
    assert door.post(body).status == 200
    assert len(door.snapshot()["orders"]) == before + 1


class Slow:
    """Clients that send one byte a second: half of them never end their header, the others their body."""

    def __init__(self, port: int, path: str, *, count: int) -> None:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n".encode()
        self.lines = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(count)]
        self.in_header, self.in_body = self.lines[::2], self.lines[1::2]
        for line in self.in_header:
            line.sendall(head + b"X-Slow: ")
        for line in self.in_body:
            line.sendall(head + b"\r\n")

    def send(self) -> None:
        for line in self.lines:
            with suppress(OSError):
                line.send(b"a")

    def cut(self, lines: list[socket.socket]) -> int:
        """How many of these the other side has closed, or answered."""
        return len(select.select(lines, [], [], 0)[0])

    def close(self) -> None:
        for line in self.lines:
            line.close()


def test_row_13_slow_clients_are_the_proxys_and_a_normal_delivery_is_answered(door: Served) -> None:
    if not Proxy.program():
        pytest.skip("nginx is not installed (apt-get install nginx-light)")
    with Proxy(door.made.port) as proxy:
        slow = Slow(proxy.port, door.path, count=50)
        try:
            for second in range(30):
                slow.send()
                if second < 5:  # all fifty are there and none is cut yet
                    assert slow.cut(slow.lines) == 0
                    assert door.through(proxy.port).post(order(2_000 + second)).status == 200
                if slow.cut(slow.in_header) == 25:
                    break
                time.sleep(1)
            assert slow.cut(slow.in_header) == 25
            assert door.through(proxy.port).post(order(2_010)).status == 200
        finally:
            slow.close()


def test_without_the_proxy_slow_clients_hold_the_server(door: Served) -> None:
    """The control: why the deployment guide asks for a proxy."""
    slow = Slow(door.made.port, door.path, count=50)
    try:
        slow.send()
        time.sleep(1)
        with pytest.raises(TimeoutError):
            door.through(patience=3).post(order(2_020))
    finally:
        slow.close()
    servers.wait_until(lambda: door.post(order(2_021)).status == 200, what="The server's recovery")


def test_without_a_database_the_sender_is_told_to_try_again(door: Served) -> None:
    """F5: 503 with Retry-After within two seconds, nothing half kept, and well again by itself."""
    before = len(door.snapshot()["orders"])
    postmaster = int((door.made.cluster.folder / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    kept: set[str] = set()
    turned_away, slowest, deadline = 0, 0.0, time.monotonic() + 60
    number = 1_000
    while len(kept) < 20 and time.monotonic() < deadline:
        number += 1
        began = time.monotonic()
        answer = door.post(order(number))
        slowest = max(slowest, time.monotonic() - began)
        assert answer.status in (200, 503)
        if answer.status == 503:
            assert answer.headers["Retry-After"] == "5"
            turned_away += 1
            time.sleep(0.02)
        else:
            kept.add(f"o-{number}")
    assert len(kept) == 20 and turned_away and slowest < 2
    told = {row["external_id"] for row in door.snapshot()["orders"]}
    # What was cut off between its commit and its answer is kept, and the sender tries again.
    assert kept <= told and before + 20 <= len(told) <= before + 20 + turned_away
    assert embedded.is_running(door.made.data)
