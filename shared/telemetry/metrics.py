"""The text of /metrics (Prometheus exposition format 0.0.4) from what the loops of a process count."""

from collections.abc import Iterable, Mapping
from typing import Protocol


class Counted(Protocol):
    """Something with a name and figures."""

    name: str

    def metrics(self) -> Mapping[str, float]: ...


def render_metrics(service: str, loops: Iterable[Counted], process: Mapping[str, float]) -> bytes:
    """One line per figure; labels are the service and the loop's name, both from closed sets."""
    lines = [f'humqadam_{name}{{service="{service}"}} {value:g}' for name, value in process.items()]
    for loop in loops:
        lines += [
            f'humqadam_{name}{{service="{service}",loop="{loop.name}"}} {value:g}'
            for name, value in loop.metrics().items()
        ]
    return ("\n".join(sorted(lines)) + "\n").encode()
