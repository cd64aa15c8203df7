"""A load generator of bounded size on loopback: eight connections that stay open, each request sent once."""

import multiprocessing
import queue
import socket
import time
from dataclasses import dataclass

CONNECTIONS = 8


@dataclass(frozen=True)
class Result:
    per_second: float
    p50_ms: float
    p99_ms: float
    refused: int


def post(port: int, path: str, requests: list[bytes], *, seconds: float) -> Result:
    """Send `requests` (headers and body, without the first line) until all are sent or the time is over."""
    share = [requests[number::CONNECTIONS] for number in range(CONNECTIONS)]
    results: multiprocessing.Queue[tuple[float, list[float], int]] = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=_send, args=(port, path.encode(), part, seconds, results), daemon=True)
        for part in share
    ]
    for worker in workers:
        worker.start()
    times: list[float] = []
    refused, took = 0, 0.0
    for _ in workers:
        try:
            spent, own, wrong = results.get(timeout=seconds + 30)
        except queue.Empty:
            continue
        times += own
        refused += wrong
        took = max(took, spent)
    for worker in workers:
        worker.join(5)
    times.sort()
    return Result(
        per_second=len(times) / took,
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[int(len(times) * 0.99)] * 1000,
        refused=refused,
    )


def _send(port: int, path: bytes, requests: list[bytes], seconds: float, results: multiprocessing.Queue) -> None:
    times: list[float] = []
    wrong = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        for request in requests:
            at = time.perf_counter()
            if at - began > seconds:
                break
            connection.sendall(b"POST " + path + b" HTTP/1.1\r\n" + request)
            answer = connection.recv(4096)
            while b"\r\n\r\n" not in answer:
                answer += connection.recv(4096)
            head, _, body = answer.partition(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
            )
            while len(body) < length:
                body += connection.recv(4096)
            wrong += not head.startswith(b"HTTP/1.1 200")
            times.append(time.perf_counter() - at)
        results.put((time.perf_counter() - began, times, wrong))
