"""The last span of a request's trace: the call that carried the message out."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from opentelemetry.trace import SpanKind

from services.notifications.domain.outcomes import Accepted, NotTaken, Outcome
from services.notifications.domain.sending import Channel
from services.notifications.repository.sending import Claimed
from shared.telemetry import child_of, force_sampled, is_sampled, record_span


def trace_sends(
    channel: Channel, claimed: Sequence[Claimed], outcomes: Mapping[UUID, Outcome], times: tuple[int, int]
) -> None:
    """A span for each message whose trace is kept; a message that failed is kept whatever the sampling said.
    `times` are nanoseconds since 1970 (start, end)."""
    for one in claimed:
        parent, outcome = one.message.traceparent, outcomes.get(one.message.id)
        if not isinstance(outcome, Accepted | NotTaken):
            parent = force_sampled(parent)
        if parent is not None and is_sampled(parent):
            record_span(
                child_of(parent),
                parent=parent,
                name=f"send {channel}",
                kind=SpanKind.CLIENT,
                times=times,
                attributes=_attributes(one, channel, outcome),
            )


def _attributes(
    one: Claimed, channel: Channel, outcome: Outcome | None
) -> dict[str, str | int | float | bool]:
    told: dict[str, str | int | float | bool] = {
        "messaging.operation.type": "send",
        "messaging.operation.name": f"send {channel}",
        "messaging.destination.name": channel,
        "case_id": str(one.message.case_id),
    }
    if not isinstance(outcome, Accepted):
        told["error.type"] = getattr(outcome, "reason", "address_unreadable")
    return told
