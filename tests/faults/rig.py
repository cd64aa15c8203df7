"""Kills web, worker and database at random moments under a stream of deliveries, and counts from outside what is left.

    python -m tests.faults.rig --kills 50

What was acknowledged is counted here, at the sender; what became of it in the snapshot and at the mail server.
"""

import argparse
import http.client
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import psutil
import psycopg

from config import embedded
from orders.providers import standard
from tests import migrated, servers

SECRET = "whsec_bGFudGVybi1zdGFuZGFyZC13ZWJob29rcy1rZXktMzI="
SKU = "EBOOK-TIDE-EN"
ORDERS_EACH = 5
"""As many addresses as one customer may have."""
LONGEST_LEASE = 120
LEASED = ("orders_delivery", "profiles_settlementrequest", "fulfillment_job", "fulfillment_email")
IDLE_WITHIN = LONGEST_LEASE + 30


@dataclass
class Report:
    """What happened, counted from outside."""

    kills: dict[str, int] = field(default_factory=dict)
    sent: int = 0
    acknowledged: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    orders: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    second_receipts: list[str] = field(default_factory=list)
    extra_copies: int = 0
    quarantined: int = 0
    wrong_totals: list[str] = field(default_factory=list)
    recount: str = ""
    slowest_return_seconds: float = 0.0
    until_idle_seconds: float = 0.0

    @property
    def copies_allowed(self) -> int:
        """A kill between the mail server's yes and our note of it costs one copy (RELIABILITY K10, K11)."""
        return sum(count for kind, count in self.kills.items() if kind not in ("web process", "web server"))

    def faults(self) -> list[str]:
        """What must not be, a sentence each."""
        named = ("lost", "doubled", "unreached", "second_receipts", "wrong_totals")
        found = [f"{name}: {getattr(self, name)[:5]}" for name in named if getattr(self, name)]
        if self.extra_copies > self.copies_allowed:
            found.append(f"{self.extra_copies} extra copies after {self.copies_allowed} kills of their sender")
        if self.quarantined:
            found.append(f"{self.quarantined} deliveries in quarantine")
        return found + ([self.recount] if self.recount else [])


class Sender(threading.Thread):
    """Delivers orders at a steady pace, each until it is acknowledged, as shops do."""

    def __init__(self, port: int, path: str, *, rate: float) -> None:
        super().__init__(daemon=True)
        self.port, self.path, self.rate = port, path, rate
        self.acknowledged: dict[int, float] = {}
        self.answers: Counter[str] = Counter()
        self.waiting: list[int] = []
        self.sent = 0
        self._end = threading.Event()

    def run(self) -> None:
        began = time.monotonic()
        while not self._end.is_set():
            self.sent += 1
            self._deliver(self.sent)
            # One that was turned away before has another chance beside each new one.
            if self.waiting:
                self._deliver(self.waiting.pop(0))
            self._end.wait(max(0.0, began + self.sent / self.rate - time.monotonic()))

    def end(self) -> None:
        """Nothing new; what was turned away is delivered until it is taken."""
        self._end.set()
        self.join(60)
        deadline = time.monotonic() + 60
        while self.waiting and time.monotonic() < deadline:
            self._deliver(self.waiting.pop(0))

    def _deliver(self, number: int) -> None:
        body = json.dumps(order(number)).encode()
        headers = standard.headers([SECRET], message_id=f"m-{number}", timestamp=int(time.time()), body=body)
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            line.request("POST", self.path, body, {**headers, "Content-Type": "application/json"})
            status = line.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            status = 0
            self.answers[type(error).__name__] += 1
        finally:
            line.close()
        if status:
            self.answers[str(status)] += 1
        if 200 <= status < 300:
            self.acknowledged.setdefault(number, time.monotonic())
        else:
            self.waiting.append(number)
            time.sleep(0.05)


def order(number: int) -> dict[str, Any]:
    """Order `number`: an address of its own for its receipt, a card that it shares with its customer's other orders."""
    total = f"{number % 90 + 10}.00"
    return {
        "external_id": f"o-{number}",
        "currency": "EUR",
        "total": total,
        "placed_at": "2026-11-13T19:05:41Z",
        "customer": {"email": address(number), "loyalty_id": f"CARD-{number // ORDERS_EACH}"},
        "lines": [{"sku": SKU, "title": "Tide Atlas", "quantity": 1, "total": total}],
    }


