"""The office's books: how each booking stands, and up to which position of the feed that is true."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulation.gateways.sink import Sink, whole_lines

Line = Mapping[str, Any]


@dataclass(slots=True)
class FeedLedger:
    """Pure bookkeeping; `position` is None until the first snapshot. What cannot be is noted, and taken all the same."""

    bookings: dict[str, dict[str, Any]] = field(default_factory=dict)
    position: int | None = None
    snapshots: int = 0
    problems: list[str] = field(default_factory=list)

    def enter(self, line: Line) -> None:
        """A line of the books: a whole snapshot, or one event of the feed."""
        if "snapshot" in line:
            self._begin_again(line["snapshot"], line["bookings"])
        else:
            self._go_on(line["booking"])

    def _begin_again(self, position: int, bookings: list[dict[str, Any]]) -> None:
        if self.position is not None and position < self.position:
            self.problems.append(f"snapshot of position {position} after position {self.position}")
        self.position, self.snapshots = position, self.snapshots + 1
        self.bookings = {one["booking_ref"]: one for one in bookings}
        if late := sorted(one["position"] for one in bookings if one["position"] > position):
            self.problems.append(f"snapshot of position {position} knows position {late[0]}")

    def _go_on(self, booking: dict[str, Any]) -> None:
        expected = (self.position or 0) + 1
        if booking["position"] != expected:
            self.problems.append(f"position {booking['position']}, not {expected}")
        self.position = booking["position"]
        known = self.bookings.get(booking["booking_ref"])
        version = known["version"] + 1 if known else booking["version"]
        if booking["version"] != version:
            self.problems.append(
                f"position {booking['position']}: version {booking['version']}, not {version}"
            )
        self.bookings[booking["booking_ref"]] = booking


class FeedBooks:
    """The ledger on disk, line by line; what is in a line is true up to its position, so a crash loses nothing."""

    def __init__(self, folder: Path) -> None:
        file = folder / "network.jsonl"
        self.ledger = FeedLedger()
        for line in whole_lines(file):
            self.ledger.enter(line)
        self._sink = Sink(file)

    async def enter(self, lines: Iterable[dict[str, Any]]) -> None:
        """On disk first, then in the books."""
        kept = list(lines)
        await self._sink.append(kept)
        for line in kept:
            self.ledger.enter(line)

    def close(self) -> None:
        """After the last entry."""
        self._sink.close()
