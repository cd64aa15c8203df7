"""What Prometheus may read about this process; the figures of the business come from the database when asked."""

import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

registry = CollectorRegistry()

requests = Counter("aftersale_requests", "Requests answered.", ["method", "route", "status"], registry=registry)
seconds = Histogram("aftersale_request_seconds", "How long requests took.", ["route"], registry=registry)


def request_answered(method: str, route: str, status: int, took: float) -> None:
    counted, timed = _series(method if method in _METHODS else "other", route, status)
    counted.inc()
    timed.observe(took)


@lru_cache(maxsize=4096)
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Finding a labelled series costs more than counting in it."""
    return requests.labels(method, route, str(status)), seconds.labels(route)


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def share(folder: Path) -> None:
    """Keep the figures in this folder from now on, so that any process of a server can tell those of all."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    # Read once at import, and others import the library before us.
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]


CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Asked:
    """Figures that are found out when Prometheus asks: they belong to the installation, not to a process."""

    def __init__(self, figures: Mapping[str, tuple[str, float]]) -> None:
        self.figures = figures

    def collect(self) -> Iterator[Metric]:
        for name, (meaning, value) in self.figures.items():
            yield GaugeMetricFamily(name, meaning, value=value)


def exposition(figures: Mapping[str, tuple[str, float]]) -> bytes:
    """Every process's own figures where several share a folder, else this one's, and those just found out."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        own = CollectorRegistry()
        MultiProcessCollector(own)  # type: ignore[no-untyped-call]
    else:
        own = registry
    asked = CollectorRegistry()
    asked.register(_Asked(figures))
    return generate_latest(own) + generate_latest(asked)
