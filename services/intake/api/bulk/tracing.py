"""Each line begins a trace of its own, as a single post would: a whole file in one trace could not be followed."""

import time
from collections.abc import Sequence

from opentelemetry.trace import SpanKind

from shared.telemetry import is_forced, is_sampled, record_span


def record_lines(traceparents: Sequence[str], *, upload: str, path: str, started: int) -> None:
    """The spans of the lines of one batch that are followed; each links to the upload it came in.

    `started` in nanoseconds since 1970, when the batch was read; all ended now, when it is durable.
    """
    ended = time.time_ns()
    for own in traceparents:
        if is_sampled(own) or is_forced(own):
            record_span(
                own,
                parent=None,
                name=f"POST {path}",
                kind=SpanKind.SERVER,
                times=(started, ended),
                attributes={"http.request.method": "POST", "http.route": path},
                links=[upload],
            )
