"""Requests to addresses that somebody typed: only to the open internet, only so long, only so much (RELIABILITY §4.10).

The name is looked up once; unless every address it stands for is public nothing is sent, and the connection goes to the
address that was looked at, so that a second answer of the name server changes nothing. No redirect is followed.
"""

import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from types import TracebackType
from typing import Any, Self

import httpx

SECONDS = 15.0
READ_AT_MOST = 65_536
_PUBLIC_V6 = IPv6Network("2000::/3")
# Not global by the register, whatever Python's own table says, and where clouds keep what a machine may know of itself.
_SPECIAL_V4 = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv4Network("168.63.129.16/32"))
# They carry an IPv4 address within, which would have to be looked at as well: nobody needs them.
_TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/23"))


class Forbidden(Exception):
    """This address is not one that we call; the sentence says why. Nothing was sent."""


class Unreachable(Exception):
    """There was no whole answer. `sent`: whether the other side may have got it; if not, nothing left this machine."""

    def __init__(self, sentence: str, *, sent: bool = True) -> None:
        super().__init__(sentence)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the beginning of the body only, as it was sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if found not in _PUBLIC_V6 or any(found in tunnel for tunnel in _TUNNELS):
            return False
    elif any(found in network for network in _SPECIAL_V4):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def check(url: str, *, inside: bool = False) -> list[str]:
    """The addresses to connect to; raises Forbidden, or Unreachable where the name is unknown.

    `inside` is for development: plain HTTP, any port and addresses of this machine are allowed.
    """
    try:
        parsed = httpx.URL(url.strip())
        host = parsed.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise Forbidden("This is not an address.") from error
    if parsed.scheme not in (("https", "http") if inside else ("https",)):
        raise Forbidden("The address must begin with https://.")
    if not host:
        raise Forbidden("The address names no host.")
    if parsed.userinfo:
        raise Forbidden("The address must not hold a user or password.")
    if not inside and parsed.port not in (None, 443):
        raise Forbidden("Only port 443 is called.")
    found = _look_up(host.strip("[]"), parsed.port or (443 if parsed.scheme == "https" else 80))
    if not inside and not all(is_public(address) for address in found):
        raise Forbidden("The address leads to a network that is not public.")
    return found


def _look_up(host: str, port: int) -> list[str]:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError) as error:
        raise Unreachable(f"The host {host[:100]} is not known.", sent=False) from error
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def request(
    method: str,
    url: str,
    *,
    content: bytes = b"",
    headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    inside: bool = False,
    at_most: int = READ_AT_MOST,
) -> Answer:
    """Make one request; whatever happens, it is over after so many seconds. Raises Forbidden or Unreachable.

    Of the answer's body no more than the first `at_most` bytes are given.
    """
    addresses = check(url, inside=inside)
    target = httpx.URL(url.strip())
    began = time.monotonic()
    with Deadline(seconds) as deadline, _client(seconds) as client:
        built = client.build_request(
            method,
            target.copy_with(host=addresses[0]),
            content=content,
            headers=_headers(headers or {}, target),
            extensions={"sni_hostname": target.raw_host.decode("ascii"), "trace": deadline.watch},
        )
        try:
            answer = client.send(built, stream=True)
            try:
                body = _beginning(answer, at_most)
            finally:
                answer.close()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            raise Unreachable(_told(error, deadline, seconds), sent=deadline.sending) from error
        if deadline.over:
            raise Unreachable(f"It did not answer within {seconds:.0f} s.")
    return Answer(answer.status_code, dict(answer.headers), body, time.monotonic() - began)


def _headers(given: Mapping[str, str], target: httpx.URL) -> dict[str, str]:
    """The caller's own before ours, each name once however it is spelled: servers refuse a name that stands twice."""
    usual = {"accept-encoding": "identity", "user-agent": "Aftersale"}
    own = {name.lower(): value for name, value in given.items()}
    return {**usual, **own, "host": target.netloc.decode("ascii")}


def _client(seconds: float) -> httpx.Client:
    # Nothing is kept open: a kept connection would be shared by every name that leads to its address.
    transport = httpx.HTTPTransport(verify=_trusted(), limits=httpx.Limits(max_keepalive_connections=0), retries=0)
    return httpx.Client(transport=transport, timeout=seconds, follow_redirects=False, trust_env=False)


def _beginning(answer: httpx.Response, at_most: int) -> bytes:
    found = b""
    for chunk in answer.iter_raw():
        found += chunk
        if len(found) >= at_most:
            break
    return found[:at_most]


def _told(error: Exception, deadline: "Deadline", seconds: float) -> str:
    if deadline.over or isinstance(error, httpx.TimeoutException):
        return f"It did not answer within {seconds:.0f} s."
    return f"{type(error).__name__}: {error}"[:300]


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


@dataclass
class Deadline:
    """Cuts the connection when the time is over; a limit for each read alone would let a trickle go on for ever."""

    seconds: float
    over: bool = False
    sending: bool = False
    _stream: Any = field(default=None, repr=False)

    def watch(self, name: str, info: Mapping[str, Any]) -> None:
        """Called by the client at each step; notes the connection when there is one, and that something goes out."""
        self.sending |= name.endswith(".send_request_headers.started")
        if name in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = info["return_value"]
            if self.over:
                self._cut()

    def __enter__(self) -> Self:
        self._timer = threading.Timer(self.seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def _cut(self) -> None:
        self.over = True
        if self._stream is not None:
            with suppress(OSError):
                # By the plain socket: the encrypted one's own way waits for what another thread reads.
                socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)
