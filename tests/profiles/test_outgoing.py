"""Requests to typed addresses: only the open internet, by the address that was looked at, only so long and so much."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from profiles.providers import outgoing
from tests.receivers import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


class Canary:
    """Listens on this machine; whoever gets through to it is counted."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.packets = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.packets += 1
            connection.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    made = Canary()
    yield made
    made.socket.close()


FORBIDDEN = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://①②⑦.⓪.⓪.①/",
    "https://10.0.0.1/",
    "https://172.16.5.4/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fd00:ec2::254]/",
    "https://192.0.0.192/",
    "https://168.63.129.16/",
    "https://192.88.99.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fe80::1%25lo]/",
    "https://[ff02::1]/",
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "https://user:password@example.com/",
    "https://example.com@127.0.0.1/",
    "https://93.184.216.34:8443/",
    "https://",
    "https:///path",
    "//example.com/",
    "not an address",
    "https://[::1",
    "",
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_what_is_not_the_open_internet_is_never_called(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Any] = []
    monkeypatch.setattr(outgoing, "_client", lambda seconds: called.append(seconds))
    with pytest.raises((outgoing.Forbidden, outgoing.Unreachable)):
        outgoing.request("POST", url)
    assert called == []


def test_the_canary_sees_no_packet_by_whatever_spelling(canary: Canary) -> None:
    for host in ("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
        for scheme in ("https", "http"):
            with pytest.raises(outgoing.Forbidden):
                outgoing.request("GET", f"{scheme}://{host}:{canary.port}/")
    assert canary.packets == 0
    with pytest.raises(outgoing.Unreachable):  # the control: development may, and the canary sees it
        outgoing.request("GET", f"http://127.0.0.1:{canary.port}/", inside=True)
    assert canary.packets == 1


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111"])
def test_public_addresses_are_public(address: str) -> None:
    assert outgoing.is_public(address)


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """A name server that says another thing each time; returns what it was asked."""
    asked: list[str] = []
    left = list(answers)

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr("profiles.providers.outgoing.socket.getaddrinfo", getaddrinfo)
    return asked


def test_one_inner_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(outgoing.Forbidden, match="not public"):
        outgoing.check("https://two-faced.example/")


def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: what the name server would say the second time is never asked for."""
    asked = names(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(204, stream=httpx.ByteStream(b""))

    monkeypatch.setattr(outgoing, "_client", lambda _: httpx.Client(transport=httpx.MockTransport(answer)))
    assert outgoing.request("POST", "https://rebind.example/hook", content=b"{}").status == 204
    (request,) = sent
    assert (request.url.host, request.headers["host"]) == ("93.184.216.34", "rebind.example")
    assert request.extensions["sni_hostname"] == "rebind.example" and asked == ["rebind.example"]


def certificate(folder: Path, name: str) -> Path:
    """A certificate of this name that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, plain) + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_the_certificate_is_that_of_the_name_though_the_connection_goes_to_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = certificate(tmp_path, "hooks.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    trusting = ssl.create_default_context(cafile=str(own))
    look_up = outgoing._look_up
    monkeypatch.setattr(outgoing, "_look_up", lambda host, port: look_up("127.0.0.1", port))
    with Receiver(tls=context) as receiver:
        port = receiver.port
        with pytest.raises(outgoing.Unreachable, match="certificate"):
            outgoing.request("POST", f"https://hooks.example:{port}/", inside=True)
        monkeypatch.setattr(outgoing, "_trusted", lambda: trusting)
        assert outgoing.request("POST", f"https://hooks.example:{port}/", inside=True).status == 204
        with pytest.raises(outgoing.Unreachable, match="certificate"):
            outgoing.request("POST", f"https://other.example:{port}/", inside=True)


def test_an_unknown_name_is_said_so() -> None:
    with pytest.raises(outgoing.Unreachable, match="not known"):
        outgoing.check("https://no-such-host.invalid/")


def test_no_redirect_is_followed(receiver: Receiver, canary: Canary) -> None:
    receiver.answers, receiver.headers = (lambda path: 302), {"location": f"http://127.0.0.1:{canary.port}/"}
    assert outgoing.request("GET", receiver.url(), inside=True).status == 302
    assert canary.packets == 0


def test_only_the_beginning_of_an_answer_is_read(receiver: Receiver) -> None:
    receiver.answers, receiver.body = (lambda path: 200), b"x" * 5_000_000
    answer = outgoing.request("GET", receiver.url(), inside=True)
    assert len(answer.body) == outgoing.READ_AT_MOST


def test_a_header_stands_once_however_its_name_is_spelled() -> None:
    """Strict servers refuse a request that names a header twice."""
    seen: list[list[str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append([name.lower() for name, _ in self.headers.items()])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        outgoing.request("GET", url, headers={"User-Agent": "a library", "Accept-Encoding": "gzip"}, inside=True)
        thread.join(5)
    assert len(seen) == 1 and len(set(seen[0])) == len(seen[0])


def trickle(port_of: list[int], stop: threading.Event) -> None:
    """Sends one byte of a header every tenth of a second, for ever: no single read takes long."""
    server = socket.create_server(("127.0.0.1", 0))
    port_of.append(server.getsockname()[1])
    connection, _ = server.accept()
    try:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not stop.wait(0.1):
            connection.sendall(b"a")
    except OSError:
        pass
    finally:
        connection.close()
        server.close()


def test_a_trickle_is_cut_when_the_time_is_over() -> None:
    ports: list[int] = []
    stop = threading.Event()
    thread = threading.Thread(target=trickle, args=(ports, stop), daemon=True)
    thread.start()
    while not ports:
        time.sleep(0.01)
    began = time.monotonic()
    with pytest.raises(outgoing.Unreachable, match="within 1 s"):
        outgoing.request("GET", f"http://127.0.0.1:{ports[0]}/", seconds=1, inside=True)
    assert 0.9 < time.monotonic() - began < 3
    stop.set()


def test_a_closed_port_is_unreachable() -> None:
    with pytest.raises(outgoing.Unreachable):
        outgoing.request("GET", "http://127.0.0.1:1/", inside=True)
