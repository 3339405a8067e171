"""One request is one trace: ids go on from event to event, and nothing but listed attributes is recorded."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.exporter.zipkin.json import ZipkinExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from shared.messaging.envelope import Envelope
from shared.messaging.incoming import Incoming
from shared.messaging.tracing import batch_traced, failed_for_good, handled
from shared.telemetry import child_of, force_sampled, is_forced, is_sampled, new_traceparent, spans
from shared.telemetry.logs import redact
from shared.telemetry.traceparent import is_valid


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    spans.use(SimpleSpanProcessor(exporter), Resource.get_empty())
    yield exporter
    spans._processor = None


class Traces:
    """What a transaction remembers of causes."""

    def __init__(self) -> None:
        self.known: dict[str, str | None] = {}

    def trace(self, key: str, traceparent: str | None) -> None:
        self.known[key] = traceparent


def incoming(traceparent: str | None) -> Incoming:
    envelope = Envelope(UUID(int=1), "x.y.v1", "x", datetime.now(UTC), "key", 1, traceparent, b"{}")
    return Incoming("x.ys", "key", 0, 0, envelope=envelope)


def one(exporter: InMemorySpanExporter) -> ReadableSpan:
    (span,) = exporter.get_finished_spans()
    return span


def test_a_handled_event_is_a_child_of_its_request_and_the_parent_of_what_follows(exported: Any) -> None:
    request, tx = new_traceparent(True), Traces()
    with handled(tx, "x.y.v1", "readers", [incoming(request)]):  # type: ignore[arg-type]
        pass
    span = one(exported)
    assert span.context
    assert span.parent
    assert f"{span.parent.span_id:016x}" == request[36:52]
    assert f"{span.context.trace_id:032x}" == request[3:35]
    assert tx.known["key"] == f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01"


def test_an_unsampled_event_makes_no_span_and_its_trace_still_goes_on(exported: Any) -> None:
    request, tx = new_traceparent(False), Traces()
    with handled(tx, "x.y.v1", "readers", [incoming(request)]), batch_traced("readers", [incoming(request)]):  # type: ignore[arg-type]
        pass
    assert exported.get_finished_spans() == ()
    assert tx.known["key"] == request


def test_a_dead_letter_is_traced_whatever_the_sampling_said(exported: Any) -> None:
    request = new_traceparent(False)
    failed_for_good("readers", incoming(request), "ValueError with words")
    assert (one(exported).attributes or {})["error.type"] == "ValueError"


def test_no_attribute_that_is_not_listed_gets_into_a_span(exported: Any) -> None:
    spans.record_span(
        new_traceparent(True),
        parent=None,
        name="n",
        kind=spans.SpanKind.SERVER,
        times=(1, 2),
        attributes={"url.path": "/v1/cases/ABC", "http.route": "/v1/cases/{code}"},
    )
    assert dict(one(exported).attributes or {}) == {"http.route": "/v1/cases/{code}"}


def test_what_is_exported_to_the_viewer_holds_nothing_that_it_refuses(exported: Any) -> None:
    parent = new_traceparent(True)
    spans.record_span(
        child_of(parent), parent=parent, name="process x", kind=SpanKind.CONSUMER, times=(1000, 2000)
    )
    viewer = ZipkinExporter()
    (sent,) = json.loads(viewer.encoder.serialize(exported.get_finished_spans(), viewer.local_node))
    assert sent["parentId"] == parent[36:52]
    assert all(isinstance(value, str) for value in sent["tags"].values())
    viewer.shutdown()


def test_forcing_keeps_the_trace_and_sets_its_flag() -> None:
    quiet = new_traceparent(False)
    loud = force_sampled(quiet)
    assert loud
    assert is_sampled(loud)
    assert not is_sampled(quiet)
    assert is_forced(quiet)
    assert child_of(loud)[:36] == quiet[:36]
    assert is_valid(loud)
    assert not is_valid("00-" + "0" * 32 + "-" + "1" * 16 + "-01")


@pytest.mark.parametrize(
    "text",
    ["call +92 399 1234567", "call 03991234567", "mail a.b@example.org", "x DETAIL:  Key (phone)=(1) exists"],
)
def test_logs_lose_what_looks_like_a_person(text: str) -> None:
    assert not any(part in redact(text) for part in ("1234567", "@", "phone"))


def test_logs_keep_ids() -> None:
    line = "case 01940000-1111-7222-8333-444455556666 trace 0af7651916cd43dd8448eb211c80319c"
    assert redact(line) == line
