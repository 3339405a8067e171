"""Recording a span after the fact, with the ids that were handed out for it before.

Attribute names follow the OpenTelemetry conventions (HTTP stable, messaging in development, 1.44); what is not
on the list is dropped, so that no key, path, query or value of a person can get into a trace.
"""

import threading
from collections.abc import Mapping, Sequence

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

ALLOWED = frozenset(
    {
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "messaging.system",
        "messaging.operation.name",
        "messaging.operation.type",
        "messaging.destination.name",
        "messaging.consumer.group.name",
        "messaging.batch.message_count",
        "messaging.message.id",
        "humqadam.event.type",
        "case_id",
        "error.type",
    }
)

Value = str | int | float | bool

UNSET, FAILED = Status(StatusCode.UNSET), Status(StatusCode.ERROR)

# With a version: without one the Zipkin exporter writes null, and Zipkin refuses the whole message.
SCOPE = InstrumentationScope("humqadam", "1")

_processor: SpanProcessor | None = None
_resource = Resource.get_empty()


def use(processor: SpanProcessor, resource: Resource) -> None:
    """Where the spans of this process go, and whose they are."""
    global _processor, _resource
    _processor, _resource = processor, resource


def flush(milliseconds: int) -> None:
    """Sends what is left, for at most so long: the SDK's own flush sends batch after batch whatever time it is
    given, each for as long as a collector that does not answer may take."""
    if _processor is not None:
        sending = threading.Thread(target=_processor.force_flush, args=(milliseconds,), daemon=True)
        sending.start()
        sending.join(milliseconds / 1000)


def record_span(  # noqa: PLR0913 - a span is that many facts
    own: str,
    *,
    parent: str | None,
    name: str,
    kind: SpanKind,
    times: tuple[int, int],
    attributes: Mapping[str, Value] | None = None,
    links: Sequence[str] = (),
) -> None:
    """One finished span. `own` and `parent` are traceparents, `times` nanoseconds since 1970 (start, end).

    Made in one piece: a tracer's start and end take ten times as long (31 against 3 µs).
    """
    if _processor is None:
        return
    failed = attributes is not None and "error.type" in attributes
    _processor.on_end(
        ReadableSpan(
            name,
            context_of(own),
            parent=context_of(parent) if parent else None,
            resource=_resource,
            attributes={key: value for key, value in (attributes or {}).items() if key in ALLOWED},
            links=[Link(context_of(link)) for link in links],
            kind=kind,
            instrumentation_scope=SCOPE,
            status=FAILED if failed else UNSET,
            start_time=times[0],
            end_time=times[1],
        )
    )


def context_of(traceparent: str) -> SpanContext:
    """The SDK's form of a traceparent."""
    return SpanContext(
        trace_id=int(traceparent[3:35], 16),
        span_id=int(traceparent[36:52], 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
