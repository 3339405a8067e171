"""Traces, metrics and logs that help operators and tell nothing about a person."""

from shared.telemetry.logs import start_logs
from shared.telemetry.metrics import render_metrics
from shared.telemetry.setup import start_telemetry, stop_telemetry
from shared.telemetry.spans import record_span
from shared.telemetry.traceparent import child_of, force_sampled, is_forced, is_sampled, new_traceparent

__all__ = [
    "child_of",
    "force_sampled",
    "is_forced",
    "is_sampled",
    "new_traceparent",
    "record_span",
    "render_metrics",
    "start_logs",
    "start_telemetry",
    "stop_telemetry",
]
