"""What reached the outside world: the gateways' sinks, and the bookings partners have from their own topic or feed."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from simulation.history.facts import Booking, Receipt
from simulation.http_client import Address, connection
from simulation.http_wire import prepare

# How a booking stands that is no appointment, or none any more.
NO_APPOINTMENT = ("held", "cancelled")


def receipts(folder: Path, *, since: float) -> list[Receipt]:
    """Every message that reached a sink from that Unix time on, in the order of its file."""
    return [
        Receipt(line["id"], line["to"], line["received_at"])
        for name in ("sms.jsonl", "mail.jsonl", "whatsapp.jsonl")
        for line in _lines(folder / name)
        if line["received_at"] >= since
    ]


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    if file.exists():
        with file.open("rb") as lines:
            yield from (orjson.loads(line) for line in lines if line.endswith(b"\n"))


async def books(url: str, path: str, holder: str) -> tuple[list[Booking], list[str]]:
    """A partner's bookings that are appointments and were not cancelled, and what it complains of: missing positions, versions out of order."""
    address = Address.of(url)
    async with connection(address) as own:
        answer = await own.insist(prepare("GET", path, address.name))
    content = orjson.loads(answer.body)
    live = [_booking(one, holder) for one in content["bookings"] if one["status"] not in NO_APPOINTMENT]
    return live, [f"{holder}: position {gap} is missing" for gap in content["gaps"]] + [
        f"{holder}: {problem}" for problem in content["problems"]
    ]


def _booking(one: dict[str, Any], holder: str) -> Booking:
    return Booking(
        booking_ref=one["booking_ref"],
        holder=holder,
        version=one["version"],
        practitioner=UUID(one["practitioner"]),
        site=UUID(one["site"]) if one["site"] else None,
        room=UUID(one["room"]) if one["room"] else None,
        start=datetime.fromisoformat(one["start"]),
        end=datetime.fromisoformat(one["end"]),
    )
