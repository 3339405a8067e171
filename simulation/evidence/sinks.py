"""What reached the outside world: the gateways' sinks, and the bookings the hospital has from its own topic."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from simulation.history.facts import Booking, Receipt
from simulation.http_client import Address, connection
from simulation.http_wire import prepare


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


async def hospital(url: str) -> tuple[list[Booking], list[str]]:
    """The hospital's bookings that were not cancelled, and what it complains of: missing positions, versions out of order."""
    address = Address.of(url)
    async with connection(address) as own:
        answer = await own.insist(prepare("GET", "/bookings", address.name))
    content = orjson.loads(answer.body)
    live = [_booking(one) for one in content["bookings"] if one["status"] != "cancelled"]
    return live, [f"position {gap} is missing" for gap in content["gaps"]] + list(content.get("problems", ()))


def _booking(one: dict[str, Any]) -> Booking:
    return Booking(
        booking_ref=one["booking_ref"],
        version=one["version"],
        practitioner=UUID(one["practitioner"]),
        site=UUID(one["site"]) if one["site"] else None,
        room=UUID(one["room"]) if one["room"] else None,
        start=datetime.fromisoformat(one["start"]),
        end=datetime.fromisoformat(one["end"]),
    )
