"""W3C trace context (https://www.w3.org/TR/trace-context/) as plain strings: an unsampled request costs two
random numbers and no span object."""

import random
import re
from collections import OrderedDict

SHAPE = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
FORCED_KEPT = 10_000

# Traces that must be kept although the ratio said no: an alarm, a failure, a parked event.
_forced: OrderedDict[str, None] = OrderedDict()


def new_traceparent(sampled: bool) -> str:
    """A new trace with its first span's id."""
    return (
        f"00-{random.getrandbits(128) | 1:032x}-{random.getrandbits(64) | 1:016x}-{'01' if sampled else '00'}"
    )


def child_of(traceparent: str) -> str:
    """The same trace and decision, the id of a new span."""
    return f"{traceparent[:36]}{random.getrandbits(64) | 1:016x}{traceparent[52:]}"


def is_valid(traceparent: str) -> bool:
    """Whether it may be used; anything else is ignored, never an error."""
    return SHAPE.fullmatch(traceparent) is not None


def is_sampled(traceparent: str | None) -> bool:
    """Whether spans of this trace are recorded."""
    return traceparent is not None and len(traceparent) == 55 and int(traceparent[53:], 16) & 1 == 1


def force_sampled(traceparent: str | None) -> str | None:
    """From here on the trace is recorded, in every service that follows."""
    if traceparent is None:
        return None
    _forced[traceparent[3:35]] = None
    if len(_forced) > FORCED_KEPT:
        _forced.popitem(last=False)
    return f"{traceparent[:53]}01"


def is_forced(traceparent: str) -> bool:
    """Whether this process has forced the trace: its request's span is then recorded at the end."""
    return traceparent[3:35] in _forced
