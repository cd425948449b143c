"""What Prometheus may ask for at ``/metrics``."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = ["Counts"]

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Counts:
    """Counters of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "gatecast_requests",
            "Requests by route, method and status.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "gatecast_request_seconds",
            "Seconds until the answer was sent.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.rows = Counter("gatecast_rows_observed", "Rows that were acknowledged.", registry=self.registry)
        self.passes = Histogram(
            "gatecast_requests_per_pass",
            "Forecasts that were made in one pass.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            registry=self.registry,
        )
        self.jobs = Gauge("gatecast_jobs", "Jobs by state.", ("state",), registry=self.registry)
        self.waiting = Gauge("gatecast_waiting", "Requests that wait for a model.", registry=self.registry)
        self.models = Gauge("gatecast_models", "Models in the store.", registry=self.registry)
        self.streams = Gauge("gatecast_streams", "Open streams of events.", registry=self.registry)

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        return generate_latest(self.registry)
