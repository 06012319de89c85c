"""Counts for Prometheus. Labels come from our own routes and words, never from a caller's text."""

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.responses import Response

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Requests, their duration, and scores by risk band, of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "gridkeep_requests", "Requests answered", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "gridkeep_request_seconds",
            "Time to the answer",
            ["route"],
            registry=self._registry,
            buckets=SECONDS,
        )
        self._scores = Counter(
            "gridkeep_scores", "Customers scored", ["risk_band"], registry=self._registry
        )

    def answered(self, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def scored(self, risk_band: str) -> None:
        """One customer was scored."""
        self._scores.labels(risk_band).inc()

    def page(self) -> Response:
        """The exposition, of all workers where the server has set them up to share."""
        registry = self._registry
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
