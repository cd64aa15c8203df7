"""Processes killed at random moments under load: a short run of the rig, which has a long one of its own."""

import os
import signal
import time

import psutil
import pytest

from tests import migrated, servers
from tests.faults import rig


@pytest.mark.slow
def test_six_kills_lose_nothing_and_do_nothing_twice() -> None:
    report = rig.run(6, rate=20, seed=20261121, pause=(0.5, 2.0), leases_end=True)
    assert sum(report.kills.values()) == 6 and set(report.kills.values()) == {1}
    assert report.acknowledged == report.sent == report.orders > 60
    assert report.faults() == []


@pytest.mark.slow
def test_a_killed_worker_takes_its_cluster_with_it(installation: servers.Installation) -> None:
    """Left alone, a cluster would go on for ever without its watch, and one more with each restart."""
    migrated.install(installation)
    worker = psutil.Process(installation.start("work").pid)
    servers.wait_until(lambda: len(worker.children(recursive=True)) >= 5, what="the cluster")
    family = worker.children(recursive=True)
    os.kill(worker.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=20)
    for process in alive:
        process.kill()
    assert alive == []


@pytest.mark.slow
def test_a_killed_cluster_is_started_again(installation: servers.Installation) -> None:
    migrated.install(installation)
    worker = psutil.Process(installation.start("work").pid)
    servers.wait_until(lambda: bool(worker.children()), what="the cluster")
    (cluster,) = worker.children()
    time.sleep(1)
    cluster.kill()
    servers.wait_until(lambda: any(child.pid != cluster.pid for child in worker.children()), what="a new cluster")
    os.kill(worker.pid, signal.SIGTERM)
    psutil.wait_procs([worker], timeout=30)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
