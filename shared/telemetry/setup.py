"""Where a process's spans go: spans are recorded when we say so, exported off the loop, never a failure."""

import logging

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from shared.settings import ProcessSettings
from shared.telemetry import spans
from shared.telemetry.logs import start_logs


def start_telemetry(service: str, role: str, process: ProcessSettings) -> None:
    """Logs as JSON; spans to Zipkin, to an OTLP collector, or nowhere. `service` names the node in the viewer."""
    start_logs(service, role, process.log_level)
    exporter = _exporter(process)
    if exporter is None:
        return
    # An exporter that cannot reach its collector must not fill the logs.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    # Sampling is decided on the traceparent, before a span object exists.
    processor = BatchSpanProcessor(
        exporter, max_queue_size=8192, schedule_delay_millis=2000, export_timeout_millis=2000
    )
    spans.use(processor, Resource.create({"service.name": service, "service.instance.id": role}))


def stop_telemetry() -> None:
    """Sends what is left, for at most a second."""
    spans.flush(1000)


def _exporter(process: ProcessSettings) -> SpanExporter | None:
    if process.otel_traces_exporter == "zipkin":
        from opentelemetry.exporter.zipkin.json import ZipkinExporter

        return ZipkinExporter(endpoint=process.zipkin_endpoint, timeout=2)
    if process.otel_traces_exporter == "otlp":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    return None