def address(number: int) -> str:
    return f"buyer-{number}@example.org"


class Rig:
    """An installation under load, and the hand that kills."""

    def __init__(self, made: servers.Installation, sink: servers.MailServer, *, seed: int) -> None:
        self.made, self.sink, self.chance = made, sink, random.Random(seed)
        self.report = Report()
        made.environ |= {**sink.environment, "LOG_LEVEL": "WARNING"}
        migrated.install(made)
        made.manage("create_organization", "lantern", "--name", "Lantern", "--currency", "EUR", "--region", "DE")
        file = made.folder / "tide-atlas.pdf"
        file.write_bytes(b"%PDF-1.7 the whole Tide Atlas")
        made.manage(
            "add_product", "--organization", "lantern", "--sku", SKU, "--title", "Tide Atlas", "--kind", "ebook",
            "--price", "39.00", "--currency", "EUR", "--file", str(file),
        )  # fmt: skip
        self.path = made.manage(
            "connect_channel", "--organization", "lantern", "--kind", "api", "--domain", "till.example",
            "--secret", SECRET, "--no-register",
        ).json["webhook_url"]  # fmt: skip
        self.web = made.serve("--processes", "2", "--threads", "4")
        self.worker = made.start("work")
        self.victims: Mapping[str, Callable[[], None]] = {
            "web process": self._kill_web_process,
            "web server": self._kill_web_server,
            "worker": self._kill_worker,
            "cluster": self._kill_cluster,
            "worker and cluster": self._kill_worker_and_cluster,
            "database": self._kill_database,
        }

    def run(
        self, kills: int, *, rate: float = 20.0, pause: tuple[float, float] = (1.0, 4.0), leases_end: bool = False
    ) -> Report:
        """With `leases_end` what the killed had claimed is given free at once, as two minutes later it would be."""
        sender = Sender(self.made.port, self.path, rate=rate)
        sender.start()
        time.sleep(2)
        names = list(self.victims)
        for number in range(kills):
            # Every kind in turn, shuffled each time round, so that few kills are many kinds.
            if number % len(names) == 0:
                self.chance.shuffle(names)
            kind = names[number % len(names)]
            self.report.kills[kind] = self.report.kills.get(kind, 0) + 1
            at = time.monotonic()
            self.victims[kind]()
            time.sleep(self.chance.uniform(*pause))
            self._wait_for_return(sender, at)
        sender.end()
        self.made.kill(self.worker, signal.SIGTERM)
        self._end_orphans()
        if leases_end:
            self._end_leases()
        began = time.monotonic()
        self.made.manage("work", "--until-idle", "--seconds", str(IDLE_WITHIN), seconds=IDLE_WITHIN + 60)
        self.report.until_idle_seconds = round(time.monotonic() - began, 1)
        self._count(sender)
        return self.report

    def _wait_for_return(self, sender: Sender, at: float) -> None:
        deadline = at + 60
        while not any(moment > at for moment in list(sender.acknowledged.values())[-50:]):
            assert time.monotonic() < deadline, "no delivery is taken any more"
            time.sleep(0.05)
        back = min(moment for moment in sender.acknowledged.values() if moment > at) - at
        self.report.slowest_return_seconds = round(max(self.report.slowest_return_seconds, back), 2)

    # Killing --------------------------------------------------------------------------------------------------

    def _kill_web_process(self) -> None:
        children = psutil.Process(self.web.pid).children()
        if children:
            _kill(self.chance.choice(children))

    def _kill_web_server(self) -> None:
        self.made.kill(self.web)
        self.web = self.made.start("serve", "--port", str(self.made.port), "--processes", "2", "--threads", "4")

    def _kill_worker(self) -> None:
        os.kill(self.worker.pid, signal.SIGKILL)
        self.worker.wait(30)
        self.worker = self.made.start("work")

    def _kill_cluster(self) -> None:
        for process in self._clusters():
            _kill(process)

    def _kill_worker_and_cluster(self) -> None:
        clusters = self._clusters()
        os.kill(self.worker.pid, signal.SIGKILL)
        for process in clusters:
            _kill(process)
        self.worker.wait(30)
        self.worker = self.made.start("work")

    def _kill_database(self) -> None:
        with suppress(OSError, ValueError):
            note = self.made.cluster.folder / "postmaster.pid"
            os.kill(int(note.read_text().split("\n", 1)[0]), signal.SIGKILL)

    def _clusters(self) -> list[psutil.Process]:
        """Every process of a django-q2 cluster of this installation, also of one whose parent was killed."""
        return [process for process in self._own() if "qcluster" in _command(process)]

    def _own(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get("AFTERSALE_DATA") == str(self.made.data):
                    found.append(process)
        return found

    def _end_orphans(self) -> None:
        deadline = time.monotonic() + 15
        while self._clusters() and time.monotonic() < deadline:
            time.sleep(0.2)
        for process in self._clusters():
            _kill(process)

    def _end_leases(self) -> None:
        with psycopg.connect(self.made.cluster.url(embedded.SUPERUSER), connect_timeout=10) as connection:
            for table in LEASED:
                connection.execute(f"UPDATE {table} SET lease_until = now() WHERE lease_until > now()")

    # Counting -------------------------------------------------------------------------------------------------

    def _count(self, sender: Sender) -> None:
        report = self.report
        state = self.made.manage("snapshot", "--organization", "lantern").json
        report.sent, report.acknowledged = sender.sent, len(sender.acknowledged)
        report.answers = dict(sorted(sender.answers.items()))
        numbers = Counter(row["external_id"] for row in state["orders"])
        report.orders, report.quarantined = len(numbers), len(state["quarantined"])
        report.lost = [f"o-{number}" for number in sender.acknowledged if f"o-{number}" not in numbers]
        report.doubled = [name for name, count in numbers.items() if count > 1]
        report.doubled += [row["external_id"] for row in state["orders"] if len(row["entitlements"]) != 1]
        self._count_mails(numbers)
        self._count_totals(state)
        checked = self.made.manage("verify_profiles", "--organization", "lantern", check=False)
        report.recount = checked.err.strip() if checked.code else ""

    def _count_mails(self, numbers: Mapping[str, int]) -> None:
        report = self.report
        mails: dict[str, list[str]] = {}
        for mail in self.sink.messages:
            mails.setdefault(mail.recipients[0], []).append(mail.message_id)
        for name in numbers:
            ids = mails.pop(address(int(name.removeprefix("o-"))), [])
            if not ids:
                report.unreached.append(name)
            elif len(set(ids)) > 1:
                report.second_receipts.append(name)
            report.extra_copies += max(0, len(ids) - 1)
        report.second_receipts += list(mails)

    def _count_totals(self, state: Mapping[str, Any]) -> None:
        wanted: dict[str, tuple[int, int]] = {}
        for row in state["orders"]:
            card = next(key for key in row["customer"] if key.startswith("loyalty:"))
            count, cents = wanted.get(card, (0, 0))
            wanted[card] = (count + 1, cents + _cents(row["total"]))
        for profile in state["profiles"]:
            card = next(key for key in profile["identifiers"] if key.startswith("loyalty:"))
            told = (profile["orders"], _cents(profile["lifetime_value"]["EUR"]))
            if wanted.pop(card, None) != told:
                self.report.wrong_totals.append(card)
        self.report.wrong_totals += list(wanted)


def _cents(text: str) -> int:
    return int(text.replace(".", ""))


def _command(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return list(process.cmdline())
    return []


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.Error):
        process.kill()


def run(kills: int, *, rate: float, seed: int, **more: Any) -> Report:
    """A whole installation from its first migration to its last count."""
    with servers.MailServer() as sink, servers.Installation() as made:
        rig = Rig(made, sink, seed=seed)
        try:
            return rig.run(kills, rate=rate, **more)
        finally:
            rig._end_orphans()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--rate", type=float, default=20.0, help="deliveries a second")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    report = run(given.kills, rate=given.rate, seed=given.seed)
    faults = report.faults()
    sys.stdout.write(json.dumps({"seed": given.seed, **asdict(report), "faults": faults}, indent=2) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
