"""How many signed deliveries a second are kept and answered, beside a bare WSGI application that does the least?"""

import hashlib
import hmac
import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks import floor_wsgi, load, rig
from tests import servers

SECONDS = 4.0
AMPLE = 20_000
TEMPLATE = Path(__file__).parent.parent / "tests/payloads/stripe/checkout.session.completed.json"


def signed(first: int, count: int) -> list[bytes]:
    """Requests with bodies of their own, about 3 kB each, signed as Stripe signs."""
    text = json.dumps(json.loads(TEMPLATE.read_bytes()))
    made = []
    for number in range(first, first + count):
        body = text.replace("evt_1SgKiBL9mZ2xQeWcV5nTpRuY", f"evt_{number:024d}").encode()
        at = str(int(time.time()))
        mac = hmac.new(floor_wsgi.SECRET, at.encode() + b"." + body, hashlib.sha256).hexdigest()
        head = (
            "Host: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nStripe-Signature: t={at},v1={mac}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


def main() -> None:
    with ExitStack() as stack:
        made = stack.enter_context(rig.installation())
        made.manage("create_organization", "bench", "--name", "Bench", "--currency", "EUR", "--region", "DE")
        options = ["--organization", "bench", "--kind", "stripe", "--domain", "bench.example", "--no-register"]
        channel = made.manage("connect_channel", *options, "--secret", floor_wsgi.SECRET.decode()).json
        from django.db import connection

        from config import databases

        with databases.as_owner(), connection.cursor() as cursor:
            cursor.execute("CREATE TABLE floor_delivery (delivery text PRIMARY KEY, body bytea)")
        made.serve()
        port = servers.free_port()
        floor = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "benchmarks.floor_wsgi:application", "-b", f"127.0.0.1:{port}"),
                *("-w", "2", "-k", "gthread", "--threads", "4", "--log-level", "warning", "--reuse-port"),
            ],
            env={**made.environment(), "FLOOR_DSN": made.cluster.url_owner},
            cwd=Path(__file__).parent.parent,
        )
        stack.callback(floor.wait, 15)
        stack.callback(floor.terminate)
        servers.wait_until(lambda: _open(port), what="the floor")
        sent, results = [0], {"ours": [], "floor": []}  # type: ignore[var-annotated]

        def one(name: str, to: int, path: str) -> float:
            requests = signed(sent[0], AMPLE)
            sent[0] += AMPLE
            result = load.post(to, path, requests, seconds=SECONDS)
            assert result.refused == 0, f"{name} refused {result.refused}"
            results[name].append(result)
            return result.per_second

        found = rig.rounds(
            {
                "ours": lambda: one("ours", made.port, channel["webhook_url"]),
                "floor": lambda: one("floor", port, "/"),
            }
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.organization_id', '1', false)")
            cursor.execute("SELECT count(*) FROM orders_delivery")
            kept = cursor.fetchone()[0]
        acknowledged = sum(round(r.per_second * SECONDS) for r in results["ours"])
        rig.emit(
            question="deliveries kept a second, 8 connections, 2 processes of 4 threads",
            ours=rig.spread(found["ours"]),
            bare_wsgi=rig.spread(found["floor"]),
            ratio=rig.ratio(found["ours"], found["floor"]),
            goal="ratio >= 0.85",
            p99_ms=rig.spread([r.p99_ms for r in results["ours"][1:]]),
            kept=kept,
            acknowledged_about=acknowledged,
        )


def _open(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    main()
