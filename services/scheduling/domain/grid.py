"""Starts on a quarter-hour grid as the bits of one integer: bit i is the minute origin + 15 i.

Every constraint becomes the set of starts it allows or blocks, worked out from exact minutes. (Marking busy
quarters and shifting them by length and buffer would round 50 + 10 minutes up and lose hours.)
"""

from collections.abc import Iterable, Iterator

from services.scheduling.domain.wall_time import Span

QUARTER = 15  # every offset in use is a multiple of it, so grid points are quarter hours on every wall


def on_grid(minute: int) -> bool:
    """Whether an appointment may start at this minute."""
    return minute % QUARTER == 0


def starts_inside(spans: Iterable[Span], length: int, origin: int) -> int:
    """Starts from which `length` minutes lie wholly inside one of the spans; touching spans must be merged."""
    mask = 0
    for start, end in spans:
        mask |= _bits(-((origin - start) // QUARTER), (end - length - origin) // QUARTER)
    return mask


def starts_touching(starts: Iterable[int], ends: Iterable[int], length: int, buffer: int, origin: int) -> int:
    """Starts from which (start - buffer, start + length + buffer) would overlap one of the busy spans."""
    before, mask = length + buffer + origin, 0
    after = buffer - origin + QUARTER - 1
    for start, end in zip(starts, ends, strict=True):
        first = (start - before) // QUARTER + 1
        count = (end + after) // QUARTER - (first if first > 0 else 0)
        if count > 0:
            mask |= ((1 << count) - 1) << first if first > 0 else (1 << count) - 1
    return mask


def between(first: int, last: int, origin: int) -> int:
    """Starts from minute `first` to minute `last`, both included."""
    return _bits(-((origin - first) // QUARTER), (last - origin) // QUARTER)


def earliest(mask: int, origin: int) -> int | None:
    """The minute of the first start, if there is one."""
    return origin + ((mask & -mask).bit_length() - 1) * QUARTER if mask else None


def bit(minute: int, origin: int) -> int:
    """The one start at this minute, which must be on the grid and not before the origin."""
    return 1 << (minute - origin) // QUARTER


def minutes(mask: int, origin: int) -> Iterator[int]:
    """All starts in order."""
    while mask:
        lowest = mask & -mask
        yield origin + (lowest.bit_length() - 1) * QUARTER
        mask ^= lowest


def _bits(first: int, last: int) -> int:
    first = max(first, 0)
    return ((1 << (last - first + 1)) - 1) << first if last >= first else 0
