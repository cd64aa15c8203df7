"""What Prometheus may read about this process; the figures of the business come from the database when asked."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

registry = CollectorRegistry()

requests = Counter("aftersale_requests", "Requests answered.", ["method", "route", "status"], registry=registry)
seconds = Histogram("aftersale_request_seconds", "How long requests took.", ["route"], registry=registry)


def request_answered(method: str, route: str, status: int, took: float) -> None:
    requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
    seconds.labels(route).observe(took)


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(oldest_due_seconds: float | None) -> bytes:
    """Every process's figures where several share a folder, else this one's, and the age of the oldest due work."""
    asked = CollectorRegistry()
    due = Gauge("aftersale_oldest_due_seconds", "How long the oldest due work has been waiting.", registry=asked)
    due.set(oldest_due_seconds or 0)
    reachable = Gauge("aftersale_up", "This process answers.", registry=asked)
    reachable.set(1)
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
    else:
        shared = registry
    return generate_latest(shared) + generate_latest(asked)
