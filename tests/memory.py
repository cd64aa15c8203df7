"""What a command holds in memory, and what it loads: told by processes of their own."""

import subprocess
import sys

from tests import servers

# A process takes over the peak of the one that begins it: this one is small.
_MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""
_LOADED = """
import importlib, sys
import django
django.setup()
importlib.import_module(sys.argv[1])
print(*sys.modules)
"""


def peak(installation: servers.Installation, *arguments: str) -> float:
    """The megabytes that `manage.py` with these arguments held at most."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, sys.executable, str(servers.ROOT / "manage.py"), *arguments],
        capture_output=True,
        text=True,
        env=installation.environment(),
        cwd=installation.folder,
        check=False,
    )
    assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{done.stderr}"
    return round(int(done.stdout) * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)


def loaded(module: str, **environment: str) -> set[str]:
    """The modules that a process has after it began as `manage.py` does and loaded this one."""
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, module],
        capture_output=True,
        text=True,
        env=environment,
        cwd=servers.ROOT,
        check=True,
    )
    return set(done.stdout.split())
