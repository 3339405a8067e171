"""The office's books: how each booking stands, and up to which position of the feed that is true."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulation.gateways.books import Books


@dataclass(slots=True)
class FeedLedger:
    """Pure bookkeeping; `position` is None until the first snapshot. What cannot be is noted, and taken all the same."""

    bookings: dict[str, dict[str, Any]] = field(default_factory=dict)
    position: int | None = None
    snapshots: int = 0
    problems: list[str] = field(default_factory=list)

    def enter(self, line: dict[str, Any]) -> None:
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


def network_books(folder: Path) -> Books[FeedLedger]:
    """The office's, as they were left."""
    return Books(folder / "network.jsonl", FeedLedger())
