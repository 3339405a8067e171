"""Recording a span after the fact, with the ids that were handed out for it before.

Attribute names follow the OpenTelemetry conventions (HTTP stable, messaging in development, 1.44); what is not
on the list is dropped, so that no key, path, query or value of a person can get into a trace.
"""

from collections.abc import Mapping, Sequence

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context
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


class _GivenIds(IdGenerator):
    """Hands out the ids that the next span was promised."""

    trace_id = 0
    span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


GIVEN_IDS = _GivenIds()
_provider: TracerProvider | None = None


def use(provider: TracerProvider) -> None:
    """The provider of this process."""
    global _provider
    _provider = provider


def flush(milliseconds: int) -> None:
    """Sends what is left."""
    if _provider is not None:
        _provider.force_flush(milliseconds)


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
    """One finished span. `own` and `parent` are traceparents, `times` nanoseconds since 1970 (start, end)."""
    if _provider is None:
        return
    context = context_of(own)
    GIVEN_IDS.trace_id, GIVEN_IDS.span_id = context.trace_id, context.span_id
    around = set_span_in_context(NonRecordingSpan(context_of(parent))) if parent else None
    span = _provider.get_tracer("humqadam").start_span(
        name,
        context=around,
        kind=kind,
        attributes={key: value for key, value in (attributes or {}).items() if key in ALLOWED},
        links=[Link(context_of(link)) for link in links],
        start_time=times[0],
    )
    if attributes and "error.type" in attributes:
        span.set_status(Status(StatusCode.ERROR))
    span.end(times[1])


def context_of(traceparent: str) -> SpanContext:
    """The SDK's form of a traceparent."""
    return SpanContext(
        trace_id=int(traceparent[3:35], 16),
        span_id=int(traceparent[36:52], 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
