"""A load generator of bounded size on loopback: eight connections that stay open, each request sent once.

One process looks after all of them, so that the generator takes little of the processors that it measures.
"""

import multiprocessing
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

CONNECTIONS = 8
LENGTH = b"content-length:"


@dataclass(frozen=True)
class Result:
    per_second: float
    p50_ms: float
    p99_ms: float
    refused: int


@dataclass
class _Line:
    """One connection, what is sent over it, and the answer that is on its way."""

    connection: socket.socket
    requests: Iterator[bytes]
    asked_at: float = 0.0
    answer: bytes = b""
    times: list[float] = field(default_factory=list)
    refused: int = 0

    def ask(self) -> bool:
        """Send the next request; False when there is none."""
        request = next(self.requests, None)
        if request is None:
            return False
        self.answer, self.asked_at = b"", time.perf_counter()
        self.connection.sendall(request)
        return True

    def hear(self) -> bool:
        """Take what came; True when the answer is whole."""
        came = self.connection.recv(65536)
        assert came, "the server hung up"
        self.answer += came
        head, parted, body = self.answer.partition(b"\r\n\r\n")
        if not parted:
            return False
        told = head.lower()
        at = told.index(LENGTH) + len(LENGTH)
        if len(body) < int(told[at:].split(b"\r\n", 1)[0]):
            return False
        self.times.append(time.perf_counter() - self.asked_at)
        self.refused += not head.startswith(b"HTTP/1.1 200")
        return True


def post(port: int, path: str, requests: list[bytes], *, seconds: float) -> Result:
    """Send `requests` (headers and body, without the first line) until all are sent or the time is over."""
    first = b"POST " + path.encode() + b" HTTP/1.1\r\n"
    results: multiprocessing.Queue[tuple[float, list[float], int]] = multiprocessing.Queue()
    worker = multiprocessing.Process(
        target=_send, args=(port, [first + request for request in requests], seconds, results), daemon=True
    )
    worker.start()
    took, times, refused = results.get(timeout=seconds + 30)
    worker.join(5)
    times.sort()
    return Result(
        per_second=len(times) / took,
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[int(len(times) * 0.99)] * 1000,
        refused=refused,
    )


def _send(port: int, requests: list[bytes], seconds: float, results: multiprocessing.Queue) -> None:
    left, lines = iter(requests), []
    with selectors.DefaultSelector() as selector:
        for _ in range(CONNECTIONS):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            lines.append(_Line(connection, left))
            selector.register(connection, selectors.EVENT_READ, lines[-1])
        began = time.perf_counter()
        under_way = sum(line.ask() for line in lines)
        while under_way:
            ready = selector.select(10)
            assert ready, "no answer for 10 s"
            for key, _ in ready:
                if key.data.hear() and (time.perf_counter() - began > seconds or not key.data.ask()):
                    under_way -= 1
        took = time.perf_counter() - began
    for line in lines:
        line.connection.close()
    results.put((took, [one for line in lines for one in line.times], sum(line.refused for line in lines)))
