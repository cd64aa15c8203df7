"""What the tests of imports share: files made of a few words, and the command as an operator calls it."""

import io
import json
from pathlib import Path
from typing import Any

from django.core.management import call_command

from tests.stage import Stage

HEAD = "order_id,order_date,email,sku,quantity,currency,gross,fee,net,status"
PAYOUT_HEAD = "payout_id,payout_date,currency,gross,fee,net,order_ids"


def row(number: int | str, **changes: str) -> str:
    """One row of the generic orders file; every field can be said otherwise."""
    fields = {
        "order_id": f"o-{number}" if isinstance(number, int) else number,
        "order_date": "2026-03-04",
        "email": f"buyer{number}@example.org",
        "sku": "EBOOK-TIDE-EN",
        "quantity": "1",
        "currency": "EUR",
        "gross": "10.00",
        "fee": "0.50",
        "net": "9.50",
        "status": "paid",
        **changes,
    }
    return ",".join(fields.values())


def csv(*rows: str, head: str = HEAD) -> bytes:
    return "".join(f"{line}\n" for line in (head, *rows)).encode()


def run(stage: Stage, folder: Path, content: bytes, *arguments: str, name: str = "orders.csv", **more: str) -> Any:
    """`import_csv --json` of this content; what it printed."""
    path = folder / name
    path.write_bytes(content)
    options = {"channel": "csv:old-shop", "mode": "orders", **more}
    flags = [text for option, value in options.items() for text in (f"--{option}", value)]
    printed = io.StringIO()
    call_command("import_csv", str(path), "--organization", stage.slug, "--json", *flags, *arguments, stdout=printed)
    return json.loads(printed.getvalue())


def counts(result: Any) -> tuple[int, int, int]:
    return result["accepted"], result["rejected"], result["known"]


def undo(stage: Stage, number: int) -> Any:
    printed = io.StringIO()
    call_command("import_csv", "--organization", stage.slug, "--json", "--undo", str(number), stdout=printed)
    return json.loads(printed.getvalue())
