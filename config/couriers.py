"""Carries made-up deliveries to the running web server as shops would: signed, over HTTP, some connections at once."""

import http.client
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from orders.imitation import Parcel

CONNECTIONS = 4
TRIES = 5


class Refused(Exception):
    """The web server did not take a delivery; the sentence says what it answered."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a shop's deliveries go, and what signs them."""

    path: str
    secret: str
    domain: str


@dataclass
class Courier:
    """Posts to one web server on this machine; a delivery that is not taken is tried again, as shops do."""

    host: str
    port: int
    addresses: Mapping[str, Address]
    """By kind of shop."""
    _own: threading.local = field(default_factory=threading.local)

    def carry(self, parcels: Sequence[Parcel], *, told: Callable[[int], None] = lambda count: None) -> None:
        """Post all of these, some at a time. Raises Refused."""
        with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="courier") as pool:
            for _ in pool.map(self._post, parcels):
                told(1)

    def _post(self, parcel: Parcel) -> None:
        answer = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(0.2 * 2**attempt)
            try:
                status, answer = self._try(parcel)
            except (OSError, http.client.HTTPException) as error:
                self._own.connection = None
                answer = str(error) or type(error).__name__
                continue
            if status == 200:
                return
            answer = f"{status} {answer}"
            if status < 500:
                break
        raise Refused(f"The web server did not take a delivery of {parcel.kind} ({parcel.topic}): {answer}")

    def _try(self, parcel: Parcel) -> tuple[int, str]:
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        address = self.addresses[parcel.kind]
        signed = parcel.headers(secret=address.secret, domain=address.domain, now=int(time.time()))
        connection.request("POST", address.path, parcel.body, {**signed, "Content-Type": "application/json"})
        with connection.getresponse() as response:
            return response.status, response.read(300).decode(errors="replace") if response.status != 200 else _drop(
                response
            )


def _drop(response: http.client.HTTPResponse) -> str:
    """Read to the end, so that the connection can be used again."""
    response.read()
    return ""
