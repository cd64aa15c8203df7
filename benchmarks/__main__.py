"""Run every benchmark, one after the other: `make bench`, or `python -m benchmarks settle` for one."""

import subprocess
import sys

SCRIPTS = (
    "intake",
    "settle",
    "fulfil",
    "mail",
    "publish",
    "identity",
    "likeness",
    "lists",
    "download",
    "imports",
    "ledger",
    "analytics",
    "reconcile",
    "differences",
)


def main() -> int:
    wanted = sys.argv[1:] or SCRIPTS
    return max(subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode for name in wanted)


if __name__ == "__main__":
    sys.exit(main())
