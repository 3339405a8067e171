"""The hospital's books: what it was told, whether anything is missing, and how far it has read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from simulation.gateways.books import Books


@dataclass(slots=True)
class Ledger:
    """Pure bookkeeping. An event told twice changes nothing; a version that does not rise is noted."""

    bookings: dict[str, dict[str, Any]] = field(default_factory=dict)
    positions: set[int] = field(default_factory=set)
    offsets: dict[int, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def enter(self, line: dict[str, Any]) -> None:
        """One event as it was read: {partition, offset, kind, booking}."""
        self.offsets[line["partition"]] = line["offset"] + 1
        booking = line["booking"]
        if booking["position"] in self.positions:
            return
        self.positions.add(booking["position"])
        known = self.bookings.get(booking["booking_ref"])
        expected = known["version"] + 1 if known else booking["version"]
        if booking["version"] != expected:
            self.problems.append(
                f"position {booking['position']}: version {booking['version']}, not {expected}"
            )
        if known is None or booking["version"] > known["version"]:
            self.bookings[booking["booking_ref"]] = booking

    @property
    def position(self) -> int:
        """The highest position told."""
        return max(self.positions, default=0)

    @property
    def gaps(self) -> list[int]:
        """Positions below the highest that were never told: what a partner would ask about."""
        return sorted(set(range(1, self.position + 1)) - self.positions)


def hospital_books(folder: Path) -> Books[Ledger]:
    """The hospital's, as they were left."""
    return Books(folder / "hospital.jsonl", Ledger())


def as_lines(records: Sequence[Any]) -> list[dict[str, Any]]:
    """Kafka records as lines of the books; `id` is the CloudEvents id."""
    return [
        {
            "id": dict(record.headers).get("ce_id", b"").decode(),
            "partition": record.partition,
            "offset": record.offset,
            "kind": dict(record.headers).get("ce_type", b"").decode(),
            "booking": orjson.loads(record.value),
        }
        for record in records
    ]
